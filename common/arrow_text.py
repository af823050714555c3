"""Arrow's arrays of text looked at where they lie, without loading Arrow's own functions.

Loading those takes as long as reading a million rows. No array here has nulls.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

_ROWS = 1 << 15  # rows that are looked at together: what stays in the processor's cache
_FEW = 20  # lengths of names; more than the whole numbers of one column have
_MOST_DIGITS = 18  # of a whole number
_ZERO, _MINUS = np.uint8(ord("0")), np.uint8(ord("-"))


def letters_of(cells: Any) -> tuple[np.ndarray, np.ndarray]:
    """The letters of an array of text as bytes, uint8, and where each cell starts and the last
    one stops, int32 (n_cells + 1,)."""
    _, offsets, letters = cells.buffers()
    places = np.frombuffer(offsets, dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1]
    return np.frombuffer(letters or b"", dtype=np.uint8), places


def numbers_of(array: Any, dtype: type) -> np.ndarray:
    """An array of numbers as numpy."""
    values: np.ndarray = np.frombuffer(array.buffers()[1], dtype=dtype)
    return values[array.offset : array.offset + len(array)]


def rises(cells: Any) -> bool:
    """True where every cell stands behind the one before it, shorter ones before longer ones: the
    order of whole numbers, and of names of one length in the alphabet."""
    letters, places = letters_of(cells)
    lengths = np.diff(places)
    begins = np.flatnonzero(lengths[1:] != lengths[:-1]) + 1  # of another length
    if len(begins) > _FEW or (lengths[begins] < lengths[begins - 1]).any():
        return False
    edges = [0, *begins.tolist(), len(cells)]
    return all(
        _rise(letters[places[first] : places[stop]], int(lengths[first]))
        for first, stop in pairwise(edges)
        if stop - first > 1
    )


def _rise(letters: np.ndarray, length: int) -> bool:
    """True where cells of one length, at least two, rise."""
    if not length:
        return False
    cells = letters.view(f"S{length}")
    before, behind = cells[:-1], cells[1:]
    parts = (slice(first, first + _ROWS) for first in range(0, len(before), _ROWS))
    return all(bool((before[part] < behind[part]).all()) for part in parts)


def whole_numbers(cells: Any, *, as_names: bool = False) -> np.ndarray | None:
    """Cells of digits as int64, with or without a minus; None where a cell is anything else.

    Args:
        as_names: refuse -7 and 07 as well, so that the same number is the same text.
    """
    letters, places = letters_of(cells)
    lengths = np.diff(places)
    if not len(lengths) or lengths.min() < 1 or lengths.max() > _MOST_DIGITS:
        return None
    numbers = np.empty(len(lengths), dtype=np.int64)
    for first in range(0, len(lengths), _ROWS):
        part = slice(first, first + _ROWS)
        stops = places[part.start + 1 : part.stop + 1]
        found = _read(letters, stops, lengths[part], as_names=as_names)
        if found is None:
            return None
        numbers[part] = found
    return numbers


def _read(
    letters: np.ndarray, stops: np.ndarray, lengths: np.ndarray, *, as_names: bool
) -> np.ndarray | None:
    """Numbers that stop at some places, digit by digit for all of them at once."""
    firsts = letters[stops - lengths]
    minus = firsts == _MINUS
    n_digits = lengths - minus
    zero_led = (firsts == _ZERO) & (lengths > 1)
    if n_digits.min() < 1 or (as_names and (minus | zero_led).any()):
        return None
    numbers = np.zeros(len(stops), dtype=np.int64)
    for place in range(int(n_digits.max())):
        digits = letters.take(stops - (1 + place), mode="clip") - _ZERO
        digits *= n_digits > place
        if digits.max() > 9:
            return None
        numbers += digits.astype(np.int64) * 10**place
    return np.where(minus, -numbers, numbers) if minus.any() else numbers
