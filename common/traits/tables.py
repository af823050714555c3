"""Rows of a table: keys that are equal for equal rows, and columns that can be compared."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

MOSTLY = 0.5  # share of different values in a column that tells rows apart by itself
MEET_BY_CHANCE = 0.01  # pairs of equal rows
MOST_VALUES = 50  # of a column of texts that is taken as categories
STATISTICS: dict[str, Callable[[np.ndarray], Any]] = {
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "max": np.max,
}


def row_keys(table: pd.DataFrame) -> np.ndarray:
    """A key per row, uint64 (n_rows,), equal where all columns are; what is missing equals what
    is missing. Cells may be arrays; there is at least one column."""
    plain = {str(name): _hashable(column) for name, column in table.items()}
    frame = pd.DataFrame(plain, index=table.index)
    keys: np.ndarray = pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64)
    return keys


def tells_rows_apart(table: pd.DataFrame) -> bool:
    """Whether equal rows are more than chance: a column whose values are mostly different, or so
    many values in all columns together that no two of n_rows would meet if they were drawn
    independently."""
    needed = 2 * math.log(max(2, len(table))) + math.log(1 / MEET_BY_CHANCE)
    for _, column in table.items():
        shares = _hashable(column).value_counts(dropna=False).to_numpy() / max(1, len(table))
        if len(shares) >= MOSTLY * len(table):
            return True
        needed += math.log((shares**2).sum())  # the chance that two rows have the same value
    return needed <= 0


def _hashable(column: pd.Series) -> pd.Series:
    """The column, with a digest in place of each cell that pandas cannot hash."""
    if column.dtype != object:
        return column
    if all(isinstance(cell, str) or cell is None for cell in column):
        return column
    return pd.Series([_digest(cell) for cell in column], index=column.index, dtype=object)


def _digest(cell: Any) -> str:
    if isinstance(cell, np.ndarray) and cell.dtype != object:
        content = b"%a" % (cell.shape,) + np.ascontiguousarray(cell).tobytes()
    else:
        # numpy shortens what it shows, so an array of objects is shown as a list
        content = repr(cell.tolist() if isinstance(cell, np.ndarray) else cell).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def table_traits(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that can be compared: numbers as they are, few texts as categories, of arrays
    some statistics, of other cells with a length that. Texts of many values and dates are left
    out: they name rows, or say when they were."""
    traits: dict[str, pd.Series] = {}
    for name, column in table.items():
        traits |= _compared(str(name), column)
    return pd.DataFrame(traits, index=table.index)


def _compared(name: str, column: pd.Series) -> dict[str, pd.Series]:
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or isinstance(kind, pd.CategoricalDtype):
        return {name: column.astype("category")} if column.nunique() <= MOST_VALUES else {}
    if pd.api.types.is_numeric_dtype(kind):
        values = column.to_numpy(np.float64, na_value=np.nan)
        return {name: pd.Series(values, index=column.index)}
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        return {}
    cells = column.dropna()
    if len(cells) and all(isinstance(cell, np.ndarray) for cell in cells):
        return _statistics(name, column)
    if len(cells) and all(isinstance(cell, list | tuple) for cell in cells):
        return {f"length of {name}": column.map(len, na_action="ignore").astype(np.float64)}
    texts = column.astype(str)
    return {name: texts.astype("category")} if texts.nunique() <= MOST_VALUES else {}


def _statistics(name: str, column: pd.Series) -> dict[str, pd.Series]:
    """Of a column of arrays; nothing is known of an empty one."""
    rows = [
        [float(of(cell)) for of in STATISTICS.values()]
        if isinstance(cell, np.ndarray) and cell.size and cell.dtype != object
        else [np.nan] * len(STATISTICS)
        for cell in column
    ]
    values = np.array(rows, dtype=np.float64).reshape(len(column), len(STATISTICS))
    named = zip(STATISTICS, values.T, strict=True)
    return {f"{of} of {name}": pd.Series(own, index=column.index) for of, own in named}
