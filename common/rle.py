"""Run lengths: a mask as text, under any host's convention, read and written without loops.

Hosts differ in the order of the pixels, in the number of the first one, in what a start counts
from and in how "no mask" is written. `RunLength` is one such convention as a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import DataError
from common.run_texts import LARGEST, sound_texts

Runs = tuple[np.ndarray, np.ndarray]  # starts and stops of runs, int64, pixels counted from 0

_MANY_RUNS = 400  # from here on all at once beats one at a time
_SHORT_RUN = 40  # pixels; under it one gather beats one assignment per run
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class RunLength:
    """A host's convention: the text is pairs of a start and a length, with blanks between.

    Args:
        relative: a start counts from the end of the run before it; if not, from the image's start.
        column_major: pixels are numbered down the columns; if not, along the rows.
        first_pixel: the number of the image's first pixel, 0 or 1.
        empty: the spellings of "no mask"; the first is the one that is written.
    """

    relative: bool
    column_major: bool
    first_pixel: int
    empty: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if self.first_pixel not in (0, 1) or not self.empty:
            raise ValueError("first_pixel is 0 or 1, and empty holds at least one spelling")

    def encode(self, mask: np.ndarray) -> str:
        """The text of a mask, bool (H, W).

        Raises: DataError for an array of another shape or type.
        """
        mask = np.asarray(mask)
        if mask.ndim != 2 or mask.dtype != np.bool_:
            raise DataError(
                f"a mask has the shape {mask.shape} and the type {mask.dtype}; expected bool "
                "(height, width): compare with a threshold first"
            )
        edges = _edges_down_columns(mask) if self.column_major else _edges(mask.ravel())
        return self.write((edges[::2], edges[1::2]))

    def encode_batch(self, probabilities: np.ndarray, threshold: float) -> list[str]:
        """The texts of the masks of what lies above the threshold, from floats (N, H, W).

        Raises: DataError for an array of another shape or type, and for one that holds nan.
        """
        probabilities = np.asarray(probabilities)
        if probabilities.ndim != 3 or probabilities.dtype.kind != "f":
            raise DataError(
                f"the probabilities have the shape {probabilities.shape} and the type "
                f"{probabilities.dtype}; expected floats (n_images, height, width)"
            )
        texts = []
        for place, image in enumerate(probabilities, start=1):
            if np.isnan(image.max(initial=-np.inf)):  # nan would be background without a word
                raise DataError(f"image {place} holds nan; expected numbers")
            texts.append(self.encode(image > float(threshold)))
        return texts

    def decode(self, text: str, shape: tuple[int, int]) -> np.ndarray:
        """The mask of a text, bool (H, W).

        Raises: DataError for a text that is none under this convention.
        """
        starts, stops = self.runs(text, shape)
        flat = np.zeros(shape[0] * shape[1], dtype=bool)
        _draw(flat, starts, stops - starts)
        return flat.reshape(shape[::-1]).T if self.column_major else flat.reshape(shape)

    def runs(self, text: str, shape: tuple[int, int] | None = None) -> Runs:
        """Where the runs start and stop, as they rise; no pixel is drawn.

        Without a shape it is not asked whether the runs end inside the image.

        Raises: DataError for a text that is none under this convention.
        """
        text = text.strip()
        if text in self.empty:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        numbers = _numbers(text)
        if len(numbers) % 2:
            raise DataError(f"{len(numbers)} numbers; expected pairs of a start and a length")
        firsts, lengths = numbers[::2], numbers[1::2]
        if not lengths.all():
            raise DataError(f"pair {_where(lengths == 0)} has the length 0; expected at least 1")
        if numbers[0] < self.first_pixel or numbers.max() > LARGEST:
            raise DataError(
                f"a run lies outside the image, whose pixels begin at {self.first_pixel}"
            )
        starts, stops = self._absolute(firsts, lengths)
        if shape is not None and stops[-1] > shape[0] * shape[1]:
            raise DataError(
                f"the last run ends behind pixel {stops[-1] - 1 + self.first_pixel} of an image "
                f"of {shape[0]}×{shape[1]} pixels; expected runs inside the image"
            )
        return starts, stops

    def write(self, runs: Runs) -> str:
        """The text of runs that rise and do not overlap."""
        starts, stops = runs
        if not len(starts):
            return self.empty[0]
        numbers = np.empty(2 * len(starts), dtype=np.int64)
        numbers[::2] = starts
        if self.relative:
            numbers[2::2] -= stops[:-1]
            numbers[0] += self.first_pixel
        else:
            numbers[::2] += self.first_pixel
        numbers[1::2] = stops - starts
        return _text(numbers)

    def fault(self, text: str, shape: tuple[int, int]) -> str:
        """What is wrong with a text under this convention; "" where nothing is."""
        try:
            self.runs(text, shape)
        except DataError as error:
            return str(error)
        return ""

    def faulty(self, texts: Sequence[str], shape: tuple[int, int]) -> list[int]:
        """The positions of the texts in which `fault` finds something, for many of them at once."""
        sound = sound_texts(
            texts,
            relative=self.relative,
            first_pixel=self.first_pixel,
            n_pixels=shape[0] * shape[1],
        )
        asked = np.flatnonzero(~sound).tolist()
        return [place for place in asked if self.fault(texts[place], shape)]

    def merge(self, texts: Sequence[str], shape: tuple[int, int]) -> str:
        """The text of the union of masks.

        Raises: DataError where one of the texts is none under this convention.
        """
        return self.write(united([self.runs(text, shape) for text in texts]))

    def dice(
        self, first: str, second: str, shape: tuple[int, int], *, both_empty: float = 1.0
    ) -> float:
        """Dice of the masks of two texts, in [0, 1]; no pixel is drawn.

        Raises: DataError where one of the texts is none under this convention.
        """
        return dice_of_runs(
            self.runs(first, shape), self.runs(second, shape), both_empty=both_empty
        )

    def _absolute(self, firsts: np.ndarray, lengths: np.ndarray) -> Runs:
        if self.relative:
            stops = np.cumsum(firsts + lengths) - self.first_pixel
            return stops - lengths, stops
        starts = firsts - self.first_pixel
        stops = starts + lengths
        overlapping = starts[1:] < stops[:-1]
        if overlapping.any():
            raise DataError(
                f"pair {_where(overlapping) + 1} starts before the end of the one before it; "
                "expected runs that rise and do not overlap"
            )
        return starts, stops


def dice_of_runs(first: Runs, second: Runs, *, both_empty: float = 1.0) -> float:
    """Twice the shared pixels by the sum of both sizes, in [0, 1]."""
    size = count_pixels(first) + count_pixels(second)
    return 2.0 * count_shared(first, second) / size if size else both_empty


def count_pixels(runs: Runs) -> int:
    """How many pixels the runs cover."""
    return int((runs[1] - runs[0]).sum())


def count_shared(first: Runs, second: Runs) -> int:
    """How many pixels two sets of runs share."""
    if not len(first[0]) or not len(second[0]):
        return 0
    # what the second covers before a position rises by 1 per pixel in its runs and is level
    # between them; whole numbers of pixels are exact in floats
    covered = np.zeros(2 * len(second[0]))
    covered[1::2] = np.cumsum(second[1] - second[0])
    covered[2::2] = covered[1:-1:2]
    before = np.interp(_interleaved(first), _interleaved(second), covered)
    return int(before[1::2].sum() - before[::2].sum())


def united(masks: Sequence[Runs]) -> Runs:
    """The runs of the union; runs that touch become one."""
    starts = np.concatenate([starts for starts, _ in masks])
    stops = np.concatenate([stops for _, stops in masks])
    if not len(starts):
        return starts, stops
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(stops[order])
    begins = np.concatenate([[True], starts[1:] > reached[:-1]])
    ends = np.concatenate([begins[1:], [True]])
    return starts[begins], reached[ends]


def _interleaved(runs: Runs) -> np.ndarray:
    """Start, stop, start, stop …, float64."""
    edges = np.empty(2 * len(runs[0]))
    edges[::2], edges[1::2] = runs
    return edges


def _edges(flat: np.ndarray) -> np.ndarray:
    """Where a flat mask changes, with background assumed before and behind it."""
    if not len(flat):
        return np.empty(0, dtype=np.int64)
    change = np.empty(len(flat) + 1, dtype=bool)
    change[0], change[-1] = flat[0], flat[-1]  # the last pixel's run is closed as well
    np.not_equal(flat[1:], flat[:-1], out=change[1:-1])
    return np.flatnonzero(change)


def _edges_down_columns(mask: np.ndarray) -> np.ndarray:
    """`_edges` of the mask read down its columns.

    The changes are found along the rows and only their positions are turned: a transposed copy
    of the pixels costs several times more.
    """
    height, width = mask.shape
    if mask.flags.f_contiguous or not mask.size:
        return _edges(mask.ravel(order="F"))
    change = np.empty(mask.shape, dtype=bool)
    np.not_equal(mask[1:], mask[:-1], out=change[1:])
    change[0, 0] = mask[0, 0]
    np.not_equal(mask[0, 1:], mask[-1, :-1], out=change[0, 1:])  # from a column to the next
    rows, columns = np.divmod(np.flatnonzero(change), width)
    edges = np.sort(columns * height + rows)
    return np.append(edges, mask.size) if mask[-1, -1] else edges


def _draw(flat: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> None:
    """Sets the pixels of the runs to True."""
    n_runs = len(starts)
    if n_runs >= _MANY_RUNS and lengths.sum() < _SHORT_RUN * n_runs:
        flat[_positions(starts, lengths)] = True
    elif n_runs:
        pixels = flat.view(np.uint8).data  # plain memory: a slice of an array costs twice as much
        ones = b"\1" * int(lengths.max())
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            pixels[start : start + length] = ones[:length]


def _positions(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The positions of all pixels of the runs."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _numbers(text: str) -> np.ndarray:
    """The numbers of a text, none of them negative, at least one."""
    if not text:
        raise DataError("the text is empty; expected run lengths")
    if text.encode("ascii", "replace").translate(None, b"0123456789 "):
        text = _plain(text)
    return np.fromstring(text, dtype=np.int64, sep=" ")  # beyond int64 it gives the largest


def _plain(text: str) -> str:
    """The text with one blank between its numbers; what is no number is named."""
    words = text.split()
    for place, word in enumerate(words, start=1):
        shown = word if len(word) <= 20 else f"{word[:20]}…"
        if not _WHOLE_NUMBER.fullmatch(word):
            raise DataError(f"number {place} is {shown!r}; expected a whole number")
        if word.startswith("-"):
            raise DataError(f"number {place} is {shown}; expected no negative number")
    return " ".join(words)


def _text(numbers: np.ndarray) -> str:
    """Numbers from 0 with one blank between them, digit by digit for all of them at once."""
    if len(numbers) < _MANY_RUNS:
        return " ".join(map(str, numbers.tolist()))
    width = len(str(int(numbers.max())))
    cells = np.full((len(numbers), width + 1), ord(" "), dtype=np.uint8)
    kept = np.ones(cells.shape, dtype=bool)
    rest: np.ndarray = numbers.astype(np.int64 if width > 9 else np.int32)
    for place in range(width - 1, -1, -1):
        kept[:, place] = (rest > 0) | (place == width - 1)
        quotient = rest // 10
        cells[:, place] = rest - quotient * 10 + ord("0")
        rest = quotient
    return cells[kept][:-1].tobytes().decode("ascii")


def _where(faulty: np.ndarray) -> int:
    """The place of the first True, from 1."""
    return int(np.argmax(faulty)) + 1
