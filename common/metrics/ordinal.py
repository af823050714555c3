"""Metrics of one grade per sample, where a far miss is worse than a near one."""

from __future__ import annotations

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_vectors

_ROWS_AT_ONCE = 65_536  # a block of pairs stays in the cache


def quadratic_weighted_kappa_score(
    y_true: np.ndarray, y_pred: np.ndarray, *, n_grades: int = 5
) -> float:
    """How far the grades agree beyond chance, in [-1, 1]: 1 is full agreement, 0 is chance.

    κ = 1 - Σ w·O / Σ w·E with w the squared distance of two grades, O the counts of pairs, and E
    the counts that the two histograms alone would give.

    Args:
        y_true: grades from 0 to n_grades - 1, (n_samples,).
        y_pred: grades from 0 to n_grades - 1, (n_samples,).
        n_grades: how many grades there are, also where some do not occur.

    Edge cases: distances are those of the values, not of the places among the grades that occur;
    one constant side gives exactly 0; both sides constant and equal, which is 0/0, gives 1,
    because every answer is right; both constant and different gives 0; no rows, arrays of another
    shape, and grades that are no whole numbers in range raise MetricError.

    Source: https://www.kaggle.com/competitions/aptos2019-blindness-detection/overview/evaluation

    >>> y_true, y_pred = np.array([0, 0, 3, 3, 4, 4, 0, 3]), np.array([0, 3, 3, 3, 4, 3, 0, 0])
    >>> round(quadratic_weighted_kappa_score(y_true=y_true, y_pred=y_pred), 5)
    0.55814
    """
    check_vectors(y_true, y_pred)
    truth, given = _grades("y_true", y_true, n_grades), _grades("y_pred", y_pred, n_grades)
    counts = np.zeros(n_grades**2, dtype=np.int64)  # rows by (true, predicted)
    for begin in range(0, len(truth), _ROWS_AT_ONCE):
        pairs = truth[begin : begin + _ROWS_AT_ONCE] * n_grades
        pairs += given[begin : begin + _ROWS_AT_ONCE]
        counts += np.bincount(pairs, minlength=n_grades**2)
    found = counts.reshape(n_grades, n_grades)
    by_chance = np.outer(found.sum(axis=1), found.sum(axis=0))  # times the number of rows
    grade = np.arange(n_grades)
    weights = (grade[:, None] - grade[None, :]) ** 2
    # whole numbers up to the one division: a constant side is 0 to the last digit
    observed = len(truth) * int((weights * found).sum())
    expected = int((weights * by_chance).sum())
    return 1.0 - observed / expected if expected else 1.0


quadratic_weighted_kappa = Metric(
    "quadratic weighted kappa",
    higher_is_better=True,
    score=quadratic_weighted_kappa_score,
    best=1.0,
)


def _grades(name: str, values: np.ndarray, n_grades: int) -> np.ndarray:
    """The grades as int64."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise MetricError(f"{name} has the type {values.dtype}; expected whole numbers")
    if values.min() >= 0 and values.max() < n_grades:  # false where one is nan
        whole = values.astype(np.int64, copy=False)
        if values.dtype.kind != "f" or np.array_equal(whole, values):
            return whole
    good = (values >= 0) & (values < n_grades) & (values == np.floor(values))
    row = int(np.argmin(good))
    raise MetricError(
        f"row {row + 1} of {name} holds {values[row]}; expected a whole number from 0 to "
        f"{n_grades - 1}"
    )
