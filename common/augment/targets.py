"""Targets that change as their pictures do: boxes, points, and the classes of mixed pictures.

Masks stand with the pictures, in `warp_cpu` and `warp_gpu`. Boxes and points are counted from the
top left corner of the picture, x to the right and y down, in pixels: the pixel in row r and column
c covers c to c + 1 and r to r + 1, its centre is (c + 0.5, r + 0.5), and a flip makes x to width
- x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from common.augment.draws import Draws
from common.errors import SettingsError

LEAST_SHARE = 0.1  # of a box's area that must be left inside the picture


def points(
    given: np.ndarray, draws: Draws, swaps: Sequence[tuple[int, int]] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Points as their pictures were moved, float64 (N, K, 2), and which lie inside, bool (N, K).

    Args:
        given: x and y, (N, K, 2).
        swaps: pairs of points that change their names in a mirror, such as (left eye, right
            eye).

    Raises: SettingsError where the policy mixes pictures.
    """
    _refuse_mixing(draws, "points")
    moved = _moved(np.asarray(given, dtype=np.float64), _inverse(draws), draws)
    mirrored = np.linalg.det(draws.matrix) < 0
    for one, other in swaps:
        moved[mirrored, one], moved[mirrored, other] = moved[mirrored, other], moved[mirrored, one]
    height, width = draws.out_size
    inside = (moved >= 0) & (moved <= (width, height))
    return moved, np.asarray(inside.all(axis=2))


def boxes(
    given: Sequence[np.ndarray], draws: Draws, least: float = LEAST_SHARE
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The boxes round the moved corners, clipped to the picture, and which boxes are left.

    Args:
        given: for each picture left, top, right and bottom, (n_boxes, 4).
        least: a box is dropped where a smaller share of its area is left inside.

    Gives:
        for each picture float64 (n_left, 4) and the positions in `given`, int64 (n_left,).

    Raises: SettingsError where the policy mixes pictures.
    """
    _refuse_mixing(draws, "boxes")
    whole = np.array([draws.out_size[1], draws.out_size[0]], dtype=np.float64)
    clipped, left = [], []
    for inverse, own in zip(_inverse(draws), given, strict=True):
        corners = np.asarray(own, dtype=np.float64).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3]]
        moved = _moved(corners.reshape(1, -1, 2), inverse[None], draws).reshape(-1, 4, 2)
        moved = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
        inside = np.clip(moved, 0, np.tile(whole, 2))
        stays = np.flatnonzero(_area(inside) >= np.maximum(least * _area(moved), EMPTY))
        clipped.append(inside[stays])
        left.append(stays)
    return clipped, left


EMPTY = 1e-9  # square pixels; a box without area is none


def _area(given: np.ndarray) -> np.ndarray:
    return np.asarray(np.prod(given[:, 2:] - given[:, :2], axis=1))


def classes(given: torch.Tensor, draws: Draws, n_classes: int = 0) -> torch.Tensor:
    """Shares of the classes after mixing, float32 (N, n_classes); `given` where nothing is mixed.

    Args:
        given: positions of the classes, int64 (N,), or shares or marks of several classes,
            (N, n_classes).
        n_classes: how many there are; needed for positions.
    """
    if not draws.policy.mixes:
        return given
    shares = F.one_hot(given.long(), n_classes) if given.ndim == 1 else given
    shares = shares.float()
    weight = torch.from_numpy(draws.weight).to(shares)[:, None]
    partner = torch.from_numpy(draws.partner).to(shares.device)
    return weight * shares + (1 - weight) * shares[partner]


def _refuse_mixing(draws: Draws, what: str) -> None:
    if draws.policy.mixes:
        name = draws.policy.name
        raise SettingsError(
            f"policy {name!r} mixes pictures, which {what} cannot follow; expected mixup=0 and "
            "cutmix=0; take policy.replace(mixup=0.0, cutmix=0.0)"
        )


def _inverse(draws: Draws) -> np.ndarray:
    """Where each place goes: input to output, from the centres, (N, 3, 3)."""
    return np.asarray(np.linalg.inv(draws.matrix))


def _moved(given: np.ndarray, inverse: np.ndarray, draws: Draws) -> np.ndarray:
    """Places (N, K, 2) after the move."""
    (height, width), (out_height, out_width) = draws.size, draws.out_size
    centred = given - (width / 2, height / 2)
    lifted = np.concatenate([centred, np.ones((*centred.shape[:2], 1))], axis=2)
    moved = lifted @ inverse.transpose(0, 2, 1)
    return np.asarray(moved[..., :2] / moved[..., 2:] + (out_width / 2, out_height / 2))
