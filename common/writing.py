"""A submission written from whole columns: through Arrow where it is large and plain.

Whatever is not plain (a cell in quotes, a value that a column does not allow, an id too many) goes
through the careful writer, which says what is wrong; both write the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from common import files, large_csv
from common.cells import Cells, allowed_cells, as_rows, as_text, in_order, put_together
from common.errors import SubmissionError
from common.keys import Key, Keys
from common.large_csv import Order
from common.spec import SubmissionFormat
from common.submit import write_submission

LARGE = 10_000  # rows; below, loading Arrow costs more than it saves
_BATCH = 1 << 20  # bytes that are made at once: what stays in the processor's cache
_FIRST_ROWS = 64  # of the first batch, when it is not known how long a row is
_NEEDS_CARE = re.compile('[",\r\n\0\ufeff]')


Row = tuple[object, ...]


class _NotPlain(Exception):
    """Columns that the careful writer has to take."""


@dataclass(frozen=True)
class AnswerColumns:
    """Answers that are there column by column; row by row to whoever goes through them.

    Args:
        columns: the cells by the names of the submission's header, in its order, all of one
            length.
    """

    columns: Mapping[str, Cells]

    def __iter__(self) -> Iterator[Row]:
        return zip(*map(as_rows, self.columns.values()), strict=True)


def joined(parts: Iterable[Iterable[Row]]) -> Iterable[Row]:
    """Answers one after the other; in columns where all parts are, else streamed."""
    rest = iter(parts)
    first = next(rest, ())
    if not isinstance(first, AnswerColumns):
        return chain(first, chain.from_iterable(rest))
    known = [first, *rest]
    columns = [part.columns for part in known if isinstance(part, AnswerColumns)]
    if len(columns) < len(known):
        return chain.from_iterable(known)
    return AnswerColumns({name: put_together([c[name] for c in columns]) for name in columns[0]})


def write_answers(
    path: Path, form: SubmissionFormat, answers: Iterable[Row], asked: Sequence[Key]
) -> Path:
    """Writes answers as they come: whole columns at once, anything else row by row.

    Raises: SubmissionError where the answers would not be accepted; an older file survives.
    """
    if isinstance(answers, AnswerColumns):
        return write_columns(path, form, answers.columns, asked)
    return write_submission(path, form, answers, asked)


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
    if len(cells[0]) >= LARGE and not form.refusals:  # those look at whole rows
        try:
            with files.replacing(path) as beside:
                _write_plain(beside, path.name, form, cells, asked)
            return path
        except _NotPlain:
            pass
    rows = zip(*map(as_rows, cells), strict=True)
    return write_submission(path, form, rows, asked)


def _check_shape(form: SubmissionFormat, columns: Mapping[str, Cells]) -> None:
    if set(columns) != set(form.header):
        raise SubmissionError(
            f"the answers have the columns {', '.join(columns)}; expected {', '.join(form.header)}"
        )
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise SubmissionError(f"the columns have different lengths ({shown}); expected one")


def _write_plain(
    path: Path, called: str, form: SubmissionFormat, cells: Sequence[Cells], asked: Sequence[Key]
) -> None:
    """Writes a file batch by batch, and reads every batch back.

    Raises: _NotPlain where the file would not be accepted or where a cell needs quotes,
    SubmissionError where the disk gives other bytes back.
    """
    n_keys, n_rows = len(form.key_columns), len(cells[0])
    if any(_NEEDS_CARE.search(name) for name in form.header) or n_rows != len(asked):
        raise _NotPlain
    names = _asked_columns(asked, n_keys)
    order = _order([as_text(column) for column in cells[:n_keys]], names)
    if order is None:
        raise _NotPlain
    answers = [in_order(column, order) for column in cells[n_keys:]]
    with path.open("wb") as out, path.open("rb") as back:
        _write_block(out, back, _header(form), called)
        first, size = 0, _FIRST_ROWS
        while first < n_rows:
            rows = slice(first, first + size)
            block = _block(form, [name[rows] for name in names], [a[rows] for a in answers])
            _write_block(out, back, block, called)
            first += size
            size = max(1, min(8 * size, size * _BATCH // len(block)))
        if back.read(1):
            raise _other_bytes(called)


def _write_block(out: BinaryIO, back: BinaryIO, block: Any, called: str) -> None:
    """Writes an Arrow buffer and reads it back. The cells were checked before they became text:
    the file must hold them byte for byte."""
    import pyarrow as pa

    out.write(block)
    out.flush()
    if not block.equals(pa.py_buffer(back.read(len(block)))):
        raise _other_bytes(called)


def _other_bytes(called: str) -> SubmissionError:
    return SubmissionError(
        f"{called} does not hold what was written; expected the same bytes, look at the disk"
    )


def _header(form: SubmissionFormat) -> Any:
    import pyarrow as pa

    return pa.py_buffer((",".join(form.header) + "\n").encode())


def _block(form: SubmissionFormat, names: list[Any], answers: list[Cells]) -> Any:
    """Some rows as an Arrow buffer of text.

    Raises: _NotPlain for a cell that its column does not allow or that needs quotes.
    """
    import pyarrow as pa
    from pyarrow import csv

    columns = [allowed_cells(*pair) for pair in zip(form.targets, answers, strict=True)]
    if any(column is None for column in columns):
        raise _NotPlain
    table = pa.table([*names, *columns], names=list(form.header))
    stream = pa.BufferOutputStream()
    options = csv.WriteOptions(
        include_header=False, quoting_style="none", batch_size=max(1, table.num_rows)
    )
    try:
        csv.write_csv(table, stream, options)
    except pa.ArrowInvalid:  # a cell that needs quotes
        raise _NotPlain from None
    return stream.getvalue()


def _asked_columns(asked: Sequence[Key], n_keys: int) -> list[Any]:
    columns = asked.columns if isinstance(asked, Keys) else list(zip(*asked, strict=True))
    return [as_text(column) for column in columns] if len(columns) == n_keys else [None]


def _order(ours: list[Any], theirs: list[Any]) -> Order | None:
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
    codes = pa.array(np.zeros(2 * n_rows, dtype=np.int64))
    for mine, their in zip(ours, theirs, strict=True):
        both = pa.concat_arrays([mine, their]).dictionary_encode()
        # numbered anew after every column, so that the product stays small
        product = pc.add(pc.multiply(codes, len(both.dictionary)), both.indices.cast(pa.int64()))
        codes = product.dictionary_encode().indices.cast(pa.int64())
    text = pc.cast(codes, pa.string())
    return [text[:n_rows]], [text[n_rows:]]
