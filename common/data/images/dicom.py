"""DICOM: header and pixels of one frame. pydicom, loaded where it is needed, reads the header."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from common.data.images import formats
from common.errors import UsageError

if TYPE_CHECKING:
    from pydicom import FileDataset

EXPLICIT, IMPLICIT, BIG_ENDIAN = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2"))
JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")  # baseline, extended
UNKNOWN_LENGTH = 0xFFFFFFFF  # what compressed pixels have in place of their length
ITEM, END_OF_ITEMS = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
HEADER_BYTES = 16384  # headers are read in pieces of this size
LONG_FORMS = (b"OB", b"OW", b"UN")
_TAGS = [
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "PlanarConfiguration",
]


class _Bytes(io.RawIOBase):
    """A file, or its content, as a stream."""

    name = ""  # pydicom asks for one

    def __init__(self, take: formats.Take, size: int) -> None:
        self.take, self.size, self.at = take, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        found = self.take(self.at, len(buffer))
        buffer[: len(found)] = found
        self.at += len(found)
        return len(found)


def facts(take: formats.Take, size: int) -> formats.Facts:
    """What the data set says before its pixels.

    Raises: Refused where it says no size, is of a kind that is not read, or has no pixels.
    """
    data, pixels_at = _header(take, size)
    n_frames = int(data.get("NumberOfFrames") or 1)
    if n_frames != 1:
        raise formats.Refused(f"a DICOM file of {n_frames} frames; expected one. Split it")
    photometric = str(data.get("PhotometricInterpretation", "MONOCHROME2"))
    bits, channels = int(data.BitsStored), int(data.get("SamplesPerPixel", 1))
    if photometric == "PALETTE COLOR" or channels not in (1, 3) or bits > 16:
        raise formats.Refused(
            f"a DICOM file of {channels} channels, {bits} bits, {photometric}; expected grey or "
            "RGB of at most 16 bits. Convert it to PNG"
        )
    if pixels_at + 8 > size:
        raise formats.Refused("a DICOM file without pixels; expected a picture. Download it again")
    mode = "grey" if channels == 1 else "rgb"
    return formats.Facts(int(data.Rows), int(data.Columns), channels, bits, mode)


def decode(content: bytes, scale: int) -> np.ndarray | None:
    """The stored values, (H, W, C); uint8 up to 8 bits stored, else uint16; bright is high.

    Signed values are shifted so that the lowest becomes 0. Neither a window nor a rescale slope is
    applied. `scale` is obeyed where JPEG lies inside.
    None where the pixels are cut or damaged.

    Raises: Refused for compressions that need more than pydicom.
    """
    data, pixels_at = _header(lambda start, count: content[start : start + count], len(content))
    syntax = str(data.file_meta.get("TransferSyntaxUID", IMPLICIT))
    if syntax in (EXPLICIT, IMPLICIT, BIG_ENDIAN):
        picture = _native(data, syntax, content, pixels_at)
    elif syntax in JPEG:
        picture = _jpeg(data, _fragments(content, pixels_at), scale)
    else:
        picture = _by_pydicom(content, syntax)
    if picture is None:
        return None
    return _bright_is_high(data, picture)


def _header(take: formats.Take, size: int) -> tuple[FileDataset, int]:
    """The data set without its pixels, and the byte at which their element begins."""
    try:
        import pydicom
    except ImportError:
        raise UsageError("DICOM files need pydicom: run `pip install pydicom`") from None
    stream = io.BufferedReader(_Bytes(take, size), HEADER_BYTES)
    try:
        data = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=_TAGS)
    except (pydicom.errors.InvalidDicomError, struct.error, EOFError, OSError, ValueError):
        raise formats.Refused(formats.CUT) from None
    missing = [name for name in ("Rows", "Columns", "BitsStored") if name not in data]
    if missing:
        raise formats.Refused(
            f"a DICOM file without {missing[0]}; expected one with a picture. Download it again"
        )
    return data, stream.tell()


def _value(content: bytes, at: int, big_endian: bool = False) -> tuple[int, int]:
    """Where the pixels' value begins, and its length in bytes."""
    order = ">" if big_endian else "<"
    if content[at + 4 : at + 6] in LONG_FORMS:
        return at + 12, int(struct.unpack(order + "I", content[at + 8 : at + 12])[0])
    return at + 8, int(struct.unpack(order + "I", content[at + 4 : at + 8])[0])


