"""A long CSV in pieces: some hundred rows at a time, the needed columns by name."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from common.csv_table import cut, opened_csv, place
from common.errors import DataError


class Codes(dict[str, int]):
    """Numbers for texts, from 0, in the order in which they are first asked for."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def read_chunks(
    path: Path, columns: Sequence[str], *, only: bool = False, n_rows: int = 500
) -> Iterator[list[tuple[str, ...]]]:
    """The cells of `columns`, one tuple per column, for `n_rows` rows after another.

    A byte-order mark, CRLF and quotes are read as CSV has them; empty lines are passed over.

    Args:
        only: other columns are refused; else they are passed over.
        n_rows: as many as fit into the processor's cache; ten thousand take twice as long.

    Raises: DataError where the file is missing, a folder, empty, no UTF-8 text, where it lacks a
    column or names one twice, or where a row has more or fewer cells than the header or a quote
    that is not closed.
    """
    with opened_csv(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next((row for row in reader if row), None)
            positions = _positions(path, header, columns, only)
            before = 0
            while rows := list(islice(reader, n_rows)):
                rows = [row for row in rows if row]
                _check_width(path, rows, len(header or ()), before)
                before += len(rows)
                cells = list(zip(*rows, strict=True)) or [()] * len(header or ())
                yield [cells[position] for position in positions]
        except csv.Error as error:
            raise DataError(
                f"{path}: line {reader.line_num} cannot be read as CSV ({error}); the file was "
                "cut or edited, make it again"
            ) from None


def _positions(
    path: Path, header: list[str] | None, columns: Sequence[str], only: bool
) -> list[int]:
    expected = ",".join(columns)
    if header is None:
        raise DataError(f"{path} is empty; expected a header ({expected}) and rows")
    found = f"found {cut(','.join(header))}, expected {expected}"
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(f"{path}: the header (line 1) lacks {', '.join(missing)}; {found}")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise DataError(f"{path}: the header (line 1) names {cut(repr(twice[0]))} twice; {found}")
    extra = [name for name in header if name not in columns]
    if extra and only:
        raise DataError(
            f"{path}: the header (line 1) has a column too many, {cut(repr(extra[0]))}; {found} "
            "and no other"
        )
    return [header.index(name) for name in columns]


def _check_width(path: Path, rows: list[list[str]], width: int, before: int) -> None:
    if set(map(len, rows)) <= {width}:
        return
    bad = next(position for position, row in enumerate(rows) if len(row) != width)
    raise DataError(
        f"{path}: {place(before + bad)} has {len(rows[bad])} of {width} cells and begins with "
        f"{cut(repr(rows[bad][0]))}; the file was cut or edited, make it again"
    )
