"""Metrics that give every class the same weight, however many samples it has."""

from __future__ import annotations

import numpy as np

from common.metrics.base import Metric, check_vectors


def mean_class_accuracy_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of right answers within each true class, averaged over the classes, in [0, 1].

    Args:
        y_true: classes, (n_samples,), numbers or text.
        y_pred: classes of the same kind, (n_samples,).

    Edge cases: a class that `y_true` does not hold is left out, not counted as 0, and is wrong
    where it is predicted; no rows, and arrays of another shape, raise MetricError.

    Source: https://www.robots.ox.ac.uk/~vgg/data/pets/

    >>> mean_class_accuracy_score(y_true=np.array([0, 1, 1, 1]), y_pred=np.array([0, 1, 0, 0]))
    0.6666666666666666
    """
    check_vectors(y_true, y_pred)
    _, classes, sizes = np.unique(y_true, return_inverse=True, return_counts=True)
    right = np.asarray(y_true) == np.asarray(y_pred)
    return float(np.mean(np.bincount(classes, weights=right) / sizes))


mean_class_accuracy = Metric(
    "mean class accuracy", higher_is_better=True, score=mean_class_accuracy_score, best=1.0
)
