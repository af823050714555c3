"""What a picture is brought to, and the antialiased resizing that brings it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch

from common.errors import UsageError

SCALES = (8, 4, 2)  # what JPEG's blocks of 8 × 8 allow
METHODS = ("squish", "crop", "pad")
PADDINGS = {"reflect": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "zeros": 0}


class Box(NamedTuple):
    """A part of a picture in pixels; `pad` lets it lie partly outside."""

    top: int
    left: int
    height: int
    width: int

    def at_scale(self, scale: int) -> Box:
        """The same part of a picture that was decoded at 1/scale, to the nearest pixel."""
        return Box(*(round(side / scale) for side in self))


@dataclass(frozen=True)
class Target:
    """The size and framing that every picture is brought to.

    Args:
        height, width: in pixels, what the model takes.
        method: squish the whole picture, crop its middle, or pad it, as fastai's
            `Resize(method=)` does on validation rows.
        margin: factor by which more than `height` × `width` is kept, so that augmentation has
            room to cut and turn.
        padding: what `pad` puts around: reflect (fastai's default), edge or zeros.
        scaled: allow cheaper ways to nearly the same picture: JPEGs are decoded at 1/2, 1/4 or
            1/8 where that still covers the target, single channels are averaged where the ratio
            is whole. Off, the picture is fastai's own up to rounding.
    """

    height: int
    width: int
    method: Literal["squish", "crop", "pad"] = "squish"
    margin: float = 1.0
    padding: Literal["reflect", "edge", "zeros"] = "reflect"
    scaled: bool = True

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or self.margin < 1:
            raise UsageError(
                f"a target of {self.height}×{self.width} with margin {self.margin}; expected at "
                "least 1×1 pixels and a margin of at least 1"
            )
        if self.method not in METHODS or self.padding not in PADDINGS:
            raise UsageError(
                f"a target with method {self.method!r}, padding {self.padding!r}; expected one of "
                f"{', '.join(METHODS)} and one of {', '.join(PADDINGS)}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what is read: the target with its margin."""
        return round(self.height * self.margin), round(self.width * self.margin)

    def box(self, height: int, width: int) -> Box:
        """The part of a picture of this size that fills the target; as fastai rounds it."""
        if self.method == "squish":
            return Box(0, 0, height, width)
        high, wide = self.size
        fit = max if self.method == "pad" else min
        ratio = fit(width / wide, height / high)
        # a thin picture would leave nothing of a long target
        box_high, box_wide = max(1, int(ratio * high)), max(1, int(ratio * wide))
        return Box(
            int(0.5 * (height - box_high)), int(0.5 * (width - box_wide)), box_high, box_wide
        )

    def scale_for(self, height: int, width: int) -> int:
        """The largest of 8, 4, 2 and 1 by which a picture can be divided and still cover the
        target, so that nothing is enlarged afterwards."""
        if not self.scaled:
            return 1
        box, (high, wide) = self.box(height, width), self.size
        fitting = (k for k in SCALES if box.height // k >= high and box.width // k >= wide)
        return next(fitting, 1)


def bring(
    picture: np.ndarray,
    target: Target,
    out: np.ndarray | None = None,
    *,
    decoded_at: tuple[int, int, int] | None = None,
) -> np.ndarray:
    """A picture (H, W, C), uint8 or uint16, framed and resized to (*target.size, C).

    Args:
        decoded_at: where the picture is smaller than its file says: (scale, height, width), the
            last two in pixels of the file.
        out: where three or four bytes a pixel may be written instead of to new memory; what is
            returned is `out` if it was used.
    """
    if decoded_at is None:
        box = target.box(*picture.shape[:2])
    else:
        box = target.box(*decoded_at[1:]).at_scale(decoded_at[0])
    if target.method == "pad":
        framed = _padded(picture, box, target.padding)
    else:
        rows, columns = (
            slice(start, start + length)
            for start, length in ((box.top, box.height), (box.left, box.width))
        )
        framed = picture[rows, columns]
    return resize(framed, target.size, whole_ratios=target.scaled, out=out)


def _padded(picture: np.ndarray, box: Box, padding: str) -> np.ndarray:
    high, wide, channels = picture.shape
    above, left = max(0, -box.top), max(0, -box.left)
    below, right = max(0, box.height - high - above), max(0, box.width - wide - left)
    framed = cv2.copyMakeBorder(picture, above, below, left, right, PADDINGS[padding])
    return framed.reshape(*framed.shape[:2], channels)


def resize(
    picture: np.ndarray,
    size: tuple[int, int],
    *,
    whole_ratios: bool = True,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """A picture (H, W, C) at another size, antialiased: what Pillow's BILINEAR gives, up to
    rounding.

    Args:
        size: (height, width) in pixels.
        whole_ratios: one channel is averaged over blocks where both ratios are whole; sharper
            than the triangle filter, and much faster.
        out: as in `bring`.
    """
    (high, wide, channels), (new_high, new_wide) = picture.shape, size
    if (high, wide) == size:
        return picture
    if channels == 1 and whole_ratios and high % new_high == wide % new_wide == 0:
        means = cv2.resize(picture, (new_wide, new_high), interpolation=cv2.INTER_AREA)
        return np.asarray(means).reshape(new_high, new_wide, 1)
    if picture.dtype == np.uint8:
        if channels in (3, 4):
            return _interpolate(picture, size, out)
        planes = [_resize_plane(picture[:, :, own], size) for own in range(channels)]
        return planes[0] if channels == 1 else np.concatenate(planes, axis=2)
    floats = _interpolate(picture.astype(np.float32), size)
    rounded: np.ndarray = np.rint(floats).astype(picture.dtype)  # a mean leaves no range
    return rounded


def _interpolate(
    picture: np.ndarray, size: tuple[int, int], out: np.ndarray | None = None
) -> np.ndarray:
    """torch's antialiased resizing, which is fast on three or four bytes a pixel.

    `torch.nn.functional.interpolate` is the same function, but gives the channels as planes.
    """
    shape = (*size, picture.shape[2])
    if out is None or out.shape != shape or out.dtype != picture.dtype:
        out = np.empty(shape, picture.dtype)
    pixels, shrunk = (torch.from_numpy(one[None]).permute(0, 3, 1, 2) for one in (picture, out))
    torch.ops.aten._upsample_bilinear2d_aa.out(pixels, list(size), False, out=shrunk)
    return out


def _resize_plane(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A plane (H, W) of bytes as (h, w, 1). Shown to the fast path for four channels: across, a
    quarter of the rows is a channel each; down, four columns are neighbours as they lie."""
    (high, wide), (new_high, new_wide) = plane.shape, size
    missing_rows, missing_columns = -high % 4, -new_wide % 4
    rows = np.pad(plane, ((0, missing_rows), (0, 0))) if missing_rows else plane
    quarters = cv2.merge(np.split(rows, 4))
    across = _interpolate(quarters, (len(rows) // 4, new_wide)) if wide != new_wide else quarters
    lines = across.transpose(2, 0, 1).reshape(-1, new_wide)[:high]
    if missing_columns:
        lines = np.pad(lines, ((0, 0), (0, missing_columns)))
    if high == new_high:
        return lines[:, :new_wide, None]
    columns = lines.reshape(high, -1, 4)
    down = _interpolate(columns, (new_high, columns.shape[1]))
    return down.reshape(new_high, -1, 1)[:, :new_wide]
