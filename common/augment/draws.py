"""The numbers that are drawn for a batch: one row per picture, the same for every back end.

Each group of changes has a key of its own, so switching one on leaves what the others draw.
Positions are counted in pixels from the centre of the picture, x to the right and y down: there a
flip is a sign, and turns need no offset.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from common.randomness import permutation, uniform

if TYPE_CHECKING:
    from common.augment.policy import Policy

Size = tuple[int, int]  # height, width in pixels

# Bits of a flip: mirror x, mirror y, swap x and y; together the eight symmetries of a square.
MIRROR_X, MIRROR_Y, SWAP = 1, 2, 4
FLIP_CODES = {
    "horizontal": (0, MIRROR_X),
    "vertical": (0, MIRROR_Y),
    "both": (0, MIRROR_X, MIRROR_Y, MIRROR_X | MIRROR_Y),
    "dihedral": tuple(range(8)),
}
GREY = (0.299, 0.587, 0.114)  # red, green and blue in a grey of the same lightness
EPSILON = 1e-7  # values are kept this far from 0 and 1 before the logit, as fastai does


@dataclass(frozen=True)
class Draw:
    """What a policy's random numbers depend on.

    Args:
        seed, epoch: of the run.
        samples: whole numbers that name the samples of the batch, (N,).
    """

    seed: int
    epoch: int
    samples: np.ndarray


@dataclass(frozen=True)
class Draws:
    """What was drawn for a batch.

    Args:
        size: height and width of the pictures that are read.
        out_size: height and width of the pictures that come out.
        matrix: where each pixel comes from: output to input, both in pixels from the centre,
            float64 (N, 3, 3).
        brightness: added to the logit of the value, (N,).
        contrast: then multiplies the logit, (N,).
        saturation: multiplies the distance from grey, (N,).
        hole: cutout's rows and columns in the output: top, left, bottom, right (the last two
            are the first outside), int64 (N, 4); all 0 where there is none.
        partner: the row of the batch that is mixed in, int64 (N,).
        weight: share of the own picture in the target, (N,); 1 where nothing is mixed.
        patch: what cutmix takes from the partner, as `hole`; all 0 where the pictures are
            blended by `weight` instead.
    """

    policy: Policy
    size: Size
    out_size: Size
    matrix: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    saturation: np.ndarray
    hole: np.ndarray
    partner: np.ndarray
    weight: np.ndarray
    patch: np.ndarray

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def moves(self) -> bool:
        return self.policy.moves or self.size != self.out_size

    @cached_property
    def blend(self) -> np.ndarray:
        """Share of the own picture in the blended values, (N,): 1 where a patch is pasted."""
        return np.asarray(np.where(self.patch.any(axis=1), 1.0, self.weight))

    @cached_property
    def pixel_matrix(self) -> np.ndarray:
        """`matrix` between positions as OpenCV counts them: the first pixel's centre is (0, 0)."""
        (height, width), (out_height, out_width) = self.size, self.out_size
        to_pixels, to_centre = np.eye(3), np.eye(3)
        to_pixels[:2, 2] = (width - 1) / 2, (height - 1) / 2
        to_centre[:2, 2] = -(out_width - 1) / 2, -(out_height - 1) / 2
        return np.asarray(to_pixels @ self.matrix @ to_centre)

    @cached_property
    def unit_matrix(self) -> np.ndarray:
        """`matrix` between positions as torch's grids count them: both sides from -1 to 1."""
        (height, width), (out_height, out_width) = self.size, self.out_size
        inputs = np.array([width / 2, height / 2, 1.0])
        outputs = np.array([out_width / 2, out_height / 2, 1.0])
        return np.asarray(self.matrix * outputs[None, None, :] / inputs[None, :, None])

    @cached_property
    def light_table(self) -> np.ndarray:
        """What brightness and contrast make of each value of a byte, uint8 (N, 256)."""
        values = np.clip(np.arange(256) / 255, EPSILON, 1 - EPSILON)
        logits = np.log(values / (1 - values)) + self.brightness[:, None]
        changed = 1 / (1 + np.exp(-logits * self.contrast[:, None]))
        return np.asarray(np.round(255 * changed), dtype=np.uint8)


