"""The cells of the column `tags` as sets, whatever their order and repeats, and sets as cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.data import read_columns
from common.errors import DataError
from competitions.planet_understanding_the_amazon_from_space.spec import SPEC, TAGS

TARGET = SPEC.submission.target_columns[0]
WEATHER = slice(0, 4)  # of TAGS; one of them is on nearly every chip
BITS = 1 << np.arange(len(TAGS), dtype=np.int64)


def read_tags(path: Path) -> list[str]:
    """The tags of each row, every tag once and in the order of TAGS.

    Raises: DataError, naming the row, for a tag that is none of the 17, and for a row without any.
    """
    cells = read_columns(path, [TARGET])[TARGET].to_pylist()
    known = {cell: _in_order(cell) for cell in set(cells)}
    for row, cell in enumerate(cells):
        if isinstance(known[cell], DataError):
            raise DataError(f"{path}: row {row + 1} (line {row + 2}) {known[cell]}")
    return [str(known[cell]) for cell in cells]


def _in_order(cell: str) -> str | DataError:
    """The cell's tags, or what is wrong with them."""
    tags = set(cell.split())
    unknown = sorted(tags.difference(TAGS))
    if unknown:
        return DataError(f"holds the tag {unknown[0]!r}; expected some of {', '.join(TAGS)}")
    if not tags:
        return DataError("holds no tag; expected at least one: without any it cannot be scored")
    return " ".join(tag for tag in TAGS if tag in tags)


def marks_of(cells: Sequence[str]) -> np.ndarray:
    """Which tags each cell holds, bool (n_rows, 17)."""
    position = {tag: number for number, tag in enumerate(TAGS)}
    marks = np.zeros((len(cells), len(TAGS)), dtype=bool)
    for row, cell in enumerate(cells):
        marks[row, [position[tag] for tag in cell.split()]] = True
    return marks


def cells_of(marks: np.ndarray) -> list[str]:
    """A cell for each row of marks, bool (n_rows, 17)."""
    codes, rows = np.unique(marks @ BITS, return_inverse=True)
    texts = [
        " ".join(tag for tag, bit in zip(TAGS, BITS, strict=True) if code & bit) for code in codes
    ]
    return [texts[row] for row in rows]
