"""The few best of many classes, and the average precision of all rows' best in one list."""

from __future__ import annotations

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows

_SCORES_AT_ONCE = 2**18  # a block of scores stays in the cache
_LOW_HALF = np.uint64(2**32 - 1)


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """The classes with the highest scores of each row, best first, int64, (n_rows, k).

    Args:
        scores: floats without nan, (n_rows, n_classes); infinities are allowed.
        k: from 1; more than there are classes gives all of them.

    Edge cases: of equal scores the lower class comes first; 0.0 and -0.0 are equal; nan and
    arrays of another shape or type raise MetricError. float32 is much faster than float64.

    >>> top_k(np.array([[0.1, 0.7, 0.7, 0.2]]), 3)
    array([[1, 2, 3]])
    """
    return _ranked(scores, k)[0]


def global_average_precision_score(y_true: np.ndarray, y_pred: np.ndarray, *, k: int = 20) -> float:
    """The average precision of all rows' `k` best classes in one list by score, in [0, 1].

    Args:
        y_true: bool, (n_samples, n_classes), at least one True.
        y_pred: floats without nan, (n_samples, n_classes).
        k: how many classes of a row count.

    Edge cases: of equal scores the earlier row comes first, then the lower class; the number of
    positives is not capped at `k`; no rows, no positive, nan and arrays of another shape or type
    raise MetricError.

    Source: https://www.kaggle.com/competitions/youtube8m/overview/evaluation

    >>> y_true = np.array([[True, False], [False, True]])
    >>> y_pred = np.array([[0.9, 0.8], [0.7, 0.6]])
    >>> global_average_precision_score(y_true=y_true, y_pred=y_pred, k=2)
    0.75
    """
    check_rows(y_true, y_pred)
    if y_true.dtype != np.bool_ or np.shape(y_true) != np.shape(y_pred):
        raise MetricError(
            f"y_true has the shape {np.shape(y_true)} and the type {y_true.dtype}; expected bool "
            f"with the shape of y_pred, {np.shape(y_pred)}"
        )
    n_positive = np.count_nonzero(y_true)
    if not n_positive:
        raise MetricError("y_true marks no class of any row; expected at least one")
    classes, scores = _ranked(y_pred, k)
    order = _surest_first(scores.ravel())
    ranks = np.flatnonzero(np.take_along_axis(y_true, classes, axis=1).ravel()[order]) + 1
    return float(np.sum(np.arange(1, len(ranks) + 1) / ranks) / n_positive)


global_average_precision = Metric(
    "global average precision at 20",
    higher_is_better=True,
    score=global_average_precision_score,
    best=1.0,
)


def _ranked(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`top_k`, and the scores there, both (n_rows, k)."""
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.dtype.kind != "f" or not scores.shape[1]:
        raise MetricError(
            f"the scores have the shape {scores.shape} and the type {scores.dtype}; expected "
            "floats (n_rows, n_classes)"
        )
    if k < 1:
        raise MetricError(f"k is {k}; expected at least 1")
    n_rows, n_classes = scores.shape
    best = np.empty((n_rows, min(k, n_classes)), dtype=np.int64)
    values = np.empty(best.shape, dtype=scores.dtype)
    step = max(1, _SCORES_AT_ONCE // n_classes)
    for begin in range(0, n_rows, step):
        part = scores[begin : begin + step]
        if part.dtype.itemsize > 4:
            _refuse_nan(part, begin)
            chosen = np.argsort(-part, axis=1, kind="stable")[:, :k]
        else:
            chosen = _best(part.astype(np.float32, copy=False), k, begin)
        best[begin : begin + step] = chosen
        values[begin : begin + step] = np.take_along_axis(part, chosen, axis=1)
    return best, values


def _best(scores: np.ndarray, k: int, before: int) -> np.ndarray:
    """`top_k` of float32 that fit into the cache.

    Few scores of a row reach its bound; only those are sorted, all rows in one call, each as one
    whole number: the score, then the class.
    """
    n_rows, n_classes = scores.shape
    k = min(k, n_classes)
    at = np.flatnonzero(scores >= _bounds(scores, k, before))
    rows = at // n_classes
    n_kept = np.bincount(rows, minlength=n_rows)
    first = np.cumsum(n_kept) - n_kept
    packed = np.full((n_rows, int(n_kept.max(initial=k))), np.iinfo(np.uint64).max)
    keys = _descending(scores.ravel()[at]) << np.uint64(32)
    packed[rows, np.arange(len(at)) - first[rows]] = keys | (at - rows * n_classes).astype(
        np.uint64
    )
    packed.sort(axis=1)
    return (packed[:, :k] & _LOW_HALF).astype(np.int64)


def _bounds(scores: np.ndarray, k: int, before: int) -> np.ndarray:
    """A number per row, (n_rows, 1), that at least `k` scores reach and few others.

    The row is dealt out to heaps; the k-th of the heaps' highest is such a number.
    """
    n_classes = scores.shape[1]
    n_heaps = min(n_classes, 5 * k)
    highest = scores[:, :n_heaps].copy()
    for begin in range(n_heaps, n_classes, n_heaps):  # one reduction over short axes is slower
        dealt = scores[:, begin : begin + n_heaps]
        part = highest[:, : dealt.shape[1]]
        np.maximum(part, dealt, out=part)
    highest.sort(axis=1)  # nan is the highest of its heap, and goes last
    if np.isnan(highest[:, -1]).any():
        _refuse_nan(scores, before)
    return highest[:, n_heaps - k, None]


def _refuse_nan(scores: np.ndarray, before: int) -> None:
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise MetricError(f"row {before + bad[0] + 1} of the scores holds nan; expected numbers")


def _descending(scores: np.ndarray) -> np.ndarray:
    """float32 as uint64 below 2**32 that rise as the scores fall."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, bits, ~bits & np.uint32(2**31 - 1)).astype(np.uint64)


def _surest_first(scores: np.ndarray) -> np.ndarray:
    """The positions by falling score; of equal scores the first comes first."""
    if scores.dtype.itemsize > 4 or len(scores) > 2**32:
        return np.argsort(-scores, kind="stable")
    packed = _descending(scores.astype(np.float32, copy=False)) << np.uint64(32)
    packed |= np.arange(len(scores), dtype=np.uint64)
    packed.sort()
    return (packed & _LOW_HALF).astype(np.int64)
