"""Metrics of one number per sample."""

from __future__ import annotations

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
    check_vectors(y_true, y_pred)
    # float64, because the difference of two unsigned numbers would wrap round
    distances = np.abs(np.asarray(y_true, dtype=np.float64) - np.asarray(y_pred, dtype=np.float64))
    bad = np.flatnonzero(~np.isfinite(distances))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} has the truth {y_true[bad[0]]} and the prediction "
            f"{y_pred[bad[0]]}; expected finite numbers"
        )
    return float(np.mean(distances))


mean_absolute_error = Metric(
    "mean absolute error", higher_is_better=False, score=mean_absolute_error_score, best=0.0
)
