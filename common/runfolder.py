"""The run folder: everything needed to predict again, and the proof that it belongs together.

settings.json       competition, pipeline, settings, seed, folds, what the data are called
environment.json    commit, versions, device, seconds
folds.parquet       sample, id, fold, group, targets
fold<k>/            the fold's model, history.csv, steps.csv; resume.pt while it is being trained
rate_finder.csv     rate.json              where a learning rate was looked for: curve and choice
tensorboard/  wandb/  trackio/             what a tracker wrote, where one was asked for
memory.json         in how many parts a batch fits, where it did not fit whole
left_out.json       what the budget did not hold
oof.parquet         out-of-fold predictions (or the collector's files)
oof_submission.csv  oof_solution.csv       what `score` reads
decision.json  scores.json  test.parquet  submission.csv  report.html
shared/             what prediction needs besides the models
FIXTURE.json        where the data are a fixture: its name and rungs
manifest.json       the SHA-256 of every file that prediction reads
UNFINISHED          there until the run has ended well
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import RunError

MARK = "UNFINISHED"
MANIFEST = "manifest.json"
CHECKPOINT = "resume.pt"
SETTINGS = "settings.json"
LEFT_OUT = "left_out.json"
BLEND = "blend"  # in the settings of a run that was made of others: the method and its parts
FACTS = {"competition", "pipeline", "settings", "seed", "folds", "data"}


@dataclass(frozen=True)
class RunFolder:
    """A run on disk."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def shown(self) -> str:
        """The folder as a person would type it."""
        return paths.shown(self.path)

    @property
    def shared(self) -> Path:
        return self.path / "shared"

    def fold(self, fold: int | None) -> Path:
        """The folder of a fold's model."""
        return self.path / f"fold{'all' if fold is None else fold}"

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """Keeps other processes from writing this run for the length of the block; gives the
        lock's descriptor, for child processes that write, too.

        Raises: RunError where one is writing it.
        """
        held = f"another process is writing {self.shown}"
        with files.locked(paths.lock_file(self.path), held) as lock:
            yield lock

    # ---- beginning and end -------------------------------------------------------------------

    def begin(self, facts: dict[str, Any], *, overwrite: bool, resume: bool) -> None:
        """Makes the folder: new, in place of an old one, or that of the same run, unfinished.

        Raises: RunError where the folder holds a run and neither was asked for, where it holds
        something that is no run, or where the run to be resumed had other settings.
        """
        if self.path.exists():
            if not self.path.is_dir() or not self.path.name:
                raise RunError(f"{self.shown} is no folder for a run; name another with --run")
            self._make_room(facts, overwrite=overwrite, resume=resume)
            self._clear_parts()
        files.make_folder(self.path)
        self._mark("no fold is finished")
        if not (self.path / SETTINGS).exists():
            files.write_json(self.path / SETTINGS, facts)
            self.record([self.path / SETTINGS])

    def _make_room(self, facts: dict[str, Any], *, overwrite: bool, resume: bool) -> None:
        shown = self.shown
        is_run = (self.path / SETTINGS).is_file() or (self.path / MARK).is_file()
        if not is_run and any(self.path.iterdir()):
            raise RunError(f"{shown} holds other files; name a new or empty folder for the run")
        if overwrite:
            self._set_aside()
        elif is_run and not resume:
            state = "an unfinished run" if (self.path / MARK).is_file() else "a run"
            raise RunError(
                f"{shown} holds {state}; name another with --run, go on with --resume, or "
                "replace it with --overwrite"
            )
        elif (self.path / SETTINGS).is_file():
            self._check_same(facts)

    def _clear_parts(self) -> None:
        """Removes what a killed process was writing."""
        for part in self.path.rglob(".*.part"):
            part.unlink()

    @property
    def replaced(self) -> Path:
        """Where a run that is being replaced waits until the new one has ended well."""
        return self.path.parent / f".{self.path.name}.replaced"

    def _set_aside(self) -> None:
        if self.replaced.exists():  # an earlier attempt to replace it did not end well
            shutil.rmtree(self.path)
        else:
            self.path.rename(self.replaced)

    def restore_replaced(self) -> None:
        """Puts back the run that was to be replaced, if the new one has no fold and no checkpoint
        yet."""
        has_fold = any(name.startswith("fold") and "/" in name for name in self._manifest())
        has_work = has_fold or any(self.path.glob(f"fold*/{CHECKPOINT}"))
        if self.replaced.exists() and not has_work:
            shutil.rmtree(self.path, ignore_errors=True)
            self.replaced.rename(self.path)

    def _check_same(self, facts: dict[str, Any]) -> None:
        before = files.read_json(self.path / SETTINGS)
        for name, value in facts.items():
            old, new = _different(before.get(name), value)
            if old != new:
                raise RunError(
                    f"{self.shown} was begun with {name} {old!r}; found {new!r}: resume with the "
                    "same command, or use --overwrite"
                )

    def finish(self) -> None:
        """Says that the run has ended well; only now the run that it replaces is gone."""
        (self.path / MARK).unlink(missing_ok=True)
        shutil.rmtree(self.replaced, ignore_errors=True)

    def _mark(self, state: str) -> None:
        text = f"This run is unfinished: {state}. Go on with --resume or begin with --overwrite.\n"
        if self.replaced.exists():
            text += f"The run that it replaces is kept in {self.replaced.name} until then.\n"
        files.write_text(self.path / MARK, text)

    # ---- what belongs together ------------------------------------------------------------------

    def identity(self) -> str:
        """The run's hash: the SHA-256 of its manifest, and so of every file that it names."""
        return files.sha256(self.path / MANIFEST)

    def record(self, written: list[Path]) -> None:
        """Enters files, or all files of a folder, into the manifest."""
        manifest = self._manifest()
        for path in _files_in(written):
            manifest[path.relative_to(self.path).as_posix()] = files.sha256(path)
        files.write_json(self.path / MANIFEST, dict(sorted(manifest.items())))

    def record_fold(self, fold: int | None, *, finished: bool = True) -> None:
        """Enters a fold's files and says so in the mark; a finished one needs its checkpoint no
        longer."""
        folder = self.fold(fold)
        self.record([path for path in folder.rglob("*") if path.name != CHECKPOINT])
        if finished:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        done = sorted({name.split("/")[0] for name in self._manifest() if name[:4] == "fold"})
        self._mark(f"finished are {', '.join(name for name in done if '.' not in name)}")

    def has_fold(self, fold: int | None) -> bool:
        """True where a fold was finished and its files are as they were."""
        return self.predicts(fold) and not (self.fold(fold) / CHECKPOINT).is_file()

    def predicts(self, fold: int | None) -> bool:
        """True where a fold has a model, be it one that was cut short by the budget."""
        name = self.fold(fold).name
        entries = {k: v for k, v in self._manifest().items() if k.startswith(f"{name}/")}
        return bool(entries) and not self._first_stranger(entries)

    def has_whole_fold(self) -> bool:
        """True where at least one fold was trained to its end."""
        places = {name.split("/")[0] for name in self._manifest() if name.startswith("fold")}
        return any(
            (self.path / name).is_dir() and not (self.path / name / CHECKPOINT).is_file()
            for name in places
        )

    def open_finished(self) -> dict[str, Any]:
        """The facts of a finished run, after checking that its files belong together.

        Raises: RunError where there is no run, where it is unfinished, or where a file is missing
        or is not the one that the run wrote.
        """
        shown = self.shown
        if not (self.path / SETTINGS).is_file():
            raise RunError(f"{shown} holds no run (no {SETTINGS}); train one, or check the name")
        if (self.path / MARK).is_file():
            begun = files.read_json(self.path / SETTINGS)
            how = "go on with train and --resume"
            if isinstance(begun, dict) and BLEND in begun:
                how = "blend again with --overwrite"
            raise RunError(f"{shown} is unfinished; {how}")
        manifest = self._manifest()
        stranger = self._first_stranger(manifest)
        if stranger or not manifest:
            raise RunError(
                f"{shown} does not belong together: {stranger or MANIFEST} is missing or is not "
                "the file that this run wrote; copy the whole folder again, or train with "
                "--overwrite"
            )
        facts = files.read_json(self.path / SETTINGS)
        if not isinstance(facts, dict) or not set(facts) >= FACTS:
            raise RunError(f"{shown}/{SETTINGS} lacks what this version writes; train again")
        return facts

    def open_with_models(self) -> dict[str, Any]:
        """The facts of a finished run that holds models.

        Raises: RunError where it is a blend, which holds the predictions of other runs; otherwise
        as above.
        """
        facts = self.open_finished()
        if BLEND in facts:
            parts = ", ".join(str(part["name"]) for part in facts[BLEND]["parts"])
            raise RunError(
                f"{self.shown} is a blend of {parts} and holds no models; expected a run that was "
                "trained: name one of those, or blend them again with scripts/blend.py"
            )
        return facts

    def _first_stranger(self, entries: dict[str, str]) -> str:
        for name, digest in entries.items():
            path = self.path / name
            if not path.is_file() or files.sha256(path) != digest:
                return name
        return ""

    def _manifest(self) -> dict[str, str]:
        path = self.path / MANIFEST
        entries = files.read_json(path) if path.is_file() else {}
        if not isinstance(entries, dict):
            raise RunError(f"{path} is no list of files; copy the whole run again")
        return entries


def _files_in(places: list[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        found += [path for path in inside if path.is_file()]
    return found


def _different(before: Any, now: Any) -> tuple[Any, Any]:
    """Both values; of two dictionaries only what differs, so that a message stays short."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return before, now
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    old, new = ({name: own[name] for name in names if name in own} for own in (before, now))
    return old, new
