"""Metrics of one class per sample."""

from __future__ import annotations

import numpy as np

from common.metrics.base import Metric, check_rows


def accuracy_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of rows whose predicted class is the true one, in [0, 1].

    Args:
        y_true: classes, (n_samples,), numbers or text.
        y_pred: classes of the same kind, (n_samples,).

    Edge cases: classes are equal or not, there is no partial credit; a class that `y_true`
    does not hold counts as wrong; no rows raise MetricError.

    Source: https://www.kaggle.com/competitions/digit-recognizer/overview/evaluation

    >>> accuracy_score(y_true=np.array([0, 1, 2, 2]), y_pred=np.array([0, 1, 2, 1]))
    0.75
    """
    check_rows(y_true, y_pred)
    return float(np.count_nonzero(y_true == y_pred) / len(y_true))


accuracy = Metric("accuracy", higher_is_better=True, score=accuracy_score)
