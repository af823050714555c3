"""From a map of probabilities to a mask or none: three numbers, and the search for them.

A picture has a mask where at least `min_area` pixels reach the threshold `top`; the pixels that
reach `bottom` are then the mask. Areas and thresholds mean the size at which the host counts: maps
are enlarged before they are cut.

The search needs no map twice. Maps hold 256 steps, so two counts per step and picture (all pixels,
and those of the true mask) tell the answer's area and Dice at every threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from common import paths
from common.rle import RunLength

STEPS = 256  # of a map: probability × 255, rounded
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.05), 2)
# least areas that are tried, as shares of the picture: 1/32768 to 1/8, and one that none reaches
AREAS = (*(2.0 ** -(half / 2) for half in range(30, 5, -1)), 2.0)

Size = tuple[int, int]


@dataclass(frozen=True)
class MaskRule:
    """When a map has a mask, and which.

    Args:
        top: probability that `min_area` pixels must reach for there to be a mask.
        min_area: pixels, at least 1.
        bottom: probability that the pixels of the mask reach.
    """

    top: float
    min_area: int
    bottom: float

    def mask(self, steps: np.ndarray, size: Size) -> np.ndarray | None:
        """The mask of a map, bool (H, W); None where there is none.

        Args:
            steps: probability × 255, uint8 (h, w).
            size: (H, W) in pixels, at which areas count.
        """
        top = step_of(self.top)
        if int(steps.max(initial=0)) < top:  # enlarging makes no value larger
            return None
        shown = enlarged(steps, size)
        if int(np.count_nonzero(shown >= top)) < self.min_area:
            return None
        mask: np.ndarray = shown >= step_of(self.bottom)
        return mask if mask.any() else None

    def text(self, steps: np.ndarray, size: Size, code: RunLength) -> str:
        """The answer for a map, as `code` writes it."""
        mask = self.mask(steps, size)
        return code.empty[0] if mask is None else code.encode(mask)


def step_of(threshold: float) -> int:
    """The lowest step of a map that reaches a probability."""
    return int(np.ceil(round(threshold * (STEPS - 1), 9)))


def enlarged(steps: np.ndarray, size: Size) -> np.ndarray:
    """A map, uint8 (h, w), at another size (H, W): bilinear, in whole steps."""
    if steps.shape == size:
        return steps
    return np.asarray(cv2.resize(steps, size[::-1], interpolation=cv2.INTER_LINEAR))


# ---- counting ----------------------------------------------------------------------------------


def step_counts(maps: np.ndarray, truths: list[str], size: Size, code: RunLength) -> np.ndarray:
    """How many pixels of each picture have each step: of all pixels and of the true mask, float32
    (n, 2, STEPS), exact up to 2^24 pixels.

    Args:
        maps: uint8 (n, h, w); may be memory-mapped, one is read at a time.
        truths: the true masks as `code` has them, (n,).
    """
    counts = np.zeros((len(truths), 2, STEPS), dtype=np.float32)

    def count(k: int) -> None:
        shown = enlarged(np.ascontiguousarray(maps[k]), size)
        counts[k, 0] = _histogram(shown, None)
        if truths[k] not in code.empty:
            counts[k, 1] = _histogram(shown, code.decode(truths[k], size))

    with ThreadPoolExecutor(paths.threads_asked_for()) as pool:
        for _ in pool.map(count, range(len(truths))):
            pass
    return counts


def _histogram(shown: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    inside = None if mask is None else np.ascontiguousarray(mask).view(np.uint8)
    return np.ravel(cv2.calcHist([shown], [0], inside, [STEPS], [0, STEPS]))


# ---- the search --------------------------------------------------------------------------------


def fit_rule(counts: np.ndarray, size: Size, start: MaskRule) -> MaskRule:
    """The rule whose mean Dice is best, where an empty answer to an empty truth is 1.

    A grid over THRESHOLDS and AREAS. What is compared is the mean of a rule's score and those of
    its neighbours on the grid, so a lucky spike does not win; of equal ones the nearest to `start`
    is taken. An area that no map reaches is among them: a net that tells nothing answers nothing.

    Args:
        counts: of `step_counts`, (n, 2, STEPS), n at least 1.
    """
    areas = np.unique([max(1, round(share * size[0] * size[1])) for share in AREAS])
    scores = _scores(counts, areas)
    smooth = _smoothed(scores)
    tops, bottoms = THRESHOLDS[:, None, None], THRESHOLDS[None, None, :]
    smooth = np.where(bottoms <= tops, smooth, -np.inf)
    steps = np.abs(np.log2(areas / start.min_area))[None, :, None]
    far = steps + (np.abs(tops - start.top) + np.abs(bottoms - start.bottom)) / 0.1
    best = np.where(smooth >= smooth.max() - 1e-12, far, np.inf).argmin()
    top, area, bottom = np.unravel_index(best, smooth.shape)
    return MaskRule(float(THRESHOLDS[top]), int(areas[area]), float(THRESHOLDS[bottom]))


def _scores(counts: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Mean Dice, (n_thresholds, n_areas, n_thresholds): top, least area, bottom."""
    at = [step_of(threshold) for threshold in THRESHOLDS]
    # pixels that reach each step, from the highest down
    reached = np.cumsum(counts[:, :, ::-1].astype(np.float64), axis=2)[:, :, ::-1]
    answered, shared = reached[:, 0][:, at], reached[:, 1][:, at]
    n_true = reached[:, 1, :1]
    is_empty = n_true == 0
    sizes = answered + n_true
    dice = np.where(sizes > 0, 2 * shared / np.maximum(sizes, 1), 1.0)
    gain = dice - is_empty  # over answering nothing
    scores = np.empty((len(at), len(areas), len(at)))
    for position, kept in enumerate(_kept(answered, areas)):
        scores[position] = kept @ gain / len(counts)
    total: np.ndarray = scores + is_empty.mean()
    return total


def _kept(answered: np.ndarray, areas: np.ndarray) -> Iterator[np.ndarray]:
    """For each top threshold which pictures have a mask by each least area, (n_areas, n)."""
    for column in answered.T:
        yield (column[None, :] >= areas[:, None]).astype(np.float64)


def _smoothed(scores: np.ndarray) -> np.ndarray:
    """The mean over each cell and its neighbours; at the edges the nearest cells are repeated."""
    for axis in range(scores.ndim):
        edge = [(1, 1) if own == axis else (0, 0) for own in range(scores.ndim)]
        padded = np.pad(scores, edge, mode="edge")
        parts = [np.take(padded, range(k, k + scores.shape[axis]), axis=axis) for k in range(3)]
        scores = (parts[0] + parts[1] + parts[2]) / 3
    return scores
