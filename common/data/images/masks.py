"""Masks from files: whole numbers per pixel, brought to the target without mixing them."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.data.images.decode import decode
from common.data.images.header import header_of
from common.data.images.reader import Source, contents
from common.data.images.resize import Target
from common.errors import DataError


def read_mask(
    source: Source, target: Target | None, *, dtype: Any = np.uint8, out: np.ndarray | None = None
) -> np.ndarray:
    """A mask (H, W) of the target's size: each pixel has the value of its nearest one.

    Args:
        source: a grey picture, or one with a palette, whose positions are the values.
        out: (H, W), where the mask is written.

    Raises: DataError, naming the file, for what is no whole picture, has colours, or holds
        numbers that `dtype` cannot.
    """
    if isinstance(source, tuple):
        raise DataError(f"{len(source)} files for one mask; expected one")
    content, name = contents(source)
    mask = _whole(content, name)
    if mask.max(initial=0) > np.iinfo(dtype).max:
        raise DataError(
            f"{name} holds {mask.max()}; expected numbers up to {np.iinfo(dtype).max}, one per "
            "class. Are these the right files?"
        )
    mask = mask.astype(dtype, copy=False)
    if target is not None:
        mask = framed(mask, target)
    if out is None:
        return np.ascontiguousarray(mask)
    np.copyto(out, mask)
    return out


def _whole(content: bytes, name: str) -> np.ndarray:
    """The numbers in the file, (H, W), uint8 or uint16."""
    header = header_of(content, name)
    if header.mode == "palette":
        return _positions(content)
    if header.channels != 1:
        raise DataError(
            f"{name} is {header.mode}; expected a grey mask, or one with a palette. Write the "
            "classes' numbers as grey values"
        )
    picture = decode(content, header, 1, name=name)
    return np.asarray(picture[:, :, 0])


def _positions(content: bytes) -> np.ndarray:
    """The palette's positions; OpenCV would give its colours."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return np.array(image)


def framed(mask: np.ndarray, target: Target) -> np.ndarray:
    """The part of a mask (H, W) that fills the target, by the place of each pixel's centre."""
    box = target.box(*mask.shape)
    rows = _places(box.top, box.height, target.size[0])
    columns = _places(box.left, box.width, target.size[1])
    inside = _inside(rows, mask.shape[0], target), _inside(columns, mask.shape[1], target)
    shown = mask[np.ix_(*inside)]
    if target.method == "pad" and target.padding == "zeros":
        shown[(rows < 0) | (rows >= mask.shape[0])] = 0
        shown[:, (columns < 0) | (columns >= mask.shape[1])] = 0
    return np.asarray(shown)


def _places(start: int, length: int, n: int) -> np.ndarray:
    return start + np.floor((np.arange(n) + 0.5) * length / n).astype(np.int64)


def _inside(places: np.ndarray, n: int, target: Target) -> np.ndarray:
    """Places outside of 0 … n - 1 as the padding takes them."""
    if target.method == "pad" and target.padding == "reflect" and n > 1:
        folded = np.mod(places, 2 * n - 2)
        return np.asarray(np.minimum(folded, 2 * n - 2 - folded))
    return np.asarray(np.clip(places, 0, n - 1))
