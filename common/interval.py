"""In which range a test set's score is to be expected, from out-of-fold rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.errors import MetricError
from common.metrics import Metric
from common.score import Aligned

LEVEL = 0.90
MOST_DRAWS, FEWEST_DRAWS = 200, 40
MOST_ROWS = 20_000_000  # drawn in all: a large test set takes fewer draws
FOLD_DRAWS = 50


@dataclass(frozen=True)
class Interval:
    """A 90 % interval for the score on a test set of `n_test` rows."""

    low: float
    high: float
    n_test: int


def interval(
    aligned: Aligned,
    metric: Metric,
    *,
    groups: np.ndarray,
    folds: np.ndarray,
    n_test: int,
    seed: int,
) -> Interval:
    """The interval in which the score on a test set of `n_test` rows is expected.

    Each draw resamples whole groups twice: once for the luck of the rows that we validated on,
    and once, from those, for the luck of a test set of `n_test` rows. What the folds' scores
    spread beyond such luck is added, because the next model may differ as much.

    Args:
        groups: (n_rows,), rows of one value are drawn together; all different where rows are
            independent.
        folds: (n_rows,), the fold in which a row was validated.
        seed: of the draws.

    Edge cases: with one group or one fold the part that cannot be estimated is left out; draws on
    which the metric is undefined are left out; where no row is wrong there is no luck to see, and
    the interval is a point.

    Raises: MetricError where the metric is undefined on most draws.
    """
    generator = np.random.default_rng(seed)
    members = _Members(groups)
    n_drawn = max(1, round(len(members) * n_test / len(aligned.y_true)))
    n_draws = int(np.clip(MOST_ROWS // max(1, n_test), FEWEST_DRAWS, MOST_DRAWS))

    def test_sets() -> Iterator[np.ndarray]:
        for _ in range(n_draws):
            ours = generator.integers(len(members), size=len(members))
            yield members.rows(generator.choice(ours, size=n_drawn))

    draws = _scores(aligned, metric, test_sets())
    if len(draws) < n_draws / 2:
        raise MetricError(
            f"{metric.name} is undefined on {n_draws - len(draws)} of {n_draws} resampled test "
            "sets; expected a class or value of every kind in most: validate on more rows"
        )
    spread = _spread_beyond_luck(aligned, metric, folds, groups, generator)
    draws += generator.normal(0.0, spread, size=len(draws))
    lowest, highest = metric.worst, metric.best
    if not metric.higher_is_better:
        lowest, highest = highest, lowest
    draws = np.clip(
        draws,
        -math.inf if lowest is None else lowest,
        math.inf if highest is None else highest,
    )
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high), n_test)


class _Members:
    """The rows of each group."""

    def __init__(self, groups: np.ndarray) -> None:
        _, codes = np.unique(groups, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        self.groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        self.single = order if len(self.groups) == len(order) else None

    def __len__(self) -> int:
        return len(self.groups)

    def rows(self, chosen: np.ndarray) -> np.ndarray:
        """The rows of some groups, one group after the other."""
        if self.single is None:
            return np.concatenate([self.groups[group] for group in chosen])
        rows: np.ndarray = self.single[chosen]
        return rows


def _scores(aligned: Aligned, metric: Metric, draws: Iterator[np.ndarray]) -> np.ndarray:
    """The score of each draw on which the metric is defined."""
    scores = []
    for rows in draws:
        try:
            scores.append(aligned.score(metric, rows))
        except MetricError:
            continue
    return np.array(scores)


def _spread_beyond_luck(
    aligned: Aligned,
    metric: Metric,
    folds: np.ndarray,
    groups: np.ndarray,
    generator: np.random.Generator,
) -> float:
    """The standard deviation between folds that resampling their rows does not explain."""
    scores: list[float] = []
    luck: list[float] = []
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        members = _Members(groups[inside])
        resampled = (
            inside[members.rows(generator.integers(len(members), size=len(members)))]
            for _ in range(FOLD_DRAWS)
        )
        scores += _scores(aligned, metric, iter([inside])).tolist()
        drawn = _scores(aligned, metric, resampled)
        luck += [float(np.var(drawn))] if len(drawn) else []
    if len(scores) < 2 or not luck:
        return 0.0
    beyond = float(np.var(scores, ddof=1)) - float(np.mean(luck))
    return math.sqrt(max(0.0, beyond))