def draw_batch(policy: Policy, draw: Draw, size: Size, out_size: Size | None = None) -> Draws:
    """What a policy draws for a batch of pictures.

    Args:
        size: height and width of the pictures.
        out_size: of what comes out; None for the same. Of a picture of another shape the
            largest middle part is taken.
    """
    target = out_size or size
    partner, weight, patch = _mixing(policy, draw, target)
    return Draws(
        policy=policy,
        size=size,
        out_size=target,
        matrix=_matrices(policy, draw, size, target),
        brightness=_brightness(policy, draw),
        contrast=_factor(policy.contrast, draw, "contrast"),
        saturation=_factor(policy.saturation, draw, "saturation"),
        hole=_hole(policy, draw, target),
        partner=partner,
        weight=weight,
        patch=patch,
    )


def _uniform(draw: Draw, n_draws: int, change: str = "") -> np.ndarray:
    """Numbers in [0, 1) for each sample, float64 (N, n_draws)."""
    group = f"augment {change}".strip()
    return uniform(draw.samples, n_draws, draw.seed, group, draw.epoch)


def _signed(draw: Draw, n_draws: int, change: str = "") -> np.ndarray:
    """Numbers in [-1, 1) for each sample, float64 (N, n_draws)."""
    return 2 * _uniform(draw, n_draws, change) - 1


# ---- where a pixel comes from ----------------------------------------------------------------


def _matrices(policy: Policy, draw: Draw, size: Size, out_size: Size) -> np.ndarray:
    """The maps from output to input: a flip first, then perspective, turn, zoom and shift."""
    maps = np.tile(np.eye(3), (len(draw.samples), 1, 1))
    if size != out_size:
        fit = min(size[0] / out_size[0], size[1] / out_size[1])
        maps[:, [0, 1], [0, 1]] = fit
    if policy.symmetries:
        maps = maps @ _flips(policy, draw, square=size[0] == size[1] and out_size[0] == out_size[1])
    if policy.warp:
        maps = _perspective(policy.warp, draw, size) @ maps
    if policy.rotate or policy.zoom or policy.shift:
        maps = _affine(policy, draw, size) @ maps
    return maps


def _affine(policy: Policy, draw: Draw, size: Size) -> np.ndarray:
    """Turn, zoom and shift, (N, 3, 3). The turn is taken in pixels, so that pictures that are
    not square keep their angles."""
    height, width = size
    signed = _signed(draw, 4)
    angle = np.radians(policy.rotate) * signed[:, 0]
    scale = 1 / (1 + policy.zoom * signed[:, 1])
    maps = np.tile(np.eye(3), (len(signed), 1, 1))
    maps[:, 0, 0] = scale * np.cos(angle)
    maps[:, 0, 1] = -scale * np.sin(angle)
    maps[:, 1, 0] = scale * np.sin(angle)
    maps[:, 1, 1] = scale * np.cos(angle)
    maps[:, 0, 2] = policy.shift * signed[:, 2] * width
    maps[:, 1, 2] = policy.shift * signed[:, 3] * height
    return maps


def _perspective(magnitude: float, draw: Draw, size: Size) -> np.ndarray:
    """One side longer by a share p, the opposite shorter by it, along each axis, (N, 3, 3).

    In units of the half side, x = (u + p) / (1 + p u) keeps both ends where they are, and
    y = v (1 - p²) / (1 + p u) makes the left side 1 + p times as long, the right 1 - p.
    """
    half = np.array([size[1] / 2, size[0] / 2])
    signed = magnitude * _signed(draw, 2, "warp")
    maps = np.tile(np.eye(3), (len(signed), 1, 1))
    for axis in (0, 1):
        share = signed[:, axis]
        one = np.tile(np.eye(3), (len(signed), 1, 1))
        one[:, axis, 2] = share * half[axis]
        one[:, 2, axis] = share / half[axis]
        one[:, 1 - axis, 1 - axis] = 1 - share**2
        maps = maps @ one
    return maps


