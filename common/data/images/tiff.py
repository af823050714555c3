"""TIFF: its header, and its samples in the number and order in which the file holds them.

OpenCV reorders four channels, drops channels of what is not called RGB, multiplies by what it takes
for alpha and shows damaged strips. So it only undoes LZW and PackBits, from a grey picture that is
W × C wide; the rest is done here.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import cv2
import numpy as np

from common.data.images import formats, tags
from common.data.images.geometry import upright

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS = 256, 257, 258, 259, 262, 273
SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR, PREDICTOR = 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339
UNPACKED_HERE = (1, 8, 32946)  # none, deflate, deflate under its first number
PLAIN = (*UNPACKED_HERE, 5, 32773)  # and LZW, PackBits
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR = range(7)
JPEG = 7


class Layout(NamedTuple):
    """How the samples lie in the file.

    Args:
        separate: plane after plane; else the channels of a pixel are neighbours.
        differences: a sample is stored as its difference to the one to its left.
        block: (height, width) in pixels of a strip or tile.
    """

    height: int
    width: int
    channels: int
    bits: int
    compression: int
    photometric: int
    separate: bool
    differences: bool
    tiled: bool
    block: tuple[int, int]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def direct(self) -> bool:
        """True where every sample can be taken as it is stored."""
        return self.bits in (8, 16) and self.compression in PLAIN and self.photometric < PALETTE


def facts(take: formats.Take, size: int) -> formats.Facts:
    """What the first directory says.

    Raises: Refused for kinds that are not read, and for pixels that lie behind the file's end.
    """
    found = _directory(take)
    layout = _layout(found)
    end = max(map(sum, zip(layout.offsets, layout.sizes, strict=False)), default=0)
    if not 0 < end <= size:
        raise formats.Refused(
            f"pixels up to byte {end} in a TIFF of {size} bytes; expected a whole picture. "
            "Download it again"
        )
    channels, mode = layout.channels, "channels"
    if layout.photometric == PALETTE:
        channels, mode = 3, "palette"
    elif channels == 1:
        mode = "grey"
    elif layout.photometric in (RGB, YCBCR) and channels in (3, 4):
        alpha = channels == 4 and found.get(EXTRA_SAMPLES, (0,))[0] > 0
        mode = "rgb" if channels == 3 else "rgb+alpha" if alpha else "channels"
    turn = found.get(tags.ORIENTATION, (1,))[0]
    return formats.Facts(layout.height, layout.width, channels, layout.bits, mode, turn)


def decode(content: bytes, orientation: int) -> np.ndarray | None:
    """The samples, uint8 or uint16 (H, W, C), upright; white is high, colours are in RGB order.

    None where the compressed data are damaged.
    """
    layout = _layout(_directory(lambda start, count: content[start : start + count]))
    if not layout.direct:
        return _decode_as_shown(content)
    n_planes = layout.channels if layout.separate else 1
    blocks = len(layout.offsets) // n_planes
    planes = [
        _plane(content, layout, slice(first * blocks, (first + 1) * blocks))
        for first in range(n_planes)
    ]
    whole = [plane for plane in planes if plane is not None]
    if len(whole) < n_planes:
        return None
    picture = whole[0] if n_planes == 1 else np.concatenate(whole, axis=2)
    return upright(~picture if layout.photometric == WHITE_IS_ZERO else picture, orientation)


def _decode_as_shown(content: bytes) -> np.ndarray | None:
    """Palettes, JPEG inside and single bits, as OpenCV shows them; it also rotates."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        return None
    if picture.ndim == 2:
        return picture[:, :, None]
    return cv2.cvtColor(picture[:, :, :3], cv2.COLOR_BGR2RGB)


def _plane(content: bytes, layout: Layout, own: slice) -> np.ndarray | None:
    """Some strips or tiles as a picture (H, W, C); C is 1 where planes are separate."""
    channels = 1 if layout.separate else layout.channels
    if layout.compression in UNPACKED_HERE:
        picture = _unpacked(content, layout, own, channels)
    else:
        picture = _unpacked_by_opencv(content, layout, own, channels)
    if picture is not None and layout.differences:
        for left in range(0, layout.width, layout.block[1]):  # sums wrap, as the differences did
            part = picture[:, left : left + layout.block[1]]
            np.cumsum(part, axis=1, dtype=picture.dtype, out=part)
    return picture


