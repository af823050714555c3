"""DICOM: header and pixels of one frame. pydicom, loaded where it is needed, reads the header."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, NamedTuple

import cv2
import numpy as np

from common.data.images import formats
from common.errors import UsageError

EXPLICIT, IMPLICIT, BIG_ENDIAN = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2"))
NATIVE = (EXPLICIT, IMPLICIT, BIG_ENDIAN)
DEFLATED = f"{EXPLICIT}.99"
ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")  # JPEGs of all kinds, RLE
TAILS = (256, 65536)  # bytes at a file's end in which the end of the pixels is looked for
JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")  # baseline, extended
UNKNOWN_LENGTH = 0xFFFFFFFF  # what compressed pixels have in place of their length
ITEM, END_OF_ITEMS = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored")
_UNREADABLE = (
    EOFError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    zlib.error,  # of a data set that is deflated
)
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


class Frame(NamedTuple):
    """What is said of the pixels; `at` is the byte at which their element begins."""

    height: int
    width: int
    channels: int
    allocated: int
    stored: int
    signed: bool
    photometric: str
    n_frames: int
    separate: bool
    syntax: str
    at: int


def facts(take: formats.Take, size: int) -> formats.Facts:
    """What the data set says before its pixels.

    Raises: Refused where it says no size, is of a kind that is not read, has no pixels, or ends
    in the middle of them.
    """
    frame = _frame(take, size)
    if frame.n_frames != 1:
        raise formats.Refused(f"a DICOM file of {frame.n_frames} frames; expected one. Split it")
    known = frame.channels in (1, 3) and 1 <= frame.stored <= frame.allocated
    if frame.photometric == "PALETTE COLOR" or not known or frame.allocated not in (8, 16):
        raise formats.Refused(
            f"a DICOM file of {frame.channels} channels, {frame.stored} of {frame.allocated} bits, "
            f"{frame.photometric}; expected grey or RGB of 8 or 16 bits. Convert it to PNG"
        )
    if frame.at + 12 > size and frame.syntax != DEFLATED:  # whose places are those of its content
        raise formats.Refused("a DICOM file without pixels; expected a picture. Download it again")
    if _is_cut(frame, take, size):
        raise formats.Refused(
            "a DICOM file whose pixels end early; expected all. Download it again"
        )
    mode = "grey" if frame.channels == 1 else "rgb"
    return formats.Facts(frame.height, frame.width, frame.channels, frame.stored, mode)


def decode(content: bytes, scale: int) -> np.ndarray | None:
    """The stored values, (H, W, C); uint8 up to 8 bits stored, else uint16; bright is high.

    Signed values are shifted so that the lowest becomes 0. Neither a window nor a rescale slope is
    applied. `scale` is obeyed where JPEG lies inside.
    None where the pixels are cut or damaged.

    Raises: Refused for compressions that need more than pydicom.
    """
    frame = _frame(lambda start, count: content[start : start + count], len(content))
    if frame.syntax in NATIVE:
        picture = _native(frame, content)
    elif frame.syntax in JPEG:
        picture = _jpeg(frame, _fragments(content, frame.at), scale)
    else:
        picture = _by_pydicom(content, frame.syntax)
    return None if picture is None else _bright_is_high(frame, picture)


def _frame(take: formats.Take, size: int) -> Frame:
    """The data set without its pixels.

    Raises: Refused where it is cut, damaged, or says no size.
    """
    try:
        import pydicom
    except ImportError:
        raise UsageError("DICOM files need pydicom: run `pip install pydicom`") from None
    stream = io.BufferedReader(_Bytes(take, size), HEADER_BYTES)
    try:
        data = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=_TAGS)
        for name in NEEDED:
            if name not in data:
                raise KeyError(name)
        return Frame(
            int(data["Rows"].value),
            int(data["Columns"].value),
            int(data.get("SamplesPerPixel", 1)),
            int(data["BitsAllocated"].value),
            int(data["BitsStored"].value),
            int(data.get("PixelRepresentation", 0)) == 1,
            str(data.get("PhotometricInterpretation", "MONOCHROME2")),
            int(data.get("NumberOfFrames") or 1),
            int(data.get("PlanarConfiguration", 0)) == 1,
            str(data.file_meta.get("TransferSyntaxUID", IMPLICIT)),
            stream.tell(),
        )
    except KeyError as missing:
        raise formats.Refused(
            f"a DICOM file without {missing}; expected one with a picture. Download it again"
        ) from None
    except (
        pydicom.errors.InvalidDicomError,
        pydicom.errors.BytesLengthException,
        struct.error,
        *_UNREADABLE,
    ):
        raise formats.Refused(
            "a DICOM header that cannot be understood; expected a whole one. Download it again"
        ) from None


def _is_cut(frame: Frame, take: formats.Take, size: int) -> bool:
    """Whether the file is shorter than its pixels, or their last fragment has no end."""
    if frame.syntax in NATIVE:
        start, _ = _value(take(frame.at, 12), 0, frame.syntax == BIG_ENDIAN)
        n_bytes = frame.height * frame.width * frame.channels * frame.allocated // 8
        return frame.at + start + n_bytes > size
    if not frame.syntax.startswith(ENCAPSULATED):
        return False  # the whole data set is deflated: decoding will tell
    # elements may follow the pixels, such as padding
    return all(END_OF_ITEMS not in take(max(frame.at, size - n), n) for n in TAILS)


def _value(content: bytes, at: int, big_endian: bool = False) -> tuple[int, int]:
    """Where the pixels' value begins, and its length in bytes."""
    order = ">" if big_endian else "<"
    if content[at + 4 : at + 6] in LONG_FORMS:
        return at + 12, int(struct.unpack(order + "I", content[at + 8 : at + 12])[0])
    return at + 8, int(struct.unpack(order + "I", content[at + 4 : at + 8])[0])


def _native(frame: Frame, content: bytes) -> np.ndarray | None:
    big_endian = frame.syntax == BIG_ENDIAN
    dtype = np.dtype(f"{'>' if big_endian else '<'}u{frame.allocated // 8}")
    start, _ = _value(content, frame.at, big_endian)
    shape = (frame.height, frame.width, frame.channels)
    count = shape[0] * shape[1] * shape[2]
    if len(content) < start + count * dtype.itemsize:
        return None
    flat = np.frombuffer(content, dtype, count, start).astype(dtype.newbyteorder("="))
    if frame.channels > 1 and frame.separate:
        return np.ascontiguousarray(flat.reshape(frame.channels, *shape[:2]).transpose(1, 2, 0))
    if frame.photometric.startswith("YBR"):
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


def _jpeg(frame: Frame, compressed: bytes | None, scale: int) -> np.ndarray | None:
    if not compressed:
        return None
    flags = formats.cv2_flags(colour=frame.channels > 1, scale=scale)
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


def _bright_is_high(frame: Frame, picture: np.ndarray) -> np.ndarray:
    top = 2**frame.stored - 1
    unsigned = picture.view(f"u{picture.itemsize}")
    if frame.signed:
        unsigned = unsigned + np.array(2 ** (frame.stored - 1), unsigned.dtype)
    if frame.stored % 8:  # bits above those stored may hold an overlay, or a sign
        unsigned = unsigned & np.array(top, unsigned.dtype)
    if frame.photometric == "MONOCHROME1":
        unsigned = np.array(top, unsigned.dtype) - unsigned
    return unsigned.astype(np.uint8) if frame.stored <= 8 else unsigned
