"""What stands on both sides of a split: groups, ids, the future; and ids in train and in test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from common.folds import TRAIN_ONLY
from common.leaks.findings import LEAK, LISTED, Finding, counted, named

if TYPE_CHECKING:
    from common.pipeline import Pipeline


class Split(NamedTuple):
    """A fold, and the positions of the rows that train and that validate it."""

    fold: int
    train: np.ndarray
    valid: np.ndarray


class Crossing(NamedTuple):
    """Something on both sides of a split: its code, and a row on each side."""

    code: int
    fold: int
    trains: int
    validates: int


def splits_of(pipeline: Pipeline, items: pd.DataFrame) -> list[Split]:
    """The splits of every fold, as training takes them."""
    folds = sorted(set(items["fold"].tolist()) - {TRAIN_ONLY})
    return [Split(int(fold), *pipeline.splits(items, fold)) for fold in folds]


def crossings(codes: np.ndarray, splits: Sequence[Split]) -> list[Crossing]:
    """The codes on both sides of a split, each once, at the first fold that it crosses.

    Args:
        codes: whole numbers (n_rows,); -1 belongs to nothing.
    """
    size = int(codes.max(initial=-1)) + 1
    found: dict[int, Crossing] = {}
    for fold, train, valid in splits:
        first = [np.full(size + 1, -1) for _ in (train, valid)]  # the last place is that of -1
        for place, rows in zip(first, (train, valid), strict=True):
            place[codes[rows[::-1]]] = rows[::-1]
        for code in np.flatnonzero((first[0][:-1] >= 0) & (first[1][:-1] >= 0)).tolist():
            found.setdefault(code, Crossing(code, fold, int(first[0][code]), int(first[1][code])))
    return [found[code] for code in sorted(found)]


def cheap_findings(
    pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame, splits: Sequence[Split]
) -> list[Finding]:
    """What takes no time to find: groups and ids on both sides, rows from the future, ids that
    train and test share. Nothing where all is well."""
    found = shared_ids(pipeline, train, test)
    for check, remedy in (
        ("group", "let folds() keep groups whole, as common.folds.grouped does"),
        ("id", "samples of one id belong together: let folds() group them by id"),
    ):
        if check in train:
            found += _both_sides(check, remedy, train, splits)
    if pipeline.time_column:
        found += _future(pipeline.time_column, train, splits)
    return found


def _both_sides(
    check: str, remedy: str, train: pd.DataFrame, splits: Sequence[Split]
) -> list[Finding]:
    codes, names = pd.factorize(train[check])
    found = crossings(codes, splits) if len(names) < len(train) else []
    if not found:
        return []
    first, samples = found[0], train["sample"].to_numpy()
    text = (
        f"{counted(len(found), check)} of {len(names):,} on both sides of a split, such as "
        f"{names[first.code]} in fold {first.fold}: {samples[first.trains]} trains, "
        f"{samples[first.validates]} validates; {remedy}"
    )
    facts = {"found": [str(names[one.code]) for one in found[:LISTED]], "n_found": len(found)}
    return [Finding(LEAK, f"{check}s", text, facts)]


def _future(column: str, train: pd.DataFrame, splits: Sequence[Split]) -> list[Finding]:
    """Rows that train a fold and are not before all that it validates."""
    late: dict[int, tuple[int, object]] = {}
    for fold, trains, valid in splits:
        begins = train[column].iloc[valid].min()
        if n_late := int((train[column].iloc[trains] >= begins).sum()):
            late[fold] = (n_late, begins)
    if not late:
        return []
    fold, (n_late, begins) = next(iter(late.items()))
    text = (
        f"{len(late)} of {len(splits)} folds train on rows that are not before what they validate, "
        f"such as fold {fold} on {counted(n_late, 'row')} of {begins} or later; let splits() train "
        "on the past only"
    )
    facts = {"rows_by_fold": {str(own): n for own, (n, _) in late.items()}}
    return [Finding(LEAK, "future", text, facts)]


def shared_ids(pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame) -> list[Finding]:
    """Ids that train and test share, where an id names the same thing in both."""
    known = set(train["id"])
    shared = [name for name in dict.fromkeys(test["id"]) if name in known]
    if not shared or pipeline.counts_ids_anew or _counts(train["id"]) or _counts(test["id"]):
        return []
    are, them = ("is an id of train", "it") if len(shared) == 1 else ("are ids of train", "them")
    text = (
        f"{len(shared):,} of {counted(test['id'].nunique(), 'test id')} {are}, too: "
        f"{named(shared)}; leave {them} out of train"
    )
    facts = {"found": [str(name) for name in shared[:LISTED]], "n_found": len(shared)}
    return [Finding(LEAK, "ids in train and test", text, facts)]


def _counts(ids: pd.Series) -> bool:
    """Whether ids only count the rows, from 0 or from 1: such an id names nothing."""
    texts = [str(name) for name in ids]
    return any(
        texts[0] == str(start) and texts == [str(start + row) for row in range(len(texts))]
        for start in (0, 1)
        if texts
    )
