"""Finds the run that infer was built for among what is attached, and refuses any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import DataError, RunError
from common.kernels.config import KernelConfig, RunConfig
from common.kernels.packed import attached_place
from common.kernels.record import KERNEL_FILE
from common.kernels.rehearsed import Rehearsal
from common.mounts import DEEPEST_MARKER, folders_below
from common.runfolder import MANIFEST, SETTINGS, RunFolder

DEEPEST = 3  # folders below a mount in which a run is looked for
# what a run and the infer kernel must have in common where no run is named by its hash
SAME = ("code", "competition", "pipeline", "preset", "changes", "seed")


def attached_runs(config: KernelConfig, rehearsal: Rehearsal | None) -> list[RunFolder]:
    """The runs to predict with: one, or one per fold group.

    Raises: DataError where a source is not mounted; RunError where it holds no run, another run,
    or one that a rehearsal made.
    """
    return [_run_for(wanted, config, rehearsal) for wanted in config.runs]


def runs_below(place: Path, deepest: int = DEEPEST) -> Iterator[RunFolder]:
    """The runs in a folder, the least deep first."""
    for folder in (place, *folders_below(place, deepest)):
        if (folder / MANIFEST).is_file() and (folder / SETTINGS).is_file():
            yield RunFolder(folder)


def _run_for(wanted: RunConfig, config: KernelConfig, rehearsal: Rehearsal | None) -> RunFolder:
    if wanted.dataset:
        place = attached_place(paths.dataset_input(wanted.dataset), wanted.dataset)
    else:
        place = _output(wanted.kernel)
    expected = rehearsal.run if rehearsal is not None and rehearsal.run else wanted.run
    runs = list(runs_below(place))
    if not runs:
        raise RunError(
            f"{place} holds no run (no {MANIFEST} beside {SETTINGS}); attach the output of "
            f"{wanted.kernel or 'a train kernel'} that ended well"
        )
    if expected is None:
        _check_same_code(runs[0], wanted, config)
        chosen = runs[0]
    else:
        chosen = _with_identity(runs, expected, place)
    _check_not_rehearsed(chosen)
    return chosen


def _output(kernel: str) -> Path:
    """Where a kernel's output is mounted: by its name, else by the record in its run."""
    try:
        return paths.kernel_output(kernel)
    except DataError:
        for run in runs_below(paths.input_root(), DEEPEST_MARKER):
            record = record_of(run)
            if record is not None and record.get("kernel") == kernel:
                return run.path
        raise


def _with_identity(runs: list[RunFolder], expected: str, place: Path) -> RunFolder:
    for run in runs:
        if run.identity() == expected:
            return run
    raise RunError(
        f"{place} holds the run {runs[0].identity()}; expected {expected}: Kaggle mounts a "
        "kernel's latest run. Build infer again for this one with --run, or attach the expected "
        "run as a data set (scripts/pack_dataset.py --run)"
    )


def _check_same_code(run: RunFolder, wanted: RunConfig, config: KernelConfig) -> None:
    """A run that was not named by its hash must come from this kernel's own twin."""
    made_by = record_of(run)
    if made_by is None:
        raise RunError(
            f"{run.path} was not made by a kernel (no {KERNEL_FILE}); build infer for it with --run"
        )
    theirs, ours = made_by["config"], config.as_dict()
    pairs = [(name, theirs.get(name), ours[name]) for name in SAME]
    pairs.append(("folds", theirs.get("folds"), list(wanted.folds)))
    for name, found, expected in pairs:
        if found != expected:
            raise RunError(
                f"{run.path} was made with {name} {found!r}; expected {expected!r}: build infer "
                "again for this run with --run, or train again with this code"
            )


def record_of(run: RunFolder) -> dict[str, Any] | None:
    """The kernel.json of a run; None where no kernel made it."""
    path = run / KERNEL_FILE
    if not path.is_file():
        return None
    record = files.read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
        raise RunError(f"{path} is no record of a kernel; fetch the whole run again")
    return record


def _check_not_rehearsed(run: RunFolder) -> None:
    record = record_of(run)
    if record is not None and record.get("rehearsal") is not None and paths.on_kaggle():
        raise RunError(
            f"{run.path} was made by a rehearsal ({record['rehearsal'].get('name') or 'no name'}); "
            "expected a run that was trained for real: run the train kernel on Kaggle"
        )
