"""How much better shuffled folds would look than folds by quake cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common import folds as make_folds

NEIGHBOURS = 10
MOST_ROWS = 4_000  # that are compared all with all
LOOKS_BETTER = 0.95  # a shuffled error below this share of the other is told


@dataclass(frozen=True)
class SplitCheck:
    """What nearest neighbours score when whole cycles are held out, and when shuffled segments are.

    Args:
        by_cycle, shuffled: mean absolute errors, seconds.
    """

    by_cycle: float
    shuffled: float

    def told(self) -> str:
        """The line for the log."""
        scores = f"{self.shuffled:.2f} s in shuffled folds, {self.by_cycle:.2f} s in folds by cycle"
        if self.shuffled < LOOKS_BETTER * self.by_cycle:
            return (
                f"warning: shuffled folds would look better and mislead (nearest neighbours: "
                f"{scores}), as segments of one cycle are nearly alike; cycles are kept whole here"
            )
        return f"nearest neighbours: {scores}"


def check_splits(
    features: np.ndarray, times: np.ndarray, cycles: np.ndarray, n_folds: int, seed: int
) -> SplitCheck:
    """Compares both ways to split, on at most MOST_ROWS segments.

    Args:
        features: (n_segments, n_features), those that drift among them: they tell most.
    """
    rows = np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_ROWS)).astype(np.int64))
    scaled = features[rows] - features[rows].mean(axis=0)
    spread = scaled.std(axis=0)
    scaled /= np.where(spread > 0, spread, 1)
    by_cycle = make_folds.cycles(cycles[rows], times[rows], n_folds, seed)
    shuffled = np.random.default_rng(seed).permutation(len(rows)) % n_folds
    errors = [_neighbours_error(scaled, times[rows], folds) for folds in (by_cycle, shuffled)]
    return SplitCheck(*errors)


def _neighbours_error(scaled: np.ndarray, times: np.ndarray, folds: np.ndarray) -> float:
    """Mean absolute error of the median of the nearest segments in other folds."""
    squares = (scaled**2).sum(axis=1)
    errors = []
    for fold in np.unique(folds):
        asked, known = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        distances = squares[known] - 2 * scaled[asked] @ scaled[known].T
        n_near = min(NEIGHBOURS, len(known))
        near = np.argpartition(distances, n_near - 1, axis=1)[:, :n_near]
        errors.append(np.abs(np.median(times[known][near], axis=1) - times[asked]))
    return float(np.concatenate(errors).mean())
