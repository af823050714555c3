"""Metrics of a set of tags per sample."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows, check_vectors

_ROWS_AT_ONCE = 65_536  # a block of flags and its counts stay in the cache


def mean_f2_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean over rows of F2 between two sets of tags, in [0, 1].

    Args:
        y_true: tags with blanks between them, (n_samples,), at least one tag per row.
        y_pred: tags with blanks between them, (n_samples,).

    Edge cases: no tag in common, and an empty prediction, give 0 for the row; a tag that stands
    twice in a cell counts once; the order of tags does not matter; a tag that no truth holds is a
    false positive; no rows, arrays of another shape, a row without a true tag, and cells that are
    no text raise MetricError.

    Source: https://www.kaggle.com/competitions/planet-understanding-the-amazon-from-space/overview/evaluation

    >>> mean_f2_score(y_true=np.array(["clear primary"]), y_pred=np.array(["primary"]))
    0.5555555555555556
    """
    check_vectors(y_true, y_pred)
    truth, given = _texts("y_true", y_true), _texts("y_pred", y_pred)
    tags = {cell: frozenset(cell.split()) for cell in {*truth, *given}}
    _check_truth(np.array([len(tags[cell]) for cell in truth]))
    scores = []
    for (true_cell, given_cell), n_rows in Counter(zip(truth, given, strict=True)).items():
        wanted, found = tags[true_cell], tags[given_cell]
        scores.append(n_rows * _f2(len(wanted & found), len(wanted), len(found)))
    return math.fsum(scores) / len(truth)


mean_f2 = Metric("mean F2", higher_is_better=True, score=mean_f2_score, best=1.0)


def mean_f2_of_flags_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean F2 of tags that lie in memory as one flag per class, in [0, 1].

    Args:
        y_true: bool, (n_samples, n_classes), at least one True per row.
        y_pred: bool, (n_samples, n_classes).

    Edge cases: those of `mean_f2_score`; arrays of another type raise MetricError.

    Source: https://www.kaggle.com/competitions/planet-understanding-the-amazon-from-space/overview/evaluation

    >>> y_true, y_pred = np.array([[True, True, False]]), np.array([[True, True, True]])
    >>> mean_f2_of_flags_score(y_true=y_true, y_pred=y_pred)
    0.9090909090909091
    """
    check_rows(y_true, y_pred)
    for name, flags in (("y_true", y_true), ("y_pred", y_pred)):
        if flags.ndim != 2 or flags.dtype != np.bool_ or flags.shape != y_true.shape:
            raise MetricError(
                f"{name} has the shape {flags.shape} and the type {flags.dtype}; expected bool "
                "(n_samples, n_classes), alike in both: compare with a threshold first"
            )
    n_classes = y_true.shape[1]
    side = n_classes + 1
    counts = np.zeros(side**3, dtype=np.int64)  # rows by (shared, true, found)
    for begin in range(0, len(y_true), _ROWS_AT_ONCE):
        truth, given = y_true[begin : begin + _ROWS_AT_ONCE], y_pred[begin : begin + _ROWS_AT_ONCE]
        packed_truth, packed_given = np.packbits(truth, axis=1), np.packbits(given, axis=1)
        n_true = _count(packed_truth)
        _check_truth(n_true, begin)
        code = (_count(packed_truth & packed_given) * side + n_true) * side + _count(packed_given)
        counts += np.bincount(code, minlength=len(counts))
    shared, wanted, found = np.unravel_index(np.flatnonzero(counts), (side, side, side))
    scores = 5.0 * shared / (4.0 * wanted + found) * counts[counts > 0]
    return math.fsum(scores.tolist()) / len(y_true)


def _f2(n_shared: int, n_true: int, n_found: int) -> float:
    """5·p·r / (4·p + r) with p = shared / found and r = shared / true, in whole numbers."""
    return 5.0 * n_shared / (4.0 * n_true + n_found)


def _count(packed: np.ndarray) -> np.ndarray:
    """How many flags each row of packed bits has set."""
    total = np.zeros(len(packed), dtype=np.int64)
    for column in np.bitwise_count(packed).T:  # a sum over few columns is slow along the rows
        total += column
    return total


def _check_truth(n_true: np.ndarray, before: int = 0) -> None:
    bare = np.flatnonzero(n_true == 0)
    if len(bare):
        raise MetricError(
            f"row {before + bare[0] + 1} of y_true has no tag, for which F2 is not defined; "
            "expected at least one"
        )


def _texts(name: str, cells: np.ndarray) -> list[str]:
    """The cells of a column of text."""
    texts: list[str] = np.asarray(cells, dtype=object).tolist()
    for row, cell in enumerate(texts, start=1):
        if not isinstance(cell, str):
            raise MetricError(
                f"row {row} of {name} holds {cell!r}; expected text (with pandas, read the file "
                "with keep_default_na=False)"
            )
    return texts
