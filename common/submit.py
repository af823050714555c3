"""A submission file: read, checked against the ids that the host asks for, written, read back."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files, large_csv
from common.columns import Column, TextColumn, parse_column
from common.errors import DataError, SubmissionError
from common.keys import Key, Keys
from common.spec import SubmissionFormat

USAGE = "Usage"
BOARDS = ("public", "private", "ignored")  # an empty cell counts, on no board
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


@dataclass(frozen=True)
class Answers:
    """Target columns of a file, row by row, with the rows' names."""

    keys: Sequence[Key]
    values: dict[str, np.ndarray]
    usage: np.ndarray | None = None

    def rows_of(self, keys: Sequence[Key]) -> dict[str, np.ndarray]:
        """The target columns in the order of `keys`, all of which must be there."""
        if keys is self.keys:
            return self.values
        position = {key: row for row, key in enumerate(self.keys)}
        order = np.array([position[key] for key in keys], dtype=np.int64)
        return {name: column[order] for name, column in self.values.items()}


def read_table(path: Path) -> Table:
    """A CSV with a header, cell by cell as text.

    A byte-order mark, CRLF and quotes are read as CSV has them; empty lines are passed over.

    Raises: DataError where the file is missing, a folder, empty, no UTF-8 text, where a column
    is named twice, or where a row has more or fewer cells than the header or a quote that is not
    closed (a file cut in the middle of a row).
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a CSV file")
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read_rows(path, stream)
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
            f"{path} names the column {_cut(repr(twice[0]))} twice; expected every column once"
        )
    return header


def ids_of(path: Path, form: SubmissionFormat) -> Keys:
    """The rows' names that a sample submission or a solution asks for, in its order.

    Raises: DataError where the file has no such columns, no rows, or names a row twice.
    """
    large = large_csv.read_arrow(path)
    keys = None if large is None else large_csv.keys_of(large, form)
    if keys is not None and large_csv.are_unique(keys):
        return keys
    return _asked_for(read_table(path), form)


def _asked_for(table: Table, form: SubmissionFormat) -> Keys:
    missing = [name for name in form.key_columns if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.path} has no column {missing[0]!r} (found: {_cut(', '.join(table.columns))}); "
            f"expected {', '.join(form.header)}"
        )
    keys = table.keys(form.key_columns)
    if not keys:
        raise DataError(f"{table.path} has a header and no rows; expected one row per id")
    twice = _second_places(keys)
    if twice:
        raise DataError(
            f"{table.path}: id {_shown(keys[twice[0]])} stands there twice, the second time in "
            f"row {twice[0] + 1}; expected every id once"
        )
    return keys


def read_solution(path: Path, form: SubmissionFormat) -> Answers:
    """The true answers of a solution file; columns that the submission lacks are passed over.

    Rows of one id become one where the column can merge them. A column `Usage` (Public, Private,
    Ignored) comes along. Where the submission has a column per class, the solution may have one
    column with the class's name (`form.compact`).

    Raises: DataError, naming the first fault.
    """
    if form.compact is not None and form.compact.name in _header_of(path):
        form = SubmissionFormat(form.key_columns, (form.compact,))
    large = _read_large(path, form)
    if large is not None and large_csv.are_unique(large.keys):
        return Answers(large.keys, large.values)
    try:
        table = _merged(read_table(path), form)
        keys = _asked_for(table, form)
    except DataError as error:
        raise DataError(f"the solution {error}") from None
    faults = _header_faults(table, form, extra_allowed=True)
    values: dict[str, np.ndarray] = {}
    if not faults:
        values, faults = _parse_targets(table, form, keys)
    if faults:
        raise DataError(f"{path} is no solution for this competition: {faults[0]}")
    return Answers(keys, values, _usage(table, form))


@dataclass(frozen=True)
class _Large:
    """What a large, plain file answers; its names may repeat."""

    keys: Keys
    values: dict[str, np.ndarray]


def _read_large(path: Path, form: SubmissionFormat) -> _Large | None:
    """The answers of a large, plain file without further columns; None for any other."""
    table = large_csv.read_arrow(path)
    if table is None or set(table.column_names) != set(form.header):
        return None
    keys = large_csv.keys_of(table, form)
    values = None if keys is None else large_csv.values_of(table, form.targets)
    return None if keys is None or values is None else _Large(keys, values)


def _header_of(path: Path) -> list[str]:
    """The columns that a file names; [] where it cannot be read, which reading it will say."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _merged(table: Table, form: SubmissionFormat) -> Table:
    """The table with the rows of one id made one, where the form's column merges them."""
    column = form.targets[0]
    if not isinstance(column, TextColumn) or column.merge is None:
        return table
    if not {*form.key_columns, column.name} <= set(table.columns):
        return table
    keys, written = table.keys(form.key_columns), table.columns[column.name]
    cells: dict[Key, list[str]] = {}
    for key, cell in zip(keys, written, strict=True):
        cells.setdefault(key, []).append(cell)
    if len(cells) == table.n_rows:
        return table
    _, bad = parse_column(column, written)
    if bad:
        raise DataError(f"{table.path}: {_cell_fault(column, written, keys, bad)}")
    columns = {
        name: [key[position] for key in cells] for position, name in enumerate(form.key_columns)
    }
    columns[column.name] = [column.merge(row) if len(row) > 1 else row[0] for row in cells.values()]
    if USAGE in table.columns:
        columns[USAGE] = list(_boards(table, form).values())
    return Table(table.path, columns, len(cells))


