"""Pictures for tests: smooth colours with some noise, and files of every kind written from them."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
from PIL import Image


def photo(height: int = 60, width: int = 80, seed: int = 0, soft: float = 3) -> np.ndarray:
    """Blobs of colour, `soft` pixels wide, over the whole range of values; uint8 (H, W, 3)."""
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), soft)
    scaled = cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)
    return np.asarray(scaled).astype(np.uint8)


def encoded(picture: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(content: bytes, mode: str = "RGB") -> np.ndarray:
    """The first picture of a file as Pillow decodes it, as int."""
    return np.asarray(Image.open(io.BytesIO(content)).convert(mode)).astype(int)


def turned(orientation: int) -> Any:
    """EXIF that says one thing."""
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def png16(samples: np.ndarray) -> bytes:
    """A PNG of 16 bits; colours in RGB order."""
    stored = samples if samples.ndim == 2 else samples[:, :, [2, 1, 0, *range(3, samples.shape[2])]]
    return bytes(cv2.imencode(".png", stored)[1])


def tiff(
    samples: np.ndarray,
    *,
    photometric: int = 2,
    separate: bool = False,
    order: str = "<",
    rows_per_strip: int = 0,
    more: dict[int, list[int]] | None = None,
    compress: Any = bytes,
) -> bytes:
    """A TIFF of (H, W, C) in strips, written here: Pillow writes none of 4 × 16 bits."""
    height, width, channels = samples.shape
    rows = rows_per_strip or height
    planes = np.moveaxis(samples, 2, 0) if separate else samples[None]
    strips = [
        compress(plane[top : top + rows].astype(samples.dtype.newbyteorder(order)).tobytes())
        for plane in planes
        for top in range(0, height, rows)
    ]
    starts = [8 + sum(map(len, strips[:place])) for place in range(len(strips))]
    entries = {
        256: [width],
        257: [height],
        258: [8 * samples.itemsize] * channels,
        259: [1],
        262: [photometric],
        273: starts,
        277: [channels],
        278: [rows],
        279: [len(strip) for strip in strips],
        284: [2 if separate else 1],
        **(more or {}),
    }
    return _with_entries(b"".join(strips), entries, order)


def _with_entries(pixels: bytes, entries: dict[int, list[int]], order: str) -> bytes:
    at = 8 + len(pixels)
    beyond = at + 2 + 12 * len(entries) + 4
    rows, values = b"", b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            place = struct.pack(f"{order}I", beyond + len(values))
            values, packed = values + packed, place
        rows += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    sign = b"II*\0" if order == "<" else b"MM\0*"
    head = sign + struct.pack(f"{order}I", at)
    return head + pixels + struct.pack(f"{order}H", len(entries)) + rows + bytes(4) + values
