"""Folds as a column: fold k is validated by the model that did not train on it.

-1 marks rows that train in every fold and are never validated.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from common.errors import DataError

TRAIN_ONLY = -1
DRAWS = 2_000  # of ways to spread the cycles over the folds


def stratified(labels: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold per row, int64 (n_rows,), with each class spread evenly over the folds.

    Raises: DataError with fewer rows than folds, or where every class has fewer rows than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    _check_size(len(labels), n_folds, "rows")
    _check_largest(labels, n_folds)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with _rare_classes_allowed():
        return _column(splitter.split(np.zeros(len(labels)), labels), len(labels))


def grouped(groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold per row, int64 (n_rows,), no group on both sides of a split.

    Raises: DataError with fewer groups than folds.
    """
    from sklearn.model_selection import GroupKFold

    _check_size(len(np.unique(groups)), n_folds, "groups")
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return _column(splitter.split(np.zeros(len(groups)), groups=groups), len(groups))


def stratified_grouped(
    labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: int
) -> np.ndarray:
    """A fold per row, int64 (n_rows,): no group on both sides of a split, and each class spread
    over the folds as evenly as the groups allow.

    Raises: DataError with fewer groups than folds, or where every class has fewer rows than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    _check_size(len(np.unique(groups)), n_folds, "groups")
    _check_largest(labels, n_folds)
    # scikit-learn 1.6 loses the balance when it shuffles, so the groups are renamed instead:
    # which of equal groups comes first decides its fold
    codes = np.unique(groups, return_inverse=True)[1]
    names = np.random.default_rng(seed).permutation(codes.max() + 1)[codes]
    with _rare_classes_allowed():
        splits = StratifiedGroupKFold(n_folds).split(np.zeros(len(labels)), labels, names)
        return _column(splits, len(labels))


def cycles(groups: np.ndarray, targets: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold per row, int64 (n_rows,), for few and long groups, such as the cycles of a machine: no
    group on both sides of a split; of many draws the one whose folds are most alike in size and in
    mean target.

    Args:
        targets: above 0, (n_rows,), such as the time until a cycle ends.

    Raises: DataError with fewer groups than folds.
    """
    names, codes = np.unique(groups, return_inverse=True)
    _check_size(len(names), n_folds, "groups")
    sizes, totals = np.bincount(codes), np.bincount(codes, weights=targets)
    generator = np.random.default_rng(seed)
    draws = [generator.permutation(len(names)) % n_folds for _ in range(DRAWS)]
    best = min(draws, key=lambda draw: _unlikeness(draw, sizes, totals, n_folds))
    return best[codes].astype(np.int64)


def periods(times: np.ndarray, bounds: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """A fold per row, int64 (n_rows,), by time: fold k validates what lies between the k-th first
    and last time, both included; TRAIN_ONLY outside of all. Where the future must not train, let
    `splits` take of the rows only those before a fold's first time.

    Args:
        times: numbers or dates, (n_rows,).

    Raises: DataError where a period has no row, or none lies before it.
    """
    folds = np.full(len(times), TRAIN_ONLY, dtype=np.int64)
    for fold, (first, last) in enumerate(bounds):
        inside = (times >= first) & (times <= last)
        for what, rows in (("in", inside), ("before", times < first)):
            if not rows.any():
                raise DataError(
                    f"no row lies {what} the period of fold {fold}, {first} to {last}; expected "
                    "some: lower folds with --set folds=N, or get the data again"
                )
        folds[inside] = fold
    return folds


def shared_groups(groups: np.ndarray, train: np.ndarray, valid: np.ndarray) -> list[object]:
    """The groups that stand on both sides of a split: a leak, wherever it is not empty.

    Args:
        groups: (n_rows,).
        train, valid: positions of the rows of each side.
    """
    return sorted(set(groups[train].tolist()) & set(groups[valid].tolist()))


@contextmanager
def _rare_classes_allowed() -> Iterator[None]:
    """Keeps back a warning of scikit-learn's; the leak report names the classes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        yield


def _check_size(found: int, n_folds: int, what: str) -> None:
    if found < n_folds:
        raise DataError(
            f"there are {found} {what} for {n_folds} folds; expected at least one {what[:-1]} per "
            "fold: lower folds with --set folds=N"
        )


def _check_largest(labels: np.ndarray, n_folds: int) -> None:
    most = int(np.unique(labels, return_counts=True)[1].max())
    if most < n_folds:
        remedy = "get more rows" if most < 2 else f"lower folds with --set folds={most}"
        raise DataError(
            f"the largest class has {most} row{'' if most == 1 else 's'}; expected at least "
            f"{n_folds}, one per fold: {remedy}"
        )


def _column(splits: Iterable[tuple[np.ndarray, np.ndarray]], n_rows: int) -> np.ndarray:
    folds = np.full(n_rows, TRAIN_ONLY, dtype=np.int64)
    for fold, (_, valid) in enumerate(splits):
        folds[valid] = fold
    return folds


def _unlikeness(draw: np.ndarray, sizes: np.ndarray, totals: np.ndarray, n_folds: int) -> float:
    """Relative spread of the folds' sizes plus that of their mean targets."""
    rows = np.bincount(draw, weights=sizes, minlength=n_folds)
    means = np.bincount(draw, weights=totals, minlength=n_folds) / rows
    return float(rows.std() / rows.mean() + means.std() / means.mean())
