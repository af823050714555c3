"""Large tables through Arrow: the same answers as reading cell by cell, or none at all.

Whatever is not plain (quotes, a cell that a column does not allow, an id too many) gives None, and
the careful reader says what is wrong. pandas is never loaded: buffers are read where they lie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.columns import Column, IntegerColumn, LabelColumn, NumberColumn
from common.keys import Keys
from common.spec import SubmissionFormat

_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
LARGE = 1_000_000  # bytes; below, loading Arrow costs more than it saves


def read_arrow(
    path: Path, *, header: Sequence[str] = (), only: Sequence[str] | None = None
) -> Any | None:
    """The table's columns as Arrow text; None for a file that is small or not plain.

    Args:
        header: the columns that the file must name.
        only: the columns that are read; None for all.
    """
    if not path.is_file() or path.stat().st_size < LARGE:
        return None
    import pyarrow as pa
    from pyarrow import csv

    content = path.read_bytes()
    if b"\0" in content or not _plainly_quoted(content):
        return None
    first_line = content.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip("\r")
    names = [name.strip('"') for name in first_line.split(",")]
    if len(set(names)) < len(names) or not set(header) <= set(names):
        return None
    kept = [name for name in names if only is None or name in only]
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), include_columns=kept
    )
    try:
        table = csv.read_csv(pa.BufferReader(content), convert_options=convert)
    except pa.ArrowInvalid:
        return None
    return table.combine_chunks() if table.num_rows else None


def _plainly_quoted(content: bytes) -> bool:
    """True where every quote opens or closes a whole cell on one line: what Arrow and the careful
    reader read alike."""
    if b'"' not in content:
        return True
    letters = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = letters[np.maximum(opening - 1, 0)]
    after = letters[np.minimum(closing + 1, len(letters) - 1)]
    begins = (opening == 0) | np.isin(before, np.frombuffer(b",\n", np.uint8))
    ends = (closing == len(letters) - 1) | np.isin(after, np.frombuffer(b",\r\n", np.uint8))
    lines = np.flatnonzero(letters == ord("\n"))
    one_line = np.searchsorted(lines, opening) == np.searchsorted(lines, closing)
    return bool(begins.all() and ends.all() and one_line.all())


def keys_of(table: Any, form: SubmissionFormat) -> Keys | None:
    """The rows' names, each of them text, whether or not they are unique."""
    if len(form.key_columns) > 1 or form.key_columns[0] not in table.column_names:
        return None
    return Keys([_only_chunk(table.column(form.key_columns[0]))])


def are_unique(keys: Keys) -> bool:
    """True where no name stands twice. Sorted names and whole numbers are told at once."""
    import pyarrow.compute as pc

    names = keys.columns[0]
    numbers = _whole_numbers(names)
    if numbers is not None:
        rising = bool((np.diff(numbers) > 0).all())
        return rising or len(np.unique(numbers)) == len(numbers)
    if pc.all(pc.less(names[:-1], names[1:]), min_count=0).as_py():
        return True
    return int(pc.count_distinct(names).as_py()) == len(names)


def values_of(table: Any, columns: tuple[Column, ...]) -> dict[str, np.ndarray] | None:
    """The target columns as arrays, if the columns allow every cell."""
    values: dict[str, np.ndarray] = {}
    for column in columns:
        if column.name not in table.column_names:
            return None
        found = _values(column, _only_chunk(table.column(column.name)))
        if found is None:
            return None
        values[column.name] = found
    return values


def order_of(given: Keys, asked: Keys) -> np.ndarray | None:
    """Where in `given` each of `asked`, which are unique, stands: None where one is missing, too
    many or repeated, or where either is no Arrow text."""
    import pyarrow.compute as pc

    ours, theirs = given.columns[0], asked.columns[0]
    if isinstance(ours, list) or isinstance(theirs, list) or len(ours) != len(theirs):
        return None
    if ours.equals(theirs):
        return np.arange(len(ours))
    our_numbers, their_numbers = _whole_numbers(ours), _whole_numbers(theirs)
    if our_numbers is None or their_numbers is None:
        # as many as asked for, and none of those missing: so none is repeated
        positions = pc.index_in(theirs, value_set=ours)
        return None if positions.null_count else _buffer(positions, np.int32)
    by_number, asked_by_number = np.argsort(our_numbers), np.argsort(their_numbers)
    if not np.array_equal(our_numbers[by_number], their_numbers[asked_by_number]):
        return None
    order = np.empty(len(by_number), dtype=np.int64)
    order[asked_by_number] = by_number
    return order


def _whole_numbers(names: Any) -> np.ndarray | None:
    """Names that are whole numbers as numbers; None where one is none, or is written as 07."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # a cast that fails takes as long as a sort: look at a few names before
    few = [names[row].as_py() for row in (0, len(names) // 2, len(names) - 1)]
    if not all(_WHOLE.fullmatch(name) for name in few):
        return None
    try:
        numbers = pc.cast(names, pa.int64())
    except pa.ArrowInvalid:
        return None
    same = pc.cast(numbers, pa.string()).equals(names)
    return _buffer(numbers, np.int64) if same else None


def _values(column: Column, cells: Any) -> np.ndarray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, LabelColumn):
        coded = cells.dictionary_encode()
        names = coded.dictionary.to_pylist()
        return None if "" in names else np.array(names)[_buffer(coded.indices, np.int32)]
    if not isinstance(column, IntegerColumn | NumberColumn):
        return None
    whole = isinstance(column, IntegerColumn)
    try:
        numbers = pc.cast(cells, pa.int64() if whole else pa.float64())
    except pa.ArrowInvalid:
        return None
    values = _buffer(numbers, np.int64 if whole else np.float64)
    inside = np.isfinite(values) & (values >= column.low) & (values <= column.high)
    return values if inside.all() else None


def _only_chunk(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _buffer(array: Any, dtype: type) -> np.ndarray:
    """An Arrow array without nulls as numpy, without loading pandas."""
    values: np.ndarray = np.frombuffer(array.buffers()[1], dtype=dtype)
    return values[array.offset : array.offset + len(array)]
