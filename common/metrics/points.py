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
        mean = float(np.mean(distances))
    bad = np.flatnonzero(~np.isfinite(distances))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} has the truth {tuple(np.asarray(y_true)[bad[0]].tolist())} and the "
            f"prediction {tuple(np.asarray(y_pred)[bad[0]].tolist())}; expected finite numbers "
            "whose distance is finite"
        )
    # large distances may add up to infinity; their mean is still a number
    return mean if np.isfinite(mean) else float(np.sum(distances / len(distances)))


mean_point_distance = Metric(
    "mean point distance", higher_is_better=False, score=mean_point_distance_score, best=0.0
)
