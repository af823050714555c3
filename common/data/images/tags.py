"""The tags of a TIFF directory, which is also how EXIF is stored."""

from __future__ import annotations

import struct
from collections.abc import Callable

ORIENTATION = 274
MAX_TAGS = 4096  # more is no directory
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4}
_LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i"}

Take = Callable[[int, int], bytes]
Tags = dict[int, tuple[int, ...]]


def orientation(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1 where the block is damaged or says nothing: a picture is not
    refused for what describes it."""
    try:
        values = first_directory(lambda start, count: exif[start : start + count]).get(ORIENTATION)
    except (struct.error, ValueError):
        return 1
    return values[0] if values and 1 <= values[0] <= 8 else 1


def first_directory(take: Take) -> Tags:
    """The integer tags of the first directory; fractions and floats are left out.

    Raises: struct.error where the file ends inside, ValueError where this is no directory.
    """
    order = byte_order(take(0, 2))
    (at,) = struct.unpack(order + "I", take(4, 4))
    (count,) = struct.unpack(order + "H", take(at, 2))
    if count > MAX_TAGS:
        raise ValueError(f"a directory of {count} tags")
    entries = take(at + 2, 12 * count)
    tags: Tags = {}
    for place in range(count):
        entry = entries[12 * place : 12 * place + 12]
        tag, kind, n_values = struct.unpack(order + "HHI", entry[:8])
        if kind not in _SIZES:
            continue
        length = n_values * _SIZES[kind]
        if length <= 4:
            content = entry[8 : 8 + length]
        else:
            content = take(struct.unpack(order + "I", entry[8:])[0], length)
        tags[tag] = struct.unpack(f"{order}{n_values}{_LETTERS[kind]}", content)
    return tags


def byte_order(first: bytes) -> str:
    """struct's sign of a TIFF's byte order.

    Raises: ValueError for anything else.
    """
    if first not in (b"II", b"MM"):
        raise ValueError(f"no byte order: {first!r}")
    return "<" if first == b"II" else ">"
