"""What is allowed in a table of numbers and still looks wrong, as values for a spec's `doubts`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
