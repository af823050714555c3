"""Whether a file has its end, told without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Callable

from common.data.images.formats import Take

TAIL = 65536  # bytes; what cameras and editors put behind the end mark is shorter, mostly
END_OF_JPEG, START_OF_SCAN = b"\xff\xd9", b"\xff\xda"


def is_cut(kind: str, take: Take, size: int) -> bool:
    """True where the end mark is missing, or the file is shorter than it says.

    TIFF and DICOM are asked when their header is read; they never are cut here.
    """
    return kind in _CUT and _CUT[kind](take, size)


def _jpeg(take: Take, size: int) -> bool:
    """No end mark behind the last start of pixels: a preview in the header has one of its own."""
    tail_at = max(0, size - TAIL)
    tail = take(tail_at, TAIL)
    end = tail.rfind(END_OF_JPEG)
    if end < 0 and tail_at:
        whole = take(0, size)
        return whole.rfind(END_OF_JPEG) <= whole.rfind(START_OF_SCAN)
    return end <= tail.rfind(START_OF_SCAN)


def _png(take: Take, size: int) -> bool:
    return b"IEND" not in take(max(0, size - TAIL), TAIL)


def _gif(take: Take, size: int) -> bool:
    return not take(max(0, size - TAIL), TAIL).rstrip(b"\0").endswith(b";")


def _webp(take: Take, size: int) -> bool:
    (length,) = struct.unpack("<I", take(4, 4))
    return int(length) + 8 > size


def _bmp(take: Take, size: int) -> bool:
    start, header_size = struct.unpack("<II", take(10, 8))
    if header_size < 20:  # the oldest header, which is laid out otherwise
        return False
    width, height, _, depth, compression = struct.unpack("<iiHHI", take(18, 16))
    row = (width * depth + 31) // 32 * 4
    return not compression and int(start) + row * abs(height) > size


_CUT: dict[str, Callable[[Take, int], bool]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
}
