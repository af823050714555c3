"""Which texts of a column are sound run lengths, told for many of them at once.

Passes over the letters of many texts take the place of reading each text's numbers. A text is
called sound only where that is certain; of every other one `RunLength.fault` says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

LARGEST = 2**31  # no image has more pixels; larger numbers could overflow when they are added
_BLOCK = 1 << 19  # letters that are looked at together: what stays in the processor's cache
_BLANK, _ZERO = np.uint8(ord(" ")), np.uint8(ord("0"))
_LONGEST = 65_535 // 9  # letters whose digits add up to what 16 bits hold
_MOST_DIGITS = 10  # a number with more is larger than any image


def sound_texts(
    texts: Sequence[str], *, relative: bool, first_pixel: int, n_pixels: int
) -> np.ndarray:
    """Where a text certainly is run lengths inside an image of `n_pixels`, bool (n_texts,).

    Certain are digits and blanks that make pairs of numbers, none of them with a leading zero.
    Spellings of "no mask" are not known here.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    found = np.zeros(len(texts), dtype=bool)
    last_pixel = min(n_pixels + first_pixel, LARGEST)
    lie_inside = _relative_inside if relative else _absolute_inside
    for block in _blocks(lengths):
        letters = _Letters.of(texts[block], lengths[block])
        if letters.paired.any():
            found[block] = letters.paired & lie_inside(letters, last_pixel)
    return found


def _blocks(lengths: np.ndarray) -> Iterator[slice]:
    """Texts next to each other that have about `_BLOCK` letters together, or one longer text."""
    ends = np.cumsum(lengths + 1)
    first, before = 0, 0
    while first < len(ends):
        stop = max(first + 1, int(np.searchsorted(ends, before + _BLOCK, side="right")))
        yield slice(first, stop)
        first, before = stop, ends[stop - 1]


@dataclass(frozen=True)
class _Letters:
    """The letters of some texts, with a blank before, between and behind them.

    Args:
        written: the letters, uint8 (n_letters,).
        starts: where each text begins, (n_texts,).
        lengths: of the texts, (n_texts,).
        inside: 1 at a digit and 0 at a blank, uint8 (n_letters,).
        digits: the digit at each letter, 0 at a blank, uint8 (n_letters,).
        begins: 1 where a number begins, uint8 (n_letters,).
        paired: True where a text is digits and blanks, of an even count of numbers, none of
            which begins with 0.
    """

    written: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    inside: np.ndarray
    digits: np.ndarray
    begins: np.ndarray
    paired: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], lengths: np.ndarray) -> _Letters:
        starts = np.cumsum(lengths + 1) - lengths
        joined = " ".join(["", *texts, ""]).encode("ascii", "replace")
        written = np.frombuffer(joined, dtype=np.uint8)
        inside = (written != _BLANK).view(np.uint8)
        digits = written - _ZERO
        digits *= inside
        begins = np.zeros_like(inside)
        np.greater(inside[1:], inside[:-1], out=begins[1:].view(bool))
        # whether a count is even is seen in its last bit: it may run over
        paired = np.add.reduceat(begins, starts, dtype=np.uint8) % 2 == 0
        if digits.max() > 9:
            paired[_texts_at(digits > 9, starts)] = False
        zero_led = begins > digits
        if zero_led.any():
            paired[_texts_at(zero_led, starts)] = False
        return cls(written, starts, lengths, inside, digits, begins, paired)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of the values at each text's letters, none above 9, int64 (n_texts,)."""
        if self.lengths.max() < _LONGEST:
            return np.add.reduceat(values, self.starts, dtype=np.uint16).astype(np.int64)
        n_parts = self.lengths // _LONGEST + 1
        first_part = np.cumsum(n_parts) - n_parts
        within = np.arange(n_parts.sum()) - np.repeat(first_part, n_parts)
        parts = np.repeat(self.starts, n_parts) + within * _LONGEST
        of_parts = np.add.reduceat(values, parts, dtype=np.uint16)
        return np.add.reduceat(of_parts, first_part, dtype=np.int64)


def _relative_inside(letters: _Letters, last_pixel: int) -> np.ndarray:
    """Where the last run of a text ends inside the image: at the sum of all its numbers.

    A digit counts once, and 9, 90, 900 … times more for every digit behind it in its number.
    """
    part = letters.digits.copy()
    totals = letters.sums(part).astype(np.float64)
    for place in range(1, _MOST_DIGITS + 1):
        part[:-place] *= letters.inside[place:]
        if not part.max():
            break
        totals += 9 * 10.0 ** (place - 1) * letters.sums(part)
    return (totals > 0) & (totals <= last_pixel)


def _absolute_inside(letters: _Letters, last_pixel: int) -> np.ndarray:
    """Where the runs of a text rise without an overlap and end inside the image."""
    counts = letters.sums(letters.begins)
    asked = letters.paired & (counts > 0)
    sound = asked.copy()
    if not asked.any():
        return sound
    written = letters.written
    if not asked.all():  # the others' letters become blanks
        kept = np.repeat(asked, letters.lengths + 1)
        written = np.append(_BLANK, np.where(kept, written[1:], _BLANK))
    numbers = np.fromstring(written.tobytes(), dtype=np.int64, sep=" ")
    np.minimum(numbers, LARGEST + 1, out=numbers)  # beyond int64 they are the largest
    firsts = numbers[::2]
    stops = firsts + numbers[1::2]
    last = np.cumsum(counts[asked] // 2) - 1
    overlapping = firsts[1:] < stops[:-1]
    overlapping[last[:-1]] = False  # from one text to the next
    faulty = stops[last] > last_pixel
    faulty[np.searchsorted(last, np.flatnonzero(overlapping))] = True
    sound[np.flatnonzero(asked)[faulty]] = False
    return sound


def _texts_at(places: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The texts that hold the letters where `places` is True."""
    return np.searchsorted(starts, np.flatnonzero(places), side="right") - 1
