"""Headers of pictures: size, channels, bits, orientation from a few kilobytes, undecoded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from common.data.images import dicom, formats, tiff
from common.data.images.formats import Facts, Refused
from common.errors import DataError

MAX_PIXELS = 200_000_000  # decoded samples, H × W × C, of one picture
FIRST_READ = 4096  # bytes; most headers end before
TURNED = (5, 6, 7, 8)  # EXIF orientations that change places of height and width


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a picture says of itself.

    Args:
        height, width: in pixels as stored, before the rotation that `orientation` asks for.
        channels: as stored; 3 for a palette, which stands for colours.
        bits: used by one sample, 1 to 16.
        mode: grey, grey+alpha, rgb, rgb+alpha, palette, cmyk, ycck or channels (whatever a TIFF
            holds that is none of these).
        format: jpeg, png, tiff, dicom, bmp, gif or webp, by the content and not by the name.
        orientation: EXIF's, 1 to 8; 1 is upright.
    """

    height: int
    width: int
    channels: int
    bits: int
    mode: str
    format: str
    orientation: int = 1

    @property
    def shown_size(self) -> tuple[int, int]:
        """(height, width) in pixels after the rotation."""
        size = (self.height, self.width)
        return size[::-1] if self.orientation in TURNED else size


Source = Path | str | bytes


def read_header(source: Source, *, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """The header of a file, or of a file's content.

    Raises: DataError where there is no file, it is empty, it is no picture of a known format, its
        header is cut or contradicts itself, or it would take more than `max_pixels` samples.
    """
    if isinstance(source, bytes):
        return header_of(source, "the picture", max_pixels=max_pixels)
    try:
        with Path(source).open("rb", buffering=0) as stream:
            take, size = pieces(stream)
            return header_by(take, size, str(source), max_pixels=max_pixels)
    except OSError as error:
        raise unreadable(source, error) from None


def pieces(stream: FileIO) -> tuple[formats.Take, int]:
    """What gives parts of an open file, of which the beginning is read once; and its size."""
    first, size = stream.read(FIRST_READ), os.fstat(stream.fileno()).st_size

    def take(start: int, count: int) -> bytes:
        if start + count <= len(first):
            return first[start : start + count]
        stream.seek(start)
        return stream.read(count)

    return take, size


def header_of(content: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """The header of a file's content; `name` is for messages."""

    def take(start: int, count: int) -> bytes:
        return content[start : start + count]

    return header_by(take, len(content), name, max_pixels=max_pixels)


def unreadable(source: Path | str, error: OSError) -> DataError:
    """The error for a picture that is not there, or that the system does not give out."""
    if isinstance(error, IsADirectoryError):
        found, ask = "is a folder", "Is the download whole?"
    elif isinstance(error, FileNotFoundError | NotADirectoryError):
        found, ask = "is missing", "Is the download whole?"
    else:
        found, ask = (
            f"cannot be read ({error.strerror})",
            "May this user read it, is the disk well?",
        )
    return DataError(f"{source} {found}; expected a picture. {ask}")


def header_by(take: formats.Take, size: int, name: str, *, max_pixels: int) -> ImageHeader:
    """The header of what `take` gives parts of; `size` in bytes."""
    first = take(0, FIRST_READ)
    if size == 0:
        raise DataError(f"{name} has 0 bytes; expected a picture. Download it again")
    kind = formats.sniff(first)
    if kind not in READERS:
        raise DataError(
            f"{name} holds {formats.looks_like(first)}; expected a picture: {', '.join(READERS)}"
        )
    try:
        facts = READERS[kind](take, size)
    except Refused as refused:
        raise DataError(f"{name}: {refused}") from None
    if facts.height < 1 or facts.width < 1:
        raise DataError(
            f"{name}: the header says {facts.width}×{facts.height} pixels; expected at least 1×1. "
            "The file is damaged: download it again"
        )
    samples = facts.height * facts.width * facts.channels
    if samples > max_pixels:
        raise DataError(
            f"{name}: the header says {facts.width}×{facts.height} pixels with {facts.channels} "
            f"channels, {samples:,} samples; expected at most {max_pixels:,}. Make it smaller, or "
            "raise max_pixels where the memory allows it"
        )
    return ImageHeader(
        facts.height,
        facts.width,
        facts.channels,
        facts.bits,
        facts.mode,
        kind,
        facts.orientation if facts.orientation in range(1, 9) else 1,
    )


READERS: dict[str, Callable[[formats.Take, int], Facts]] = {
    "jpeg": formats.jpeg,
    "png": formats.png,
    "tiff": tiff.facts,
    "dicom": dicom.facts,
    "bmp": formats.bmp,
    "gif": formats.gif,
    "webp": formats.webp,
}