def _flips(policy: Policy, draw: Draw, *, square: bool) -> np.ndarray:
    """Flips and quarter turns as signed permutations of the axes, (N, 3, 3)."""
    codes = np.array([code for code in FLIP_CODES[policy.flips] if square or not code & SWAP])
    chosen = codes[(_uniform(draw, 1, "flips")[:, 0] * len(codes)).astype(np.int64)]
    swapped = (chosen & SWAP).astype(bool)
    maps = np.zeros((len(chosen), 3, 3))
    maps[:, 2, 2] = 1
    for axis, mirror in ((0, MIRROR_X), (1, MIRROR_Y)):
        sign = np.where(chosen & mirror, -1.0, 1.0)
        maps[np.arange(len(chosen)), axis, np.where(swapped, 1 - axis, axis)] = sign
    return maps


# ---- what becomes of a value -----------------------------------------------------------------


def _brightness(policy: Policy, draw: Draw) -> np.ndarray:
    """What is added to the logit: that of a grey around 0.5; 0 where it is off, (N,)."""
    if not policy.brightness:
        return np.zeros(len(draw.samples))
    grey = 0.5 * (1 + policy.brightness * _signed(draw, 1, "brightness")[:, 0])
    return np.asarray(np.log(grey / (1 - grey)))


def _factor(share: float, draw: Draw, change: str) -> np.ndarray:
    """Factors from 1 - share to its inverse, as likely above as below 1; 1 where off, (N,)."""
    if not share:
        return np.ones(len(draw.samples))
    return np.asarray(np.exp(np.log(1 - share) * _signed(draw, 1, change)[:, 0]))


# ---- holes and mixing ------------------------------------------------------------------------


def _hole(policy: Policy, draw: Draw, size: Size) -> np.ndarray:
    """A box in each picture, its sides up to `cutout` of the picture's; 0s where it is off."""
    if not policy.cutout:
        return np.zeros((len(draw.samples), 4), dtype=np.int64)
    drawn = _uniform(draw, 4, "cutout")
    return _boxes(drawn[:, :2], policy.cutout * drawn[:, 2:], size)


def _boxes(centres: np.ndarray, sides: np.ndarray, size: Size) -> np.ndarray:
    """Boxes from shares of the picture, clipped to it: top, left, bottom, right, int64 (N, 4)."""
    whole = np.array(size)
    low = np.round((centres - sides / 2) * whole)
    high = low + np.round(sides * whole)
    return np.concatenate([np.clip(low, 0, whole), np.clip(high, 0, whole)], axis=1).astype(
        np.int64
    )


def _mixing(policy: Policy, draw: Draw, size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Partners, weights and patches. The weight is drawn by sample, as all else; the partner is
    a function of (seed, epoch, the set of samples in the batch), whatever their order."""
    n = len(draw.samples)
    partner, weight = np.arange(n), np.ones(n)
    patch = np.zeros((n, 4), dtype=np.int64)
    if not policy.mixes:
        return partner, weight, patch
    partner = _partners(draw)
    drawn = _uniform(draw, 4, "mix")
    pasted = drawn[:, 0] < (0.5 if policy.mixup and policy.cutmix else float(bool(policy.cutmix)))
    if policy.mixup:
        share = _beta(policy.mixup, drawn[:, 1])
        weight = np.maximum(share, 1 - share)  # the own picture is the stronger one
    if policy.cutmix:
        sides = np.sqrt(1 - _beta(policy.cutmix, drawn[:, 1]))
        patch = _boxes(drawn[:, 2:], np.stack([sides, sides], axis=1), size)
        patch[~pasted] = 0
        area = (patch[:, 2] - patch[:, 0]) * (patch[:, 3] - patch[:, 1])
        patch[area == 0] = 0
        weight = np.where(pasted, 1 - area / (size[0] * size[1]), weight)
    return partner, weight, patch


def _partners(draw: Draw) -> np.ndarray:
    """For each row the row that is mixed in: a permutation, int64 (N,)."""
    order = np.argsort(draw.samples, kind="stable")
    names = np.asarray(draw.samples)[order].astype(np.uint64)
    batch = hashlib.blake2b(names.tobytes(), digest_size=8).hexdigest()
    partner = np.empty(len(order), dtype=np.int64)
    shuffled = permutation(len(order), draw.seed, "augment partners", draw.epoch, batch)
    partner[order] = order[shuffled]
    return partner


def _beta(parameter: float, quantile: np.ndarray) -> np.ndarray:
    """Quantiles of Beta(a, a), (N,)."""
    from scipy.special import betaincinv  # loads only where pictures are mixed

    return np.asarray(betaincinv(parameter, parameter, quantile))