def _boards(table: Table, form: SubmissionFormat) -> dict[Key, str]:
    """The cell `Usage` of each id; rows of one id must agree."""
    boards: dict[Key, str] = {}
    for key, cell in zip(table.keys(form.key_columns), table.columns[USAGE], strict=True):
        if boards.setdefault(key, cell) != cell:
            raise DataError(
                f"{table.path}: id {_shown(key)} has rows of {USAGE} {boards[key]!r} and {cell!r}; "
                "expected one board per id"
            )
    return boards


def _usage(table: Table, form: SubmissionFormat) -> np.ndarray | None:
    """The board that each row belongs to, in lower case; None where the file does not say."""
    if USAGE not in table.columns or USAGE in form.header:
        return None
    usage = np.array([cell.strip().lower() for cell in table.columns[USAGE]])
    bad = np.flatnonzero(~np.isin(usage, (*BOARDS, "")))
    if len(bad):
        raise DataError(
            f"{table.path}: {_place(int(bad[0]))}, column {USAGE} holds "
            f"{table.columns[USAGE][int(bad[0])]!r}; expected Public, Private or Ignored"
        )
    return usage


def read_submission(
    path: Path, form: SubmissionFormat, asked: Sequence[Key], called: str = ""
) -> Answers:
    """The answers of a submission that the competition would accept.

    Args:
        asked: the rows' names that the host asks for; the file's order does not matter.
        called: what messages call the file (default: its name).

    Raises: SubmissionError with every fault that the file has, each with its first offending
    id and row.
    """
    large = _read_large(path, form) if isinstance(asked, Keys) else None
    if large is not None and isinstance(asked, Keys):
        order = large_csv.order_of(large.keys, asked)
        if order is not None:
            return Answers(asked, {name: column[order] for name, column in large.values.items()})
    try:
        table = read_table(path)
    except DataError as error:
        raise SubmissionError(str(error)) from None
    called = called or path.name
    faults = _header_faults(table, form, extra_allowed=False)
    if faults:
        raise _refused(called, faults)
    keys = table.keys(form.key_columns)
    faults = _key_faults(keys, asked)
    values, cell_faults = _parse_targets(table, form, keys)
    if faults or cell_faults:
        raise _refused(called, faults + cell_faults)
    return Answers(keys, values)


def answers(form: SubmissionFormat, rows: Iterable[Sequence[object]]) -> Answers:
    """Rows in memory as the answers that reading them from a file would give.

    Raises: SubmissionError for a value that the form does not allow.
    """
    n_keys = len(form.key_columns)
    cells = [[str(cell) for cell in row] for row in rows]
    keys = [tuple(row[:n_keys]) for row in cells]
    values = {}
    for position, column in enumerate(form.targets, start=n_keys):
        texts = [row[position] for row in cells]
        values[column.name], bad = parse_column(column, texts)
        if bad:
            raise SubmissionError(_cell_fault(column, texts, keys, bad))
    return Answers(keys, values)


