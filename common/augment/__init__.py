"""Augmentation once per batch: one warp and one pointwise pass, drawn by (seed, epoch, sample).

policy    how far a picture may be changed, as a frozen value with a name
draws     the numbers that were drawn for a batch: one row per picture
warp_cpu  pictures from these numbers, uint8 (N, H, W, C) by OpenCV
warp_gpu  the same pictures, float (N, C, H, W) by torch on any device
targets   masks, boxes, points and classes, changed as their pictures were
"""

from common.augment.draws import Draw, Draws, draw_batch
from common.augment.policy import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    POLICIES,
    Policy,
    light_geometry,
    named,
    overhead,
    photographs,
    strokes,
    unchanged,
)

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "POLICIES",
    "Draw",
    "Draws",
    "Policy",
    "draw_batch",
    "light_geometry",
    "named",
    "overhead",
    "photographs",
    "strokes",
    "unchanged",
]
