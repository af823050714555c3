"""Numbers to ordered grades: cut points between them, and the ones that a metric likes best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.metrics import Metric

REACH = 0.4  # how far a cut point may leave its place at the start, as a share of their distance
STEPS = 40  # places to either side of it
ROUNDS = 20  # passes over all cut points; a few are enough


def midpoints(n_grades: int) -> tuple[float, ...]:
    """The cut points of grades 0 to n_grades - 1 that round a number: 0.5, 1.5 and so on."""
    return tuple(k + 0.5 for k in range(n_grades - 1))


def to_grades(values: np.ndarray, cuts: Sequence[float]) -> np.ndarray:
    """The grade of each number, int64 (n,): how many cut points lie at or below it, so a number
    outside all of them gets the first or last grade."""
    grades: np.ndarray = np.searchsorted(np.asarray(cuts), values, side="right")
    return grades.astype(np.int64)


def fit_cut_points(
    y_true: np.ndarray, values: np.ndarray, metric: Metric, start: Sequence[float]
) -> tuple[float, ...]:
    """The cut points by which a metric of grades is best, found from `start` one at a time.

    Every cut point is tried at places around its own at the start, in a fixed order, until none
    of them moves; the ranges of two never meet. Where a stretch of places is equally good, the
    middle of the one nearest to the start is taken: its edge would fit single rows. Nothing is
    drawn.

    Args:
        y_true: grades, (n,).
        values: predicted numbers, (n,).

    Edge cases: no rows, or grades that are all the same, give `start`.
    """
    begun = [float(cut) for cut in start]
    if len(np.unique(y_true)) < 2:
        return tuple(begun)
    cuts = list(begun)
    reach = REACH * float(np.diff(begun).min(initial=1.0))
    offsets = np.linspace(-reach, reach, 2 * STEPS + 1)
    for _ in range(ROUNDS):
        before = list(cuts)
        for k, own in enumerate(begun):
            places = own + offsets
            scores = [
                metric.score(
                    y_true=y_true, y_pred=to_grades(values, [*cuts[:k], place, *cuts[k + 1 :]])
                )
                for place in places
            ]
            cuts[k] = _middle_of_best(places, np.array(scores), metric, own)
        if cuts == before:
            break
    return tuple(round(cut, 6) for cut in cuts)


def _middle_of_best(places: np.ndarray, scores: np.ndarray, metric: Metric, start: float) -> float:
    """The middle of the best stretch of places; of several, of the one nearest to the start."""
    best = scores.max() if metric.higher_is_better else scores.min()
    at = np.flatnonzero(scores == best)
    stretches = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    middles = [float((places[one[0]] + places[one[-1]]) / 2) for one in stretches]
    return min(middles, key=lambda middle: abs(middle - start))
