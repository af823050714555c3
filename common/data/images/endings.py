"""Whether a file has its end, told without decoding it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from common.data.images.formats import PNG_SIGNATURE, Take

TAILS = (256, 65536)  # bytes; in most files the end mark is the end
END_OF_JPEG, START_OF_SCAN = b"\xff\xd9", b"\xff\xda"


def is_cut(kind: str, take: Take, size: int) -> bool:
    """True where the end mark is missing, or the file is shorter than it says.

    TIFF and DICOM are asked when their header is read; they never are cut here.
    """
    return kind in _CUT and _CUT[kind](take, size)


def _jpeg(take: Take, size: int) -> bool:
    """No end mark behind the last start of pixels: a preview in the header has one of its own."""
    for length in (*TAILS, size):
        tail = take(max(0, size - length), length)
        end = tail.rfind(END_OF_JPEG)
        if end >= 0:
            return end <= tail.rfind(START_OF_SCAN)
    return True


def _png(take: Take, size: int) -> bool:
    """No last chunk, or its checksum is cut off: OpenCV wants all of it."""
    for length in TAILS:
        tail = take(max(0, size - length), length)
        end = tail.rfind(b"IEND")
        if end >= 0:
            return end + 8 > len(tail)
    return True


def png_is_damaged(content: bytes) -> bool:
    """True where a chunk that the pixels need is cut or differs from its checksum."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        end = at + 8 + length
        if kind[:1].isupper():  # the others, such as texts, are passed over when they are damaged
            found = zlib.crc32(memoryview(content)[at + 4 : end])
            if content[end : end + 4] != struct.pack(">I", found):
                return True
        if kind == b"IEND":
            return False
        at = end + 4
    return True


def _gif(take: Take, size: int) -> bool:
    return not take(max(0, size - TAILS[-1]), TAILS[-1]).rstrip(b"\0").endswith(b";")


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
