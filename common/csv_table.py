"""A CSV in memory, cell by cell as text, and how messages name its rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from common.errors import DataError
from common.keys import Key, Keys
from common.zipped import opened

_LONGEST_CELL = 2**31 - 1  # csv's own limit cuts off large masks
_SHOWN = 60  # characters of a cell or a header in a message: a wrong file may be one long line


@dataclass(frozen=True)
class Table:
    """A CSV in memory: its columns as text. Row k of the file is position k - 1."""

    path: Path
    columns: dict[str, list[str]]
    n_rows: int

    def keys(self, names: Sequence[str]) -> Keys:
        """The rows' names: one tuple of cells per row, never glued into one string."""
        return Keys([self.columns[name] for name in names])


def read_table(path: Path) -> Table:
    """A CSV with a header, cell by cell as text; where only its zip is there, the CSV in it.

    A byte-order mark, CRLF and quotes are read as CSV has them; empty lines are passed over.

    Raises: DataError where the file is missing, a folder, empty, no UTF-8 text, where a column
    is named twice, or where a row has more or fewer cells than the header or a quote that is not
    closed (a file cut in the middle of a row).
    """
    with opened_csv(path) as stream:
        return _read_rows(path, stream)


@contextmanager
def opened_csv(path: Path) -> Iterator[TextIO]:
    """The text of a CSV, whose cells may be of any length while the block lasts.

    Raises: DataError where the file is missing, a folder, or no UTF-8 text.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a CSV file")
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as stream:
            yield stream
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text; expected a CSV, make it again") from None
    finally:
        csv.field_size_limit(limit)


def _read_rows(path: Path, stream: Iterable[str]) -> Table:
    reader = csv.reader(stream, strict=True)
    rows: list[list[str]] = []
    try:
        header = _checked_header(path, next((row for row in reader if row), None))
        for row in reader:
            if row:
                rows.append(row)
            if row and len(row) != len(header):
                raise DataError(
                    f"{path}: row {len(rows)} (line {reader.line_num}) has {len(row)} of "
                    f"{len(header)} cells and begins with {row[0][:40]!r}; the file was cut or "
                    "edited, make it again"
                )
    except csv.Error as error:
        raise DataError(
            f"{path}: row {len(rows) + 1} (line {reader.line_num}) cannot be read as CSV "
            f"({error}); the file was cut or edited, make it again"
        ) from None
    cells = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in header]
    return Table(path, dict(zip(header, cells, strict=True)), len(rows))


def _checked_header(path: Path, header: list[str] | None) -> list[str]:
    if header is None:
        raise DataError(f"{path} is empty; expected a header and rows")
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if twice:
        raise DataError(
            f"{path} names the column {cut(repr(twice[0]))} twice; expected every column once"
        )
    return header


def header_of(path: Path) -> list[str]:
    """The columns that a file names; [] where it cannot be read, which reading it will say."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def second_places(keys: Iterable[Hashable]) -> list[int]:
    """The positions of keys that stood there before."""
    seen: set[Hashable] = set()
    second = []
    for row, key in enumerate(keys):
        if key in seen:
            second.append(row)
        seen.add(key)
    return second


def shown_key(key: Key) -> str:
    return cut(repr(key[0]) if len(key) == 1 else repr(key))


def cut(text: str) -> str:
    """The text as a message shows it: short, and without what a terminal cannot show."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return printable if len(text) <= _SHOWN else f"{printable[:_SHOWN]}…"


def place(row: int) -> str:
    return f"row {row + 1} (line {row + 2})"
