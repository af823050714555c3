"""The headers of the common formats, byte by byte. Sources: ITU T.81 (JPEG), the PNG and WebP
specifications, GIF89a; EXIF lies in all of them as a small TIFF."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2

from common.data.images import tags

Take = Callable[[int, int], bytes]  # (start, count) -> bytes, fewer at the end of the file


class Refused(Exception):
    """A header that cannot be used: what was found, expected and to do, without the file's name."""


class Facts(NamedTuple):
    """What a header says; the fields of ImageHeader without the format."""

    height: int
    width: int
    channels: int
    bits: int
    mode: str
    orientation: int = 1


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
CUT = "the file ends inside its header; expected a whole picture. Download it again"

_SIGNATURES = (
    (0, b"\xff\xd8", "jpeg"),
    (0, PNG_SIGNATURE, "png"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (128, b"DICM", "dicom"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"BM", "bmp"),
)
_OTHERS = (
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"II+\0", "a BigTIFF picture"),
    (0, b"MM\0+", "a BigTIFF picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"%PDF", "a PDF"),
    (0, b"version https://git-lfs", "a Git LFS pointer in place of the file"),
)


def sniff(first: bytes) -> str:
    """The format of a file by its first bytes; "" where it is none that is read."""
    for start, signature, name in _SIGNATURES:
        if first.startswith(signature, start):
            return name
    return "webp" if first[:4] == b"RIFF" and first[8:12] == b"WEBP" else ""


def looks_like(first: bytes) -> str:
    """A few words on what a file that is no picture holds."""
    for start, signature, words in _OTHERS:
        if first.startswith(signature, start):
            return words
    if not first.strip(b"\0"):
        return "zeros only"
    words = first[:32].decode("ascii", errors="backslashreplace")
    if first[:32].isascii() and "".join(words.split()).isprintable():
        return f"text, {words!r}"
    return f"bytes of no known format, {first[:8].hex(' ')}"


def jpeg(take: Take, size: int) -> Facts:
    """Walks the segments up to the frame header; the pixels behind it are not touched."""
    at, orientation, adobe = 2, 1, -1
    while True:
        marker = _unpack(">BB", take(at, 2))
        if marker[0] != 0xFF:
            raise Refused(
                "no marker where the JPEG header should have one; expected a whole picture. "
                "Download it again"
            )
        code = marker[1]
        if code == 0xFF or code == 0x01 or 0xD0 <= code <= 0xD7:  # fill, or without a length
            at += 1 if code == 0xFF else 2
            continue
        if code in (0xD9, 0xDA):
            raise Refused("pixels before the JPEG frame header; download it again")
        (length,) = _unpack(">H", take(at + 2, 2))
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            bits, height, width, channels = _unpack(">BHHB", take(at + 4, 6))
            return _jpeg_facts(bits, height, width, channels, orientation, adobe)
        if code == 0xE1 and take(at + 4, 6) == b"Exif\0\0":
            orientation = tags.orientation(take(at + 10, length - 8))
        elif code == 0xEE and take(at + 4, 5) == b"Adobe":
            (adobe,) = _unpack("B", take(at + 15, 1)) if length >= 14 else (-1,)
        at += 2 + length


def _jpeg_facts(
    bits: int, height: int, width: int, channels: int, orientation: int, adobe: int
) -> Facts:
    if bits != 8:
        raise Refused(f"a JPEG of {bits} bits; expected 8 bits. Convert it to PNG")
    if channels not in (1, 3, 4):
        raise Refused(f"a JPEG of {channels} channels; expected 1, 3 or 4. Download it again")
    mode = {1: "grey", 3: "rgb", 4: "ycck" if adobe == 2 else "cmyk"}[channels]
    return Facts(height, width, channels, bits, mode, orientation)


_PNG_MODES = {
    0: (1, "grey"),
    2: (3, "rgb"),
    3: (3, "palette"),
    4: (2, "grey+alpha"),
    6: (4, "rgb+alpha"),
}


def png(take: Take, size: int) -> Facts:
    """Reads IHDR, and an EXIF chunk that stands before the pixels."""
    length, name, width, height, bits, colour = _unpack(">I4sIIBB", take(8, 18))
    if length != 13 or name != b"IHDR" or colour not in _PNG_MODES:
        raise Refused("a PNG whose first chunk is no proper IHDR; download it again")
    channels, mode = _PNG_MODES[colour]
    at, orientation = 8 + 12 + 13, 1
    while name not in (b"IDAT", b"IEND") and at + 8 <= size:
        length, name = _unpack(">I4s", take(at, 8))
        if name == b"eXIf":
            orientation = tags.orientation(take(at + 8, length))
        at += 12 + length
    return Facts(height, width, channels, bits, mode, orientation)


def bmp(take: Take, size: int) -> Facts:
    """Reads the DIB header; rows may run from the top, which a negative height says."""
    (header_size,) = _unpack("<I", take(14, 4))
    if header_size == 12:
        width, height, _, depth = _unpack("<HHHH", take(18, 8))
    else:
        width, height, _, depth = _unpack("<iiHH", take(18, 12))
    channels = 4 if depth == 32 else 3
    mode = "palette" if depth <= 8 else "rgb+alpha" if depth == 32 else "rgb"
    return Facts(abs(height), width, channels, 8, mode)


def gif(take: Take, size: int) -> Facts:
    """Reads the screen's size; of several frames the first is the picture."""
    width, height = _unpack("<HH", take(6, 4))
    return Facts(height, width, 3, 8, "palette")


def webp(take: Take, size: int) -> Facts:
    """Reads the lossy, lossless or extended header; EXIF lies behind the pixels."""
    kind = take(12, 4)
    if kind == b"VP8 ":
        width, height = _unpack("<HH", take(26, 4))
        return Facts(height & 0x3FFF, width & 0x3FFF, 3, 8, "rgb")
    if kind == b"VP8L":
        (packed,) = _unpack("<I", take(21, 4))
        alpha = bool(packed >> 28 & 1)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        return Facts(height, width, 3 + alpha, 8, "rgb+alpha" if alpha else "rgb")
    if kind != b"VP8X":
        raise Refused(f"a WebP file whose first chunk is {kind!r}; download it again")
    flags, *sides = _unpack("<B3x3s3s", take(20, 10))
    width, height = (int.from_bytes(side, "little") + 1 for side in sides)
    alpha = bool(flags & 0x10)
    orientation = _webp_orientation(take, size) if flags & 0x08 else 1
    mode = "rgb+alpha" if alpha else "rgb"
    return Facts(height, width, 3 + alpha, 8, mode, orientation)


def _webp_orientation(take: Take, size: int) -> int:
    at = 12
    while at + 8 <= size:
        name, length = _unpack("<4sI", take(at, 8))
        if name == b"EXIF":
            return tags.orientation(take(at + 8, length).removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def _unpack(layout: str, content: bytes) -> tuple[Any, ...]:
    """The values of a layout.

    Raises: Refused where the file ended before.
    """
    if len(content) < struct.calcsize(layout):
        raise Refused(CUT)
    return struct.unpack(layout, content)


def cv2_flags(*, colour: bool, scale: int = 1, deep: bool = False) -> int:
    """OpenCV's flags: RGB order or grey, a JPEG at 1/scale, never rotated.

    Its named constants for scaled colour mean BGR and exclude RGB, so the bits are put together.
    """
    reduced = 0 if scale == 1 else cv2.IMREAD_REDUCED_GRAYSCALE_2 * scale // 2
    wanted = cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE
    return reduced | wanted | cv2.IMREAD_IGNORE_ORIENTATION | (cv2.IMREAD_ANYDEPTH if deep else 0)
