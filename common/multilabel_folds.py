"""Folds for rows with several labels each: every label is spread evenly, the rarest first.

    folds = multilabel_stratified(marks, 5, seed)                   # rows alone
    folds = multilabel_stratified(marks, 5, seed, groups=groups)    # groups stay together

Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011,
https://doi.org/10.1007/978-3-642-23808-6_10
"""

from __future__ import annotations

import numpy as np

from common.errors import DataError


def multilabel_stratified(
    marks: np.ndarray, n_folds: int, seed: int, *, groups: np.ndarray | None = None
) -> np.ndarray:
    """A fold per row, int64 (n_rows,), with every label spread over the folds.

    The label with the fewest rows left is dealt out first: each of them goes to the fold that
    lacks most of that label, of several to the one that lacks most rows.

    Args:
        marks: which labels a row has, bool or 0 and 1, (n_rows, n_labels).
        groups: rows of one group stay in one fold, (n_rows,); None where all are alone.

    Edge cases: a label with fewer rows than folds is in as many folds as it has rows; rows
    without any label are dealt out last, evenly.

    Raises: DataError with fewer rows, or groups, than folds.
    """
    names = np.arange(len(marks)) if groups is None else np.asarray(groups)
    firsts, units = np.unique(names, return_inverse=True)
    if len(firsts) < n_folds:
        what = "rows" if groups is None else "groups"
        raise DataError(
            f"there are {len(firsts)} {what} for {n_folds} folds; expected at least one "
            f"{what[:-1]} per fold: lower folds with --set folds=N"
        )
    sizes = np.bincount(units)
    counts = np.zeros((len(firsts), marks.shape[1]), dtype=np.int64)
    np.add.at(counts, units, np.asarray(marks, dtype=np.int64))
    return _dealt(counts, sizes, n_folds, np.random.default_rng(seed))[units]


def _dealt(
    counts: np.ndarray, sizes: np.ndarray, n_folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold for each unit, a row or a group.

    Args:
        counts: rows of a unit that have a label, (n_units, n_labels).
        sizes: rows of a unit, (n_units,).
    """
    lacking = np.tile(counts.sum(axis=0) / n_folds, (n_folds, 1))  # of each label, by fold
    room = np.full(n_folds, sizes.sum() / n_folds)  # rows that a fold lacks
    folds = np.full(len(counts), -1, dtype=np.int64)
    shuffled = generator.permutation(len(counts))
    luck = generator.random((len(counts), n_folds))  # decides between equal folds
    left = counts.sum(axis=0)

    def deal(unit: int, wanted: np.ndarray) -> None:
        fold = int(np.lexsort((luck[unit], room, wanted))[-1])
        folds[unit] = fold
        lacking[fold] -= counts[unit]
        room[fold] -= sizes[unit]
        left[:] -= counts[unit]

    while left.any():
        label = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        holders = shuffled[(counts[shuffled, label] > 0) & (folds[shuffled] < 0)]
        # large groups first: what comes later evens out what they leave
        for unit in holders[np.argsort(-counts[holders, label], kind="stable")]:
            deal(unit, lacking[:, label])
    bare = shuffled[folds[shuffled] < 0]
    for unit in bare[np.argsort(-sizes[bare], kind="stable")]:
        deal(unit, room)
    return folds