def write_submission(
    path: Path,
    form: SubmissionFormat,
    rows: Iterable[Sequence[object]],
    asked: Sequence[Key],
) -> Path:
    """Writes the answers in the host's order, reads them back, and gives the path.

    Args:
        rows: one sequence of cells per answer, in the order of `form.header`; any order of rows.
        asked: the rows' names that the host asks for, in its order.

    Raises: SubmissionError where the answers would not be accepted. Until the file has been
    read back it stands beside `path`: an older submission survives every failure.
    """
    n_keys = len(form.key_columns)
    answered: dict[Key, Sequence[object]] = {}
    for row in rows:
        key = tuple(str(cell) for cell in row[:n_keys])
        if key in answered:
            raise SubmissionError(f"id {_shown(key)} is answered twice; expected one answer per id")
        answered[key] = row[n_keys:]
    unasked = set(answered) - set(asked)
    if unasked:
        raise SubmissionError(
            f"{len(unasked)} answers are for ids that the sample does not hold, the first is "
            f"{_shown(min(unasked))}; expected the sample's {len(asked)} ids and no other"
        )
    with files.replacing(path) as beside:
        with beside.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(form.header)
            writer.writerows((*key, *answered[key]) for key in asked if key in answered)
        read_submission(beside, form, asked, called=path.name)
    return path


def _header_faults(table: Table, form: SubmissionFormat, *, extra_allowed: bool) -> list[str]:
    found, expected = set(table.columns), set(form.header)
    faults = []
    if expected - found:
        names = ", ".join(name for name in form.header if name not in found)
        faults.append(
            f"the header (row 0, line 1) lacks {names}; found {_cut(','.join(table.columns))}, "
            f"expected {','.join(form.header)}"
        )
    if found - expected and not extra_allowed:
        names = ", ".join(repr(name) for name in table.columns if name not in expected)
        faults.append(
            f"the header (row 0, line 1) has a column too many: {_cut(names)}; "
            f"expected {','.join(form.header)} and no other"
        )
    return faults


def _key_faults(keys: Sequence[Key], asked: Sequence[Key]) -> list[str]:
    faults = []
    given, wanted = set(keys), set(asked)
    missing = [row for row, key in enumerate(asked) if key not in given]
    if missing:
        faults.append(
            f"{len(missing)} of {len(asked)} ids are missing, the first is "
            f"{_shown(asked[missing[0]])} (row {missing[0] + 1} of the ids asked for)"
        )
    extra = [row for row, key in enumerate(keys) if key not in wanted]
    if extra:
        faults.append(
            f"{len(extra)} ids were not asked for, the first is "
            f"{_shown(keys[extra[0]])} in {_place(extra[0])}"
        )
    twice = _second_places(keys)
    if twice:
        faults.append(
            f"{len(twice)} ids are repeated, the first is "
            f"{_shown(keys[twice[0]])} in {_place(twice[0])}"
        )
    return faults


def _parse_targets(
    table: Table, form: SubmissionFormat, keys: Sequence[Key]
) -> tuple[dict[str, np.ndarray], list[str]]:
    values, faults = {}, []
    for column in form.targets:
        cells = table.columns[column.name]
        values[column.name], bad = parse_column(column, cells)
        if bad:
            faults.append(_cell_fault(column, cells, keys, bad))
    return values, faults


def _cell_fault(
    column: Column, cells: Sequence[str], keys: Sequence[Key], bad: Sequence[int]
) -> str:
    row = bad[0]
    return (
        f"{len(bad)} values of {column.name} are not allowed, the first is "
        f"{_cut(repr(cells[row]))} for id {_shown(keys[row])} in {_place(row)}; expected "
        f"{column.expected()}"
    )


def _second_places(keys: Sequence[Key]) -> list[int]:
    """The positions of keys that stood there before."""
    seen: set[Key] = set()
    second = []
    for row, key in enumerate(keys):
        if key in seen:
            second.append(row)
        seen.add(key)
    return second


def _refused(called: str, faults: list[str]) -> SubmissionError:
    return SubmissionError(f"{called} would not be accepted: {faults[0]}", tuple(faults))


def _shown(key: Key) -> str:
    return _cut(repr(key[0]) if len(key) == 1 else repr(key))


def _cut(text: str) -> str:
    """The text as a message shows it: short, and without what a terminal cannot show."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return printable if len(text) <= _SHOWN else f"{printable[:_SHOWN]}…"


def _place(row: int) -> str:
    return f"row {row + 1} (line {row + 2})"
