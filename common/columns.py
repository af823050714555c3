"""The kinds of columns that a submission may answer with: what each allows, and what it expects.

A column is a value. `parse(cell)` gives the cell's value, or None where the column does not allow
it; `doubts(values)` says what is allowed and still looks wrong, as one line, or "".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np


class _WithoutDoubts:
    """A column whose allowed values are never doubtful."""

    def doubts(self, values: np.ndarray) -> str:
        """What is allowed and still looks wrong: nothing."""
        return ""


@dataclass(frozen=True)
class IntegerColumn(_WithoutDoubts):
    """A column of whole numbers from `low` to `high`, both included."""

    name: str
    low: int
    high: int

    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def parse(self, text: str) -> int | None:
        """The value of a cell, or None where the column does not allow it."""
        if not _WHOLE_NUMBER.fullmatch(text):
            return None
        value = int(text)
        return value if self.low <= value <= self.high else None


@dataclass(frozen=True)
class NumberColumn(_WithoutDoubts):
    """A column of finite numbers from `low` to `high`, both included."""

    name: str
    low: float = -math.inf
    high: float = math.inf

    def expected(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "a finite number"
        return f"a number from {self.low:g} to {self.high:g}"

    def parse(self, text: str) -> float | None:
        """The value of a cell, or None where the column does not allow it."""
        try:  # Python takes 1_000 and the digits of other scripts for numbers, a host does not
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            return None
        return value if math.isfinite(value) and self.low <= value <= self.high else None


@dataclass(frozen=True)
class LabelColumn:
    """A column of class names. A name that is none of the classes is allowed and counts as wrong,
    as the hosts have it; without `classes` the solution's own are the classes."""

    name: str
    classes: tuple[str, ...] = ()

    def expected(self) -> str:
        if not self.classes:
            return "the name of a class"
        shown = ", ".join(self.classes[:5]) + (", …" if len(self.classes) > 5 else "")
        return f"one of {len(self.classes)} classes ({shown})"

    def parse(self, text: str) -> str | None:
        """The value of a cell, or None where it is empty."""
        return text or None

    def doubts(self, values: np.ndarray) -> str:
        """The labels that are none of the classes."""
        known = set(self.classes)
        unknown = [] if not known else sorted({str(value) for value in values} - known)
        if not unknown:
            return ""
        n_rows = int(np.isin(values, unknown).sum())
        return (
            f"{n_rows} values of {self.name} are none of the {len(known)} classes and count as "
            f"wrong, the first is {unknown[0]!r}"
        )


@dataclass(frozen=True)
class TextColumn(_WithoutDoubts):
    """A column of text with a form of its own: tags, run lengths, boxes. The value stays text.

    Args:
        fault: what is wrong with a cell, such as "7 numbers, no pairs"; "" where nothing is.
        form: what is expected, for messages.
        merge: one cell from several rows of one id; None where an id has one row.
        faulty: the positions of the cells in which `fault` finds something, for a whole column
            at once; None where every cell is asked for.
    """

    name: str
    fault: Callable[[str], str]
    form: str
    merge: Callable[[Sequence[str]], str] | None = None
    faulty: Callable[[Sequence[str]], list[int]] | None = None

    def expected(self) -> str:
        return self.form

    def parse(self, text: str) -> str | None:
        """The cell, or None where the column does not allow it."""
        return None if self.fault(text) else text


Column = IntegerColumn | NumberColumn | LabelColumn | TextColumn

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def parse_column(column: Column, cells: Iterable[str]) -> tuple[np.ndarray, list[int]]:
    """The values of a column and the positions of the cells that it does not allow.

    Numbers come back as numbers, classes as text, other text as objects; where cells are not
    allowed the values hold fillers and must not be used.
    """
    if isinstance(column, TextColumn) and column.faulty is not None:
        texts = cells if isinstance(cells, list) else list(cells)
        return np.array(texts, dtype=object), column.faulty(texts)
    seen: dict[str, int | float | str | None] = {}
    values: list[int | float | str | None] = []
    for cell in cells:
        if cell not in seen:
            seen[cell] = column.parse(cell)
        values.append(seen[cell])
    bad = [position for position, value in enumerate(values) if value is None]
    text = isinstance(column, LabelColumn | TextColumn)
    filler: int | str = "" if text else 0
    filled = [filler if value is None else value for value in values]
    # long texts as an array of text would all take the room of the longest
    return np.array(filled, dtype=object if isinstance(column, TextColumn) else None), bad