def _native(data: FileDataset, syntax: str, content: bytes, at: int) -> np.ndarray | None:
    big_endian = syntax == BIG_ENDIAN
    channels, allocated = int(data.get("SamplesPerPixel", 1)), int(data.BitsAllocated)
    if allocated not in (8, 16):
        raise formats.Refused(f"DICOM samples of {allocated} bits; expected 8 or 16. Convert it")
    dtype = np.dtype(f"{'>' if big_endian else '<'}u{allocated // 8}")
    start, _ = _value(content, at, big_endian)
    shape = (int(data.Rows), int(data.Columns), channels)
    count = shape[0] * shape[1] * channels
    if len(content) < start + count * dtype.itemsize:
        return None
    flat = np.frombuffer(content, dtype, count, start).astype(dtype.newbyteorder("="))
    if channels > 1 and int(data.get("PlanarConfiguration", 0)) == 1:
        return np.ascontiguousarray(flat.reshape(channels, *shape[:2]).transpose(1, 2, 0))
    if str(data.get("PhotometricInterpretation", "")).startswith("YBR"):
        swapped = flat.reshape(shape)[:, :, [0, 2, 1]]  # OpenCV takes Y, Cr, Cb
        return np.asarray(cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB))
    return flat.reshape(shape)


def _fragments(content: bytes, at: int) -> bytes | None:
    """The compressed frame; None where its end is missing."""
    at, length = _value(content, at)
    items = []
    while length == UNKNOWN_LENGTH and content[at : at + 4] == ITEM and at + 8 <= len(content):
        (size,) = struct.unpack("<I", content[at + 4 : at + 8])
        items.append(content[at + 8 : at + 8 + size])
        at += 8 + size
    whole = content[at : at + 4] == END_OF_ITEMS
    return b"".join(items[1:]) if whole else None  # the first is a table of offsets


def _jpeg(data: FileDataset, compressed: bytes | None, scale: int) -> np.ndarray | None:
    if not compressed:
        return None
    colour = int(data.get("SamplesPerPixel", 1)) > 1
    flags = formats.cv2_flags(colour=colour, scale=scale)
    picture = cv2.imdecode(np.frombuffer(compressed, np.uint8), flags)
    return None if picture is None else picture.reshape(*picture.shape[:2], -1)


def _by_pydicom(content: bytes, syntax: str) -> np.ndarray:
    import pydicom

    try:
        picture = pydicom.dcmread(io.BytesIO(content)).pixel_array
    except (RuntimeError, NotImplementedError, AttributeError, ValueError):
        name = pydicom.uid.UID(syntax).name
        raise formats.Refused(
            f"DICOM pixels compressed as {name!r}, which this pydicom cannot read; expected "
            "uncompressed, RLE or baseline JPEG. Install pylibjpeg with its plug-ins, or convert it"
        ) from None
    return picture.reshape(*picture.shape[:2], -1)


def _bright_is_high(data: FileDataset, picture: np.ndarray) -> np.ndarray:
    stored = int(data.BitsStored)
    top = 2**stored - 1
    unsigned = picture.view(f"u{picture.itemsize}")
    if int(data.get("PixelRepresentation", 0)) == 1:
        unsigned = unsigned + np.array(2 ** (stored - 1), unsigned.dtype)
    if stored % 8:  # bits above those stored may hold an overlay, or a sign
        unsigned = unsigned & np.array(top, unsigned.dtype)
    if str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        unsigned = np.array(top, unsigned.dtype) - unsigned
    return unsigned.astype(np.uint8) if stored <= 8 else unsigned
