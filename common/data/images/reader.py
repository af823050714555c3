"""A file to a picture of the target's size: header, scaled decoding, framing, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.data.images.decode import decode
from common.data.images.header import MAX_PIXELS, ImageHeader, header_of, unreadable
from common.data.images.resize import Target, bring
from common.errors import DataError, UsageError

Source = Path | str | bytes | tuple[Path | str | bytes, ...]
Trim = Callable[[np.ndarray], np.ndarray]  # (H, W, C) to a part of it


def read_image(
    source: Source,
    target: Target | None,
    *,
    channels: int = 3,
    dtype: Any = np.uint8,
    out: np.ndarray | None = None,
    max_pixels: int = MAX_PIXELS,
    trim: Trim | None = None,
) -> np.ndarray:
    """A picture (H, W, C) in RGB order, upright, of the target's size.

    Safe in threads; decoding and resizing let other threads run.

    Args:
        source: a file, its content, or one file per channel, all of one size.
        target: what it is brought to; None for its own size.
        channels: 1, 3 or 4; for one file per channel their number. What is missing or left over
            is told in `decode`: grey is repeated, alpha dropped.
        dtype: uint8 or uint16. Values of other depth are scaled so that white stays white;
            with uint16, what has more than 8 bits stays as stored, 12 bits as 0 to 4095.
        out: (H, W, C) of the same type, where the picture is written, such as a slot of a batch.
        max_pixels: samples that a picture may have; more are refused by the header.
        trim: gives the part of a decoded picture that is brought to the target's size, such as
            what lies inside a dark border. It may see the picture at 1/2, 1/4 or 1/8.

    Raises: DataError, naming the file, for whatever is no whole picture.
    """
    if isinstance(source, tuple):
        if trim is not None:
            raise UsageError("trim cuts single files; expected one file per picture")
        picture = _read_group(source, target, channels, np.dtype(dtype), max_pixels)
    else:
        picture = _read_one(
            source, target, channels, np.dtype(dtype), max_pixels, out=out, trim=trim
        )
    shape = (*picture.shape[:2], channels)
    if out is None:
        return np.ascontiguousarray(np.broadcast_to(picture, shape))
    if out.shape != shape or out.dtype != picture.dtype:
        raise UsageError(
            f"out is {out.dtype} {out.shape}; expected {picture.dtype} {shape} for this picture"
        )
    if picture is not out:
        np.copyto(out, picture)
    return out


def _read_one(
    source: Path | str | bytes,
    target: Target | None,
    channels: int,
    dtype: np.dtype[Any],
    max_pixels: int,
    size: tuple[int, int] | None = None,
    out: np.ndarray | None = None,
    trim: Trim | None = None,
) -> np.ndarray:
    """One file as (H, W, C) or, where it is grey, (H, W, 1)."""
    content, name = contents(source)
    header = header_of(content, name, max_pixels=max_pixels)
    if size is not None and header.shown_size != size:
        raise DataError(
            f"{name} has {header.shown_size[1]}×{header.shown_size[0]} pixels; expected "
            f"{size[1]}×{size[0]}, as the first channel has. Is it of another picture?"
        )
    scale = 1 if target is None else target.scale_for(*header.shown_size)
    picture = as_type(decode(content, header, channels, scale=scale, name=name), header, dtype)
    if trim is not None:
        picture = trim(picture)
        return picture if target is None else bring(picture, target, out)
    if target is None:
        return picture
    decoded_at = (scale, *header.shown_size) if picture.shape[:2] != header.shown_size else None
    return bring(picture, target, out, decoded_at=decoded_at)


def _read_group(
    sources: Sequence[Path | str | bytes],
    target: Target | None,
    channels: int,
    dtype: np.dtype[Any],
    max_pixels: int,
) -> np.ndarray:
    """One file per channel, in their order."""
    if len(sources) != channels:
        raise UsageError(f"{len(sources)} files for {channels} channels; expected one per channel")
    content, name = contents(sources[0])
    size = header_of(content, name, max_pixels=max_pixels // channels).shown_size
    planes = [
        _read_one(source, target, 1, dtype, max_pixels // channels, size) for source in sources
    ]
    return np.concatenate(planes, axis=2)


def contents(source: Path | str | bytes) -> tuple[bytes, str]:
    """A file's bytes, and its name for messages.

    Raises: DataError where there is no such file, or it cannot be read.
    """
    if isinstance(source, bytes):
        return source, "the picture"
    try:
        return Path(source).read_bytes(), str(source)
    except OSError as error:
        raise unreadable(source, error) from None


def as_type(picture: np.ndarray, header: ImageHeader, dtype: np.dtype[Any]) -> np.ndarray:
    """Samples of a picture as uint8 or uint16, white staying white.

    Raises: UsageError for another type.
    """
    if dtype not in (np.uint8, np.uint16):
        raise UsageError(f"dtype {dtype}; expected uint8 or uint16")
    if dtype == np.uint16:
        return picture if picture.dtype == np.uint16 else picture.astype(np.uint16) * 257
    if picture.dtype == np.uint8 and header.bits >= 8:
        return picture
    if picture.dtype == np.uint8 and header.format != "dicom":
        return picture  # the decoder has spread 1, 2 and 4 bits already
    top = 2**header.bits - 1
    scaled = cv2.convertScaleAbs(picture, alpha=255 / top)  # rounds and does not wrap
    return scaled.reshape(picture.shape)
