"""The runs of a blend: opened, compared sample by sample, refused where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from common import files, registry
from common.collect import Dense, MapStack, Predictions, Ragged, load_predictions
from common.collect.base import load_table
from common.errors import RunError, UsageError
from common.kernels.attached_runs import record_of
from common.kernels.record import MERGED_FILE
from common.opening import run_path
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE
from common.spec import SubmissionFormat

INDEX = ("sample", "id")
NEEDED = ("folds.parquet", "oof.parquet", "test.parquet", "scores.json", "submission.csv")


@dataclass(frozen=True)
class Part:
    """A run that goes into a blend.

    Args:
        rows: the validated rows, fold by fold: sample, id, fold, group, targets.
        test_rows: sample and id.
        oof, test: the predictions of both.
    """

    run: RunFolder
    facts: dict[str, Any]
    scores: dict[str, Any]
    rows: pd.DataFrame
    oof: Predictions
    test_rows: pd.DataFrame
    test: Predictions

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.path.resolve().name


def open_parts(folder: str, names: Sequence[str]) -> list[Part]:
    """The finished runs of a competition that are to be blended.

    Raises: UsageError where fewer than two are named, or one twice; RunError where one is not
    whole, or where they differ in rows, folds, truths, or in what they predict.
    """
    runs = [RunFolder(run_path(folder, name)) for name in names]
    if len(runs) < 2:
        raise UsageError(f"{len(runs)} run was named; expected two or more to blend")
    form = registry.load_spec(folder).submission
    parts = [_opened(run, folder, form) for run in runs]
    known: dict[str, Part] = {}
    for part in parts:
        same = known.setdefault(part.run.identity(), part)
        if same is not part:
            raise UsageError(
                f"{part.run.shown} is the same run as {same.run.shown}; expected every run once: "
                "give it more weight with --weights"
            )
    for part in parts[1:]:
        _check_together(parts[0], part, form)
    return parts


def _opened(run: RunFolder, folder: str, form: SubmissionFormat) -> Part:
    facts = run.open_finished()
    if facts["competition"] != folder:
        raise RunError(f"{run.shown} is a run of {facts['competition']}; expected {folder}")
    _check_trained(run)
    for name in NEEDED:
        if not (run / name).is_file():
            raise RunError(f"{run.shown} has no {name}; {_how_to_get(name)}")
    index = {*INDEX, "fold", "group", *form.target_columns}
    rows = load_table(run / "oof.parquet")
    part = Part(
        run=run,
        facts=facts,
        scores=files.read_json(run / "scores.json"),
        rows=rows[[name for name in rows if name in index]],
        oof=load_predictions(run.path, "oof", index),
        test_rows=load_table(run / "test.parquet")[[*INDEX]],
        test=load_predictions(run.path, "test", INDEX),
    )
    if isinstance(part.oof, Ragged):
        raise RunError(
            f"{run.shown} predicts any number of rows per sample (boxes, pairs), which have no "
            "mean; expected numbers or maps: fuse such predictions in the pipeline's combine()"
        )
    return part


def _how_to_get(name: str) -> str:
    if name in ("test.parquet", "submission.csv"):
        return "expected predictions of the test set: make them with scripts/predict.py"
    return "expected out-of-fold predictions: train it on folds, not with --fold all"


def _check_trained(run: RunFolder) -> None:
    """Raises RunError for what a rehearsal made: a blend would no longer say so."""
    merged = files.read_json(run / MERGED_FILE) if (run / MERGED_FILE).is_file() else []
    if any(made and made.get("rehearsal") is not None for made in (record_of(run), *merged)):
        raise RunError(f"{run.shown} was made by a rehearsal; expected a run that was trained")


# ---- do they belong together? -------------------------------------------------------------------


def _check_together(first: Part, other: Part, form: SubmissionFormat) -> None:
    truths = ("id", "fold", *form.target_columns)
    found = _difference(first.rows, other.rows, truths, first, other)
    if found:
        raise RunError(
            f"{first.run.shown} and {other.run.shown} cannot be blended: {found}; expected "
            "the same rows, folds and truths: train both on the same data, folds and --seed"
        )
    found = _difference(first.test_rows, other.test_rows, ("id",), first, other)
    if found:
        raise RunError(
            f"{first.run.shown} and {other.run.shown} cannot be blended: in the test set {found}; "
            "expected the same rows: predict both on the same data with scripts/predict.py"
        )
    if _marker(first.run) != _marker(other.run):
        raise RunError(
            f"{first.run.shown} and {other.run.shown} were made from other data "
            f"({FIXTURE_FILE} differs); expected the host's in both, or one fixture"
        )
    for mine, theirs in ((first.oof, other.oof), (first.test, other.test)):
        found = _other_kind(mine, theirs)
        if found:
            raise RunError(
                f"{first.run.shown} and {other.run.shown} cannot be blended: {found}; expected "
                "predictions of one shape: blend runs whose pipelines predict the same"
            )


def _difference(
    mine: pd.DataFrame, theirs: pd.DataFrame, names: Sequence[str], first: Part, other: Part
) -> str:
    """The first sample in which two tables differ, and in what; "" where there is none."""
    places = pd.Index(theirs["sample"]).get_indexer(pd.Index(mine["sample"]))
    if (places < 0).any():
        sample = mine["sample"].iloc[int(np.flatnonzero(places < 0)[0])]
        return f"sample {sample!r} is in {first.name} alone"
    if len(theirs) > len(mine):
        further = np.flatnonzero(~theirs["sample"].isin(mine["sample"]).to_numpy())
        return f"sample {theirs['sample'].iloc[int(further[0])]!r} is in {other.name} alone"
    found: list[tuple[int, str]] = []
    for name in names:
        if name not in mine or name not in theirs:
            if name in mine or name in theirs:
                return f"{(first if name in mine else other).name} alone has the column {name!r}"
            continue
        pair = mine[name].to_numpy(), theirs[name].to_numpy()[places]
        rows = np.flatnonzero(~_alike(*pair))
        if len(rows):
            one, two = (values[rows[0]] for values in pair)
            found.append((int(rows[0]), f"has {name} {_shown(one)} and {_shown(two)}"))
    if not found:
        return ""
    row, what = min(found, key=lambda pair: pair[0])
    return f"sample {mine['sample'].iloc[row]!r} {what}"


def _alike(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Where values are equal: numbers as far as 32 bits tell, anything else as text."""
    if one.dtype.kind in "fiu" and two.dtype.kind in "fiu":
        numbers = one.astype(np.float64), two.astype(np.float64)
        alike: np.ndarray = np.isclose(*numbers, rtol=1e-6, atol=0.0, equal_nan=True)
        return alike
    return np.array([str(a) == str(b) for a, b in zip(one, two, strict=True)], dtype=bool)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]} ..."


