"""The cells of a column in Arrow, as far as Arrow writes them like `str`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from common.columns import Column, IntegerColumn, LabelColumn, NumberColumn, parse_column
from common.large_csv import Order

Cells = Any  # a sequence of cells, a numpy array or an Arrow array
_FEW = 20  # cells that are put in one by one: faster than all at once


def is_arrow(cells: Cells) -> bool:
    """True for an Arrow array."""
    return hasattr(cells, "to_pylist")


def as_rows(cells: Cells) -> Sequence[object]:
    """The cells for going through them row by row."""
    rows: Sequence[object] = cells.to_pylist() if is_arrow(cells) else cells
    return rows


def put_together(parts: Sequence[Cells]) -> Cells:
    """The cells of several parts in one column, each as it was."""
    if all(isinstance(part, np.ndarray) for part in parts) and len({p.dtype for p in parts}) == 1:
        return np.concatenate(parts)
    return [cell for part in parts for cell in as_rows(part)]


def in_order(cells: Cells, order: Order) -> Cells:
    """The cells that stand at some positions."""
    if isinstance(order, slice) or isinstance(cells, np.ndarray):
        return cells[order]
    return cells.take(order) if is_arrow(cells) else [cells[row] for row in order.tolist()]


def allowed_cells(column: Column, cells: Cells) -> Any | None:
    """The cells as Arrow writes them; None where the column does not allow one, or where Arrow
    would write it in another way."""
    if isinstance(column, IntegerColumn | NumberColumn):
        if isinstance(cells, list | tuple) and set(map(type, cells)) in ({int}, {float}):
            cells = np.array(cells)
        kind = cells.dtype.kind if isinstance(cells, np.ndarray) and cells.ndim == 1 else ""
        if kind == "f" and isinstance(column, NumberColumn):
            return _digits(column, cells)
        # 18 digits are what a whole number may have
        fits = kind in ("i", "u") and max(-int(cells.min()), int(cells.max())) < 10**18
        return _as_arrow(cells) if fits and _inside(column, cells) else None
    text = as_text(cells)
    if text is None:
        return None
    if isinstance(column, LabelColumn):
        return None if _has_empty(text) else text
    is_text = isinstance(cells, list) and type(cells[0]) is str
    return None if parse_column(column, cells if is_text else text.to_pylist())[1] else text


def as_text(cells: Cells) -> Any | None:
    """Cells that are all text, or all whole numbers, as Arrow text; None for any others."""
    import pyarrow as pa

    array = _as_arrow(cells)
    if array is None or array.null_count:
        return None
    if pa.types.is_integer(array.type):
        return array.cast(pa.string())
    return array if pa.types.is_string(array.type) else None


def _as_arrow(cells: Cells) -> Any | None:
    """The cells in one Arrow array; None where it would mix types or hold over 2 GiB."""
    import pyarrow as pa

    if is_arrow(cells):
        return cells if isinstance(cells, pa.Array) else None
    typed = isinstance(cells, np.ndarray) and cells.dtype.kind != "O"
    # Arrow would make 1.0 of 1 beside 2.5, and the value of a member of an Enum
    if not typed and not (_all_are(str, cells) or _all_are(int, cells)):
        return None
    try:
        array = pa.array(cells)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return None
    return array if isinstance(array, pa.Array) else None


def _all_are(kind: type, cells: Cells) -> bool:
    """True where every cell is of a type, and not of one derived from it."""
    return operator.countOf(map(type, cells), kind) == len(cells)


def _inside(column: IntegerColumn | NumberColumn, values: np.ndarray) -> bool:
    return bool(values.min() >= column.low and values.max() <= column.high)


def _digits(column: NumberColumn, numbers: np.ndarray) -> Any | None:
    """Floats as `str` has them: the fewest digits that read back to the same number."""
    import pyarrow as pa

    if numbers.dtype not in (np.float32, np.float64):
        return None
    size = np.abs(numbers.astype(np.float64, copy=False))
    least, most = size.min(), size.max()
    if not np.isfinite(most):
        return None
    text = pa.array(numbers).cast(pa.string())
    read = numbers
    if numbers.dtype == np.float32:  # 0.7 as text is more than 0.7 in 32 bits
        read = np.frombuffer(text.cast(pa.float64()).buffers()[1])[: len(text)]
    if not _inside(column, read):
        return None
    # Arrow writes 1, 0.00001 and 1.5e+10 where Python has 1.0, 1e-05 and 15000000000.0
    high = 1e5 if numbers.dtype == np.float32 else 1e10  # numpy has 1e+06 in 32 bits
    whole = np.trunc(size) == size
    other = np.zeros(len(size), dtype=bool)
    if least < 1e-4:
        other |= (size < 1e-4) & ~whole  # nothing but 0 is whole there
    if most >= high:
        other |= size >= high
        whole &= ~other
    return _rewritten(text, numbers, whole, other)


def _rewritten(text: Any, numbers: np.ndarray, whole: np.ndarray, other: np.ndarray) -> Any:
    """The text of numbers with ".0" behind the whole ones, and some others as `str` has them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = np.flatnonzero(whole | other)
    if len(places) <= _FEW:
        return _with_cells(text, places, [str(number) for number in numbers[places]])
    if whole.any():
        with_point = pc.binary_join_element_wise(text.filter(pa.array(whole)), ".0", "")
        text = pc.replace_with_mask(text, pa.array(whole), with_point)
    if other.any():
        ours = pa.array([str(number) for number in numbers[other]])
        text = pc.replace_with_mask(text, pa.array(other), ours)
    return text


def _with_cells(text: Any, places: np.ndarray, cells: Sequence[str]) -> Any:
    """The text with other cells at a few places."""
    import pyarrow as pa

    parts, first = [], 0
    for place, cell in zip(places.tolist(), cells, strict=True):
        parts += [text[first:place], pa.array([cell])]
        first = place + 1
    return pa.concat_arrays([*parts, text[first:]]) if parts else text


def _has_empty(text: Any) -> bool:
    import pyarrow.compute as pc

    return int(pc.min(pc.binary_length(text)).as_py()) == 0
