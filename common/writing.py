"""A submission written from whole columns: through Arrow where it is large and plain.

Whatever is not plain (a cell in quotes, a value that a column does not allow, an id too many) goes
through the careful writer, which says what is wrong; both write the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import files, large_csv
from common.columns import Column, IntegerColumn, LabelColumn, NumberColumn, parse_column
from common.errors import SubmissionError
from common.keys import Key, Keys
from common.spec import SubmissionFormat
from common.submit import write_submission

Cells = Any  # a sequence of cells, a numpy array or an Arrow array
LARGE = 10_000  # rows; below, loading Arrow costs more than it saves
_BATCH = 1 << 20  # bytes that Arrow formats at once: what stays in the processor's cache
_NEEDS_CARE = re.compile('[",\r\n\0\ufeff]')


def write_columns(
    path: Path, form: SubmissionFormat, columns: Mapping[str, Cells], asked: Sequence[Key]
) -> Path:
    """Writes the answers in the host's order, reads them back, and gives the path.

    Args:
        columns: the cells of every column of `form.header`, all of one length; any order of rows.
        asked: the rows' names that the host asks for, in its order.

    Raises: SubmissionError where the answers would not be accepted. Until the file has been
    read back it stands beside `path`: an older submission survives every failure.
    """
    _check_shape(form, columns)
    cells = [columns[name] for name in form.header]
    content = None if len(cells[0]) < LARGE else _plain_content(form, cells, asked)
    if content is None:
        rows = zip(*(c.to_pylist() if _is_arrow(c) else c for c in cells), strict=True)
        return write_submission(path, form, rows, asked)
    with files.replacing(path) as beside:
        beside.write_bytes(content)
        # the cells were checked before they became text: the file must hold them byte for byte
        if not _holds(beside, content):
            raise SubmissionError(
                f"{path.name} does not hold what was written; expected the same bytes, look at "
                "the disk"
            )
    return path


def _check_shape(form: SubmissionFormat, columns: Mapping[str, Cells]) -> None:
    if set(columns) != set(form.header):
        raise SubmissionError(
            f"the answers have the columns {', '.join(columns)}; expected {', '.join(form.header)}"
        )
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise SubmissionError(f"the columns have different lengths ({shown}); expected one")


def _plain_content(
    form: SubmissionFormat, cells: Sequence[Cells], asked: Sequence[Key]
) -> Any | None:
    """The whole file; None where it would not be accepted or where a cell needs quotes."""
    import pyarrow as pa
    from pyarrow import csv

    n_keys = len(form.key_columns)
    if any(_NEEDS_CARE.search(name) for name in form.header) or len(cells[0]) != len(asked):
        return None
    names = [_as_text(column) for column in cells[:n_keys]]
    order = _order(names, _asked_columns(asked, n_keys))
    if order is None:
        return None
    pairs = zip(form.targets, cells[n_keys:], strict=True)
    answers = [_allowed(column, given) for column, given in pairs]
    if any(column is None for column in answers):
        return None
    table = pa.table([*names, *answers], names=list(form.header))
    if not np.array_equal(order, np.arange(len(order))):
        table = table.take(pa.array(order))
    stream = pa.BufferOutputStream()
    stream.write((",".join(form.header) + "\n").encode())
    n_rows = max(1, _BATCH * len(order) // (table.nbytes + 1))
    options = csv.WriteOptions(include_header=False, quoting_style="none", batch_size=n_rows)
    try:
        csv.write_csv(table, stream, options)
    except pa.ArrowInvalid:  # a cell that needs quotes
        return None
    return stream.getvalue()


def _holds(path: Path, content: Any) -> bool:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        return bool(content.equals(file.read_buffer()))


def _asked_columns(asked: Sequence[Key], n_keys: int) -> list[Any]:
    columns = asked.columns if isinstance(asked, Keys) else list(zip(*asked, strict=True))
    return [_as_text(column) for column in columns] if len(columns) == n_keys else [None]


def _order(ours: list[Any], theirs: list[Any]) -> np.ndarray | None:
    """Where each name asked for stands among ours; None where they are not the same names, each
    once."""
    if any(column is None for column in [*ours, *theirs]):
        return None
    if len(theirs) > 1:
        ours, theirs = _as_one(ours, theirs)
    given, asked = Keys(ours), Keys(theirs)
    return large_csv.order_of(given, asked) if large_csv.are_unique(asked) else None


def _as_one(ours: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Names of several cells as one number each, written as text; the same for the same cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    n_rows = len(theirs[0])
    joined = pa.array(np.zeros(2 * n_rows, dtype=np.int64))
    for mine, their in zip(ours, theirs, strict=True):
        both = pa.concat_arrays([mine, their]).dictionary_encode()
        # numbered anew after every column, so that the product stays small
        product = pc.add(pc.multiply(joined, len(both.dictionary)), both.indices.cast(pa.int64()))
        joined = product.dictionary_encode().indices.cast(pa.int64())
    text = pc.cast(joined, pa.string())
    return [text[:n_rows]], [text[n_rows:]]


def _allowed(column: Column, cells: Cells) -> Any | None:
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
    text = _as_text(cells)
    if text is None:
        return None
    if isinstance(column, LabelColumn):
        return None if _has_empty(text) else text
    return None if parse_column(column, text.to_pylist())[1] else text


def _inside(column: IntegerColumn | NumberColumn, values: np.ndarray) -> bool:
    return bool(values.min() >= column.low and values.max() <= column.high)


def _digits(column: NumberColumn, numbers: np.ndarray) -> Any | None:
    """Floats as `str` has them: the fewest digits that read back to the same number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if numbers.dtype not in (np.float32, np.float64) or not np.isfinite(numbers).all():
        return None
    text = pc.cast(pa.array(numbers), pa.string())
    read = numbers
    if numbers.dtype == np.float32:  # 0.7 as text is more than 0.7 in 32 bits
        read = np.frombuffer(pc.cast(text, pa.float64()).buffers()[1])[: len(text)]
    if not _inside(column, read):
        return None
    # Arrow writes 1, 0.00001 and 1.5e+10 where Python has 1.0, 1e-05 and 15000000000.0
    size = np.abs(numbers.astype(np.float64))
    high = 1e5 if numbers.dtype == np.float32 else 1e10  # numpy has 1e+06 in 32 bits
    whole = (np.trunc(numbers) == numbers) & (size < high)
    if whole.any():
        with_point = pc.binary_join_element_wise(text.filter(pa.array(whole)), ".0", "")
        text = pc.replace_with_mask(text, pa.array(whole), with_point)
    other = ((size < 1e-4) & (size > 0)) | (size >= high)
    if other.any():
        ours = pa.array([str(number) for number in numbers[other]])
        text = pc.replace_with_mask(text, pa.array(other), ours)
    return text


def _as_text(cells: Cells) -> Any | None:
    """Cells that are all text, or all whole numbers, as Arrow text; None for any others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = _as_arrow(cells)
    if array is None or array.null_count:
        return None
    if pa.types.is_integer(array.type):
        return pc.cast(array, pa.string())
    return array if pa.types.is_string(array.type) else None


def _as_arrow(cells: Cells) -> Any | None:
    """The cells in one Arrow array; None where it would mix types or hold over 2 GiB."""
    import pyarrow as pa

    if _is_arrow(cells):
        return cells if isinstance(cells, pa.Array) else None
    typed = isinstance(cells, np.ndarray) and cells.dtype.kind != "O"
    # Arrow would make 1.0 of 1 beside 2.5, and the value of a member of an Enum
    if not typed and set(map(type, cells)) not in ({str}, {int}):
        return None
    try:
        array = pa.array(cells)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return None
    return array if isinstance(array, pa.Array) else None


def _has_empty(text: Any) -> bool:
    import pyarrow.compute as pc

    return int(pc.min(pc.binary_length(text)).as_py()) == 0


def _is_arrow(cells: Cells) -> bool:
    return hasattr(cells, "to_pylist")
