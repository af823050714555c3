"""Augmentation policies by name, train and eval side by side. A policy is a value.

A policy turns a uint8 batch into the float batch that the model sees. What it draws is a function
of (seed, epoch, sample), so neither batch size, order nor threads change a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from common.randomness import uniform


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
class Policy:
    """How far a picture may be turned, zoomed and shifted; all zero leaves it as it is.

    Args:
        rotate: largest turn to either side, in degrees.
        zoom: largest change of scale, as a share: 0.1 is 0.9 to 1.1.
        shift: largest shift along each axis, as a share of the side.
    """

    name: str
    rotate: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0

    @property
    def moves(self) -> bool:
        return bool(self.rotate or self.zoom or self.shift)

    def __call__(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """The batch as the model sees it: float32 (N, C, H, W) in [0, 1].

        Args:
            images: uint8 (N, C, H, W), or float32 already in the model's range.
        """
        batch = images.float() / 255 if images.dtype == torch.uint8 else images
        if not self.moves:
            return batch
        grid = F.affine_grid(self._matrices(draw, batch), list(batch.shape), align_corners=False)
        return F.grid_sample(batch, grid, align_corners=False, padding_mode="zeros")

    def _matrices(self, draw: Draw, batch: torch.Tensor) -> torch.Tensor:
        """One affine map per picture, from output to input in [-1, 1], (N, 2, 3)."""
        height, width = batch.shape[-2:]
        signed = 2 * uniform(draw.samples, 4, draw.seed, "augment", draw.epoch) - 1
        angle = np.radians(self.rotate) * signed[:, 0]
        scale = 1 / (1 + self.zoom * signed[:, 1])
        maps = np.zeros((len(signed), 2, 3), dtype=np.float32)
        # the turn is taken in pixels, so that pictures that are not square keep their angles
        maps[:, 0, 0] = scale * np.cos(angle)
        maps[:, 0, 1] = -scale * np.sin(angle) * height / width
        maps[:, 1, 0] = scale * np.sin(angle) * width / height
        maps[:, 1, 1] = scale * np.cos(angle)
        maps[:, 0, 2] = 2 * self.shift * signed[:, 2]
        maps[:, 1, 2] = 2 * self.shift * signed[:, 3]
        return torch.from_numpy(maps).to(batch.device)


def light_geometry(rotate: float = 10.0, zoom: float = 0.1, shift: float = 0.08) -> Policy:
    """The train policy for small pictures whose meaning a mirror would change."""
    return Policy("light_geometry", rotate=rotate, zoom=zoom, shift=shift)


def unchanged() -> Policy:
    """The eval policy: the picture as it is."""
    return Policy("unchanged")
