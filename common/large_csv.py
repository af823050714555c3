"""Large tables through Arrow: the same answers as reading cell by cell, or none at all.

Whatever is not plain (quotes, a cell that a column does not allow, an id too many) gives None, and
the careful reader says what is wrong. pandas is never loaded: buffers are read where they lie.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import arrow_text
from common.columns import Column, IntegerColumn, LabelColumn, NumberColumn, parse_column
from common.keys import Keys
from common.spec import SubmissionFormat

Order = np.ndarray | slice  # of rows: where each stands, or all of them as they are

LARGE = 1_000_000  # bytes; below, loading Arrow costs more than it saves
_PART = 1 << 18  # bytes that are searched together: what stays in the processor's cache


@dataclass(frozen=True)
class Large:
    """What a large, plain file answers; its names may repeat."""

    keys: Keys
    values: dict[str, np.ndarray]


def read_keys(path: Path, form: SubmissionFormat) -> Keys | None:
    """The rows' names of a large, plain file; None for any other. They may repeat."""
    if len(form.key_columns) > 1:
        return None
    table = _read_arrow(path, header=form.header, only=form.key_columns)
    return None if table is None else _keys_of(table, form)


def read_answers(path: Path, form: SubmissionFormat) -> Large | None:
    """The answers of a large, plain file without further columns; None for any other."""
    if len(form.key_columns) > 1:
        return None
    numbers = [column.name for column in form.targets if isinstance(column, NumberColumn)]
    table = _read_arrow(path, header=form.header, numbers=numbers)
    if table is None or set(table.column_names) != set(form.header):
        return None
    values = _values_of(table, form.targets)
    return None if values is None else Large(_keys_of(table, form), values)


def _read_arrow(
    path: Path,
    *,
    header: Sequence[str] = (),
    only: Sequence[str] | None = None,
    numbers: Collection[str] = (),
) -> Any | None:
    """The table's columns as Arrow text; None for a file that is small or not plain.

    Args:
        header: the columns that the file must name.
        only: the columns that are read; None for all.
        numbers: the columns that are read as float64; nan and infinity come along.
    """
    if not path.is_file() or path.stat().st_size < LARGE:
        return None
    import pyarrow as pa
    from pyarrow import csv

    content, first_line = _content(path)
    if not content.min(initial=1) or not _plainly_quoted(content):
        return None
    names = [name.strip('"') for name in first_line.split(",")]
    if len(set(names)) < len(names) or not set(header) <= set(names):
        return None
    convert = csv.ConvertOptions(
        column_types={name: pa.float64() if name in numbers else pa.string() for name in names},
        include_columns=[name for name in names if only is None or name in only],
        null_values=[],
        check_utf8=bool(content.max() > 127),
    )
    try:
        table = csv.read_csv(pa.BufferReader(pa.py_buffer(content)), convert_options=convert)
    except (pa.ArrowInvalid, pa.ArrowKeyError):  # a cell is not plain, or the first line no header
        return None
    return table.combine_chunks() if table.num_rows else None


def _content(path: Path) -> tuple[np.ndarray, str]:
    """A file's bytes, uint8, and its first line. numpy takes memory in large pages where it can:
    that halves the time."""
    with path.open("rb") as stream:
        first_line = stream.readline().decode("utf-8-sig", errors="replace").rstrip("\r\n")
        content = np.empty(stream.seek(0, os.SEEK_END), dtype=np.uint8)
        stream.seek(0)
        n_read = stream.readinto(content.data)
    return content[:n_read], first_line


def _plainly_quoted(letters: np.ndarray) -> bool:
    """True where every quote opens or closes a whole cell on one line: what Arrow and the careful
    reader read alike."""
    parts = range(0, len(letters), _PART)
    if not any((letters[first : first + _PART] == ord('"')).any() for first in parts):
        return True
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


def _keys_of(table: Any, form: SubmissionFormat) -> Keys:
    return Keys([_only_chunk(table.column(form.key_columns[0]))])


def are_unique(keys: Keys) -> bool:
    """True where no name stands twice. Sorted names and whole numbers are told at once."""
    names = keys.columns[0]
    if arrow_text.rises(names):
        return True
    numbers = arrow_text.whole_numbers(names, as_names=True)
    if numbers is not None:
        return len(np.unique(numbers)) == len(numbers)
    import pyarrow.compute as pc

    if pc.all(pc.less(names[:-1], names[1:]), min_count=0).as_py():
        return True
    return int(pc.count_distinct(names).as_py()) == len(names)


def _values_of(table: Any, columns: tuple[Column, ...]) -> dict[str, np.ndarray] | None:
    """The target columns as arrays, if the columns allow every cell."""
    values: dict[str, np.ndarray] = {}
    for column in columns:
        found = _values(column, table.column(column.name))
        if found is None:
            return None
        values[column.name] = found
    return values


def order_of(given: Keys, asked: Keys) -> Order | None:
    """Where in `given` each of `asked`, which are unique, stands: None where one is missing, too
    many or repeated, or where either is no Arrow text."""
    ours, theirs = given.columns[0], asked.columns[0]
    if isinstance(ours, list) or isinstance(theirs, list) or len(ours) != len(theirs):
        return None
    if ours.equals(theirs):
        return slice(None)
    our_numbers = arrow_text.whole_numbers(ours, as_names=True)
    their_numbers = arrow_text.whole_numbers(theirs, as_names=True)
    if our_numbers is None or their_numbers is None:
        import pyarrow.compute as pc

        # as many as asked for, and none of those missing: so none is repeated
        positions = pc.index_in(theirs, value_set=ours)
        return None if positions.null_count else arrow_text.numbers_of(positions, np.int32)
    by_number, asked_by_number = np.argsort(our_numbers), np.argsort(their_numbers)
    if not np.array_equal(our_numbers[by_number], their_numbers[asked_by_number]):
        return None
    order = np.empty(len(by_number), dtype=np.int64)
    order[asked_by_number] = by_number
    return order


def _values(column: Column, cells: Any) -> np.ndarray | None:
    """A column of a table as an array: numbers from float64, everything else from text."""
    if isinstance(column, LabelColumn):
        coded = _only_chunk(cells).dictionary_encode()
        names = coded.dictionary.to_pylist()
        found = np.array(names)[arrow_text.numbers_of(coded.indices, np.int32)]
        return None if "" in names else found
    if not isinstance(column, IntegerColumn | NumberColumn):
        texts, bad = parse_column(column, cells.to_pylist())
        return None if bad else texts
    if isinstance(column, IntegerColumn):
        numbers = arrow_text.whole_numbers(_only_chunk(cells))
    else:
        numbers = arrow_text.numbers_of(_only_chunk(cells), np.float64).copy()  # Arrow's is fixed
    if numbers is None:
        return None
    low, high = numbers.min().item(), numbers.max().item()  # nan where there is one
    finite = math.isfinite(low) and math.isfinite(high)
    return numbers if finite and low >= column.low and high <= column.high else None


def _only_chunk(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
