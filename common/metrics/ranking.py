"""Metrics that see only the order of the predictions."""

from __future__ import annotations

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_vectors


def area_under_roc_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of pairs of a 1 and a 0 in which the 1 has the higher prediction, in [0, 1].

    Args:
        y_true: 0 or 1, (n_samples,).
        y_pred: finite numbers of any size, (n_samples,).

    Edge cases: a pair with equal predictions counts one half, so that a constant scores 0.5; a
    truth of one class has no pairs and raises MetricError, as do no rows, a truth that is neither
    0 nor 1, arrays of another shape, and a prediction that is not finite.

    Source: https://www.kaggle.com/competitions/word2vec-nlp-tutorial/overview/evaluation

    >>> y_true = np.array([0, 0, 1, 1])
    >>> area_under_roc_score(y_true=y_true, y_pred=np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    check_vectors(y_true, y_pred)
    truth, given = np.asarray(y_true), np.asarray(y_pred, dtype=np.float64)
    _check_values(truth, given)
    ones, zeros = np.sort(given[truth == 1]), np.sort(given[truth == 0])
    if not len(ones) or not len(zeros):
        raise MetricError(
            f"the truth holds {len(ones)} times 1 and {len(zeros)} times 0; expected both: the "
            "area is not defined for one class"
        )
    # in whole numbers: a 0 below a 1 is counted from both sides, an equal one from one side
    below = int(np.searchsorted(zeros, ones, side="left").sum())
    not_above = int(np.searchsorted(zeros, ones, side="right").sum())
    return (below + not_above) / (2 * len(ones) * len(zeros))


def _check_values(truth: np.ndarray, given: np.ndarray) -> None:
    bad = np.flatnonzero((truth != 0) & (truth != 1))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} of those scored has the truth {truth[bad[0]]}; expected 0 or 1"
        )
    bad = np.flatnonzero(~np.isfinite(given))
    if len(bad):
        raise MetricError(
            f"row {bad[0] + 1} of those scored has the prediction {given[bad[0]]}; expected a "
            "finite number"
        )


area_under_roc = Metric(
    "area under the ROC curve", higher_is_better=True, score=area_under_roc_score, best=1.0
)
