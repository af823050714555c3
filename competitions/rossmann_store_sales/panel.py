"""Stores × days as grids: every feature that looks at other days is made on them at once.

Letters: S stores, D days from the first to the last one that any table holds, without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Panel:
    """The stores and days of a table, and where each of its rows stands.

    Args:
        stores: in rising order, (S,).
        first: the first day.
        n_days: D.
        store, day: places of the table's rows, (n_rows,).
    """

    stores: np.ndarray
    first: np.datetime64
    n_days: int
    store: np.ndarray
    day: np.ndarray

    @classmethod
    def of(cls, days: pd.DataFrame) -> Panel:
        """The panel of a table with the columns store and date, each pair once."""
        stores, places = np.unique(days["store"].to_numpy(), return_inverse=True)
        dates = days["date"].to_numpy().astype("datetime64[D]")
        first = dates.min()
        since = ((dates - first) // DAY).astype(np.int64)
        return cls(stores, first, int(since.max()) + 1, places, since)

    @property
    def dates(self) -> np.ndarray:
        """The days, datetime64[D] (D,)."""
        dates: np.ndarray = self.first + np.arange(self.n_days) * DAY
        return dates

    def grid(self, values: np.ndarray, empty: float) -> np.ndarray:
        """A column of the table as a grid (S, D), with `empty` where the table has no row."""
        grid = np.full((len(self.stores), self.n_days), empty, dtype=values.dtype)
        grid[self.store, self.day] = values
        return grid

    def rows(self, grid: np.ndarray) -> np.ndarray:
        """A grid's values at the table's rows, (n_rows,)."""
        values: np.ndarray = grid[self.store, self.day]
        return values
