"""Label PNGs: one class number per pixel, in 8-bit grey or as the index of a palette.

Pillow decodes them. It is loaded by the first picture only, so that no other judge pays for it.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Size = tuple[int, int]  # height, width in pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8s4x4sIIBB")  # signature, length, "IHDR", width, height, bits, colour
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_PALETTE = 3
# what Pillow raises over damaged bytes, by where the damage lies
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class Header:
    """What a PNG says of itself before any pixel."""

    size: Size
    bits: int
    colour: int

    @property
    def holds_numbers(self) -> bool:
        """True where a pixel is one number that is read as it stands: 8-bit grey, any palette."""
        # writers store palettes of up to 16 colours with 4 bits; grey of fewer bits is a shade
        return self.colour == _PALETTE or (self.colour == 0 and self.bits == 8)

    def __str__(self) -> str:
        return f"{self.bits}-bit {_COLOURS.get(self.colour, 'of no known colour')}"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one picture.

    Args:
        kind: what pictures with this flaw do, by which they are counted: "are no PNG".
        detail: what was found in this one.
        expected: what should have been.
    """

    kind: str
    detail: str
    expected: str


def read_header(path: Path) -> Header | Flaw:
    """The size and form of a PNG, read from its first bytes."""
    start = b""
    if path.is_file():
        with path.open("rb") as stream:
            start = stream.read(_HEADER.size)
    if not start.startswith(_SIGNATURE):
        return Flaw("are no PNG", "", "label PNGs")
    if len(start) < _HEADER.size:
        return _cut()
    _, chunk, width, height, bits, colour = _HEADER.unpack(start)
    whole = chunk == b"IHDR" and height > 0 and width > 0
    return Header((height, width), bits, colour) if whole else _cut()


def read_labels(path: Path, highest: int, size: Size | None = None) -> np.ndarray | list[Flaw]:
    """The class numbers of a label PNG, uint8 (H, W), or all that is wrong with it.

    Args:
        highest: the highest class number that is allowed.
        size: the size that the picture must have; None: any. A picture of another size is not
            decoded: it may be far larger than memory.
    """
    header = read_header(path)
    if isinstance(header, Flaw):
        return [header]
    flaws = []
    if not header.holds_numbers:
        form = "one class number per pixel, 8-bit grey or palette"
        flaws.append(Flaw("are no index masks", f" ({header})", form))
    if size is not None and header.size != size:
        found = f" with {_shown(header.size)}"
        flaws.append(Flaw("have another size than was asked for", found, _shown(size)))
    if flaws:
        return flaws
    labels = _decode(path)
    if labels is None or labels.shape != header.size:
        return [_cut()]
    return _values_flaw(labels, highest) or labels


def _values_flaw(labels: np.ndarray, highest: int) -> list[Flaw]:
    if labels.max() <= highest:
        return []
    row, column = np.argwhere(labels > highest)[0]
    found = f" with {labels[row, column]} at row {row}, column {column} (counted from 0)"
    return [Flaw(f"hold values above {highest}", found, f"class numbers from 0 to {highest}")]


def _decode(path: Path) -> np.ndarray | None:
    """The pixels as numbers, (H, W); None where the file is cut or damaged."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on a damaged file; the verdict is ours
            with Image.open(path, formats=("PNG",)) as image:
                image.verify()  # the check sums of all chunks, up to the end of the file
            with Image.open(path, formats=("PNG",)) as image:
                return np.asarray(image)
    except (*_DAMAGE, Image.DecompressionBombError):
        return None


def _cut() -> Flaw:
    return Flaw("are cut or damaged", "", "whole PNG files; write or copy them again")


def _shown(size: Size) -> str:
    return f"{size[0]} rows and {size[1]} columns of pixels"
