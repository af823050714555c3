"""Metrics of one number per sample."""

from __future__ import annotations

import math

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_vectors


def mean_absolute_error_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean distance between prediction and truth, in the target's unit, 0 at best.

    Args:
        y_true: finite numbers, (n_samples,).
        y_pred: finite numbers, (n_samples,).

    Edge cases: no rows, arrays of another shape, and numbers that are not finite raise MetricError.

    Source: https://www.kaggle.com/competitions/LANL-Earthquake-Prediction/overview/evaluation

    >>> mean_absolute_error_score(y_true=np.array([1.0, 2.0]), y_pred=np.array([1.5, 4.0]))
    1.25
    """
    scaled, scale = _scaled(_distances(y_true, y_pred))
    return float(np.mean(scaled)) * scale


def root_mean_squared_error_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The root of the mean squared distance, in the target's unit, 0 at best.

    Args:
        y_true: finite numbers, (n_samples,).
        y_pred: finite numbers, (n_samples,).

    Edge cases: nothing is clipped to the scale of the truth; no rows, arrays of another shape, and
    numbers that are not finite raise MetricError.

    Source: https://en.wikipedia.org/wiki/Root_mean_square_deviation

    >>> root_mean_squared_error_score(y_true=np.array([4.0, 2.0]), y_pred=np.array([5.0, 9.0]))
    5.0
    """
    scaled, scale = _scaled(_distances(y_true, y_pred))
    return math.sqrt(np.mean(scaled**2)) * scale


def root_mean_squared_percentage_error_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The root of the mean squared distance as a share of the truth, 0 at best; 0.1 is 10 %.

    Args:
        y_true: finite numbers, (n_samples,).
        y_pred: finite numbers, (n_samples,).

    Edge cases: rows with a truth of 0 are left out, whatever was predicted, and are not counted; a
    truth of zeros only raises MetricError, as do no rows, arrays of another shape, and numbers
    that are not finite, in rows that are left out too.

    Source: https://www.kaggle.com/competitions/rossmann-store-sales/overview/evaluation

    >>> y_true, y_pred = np.array([10.0, 0.0, 20.0]), np.array([11.0, 7.0, 22.0])
    >>> root_mean_squared_percentage_error_score(y_true=y_true, y_pred=y_pred)
    0.1
    """
    distances = _distances(y_true, y_pred)
    truth = np.abs(np.asarray(y_true, dtype=np.float64))
    scored = np.flatnonzero(truth)
    if not len(scored):
        raise MetricError(
            f"all {len(truth)} rows have the truth 0; expected at least one other: the share of 0 "
            "is not defined"
        )
    with np.errstate(over="ignore"):
        shares = distances[scored] / truth[scored]
    _check_finite(shares, scored, y_true, y_pred)
    scaled, scale = _scaled(shares)
    return math.sqrt(np.mean(scaled**2)) * scale


def _distances(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    check_vectors(y_true, y_pred)
    # float64, because the difference of two unsigned numbers would wrap round
    truth, given = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        distances = np.abs(truth - given)
    _check_finite(distances, np.arange(len(distances)), truth, given)
    return distances


def _check_finite(
    values: np.ndarray, rows: np.ndarray, y_true: np.ndarray, y_pred: np.ndarray
) -> None:
    """Raises MetricError where a value that was made from truth and prediction is not finite."""
    bad = rows[~np.isfinite(values)]
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} has the truth {y_true[bad[0]]} and the prediction "
            f"{y_pred[bad[0]]}; expected finite numbers"
        )


def _scaled(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """The distances as numbers below 2, whose sums and squares are finite, and what to multiply by.

    A power of two, so that no digit is lost.
    """
    scale = math.ldexp(1.0, int(np.frexp(distances.max())[1]) - 1)
    return distances / scale, scale


mean_absolute_error = Metric(
    "mean absolute error", higher_is_better=False, score=mean_absolute_error_score, best=0.0
)
root_mean_squared_error = Metric(
    "root mean squared error", higher_is_better=False, score=root_mean_squared_error_score, best=0.0
)
root_mean_squared_percentage_error = Metric(
    "root mean squared percentage error",
    higher_is_better=False,
    score=root_mean_squared_percentage_error_score,
    best=0.0,
)
