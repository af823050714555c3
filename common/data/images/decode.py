"""A file's content to samples: as many channels as are needed, upright, at 1/1, 1/2, 1/4 or 1/8."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from common.data.images import dicom, tiff
from common.data.images.endings import is_cut, png_is_damaged
from common.data.images.formats import Refused, cv2_flags
from common.data.images.geometry import upright
from common.data.images.header import ImageHeader
from common.errors import DataError

GREY = ("grey", "grey+alpha")


def decode(
    content: bytes, header: ImageHeader, channels: int, *, scale: int = 1, name: str = "the picture"
) -> np.ndarray:
    """The samples (H, W, C) in RGB order; uint8, or uint16 where the file has more than 8 bits.

    C is 1 for a grey picture unless alpha is asked for: who needs three channels repeats it after
    resizing. Alpha is dropped where fewer channels are asked for, as are a TIFF's further
    channels; colours become grey by luma (0.299, 0.587, 0.114). CMYK becomes RGB without its
    colour profile.

    Args:
        channels: 1, 3, or the 4 that are in the file.
        scale: decode a JPEG at 1/scale of its size, rounded up; others ignore it.

    Raises: DataError where the pixels are cut or damaged, or have fewer channels than asked for.
    """
    _quiet()
    try:
        picture = _decoders.get(header.format, _common)(content, header, channels, scale)
    except Refused as refused:
        raise DataError(f"{name}: {refused}") from None
    doubtful = picture is None or header.format == "jpeg"  # which may be decoded half, then grey
    if doubtful and is_cut(header.format, lambda at, n: content[at : at + n], len(content)):
        raise cut(name, len(content))
    if picture is None:
        raise DataError(
            f"{name}: the pixels cannot be decoded; expected a whole picture. Download it again"
        )
    size = (-(-header.shown_size[0] // scale), -(-header.shown_size[1] // scale))
    if picture.shape[:2] not in (size, header.shown_size):
        high, wide = picture.shape[:2]
        raise DataError(
            f"{name}: {wide}×{high} pixels were decoded; expected {size[1]}×{size[0]}, as the "
            "header says. Download it again"
        )
    return _as_channels(picture, channels, name)


def _common(content: bytes, header: ImageHeader, channels: int, scale: int) -> np.ndarray | None:
    """What OpenCV reads well by itself: everything but TIFF and DICOM."""
    if header.format == "png" and png_is_damaged(content):
        return None  # libpng would find it, too, and print it without the file's name
    deep = header.bits == 16
    encoded = np.frombuffer(content, np.uint8)
    if channels == 4:
        picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.ndim == 3:
            swap = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
            picture = cv2.cvtColor(picture, swap)
    else:
        jpeg = header.format == "jpeg"  # which stores luma by itself; others cut its decimals off
        colour = header.mode not in GREY and not (jpeg and channels == 1)
        reduced = scale if jpeg else 1
        picture = cv2.imdecode(encoded, cv2_flags(colour=colour, scale=reduced, deep=deep))
    if picture is None:
        return None
    return upright(picture.reshape(*picture.shape[:2], -1), header.orientation)


def _tiff(content: bytes, header: ImageHeader, channels: int, scale: int) -> np.ndarray | None:
    return tiff.decode(content, header.orientation)


def _dicom(content: bytes, header: ImageHeader, channels: int, scale: int) -> np.ndarray | None:
    return dicom.decode(content, scale)


_decoders = {"tiff": _tiff, "dicom": _dicom}


def _as_channels(picture: np.ndarray, channels: int, name: str) -> np.ndarray:
    """The channels that are asked for; a single one may stay single."""
    found = picture.shape[2]
    if found == channels or (found == 1 and channels == 3):
        return picture
    if channels == 1 and found == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))[:, :, None]
    if channels == 3 and found == 4:
        return np.ascontiguousarray(picture[:, :, :3])
    raise DataError(
        f"{name} has {found} channel{'s' * (found > 1)}; expected {channels}. Ask for {found}, or "
        "leave the picture out"
    )


def cut(name: str, n_bytes: int) -> DataError:
    """The error for a file without its end."""
    return DataError(
        f"{name}: the file of {n_bytes:,} bytes is cut; expected a whole picture. Download it again"
    )


@functools.cache
def _quiet() -> None:
    """Keeps OpenCV from printing what is raised as an error with the file's name."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
