"""Makes a folder that `kaggle datasets create -p` takes as it is: flat, private, with hashes."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import RunError, UsageError
from common.kernels.attached_runs import record_of
from common.kernels.metadata import check_user, slugified, title_of
from common.kernels.packed import MANIFEST, Entry
from common.kernels.record import MERGED_FILE
from common.runfolder import MARK, RunFolder

METADATA_FILE = "dataset-metadata.json"  # read by Kaggle's command and not uploaded
SHORTEST, LONGEST = 6, 50  # characters of a slug and of a title
MOST_FILES = 50  # top-level files that Kaggle takes, the manifest among them
LONGEST_NAME = 200  # characters of a file name
# what Kaggle unpacks after the upload; a file that must stay one file is given another ending
UNPACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class Part:
    """A file on its way into a data set.

    Args:
        name: in the data set.
        kind, path, of, ref: as in `Entry`.
        write: writes the content under a name.
    """

    name: str
    kind: str
    path: str
    of: str
    write: Callable[[Path], Any]
    ref: str = ""


def copied(source: Path) -> Callable[[Path], Any]:
    """What writes a copy of a file."""
    return partial(shutil.copyfile, source)


def flat_name(*words: str) -> str:
    """A file name from several words, such as a model's and a file's, that Kaggle leaves alone."""
    name = "--".join(re.sub(r"[^A-Za-z0-9._+-]+", "-", word) for word in words)
    name = name.lstrip(".-")
    return name + ".bin" if name.lower().endswith(UNPACKED) else name


def checked_name(name: str, user: str) -> str:
    """A data set's name as owner/slug.

    Args:
        name: "owner/slug", or "slug" of the user's own.
        user: whose it is where no owner is named; "" for the one in Kaggle's configuration.

    Raises: UsageError where there is no owner, or where Kaggle would refuse the name.
    """
    owner, slash, slug = name.rpartition("/")
    owner = owner if slash else user or paths.kaggle_user()
    if not owner:
        places = " or ".join(str(path) for path in paths.kaggle_files())
        raise UsageError(
            f"no Kaggle user: found neither KAGGLE_USERNAME nor a username in {places}; name "
            "the user with --user"
        )
    check_user(owner)
    if slugified(slug) != slug or not SHORTEST <= len(slug) <= LONGEST:
        raise UsageError(
            f"the data set's slug is {slug!r}; expected {SHORTEST} to {LONGEST} lower-case "
            "letters, digits and single -: name it with --name"
        )
    return f"{owner}/{slug}"


def write_dataset(
    out: Path, name: str, parts: Sequence[Part], *, licence: str = "other", overwrite: bool = False
) -> list[Entry]:
    """Writes the folder of a data set, whole or not at all; gives what its manifest names.

    Args:
        name: owner/slug.
        licence: one of Kaggle's names of licences.

    Raises: UsageError where the folder exists, or where the parts do not fit a data set.
    """
    _check_parts(parts)
    _check_free(out, overwrite=overwrite)
    files.make_folder(out.parent)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        entries = [_written(part, beside) for part in sorted(parts, key=lambda part: part.name)]
        plain = [dataclasses.asdict(entry) for entry in entries]
        files.write_json(beside / MANIFEST, {"files": plain})
        files.write_json(beside / METADATA_FILE, _metadata(name, licence))
        beside.chmod(0o755)
        _replace(beside, out)
    except OSError as error:
        error.filename, error.filename2 = error.filename or str(out), None
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return entries


def _metadata(name: str, licence: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": title_of(name.partition("/")[2]),
        "licenses": [{"name": licence}],
        "isPrivate": True,
    }


def _check_parts(parts: Sequence[Part]) -> None:
    if not parts:
        raise UsageError("nothing to pack; expected weights, wheels or a run: see --help")
    if len(parts) + 1 > MOST_FILES:
        raise UsageError(
            f"the data set would have {len(parts) + 1} files; Kaggle takes {MOST_FILES} at the top "
            "level: pack several data sets, each with its own --name"
        )
    seen: set[str] = set()
    for part in parts:
        if part.name.lower() in seen or part.name in (MANIFEST, METADATA_FILE):
            raise UsageError(f"two files would be called {part.name}; name each one once")
        if len(part.name) > LONGEST_NAME:
            raise UsageError(f"{part.name} is too long a name for a file of a data set")
        seen.add(part.name.lower())


def _check_free(out: Path, *, overwrite: bool) -> None:
    shown = paths.shown(out)
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{shown} is a file; expected the folder of a data set: choose another")
    if not any(out.iterdir()):
        return
    if not (out / METADATA_FILE).is_file():
        raise UsageError(f"{shown} holds other files; choose a new or empty folder with --out")
    if not overwrite:
        raise UsageError(f"{shown} holds a data set; replace it with --overwrite")


def _written(part: Part, folder: Path) -> Entry:
    path = folder / part.name
    part.write(path)
    return Entry(
        part.name,
        files.sha256(path),
        path.stat().st_size,
        part.kind,
        part.path,
        part.of,
        part.ref,
    )


def _replace(beside: Path, out: Path) -> None:
    """Renames a finished folder onto its place; an older one is gone only afterwards."""
    older = beside.with_name(f"{beside.name}.older")
    if out.exists():
        out.rename(older)
    try:
        beside.rename(out)
    except OSError:
        if older.exists():
            older.rename(out)
        raise
    shutil.rmtree(older, ignore_errors=True)


# ---- a run --------------------------------------------------------------------------------------


def run_part(folder: Path) -> Part:
    """A finished run as one file: sub-folders stay, however many files there are.

    Raises: RunError where the run is unfinished, does not belong together, or was rehearsed.
    """
    run = RunFolder(folder)
    run.open_with_models()
    _check_trained(run)
    # no ending of an archive: Kaggle would unpack it, and what becomes of its folders is its own
    return Part("run.tar.bin", "run", "run", run.identity(), partial(_write_run, run))


def _check_trained(run: RunFolder) -> None:
    record = record_of(run)
    merged = files.read_json(run / MERGED_FILE) if (run / MERGED_FILE).is_file() else []
    if any(made and made.get("rehearsal") is not None for made in (record, *merged)):
        raise RunError(
            f"{run.shown} was made by a rehearsal; expected a run that was trained for real"
        )


def _write_run(run: RunFolder, path: Path) -> None:
    """Writes a run as an uncompressed tar: names sorted, owners, dates and rights fixed."""
    found = [place for place in run.path.rglob("*") if place.is_file() and place.name != MARK]
    with tarfile.open(path, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for place in sorted(found, key=lambda place: os.fsencode(place)):
            entry = tarfile.TarInfo(f"run/{place.relative_to(run.path).as_posix()}")
            entry.size = place.stat().st_size
            entry.mode = 0o644
            with place.open("rb") as stream:
                archive.addfile(entry, stream)
