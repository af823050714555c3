"""Metrics of one number per sample."""

from __future__ import annotations

import numpy as np

from common.metrics.base import Metric, check_rows


def mean_absolute_error_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean distance between prediction and truth, in the target's unit, 0 at best.

    Args:
        y_true: finite numbers, (n_samples,).
        y_pred: finite numbers, (n_samples,).

    Edge cases: no rows raise MetricError.

    Source: https://www.kaggle.com/competitions/LANL-Earthquake-Prediction/overview/evaluation

    >>> mean_absolute_error_score(y_true=np.array([1.0, 2.0]), y_pred=np.array([1.5, 4.0]))
    1.25
    """
    check_rows(y_true, y_pred)
    return float(np.mean(np.abs(y_true - y_pred)))


mean_absolute_error = Metric(
    "mean absolute error", higher_is_better=False, score=mean_absolute_error_score
)