def _marker(run: RunFolder) -> bytes:
    path = run / FIXTURE_FILE
    return path.read_bytes() if path.is_file() else b""


def _other_kind(mine: Predictions, theirs: Predictions) -> str:
    """In what two predictions differ that must be alike; "" where they are."""
    if type(mine) is not type(theirs):
        return f"one holds {type(mine).__name__} predictions, the other {type(theirs).__name__}"
    if isinstance(mine, Dense) and isinstance(theirs, Dense) and mine.names != theirs.names:
        extra = [name for name in (*mine.names, *theirs.names) if not _in_both(name, mine, theirs)]
        return f"column {extra[0]!r} is in one alone" if extra else "their columns' order differs"
    if isinstance(mine, MapStack) and isinstance(theirs, MapStack):
        shapes = mine.values.shape[1:], theirs.values.shape[1:]
        return "" if shapes[0] == shapes[1] else f"their maps are {shapes[0]} and {shapes[1]}"
    return ""


def _in_both(name: str, mine: Dense, theirs: Dense) -> bool:
    return name in mine.names and name in theirs.names


# ---- rows as a pipeline takes them --------------------------------------------------------------


def as_items(rows: pd.DataFrame, form: SubmissionFormat) -> pd.DataFrame:
    """Stored rows as items: an id of several parts is a tuple again."""
    if len(form.key_columns) == 1:
        return rows
    ids: Any = [tuple(json.loads(name)) for name in rows["id"]]
    return rows.assign(id=ids)
