"""Mean average precision over ranked lists of video segments, of which few are rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows

MAX_SEGMENTS = 100_000


def segments_average_precision(
    segments: Sequence[str], ratings: Mapping[str, bool], *, k: int = MAX_SEGMENTS
) -> float:
    """The average precision of one class's list, in [0, 1].

    Args:
        segments: ids, best first, each once.
        ratings: whether a rated segment shows the class, by id; at least one does.
        k: how many ids count; further ones are cut off.

    Edge cases: ids without a rating are passed over, after the cut; positives that the list lacks
    cost recall; the number of positives is not capped at `k`; an empty list scores 0.

    Source: https://github.com/google/youtube-8m/blob/master/average_precision_calculator.py

    >>> ratings = {"a:0": True, "a:5": False, "b:0": True}
    >>> segments_average_precision(["c:0", "b:0", "a:5", "a:0"], ratings)
    0.8333333333333333
    """
    n_positive = sum(ratings.values())
    if n_positive == 0:
        raise MetricError("no segment of the class is rated positive; expected at least one")
    given = map(ratings.get, segments[:k])
    relevant = np.array([rating for rating in given if rating is not None], dtype=bool)
    ranks = np.flatnonzero(relevant) + 1  # among the rated ones
    return float(np.sum(np.arange(1, len(ranks) + 1) / ranks) / n_positive)


def segments_map_score(y_true: np.ndarray, y_pred: np.ndarray, *, k: int = MAX_SEGMENTS) -> float:
    """The mean over classes of the average precision of their lists, in [0, 1].

    Args:
        y_true: (n_classes, 2), text: the ids rated positive, and those rated negative.
        y_pred: (n_classes,), text: ids, best first. Ids stand between single blanks.
        k: how many ids of a class count.

    Edge cases: classes without a positive are left out of the mean; a class with an empty list
    counts 0; a repeated id, an id rated twice, and no class with a positive raise MetricError.
    For the rest see `segments_average_precision`.

    Source: https://www.kaggle.com/competitions/youtube8m-2019/overview/evaluation

    >>> y_true = np.array([["a:0 b:0", "a:5"], ["c:0", ""]])
    >>> segments_map_score(y_true=y_true, y_pred=np.array(["c:0 b:0", "a:0 c:0"]))
    0.75
    """
    check_rows(y_true, y_pred)
    if np.shape(y_true) != (len(y_true), 2) or np.ndim(y_pred) != 1:
        raise MetricError(
            f"the shapes are {np.shape(y_true)} and {np.shape(y_pred)}; expected positives and "
            "negatives of each class, (n_classes, 2), and one list per class, (n_classes,)"
        )
    scores = []
    for (positive, negative), cell in zip(y_true, y_pred, strict=True):
        ratings = _ratings(str(positive).split(), str(negative).split())
        segments = str(cell).split()
        if len(set(segments)) < len(segments):
            raise MetricError(f"a list of {len(segments)} ids repeats one; expected each once")
        if any(ratings.values()):
            scores.append(segments_average_precision(segments, ratings, k=k))
    if not scores:
        raise MetricError("no class has a segment that is rated positive; expected at least one")
    return float(np.mean(scores))


def _ratings(positive: Sequence[str], negative: Sequence[str]) -> dict[str, bool]:
    ratings = {**dict.fromkeys(positive, True), **dict.fromkeys(negative, False)}
    if len(ratings) < len(positive) + len(negative):
        raise MetricError("a segment of a class is rated twice; expected one rating each")
    return ratings


segments_map = Metric(
    "mean average precision at 100,000", higher_is_better=True, score=segments_map_score, best=1.0
)
