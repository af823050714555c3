"""The runs that infer is built for: run folders of kernels, or data sets packed from any run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import RunError, UsageError
from common.kernels.attached_runs import record_of, runs_below
from common.kernels.config import RunConfig
from common.kernels.packed import opened

DATASET_FILE = "dataset-metadata.json"


@dataclass(frozen=True)
class ExpectedRun:
    """A run on disk, as infer will find it attached.

    Args:
        facts: what the run's settings.json says.
        pipeline: its name as a config has it, "" for the default one; None where no kernel made
            the run.
        changes: of its preset, as far as a kernel recorded them.
    """

    config: RunConfig
    facts: dict[str, Any]
    pipeline: str | None
    changes: tuple[str, ...] = ()


def expected_runs(places: Sequence[Path], folder: str, user: str) -> list[ExpectedRun]:
    """The runs at some places, whole and of one experiment.

    Args:
        places: run folders, or data sets that scripts/pack_dataset.py made.

    Raises: RunError where a place holds no whole run, a rehearsed one, one that neither a kernel
    made nor a data set holds, or where they do not belong together; UsageError where two hold the
    same folds.
    """
    found = [_expected(place, folder, user) for place in places]
    for other in found[1:]:
        _check_together(found[0], other)
    named = [fold for run in found for fold in run.facts["folds"]]
    twice = [fold for fold in named if named.count(fold) > 1]
    if twice and len(found) > 1:
        raise UsageError(f"fold {twice[0]} is in two of the runs; expected every fold in one")
    return found


def _expected(place: Path, folder: str, user: str) -> ExpectedRun:
    with opened(place) as inside:
        return _expected_in(inside, place, folder, user)


def _expected_in(inside: Path, place: Path, folder: str, user: str) -> ExpectedRun:
    """The one run in a folder, which is the place itself or what was packed there."""
    shown = paths.shown(place)
    runs = list(runs_below(inside)) if inside.is_dir() else []
    if len(runs) != 1:
        raise RunError(
            f"{shown} holds {len(runs)} runs; expected the folder of one, or a packed one"
        )
    run = runs[0]
    facts = run.open_with_models()
    if facts["competition"] != folder:
        raise RunError(f"{shown} is a run of {facts['competition']}; expected {folder}")
    record = record_of(run)
    if record is not None and record.get("rehearsal") is not None:
        raise RunError(f"{shown} was made by a rehearsal; expected a run that was trained for real")
    kernel, dataset = "", _dataset_of(place, user)
    if not dataset:
        if record is None:
            raise RunError(
                f"{shown} was not made by a kernel, so none can be attached; pack it as a data "
                f"set first: python scripts/pack_dataset.py --run {shown}"
            )
        kernel = str(record["kernel"])
    made_with = record["config"] if record else {}
    expected = RunConfig(
        kernel=kernel,
        dataset=dataset,
        run=run.identity(),
        folds=tuple(made_with.get("folds", ())),
    )
    return ExpectedRun(
        expected, facts, made_with.get("pipeline"), tuple(made_with.get("changes", ()))
    )


def _dataset_of(place: Path, user: str) -> str:
    """The data set that a folder is packed as, without its owner where that is the user; "" where
    it is not packed."""
    path = place / DATASET_FILE
    if not path.is_file():
        return ""
    values = files.read_json(path)
    name = values.get("id") if isinstance(values, dict) else None
    if not isinstance(name, str) or name.count("/") != 1:
        raise UsageError(
            f"{path} has the id {name!r}; expected owner/slug: pack the data set again"
        )
    return name.removeprefix(f"{user}/")


def _check_together(first: ExpectedRun, other: ExpectedRun) -> None:
    for name in ("pipeline", "settings", "seed", "data"):
        one, two = first.facts.get(name), other.facts.get(name)
        if one != two:
            raise RunError(
                f"the runs differ in {name}: {one!r} and {two!r}; expected fold groups of one "
                "experiment"
            )
