"""Metrics of one class per sample."""

from __future__ import annotations

import numpy as np

from common.metrics.base import Metric, check_vectors


def accuracy_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of rows whose predicted class is the true one, in [0, 1].

    Args:
        y_true: classes, (n_samples,), numbers or text.
        y_pred: classes of the same kind, (n_samples,).

    Edge cases: classes are equal or not, there is no partial credit; a class that `y_true`
    does not hold counts as wrong; no rows, and arrays of another shape, raise MetricError.

    Source: https://www.kaggle.com/competitions/digit-recognizer/overview/evaluation

    >>> accuracy_score(y_true=np.array([0, 1, 2, 2]), y_pred=np.array([0, 1, 2, 1]))
    0.75
    """
    check_vectors(y_true, y_pred)
    return float(np.mean(np.asarray(y_true) == np.asarray(y_pred)))


accuracy = Metric("accuracy", higher_is_better=True, score=accuracy_score, best=1.0, worst=0.0)
