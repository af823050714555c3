"""Doubts: what a submission may hold and what still looks wrong, as functions for a form.

Each is, or gives, a function of the target columns, which gives one line, or "".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

Doubt = Callable[[dict[str, np.ndarray]], str]


def nothing_wrong(cell: str) -> str:
    """The fault of a cell of a column that allows every text: none."""
    return ""


def unknown_tags(column: str, classes: Iterable[str]) -> Doubt:
    """Doubts cells with a tag that is none of the classes."""
    known = frozenset(classes)

    def doubt(values: dict[str, np.ndarray]) -> str:
        unknown = {cell: sorted(set(cell.split()) - known) for cell in set(values[column])}
        rows = [cell for cell in values[column] if unknown[cell]]
        if not rows:
            return ""
        return (
            f"{len(rows)} values of {column} hold a tag that is none of the {len(known)} classes "
            f"and counts as a false one, the first is {unknown[rows[0]][0]!r}"
        )

    return doubt


def repeated_tags(column: str) -> Doubt:
    """Doubts cells that hold a tag twice."""

    def doubt(values: dict[str, np.ndarray]) -> str:
        repeated = {cell: len(set(cell.split())) < len(cell.split()) for cell in values[column]}
        rows = [cell for cell in values[column] if repeated[cell]]
        if not rows:
            return ""
        return (
            f"{len(rows)} values of {column} hold a tag twice, which counts once, the first is "
            f"{rows[0][:60]!r}"
        )

    return doubt


def no_tags(column: str) -> Doubt:
    """Doubts cells without a tag."""

    def doubt(values: dict[str, np.ndarray]) -> str:
        n_rows = sum(not cell.strip() for cell in values[column])
        return f"{n_rows} values of {column} are empty and score 0" if n_rows else ""

    return doubt


def never_right(column: str, low: int, high: int, because: str) -> Doubt:
    """Doubts numbers from `low` to `high`, both included, which no truth can be."""

    def doubt(values: dict[str, np.ndarray]) -> str:
        numbers = values[column]
        rows = numbers[(numbers >= low) & (numbers <= high)]
        if not len(rows):
            return ""
        return (
            f"{len(rows)} values of {column} are never right, because {because}, the first is "
            f"{rows[0]}"
        )

    return doubt


@dataclass(frozen=True)
class AllWithin:
    """Doubts a table in which no value of some columns is further than `bound` from 0."""

    columns: tuple[str, ...]
    bound: float
    suspicion: str

    def __call__(self, values: dict[str, np.ndarray]) -> str:
        """One line, or "" where a value is further away."""
        if any((np.abs(values[name]) > self.bound).any() for name in self.columns):
            return ""
        names = " and ".join(self.columns)
        return f"all values of {names} lie within {self.bound:g} of 0: {self.suspicion}"


@dataclass(frozen=True)
class AnyAbove:
    """Doubts a table in which a value of a column is above `bound`."""

    column: str
    bound: float
    suspicion: str

    def __call__(self, values: dict[str, np.ndarray]) -> str:
        """One line, or "" where no value is above."""
        column = values[self.column]
        n_above = int((column > self.bound).sum())
        if n_above == 0:
            return ""
        return (
            f"{n_above} values of {self.column} are above {self.bound:g}, the highest is "
            f"{float(column.max())!r}: {self.suspicion}"
        )
