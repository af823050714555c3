"""Several models' predictions as one: weighted means, ranks, and which weights are best."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from common.collect import Dense, Maps, MapStack, Predictions
from common.collect.base import positions_of
from common.errors import RunError
from common.metrics import Metric

STEPS = tuple(2.0**-power for power in range(1, 8))  # 1/2 to 1/128; finer ones would fit noise
_BATCH_BYTES = 1 << 24  # of the maps that are mixed at once


def mixed(parts: Sequence[Predictions], weights: np.ndarray, room: Path) -> Predictions:
    """The weighted mean of several predictions of the same samples, in the order of the first.

    Args:
        weights: (n_parts,), 0 or more, with the sum 1.
        room: a folder for the maps of a map stack, which are mixed on disk, some at a time.

    Raises: RunError for predictions that have no mean, and for a sample that a part lacks.
    """
    dense = [part for part in parts if isinstance(part, Dense)]
    if len(dense) == len(parts):
        return _mixed_rows(dense, weights)
    maps = [part for part in parts if isinstance(part, MapStack)]
    if len(maps) == len(parts):
        return _mixed_maps(maps, weights, room)
    raise RunError(f"{type(parts[0]).__name__} predictions have no mean; expected numbers or maps")


def _mixed_rows(parts: Sequence[Dense], weights: np.ndarray) -> Dense:
    first = parts[0]
    total = np.zeros(first.values.shape, dtype=np.float64)
    for part, weight in zip(parts, weights, strict=True):
        total += weight * part.select(first.samples).values
    return Dense(first.samples, total.astype(np.float32), first.names)


def _mixed_maps(parts: Sequence[MapStack], weights: np.ndarray, room: Path) -> MapStack:
    samples, shape = parts[0].samples, parts[0].values.shape
    orders = [positions_of(part.samples, samples) for part in parts]
    out = Maps(room, len(samples), shape[1:])
    size = max(1, _BATCH_BYTES // max(1, int(np.prod(shape[1:]))))
    for start in range(0, len(samples), size):
        rows = slice(start, start + size)
        total = np.zeros((len(samples[rows]), *shape[1:]))
        for part, order, weight in zip(parts, orders, weights, strict=True):
            total += weight * part.values[order[rows]]
        out.add(samples[rows], np.clip(total / 255, 0, 1))  # the weights' sum is 1 up to rounding
    return out.finish()


def ranked(part: Dense) -> Dense:
    """Each column as ranks from 0 to 1, over all samples: (rank - 1/2) / N, where equal values
    share the mean of their ranks.

    It keeps the order of a column and nothing else: for metrics that look at order alone.
    """
    values = np.stack([_ranks(column) for column in part.values.T], axis=1)
    return Dense(part.samples, values.astype(np.float32), part.names)


def _ranks(column: np.ndarray) -> np.ndarray:
    _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2  # of the ranks from 1 that equal values take
    ranks: np.ndarray = (middle[codes] - 0.5) / max(1, len(column))
    return ranks


def best_weights(score: Callable[[np.ndarray], float], n_parts: int, metric: Metric) -> np.ndarray:
    """The weights, (n_parts,), 0 or more and with the sum 1, whose score is best.

    A search on the simplex: from equal weights, some weight is moved from one part to another
    wherever that is better, in steps of a half down to 1/128. It needs no slope, so any metric
    will do; of weights that score alike it keeps the first that it met, the nearest to equal ones.

    Args:
        score: what to make best, by the metric's direction; nan is never better.
    """
    weights = np.full(n_parts, 1 / n_parts)
    best = score(weights)
    pairs = list(itertools.permutations(range(n_parts), 2))
    for step in STEPS:
        moved = True
        while moved:
            moved = False
            for giver, taker in pairs:
                size = min(step, weights[giver])
                if size <= 0:
                    continue
                tried = weights.copy()
                tried[giver] = 0.0 if size == weights[giver] else tried[giver] - size
                tried[taker] += size
                found = score(tried)
                if metric.is_better(found, best):
                    weights, best, moved = tried, found, True
    weights /= weights.sum()
    return weights
