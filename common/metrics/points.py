"""Metrics of one point in a picture per sample."""

from __future__ import annotations

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows


def mean_point_distance_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean Euclidean distance between predicted and true point, in their unit, 0 at best.

    Args:
        y_true: finite coordinates (x, y), (n_samples, 2).
        y_pred: finite coordinates in the same order and unit, (n_samples, 2).

    Edge cases: points outside the picture count with their full distance; no rows, arrays of
    another shape, and coordinates or distances that are not finite raise MetricError.

    Source: https://en.wikipedia.org/wiki/Euclidean_distance

    >>> truth = np.array([[0.0, 0.0], [10.0, 10.0]])
    >>> mean_point_distance_score(y_true=truth, y_pred=np.array([[3.0, 4.0], [10.0, 11.0]]))
    3.0
    """
    distances = _distances(y_true, y_pred)
    with np.errstate(over="ignore"):
        mean = float(np.mean(distances))
    # large distances may add up to infinity; their mean is still a number
    return mean if np.isfinite(mean) else float(np.sum(distances / len(distances)))


def median_point_distance_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The median Euclidean distance between predicted and true point, in their unit, 0 at best.

    Args:
        y_true: finite coordinates (x, y), (n_samples, 2).
        y_pred: finite coordinates in the same order and unit, (n_samples, 2).

    Edge cases: of an even number of rows the mean of the two in the middle; for the rest those of
    `mean_point_distance_score`.

    Source: https://en.wikipedia.org/wiki/Median

    >>> truth = np.array([[0.0, 0.0], [10.0, 10.0], [5.0, 5.0]])
    >>> given = np.array([[3.0, 4.0], [10.0, 11.0], [5.0, 5.0]])
    >>> median_point_distance_score(y_true=truth, y_pred=given)
    1.0
    """
    halves = _distances(y_true, y_pred) / 2  # the sum of two in the middle stays a number
    return 2.0 * float(np.median(halves))


def share_within_score(y_true: np.ndarray, y_pred: np.ndarray, *, distance: float = 10.0) -> float:
    """The share of predicted points that are less than `distance` away from the true one, in
    [0, 1].

    Args:
        y_true: finite coordinates (x, y), (n_samples, 2).
        y_pred: finite coordinates in the same order and unit, (n_samples, 2).

    Edge cases: a point that is exactly `distance` away does not count; for the rest those of
    `mean_point_distance_score`.

    Source: https://en.wikipedia.org/wiki/Euclidean_distance

    >>> truth = np.array([[0.0, 0.0], [10.0, 10.0]])
    >>> share_within_score(y_true=truth, y_pred=np.array([[6.0, 8.0], [10.0, 11.0]]))
    0.5
    """
    return float(np.mean(_distances(y_true, y_pred) < distance))


def _distances(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Each row's distance, (n_samples,), all of them finite."""
    check_rows(y_true, y_pred)
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        if np.shape(values) != (len(y_true), 2):
            raise MetricError(
                f"{name} has the shape {np.shape(values)}; expected one point (x, y) per row, "
                f"({len(y_true)}, 2)"
            )
    with np.errstate(over="ignore", invalid="ignore"):
        # float64, because the difference of two unsigned numbers would wrap round
        steps = np.asarray(y_true, dtype=np.float64) - np.asarray(y_pred, dtype=np.float64)
        distances = np.hypot(steps[:, 0], steps[:, 1])
    bad = np.flatnonzero(~np.isfinite(distances))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} has the truth {tuple(np.asarray(y_true)[bad[0]].tolist())} and the "
            f"prediction {tuple(np.asarray(y_pred)[bad[0]].tolist())}; expected finite numbers "
            "whose distance is finite"
        )
    return np.asarray(distances)


mean_point_distance = Metric(
    "mean point distance", higher_is_better=False, score=mean_point_distance_score, best=0.0
)
median_point_distance = Metric(
    "median point distance", higher_is_better=False, score=median_point_distance_score, best=0.0
)
share_within_10 = Metric(
    "share within 10", higher_is_better=True, score=share_within_score, best=1.0, worst=0.0
)
