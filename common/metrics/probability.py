"""Metrics of probabilities: the mean of minus the logarithm of what the truth was given."""

from __future__ import annotations

from functools import reduce

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows, check_vectors

_NUMBERS_AT_ONCE = 9_000  # they stay in the cache, and are too few for threads to be started
_ROWS_AT_ONCE = 16_384
LOWEST = 1e-15  # what the hosts' log losses take for a probability of 0, and 1 less it for 1


def log_loss_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of -[y ln p + (1 - y) ln(1 - p)], 0 at best, 34.54 at worst.

    Args:
        y_true: 0 or 1, (n_samples,).
        y_pred: probabilities of 1 in [0, 1], (n_samples,).

    Edge cases: probabilities are clipped to [1e-15, 1 - 1e-15] in float64, as the host's board
    shows: a certain 0 that is wrong costs 34.538776, a certain 1 that is wrong 34.539576. A truth
    of one class is scored; no rows, a truth that is neither 0 nor 1, and a probability outside
    [0, 1] or not a number raise MetricError.

    Source: https://www.kaggle.com/competitions/dogs-vs-cats-redux-kernels-edition/overview/evaluation

    >>> log_loss_score(y_true=np.array([1, 0]), y_pred=np.array([0.5, 0.5]))
    0.6931471805599453
    """
    check_vectors(y_true, y_pred)
    truth = np.asarray(y_true)
    bad = np.flatnonzero((truth != 0) & (truth != 1))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} of those scored has the truth {truth[bad[0]]}; expected 0 or 1"
        )
    clipped = np.clip(_probabilities(y_pred), LOWEST, 1 - LOWEST)
    return float(-np.mean(np.log(np.where(truth == 1, clipped, 1 - clipped))))


def multiclass_log_loss_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of -ln p of the true class, 0 at best, 34.54 at worst.

    Args:
        y_true: the true class's column, (n_samples,), or one-hot rows, (n_samples, n_classes).
        y_pred: probabilities in [0, 1], (n_samples, n_classes).

    Edge cases: each row is divided by its sum, then clipped to [1e-15, 1 - 1e-15]; a row that
    sums to 0 cannot be divided and raises MetricError, as do no rows, a probability outside [0, 1]
    or not a number, a class without a column, and a truth that is not one-hot.

    Source: https://www.kaggle.com/wiki/MultiClassLogLoss

    >>> y_pred = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.4]])
    >>> multiclass_log_loss_score(y_true=np.array([0, 2]), y_pred=y_pred)
    0.6931471805599453
    """
    check_rows(y_true, y_pred)
    if np.ndim(y_pred) != 2:
        raise MetricError(
            f"y_pred has the shape {np.shape(y_pred)}; expected (n_samples, n_classes)"
        )
    given = np.asarray(y_pred, dtype=np.float64)
    sums = _sums(given)
    columns = _true_columns(np.asarray(y_true), given.shape[1])
    empty = np.flatnonzero(sums == 0)
    if len(empty):
        raise MetricError(
            f"{len(empty)} rows of probabilities sum to 0, the first is row {empty[0] + 1} of "
            "those scored; expected a sum of 1: a row is divided by its sum"
        )
    shares = _shares(given, columns, sums)
    np.clip(shares, LOWEST, 1 - LOWEST, out=shares)
    return float(-np.mean(np.log(shares, out=shares)))


def sums_in_doubt(columns: dict[str, np.ndarray]) -> str:
    """What looks wrong in the sums of rows of probabilities, one column per class; "" where they
    are 1 to within a millionth.

    >>> sums_in_doubt({"cat": np.array([0.5, 0.5]), "dog": np.array([0.5, 0.4])})
    '1 rows do not sum to 1 and are divided by their sum, the first sums to 0.9'
    """
    sums = np.sum(list(columns.values()), axis=0)
    off = np.flatnonzero(np.abs(sums - 1) > 1e-6)
    if not len(off):
        return ""
    return (
        f"{len(off)} rows do not sum to 1 and are divided by their sum, the first sums to "
        f"{sums[off[0]]:.7g}"
    )


def rows_without_a_sum(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Which rows of probabilities, one column per class, sum to 0 and have no share to give: bool,
    (n_rows,).

    >>> rows_without_a_sum({"cat": np.array([0.5, 0.0]), "dog": np.array([0.0, 0.0])})
    array([False,  True])
    """
    return np.asarray(reduce(np.logical_and, (column == 0 for column in columns.values())))


def _sums(given: np.ndarray) -> np.ndarray:
    """The sum of each row of probabilities, (n_samples,), all in [0, 1]."""
    sums, ones = np.empty(len(given)), np.ones(given.shape[1])
    step = max(1, _NUMBERS_AT_ONCE // max(1, len(ones)))
    for begin in range(0, len(given), step):
        block = _probabilities(given[begin : begin + step], begin)
        sums[begin : begin + step] = block @ ones  # faster than a sum over short rows
    return sums


def _shares(given: np.ndarray, columns: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """What each row's column holds over the row's sum, (n_samples,), written into `sums`."""
    rows = np.arange(min(_ROWS_AT_ONCE, len(given)))
    for begin in range(0, len(given), _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        of_truth = given[part][rows[: len(given) - begin], columns[part]]
        np.divide(of_truth, sums[part], out=sums[part])
    return sums


def _probabilities(y_pred: np.ndarray, before: int = 0) -> np.ndarray:
    """As float64, all in [0, 1]; `before` rows stand before these."""
    given = np.asarray(y_pred, dtype=np.float64)
    if given.min() >= 0 and given.max() <= 1:  # False for nan
        return given
    # only now, because naming the row takes a table of its own
    place = tuple(np.argwhere(~((given >= 0) & (given <= 1)))[0])
    raise MetricError(
        f"row {before + place[0] + 1} of those scored has the probability {given[place]}; expected "
        "a number from 0 to 1"
    )


def _true_columns(y_true: np.ndarray, n_classes: int) -> np.ndarray:
    """The true class's column per row, from positions or from one-hot rows."""
    if y_true.ndim == 1:
        with np.errstate(invalid="ignore"):  # nan is named below
            columns = y_true.astype(np.int64)
        bad = np.flatnonzero((columns != y_true) | (columns < 0) | (columns >= n_classes))
        if len(bad):
            raise MetricError(
                f"row {bad[0] + 1} of those scored has the true class {y_true[bad[0]]}; expected a "
                f"column from 0 to {n_classes - 1}"
            )
        return columns
    if y_true.shape[1:] != (n_classes,):
        raise MetricError(
            f"y_true has the shape {y_true.shape}; expected one column, or one-hot rows with the "
            f"{n_classes} columns of y_pred"
        )
    ones = y_true == 1
    one_hot = (ones.sum(axis=1) == 1) & (ones | (y_true == 0)).all(axis=1)
    bad = np.flatnonzero(~one_hot)
    if len(bad):
        raise MetricError(
            f"the solution's row {bad[0] + 1} of those scored is not one-hot; expected a single 1 "
            f"and {n_classes - 1} zeros: mend the solution"
        )
    return np.asarray(np.argmax(ones, axis=1))


log_loss = Metric("log loss", higher_is_better=False, score=log_loss_score, best=0.0)
multiclass_log_loss = Metric(
    "multi-class log loss", higher_is_better=False, score=multiclass_log_loss_score, best=0.0
)