def _unpacked(content: bytes, layout: Layout, own: slice, channels: int) -> np.ndarray | None:
    """Blocks that are stored plainly or by deflate, whose check sum is looked at."""
    stored = np.dtype(f"{tags.byte_order(content[:2])}u{layout.bits // 8}")
    picture = np.empty((layout.height, layout.width, channels), stored.newbyteorder("="))
    high, wide = layout.block
    across = -(-layout.width // wide)
    for place, (start, size) in enumerate(zip(layout.offsets[own], layout.sizes[own], strict=True)):
        top, left = place // across * high, place % across * wide
        rows = high if layout.tiled else min(high, layout.height - top)
        n_bytes = rows * wide * channels * stored.itemsize
        block = content[start : start + size]
        if layout.compression != 1:
            block = _inflated(block, high * wide * channels * stored.itemsize)
        if rows < 1 or len(block) < n_bytes:
            return None
        samples = np.frombuffer(block, stored, rows * wide * channels).reshape(rows, wide, channels)
        part = picture[top : top + rows, left : left + wide]
        part[:] = samples[: part.shape[0], : part.shape[1]]
    return picture


def _inflated(block: bytes, at_most: int) -> bytes:
    """The bytes of a block; none where it is damaged or holds more than that."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(block, at_most + 1)
    except zlib.error:
        return b""
    return found if unpacking.eof else b""


def _unpacked_by_opencv(
    content: bytes, layout: Layout, own: slice, channels: int
) -> np.ndarray | None:
    """LZW and PackBits. OpenCV reports damage for 16 bits only, so two bytes are shown to it as
    one sample; where a row has an odd number of bytes, damage passes."""
    high, wide = layout.block
    row_bytes = [side * channels * layout.bits // 8 for side in (layout.width, wide)]
    together = 1 if any(n % 2 for n in row_bytes) else 2
    entries = {
        WIDTH: [row_bytes[0] // together],
        HEIGHT: [layout.height],
        BITS: [8 * together],
        COMPRESSION: [layout.compression],
        PHOTOMETRIC: [BLACK_IS_ZERO],
        SAMPLES: [1],
    }
    if layout.tiled:
        entries |= {TILE_WIDTH: [row_bytes[1] // together], TILE_HEIGHT: [high]}
        entries |= {TILE_OFFSETS: [*layout.offsets[own]], TILE_BYTES: [*layout.sizes[own]]}
    else:
        entries |= {STRIP_OFFSETS: [*layout.offsets[own]], ROWS_PER_STRIP: [high]}
        entries[STRIP_BYTES] = [*layout.sizes[own]]
    grey = np.frombuffer(_with_directory(content, entries), np.uint8)
    flat = cv2.imdecode(grey, cv2.IMREAD_UNCHANGED)
    if flat is None:
        return None
    stored = np.dtype(f"{tags.byte_order(content[:2])}u{layout.bits // 8}")
    samples = np.asarray(flat).view(stored).reshape(layout.height, layout.width, channels)
    return samples.astype(stored.newbyteorder("="))


def _with_directory(content: bytes, entries: dict[int, list[int]]) -> bytes:
    """The file as a little-endian one with another first directory, written behind its end."""
    start = len(content) + len(content) % 2
    values_at = start + 2 + 12 * len(entries) + 4
    rows, values = b"", b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            packed, values = struct.pack("<I", values_at + len(values)), values + packed
        rows += struct.pack("<HHI", tag, 4, len(numbers)) + packed
    head = b"II*\0" + struct.pack("<I", start)
    directory = struct.pack("<H", len(entries)) + rows + bytes(4)
    return b"".join([head, content[8:], bytes(len(content) % 2), directory, values])


def _directory(take: formats.Take) -> tags.Tags:
    try:
        return tags.first_directory(take)
    except (struct.error, ValueError):
        raise formats.Refused(formats.CUT) from None


def _layout(found: tags.Tags) -> Layout:
    """The layout that a directory describes.

    Raises: Refused where a needed tag is missing, or for kinds that are not read.
    """
    try:
        height, width = found[HEIGHT][0], found[WIDTH][0]
        photometric = found[PHOTOMETRIC][0]
        tiled = TILE_OFFSETS in found
        offsets = found[TILE_OFFSETS if tiled else STRIP_OFFSETS]
        sizes = found[TILE_BYTES if tiled else STRIP_BYTES]
        rows = min(found.get(ROWS_PER_STRIP, (height,))[0], height)
        block = (found[TILE_HEIGHT][0], found[TILE_WIDTH][0]) if tiled else (rows, width)
    except (KeyError, IndexError):
        raise formats.Refused(
            "a TIFF whose directory lacks its size or its pixels; download it again"
        ) from None
    bits, channels = set(found.get(BITS, (1,))), found.get(SAMPLES, (1,))[0]
    layout = Layout(
        height,
        width,
        channels,
        max(bits),
        found.get(COMPRESSION, (1,))[0],
        photometric,
        channels > 1 and found.get(PLANAR, (1,))[0] == 2,
        found.get(PREDICTOR, (1,))[0] == 2,
        tiled,
        block,
        offsets,
        sizes,
    )
    n_blocks = -(-height // max(block[0], 1)) * -(-width // max(block[1], 1))
    if len(offsets) != n_blocks * (channels if layout.separate else 1) or len(sizes) < len(offsets):
        raise formats.Refused(
            f"a TIFF of {len(offsets)} strips or tiles; expected as many as {width}×{height} "
            "pixels take. Download it again"
        )
    integers = set(found.get(SAMPLE_FORMAT, (1,))) <= {1, 4}
    shown = layout.bits in (1, 4, 8) and photometric in (0, 1, 2, PALETTE, YCBCR) and channels < 4
    if len(bits) > 1 or not integers or not (layout.direct or shown):
        raise formats.Refused(
            f"a TIFF of {channels} channels with {sorted(bits)} bits, photometric {photometric}, "
            f"compression {layout.compression}; expected unsigned integers of 8 or 16 bits, grey, "
            "RGB or channels. Convert it"
        )
    return layout
