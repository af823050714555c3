"""A submission file: read, checked against the ids that the host asks for, written, read back."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files
from common.errors import DataError, SubmissionError
from common.spec import Column, SubmissionFormat, parse_column

Key = tuple[str, ...]

_SHOWN = 60  # characters of a cell or a header in a message: a wrong file may be one long line


@dataclass(frozen=True)
class Table:
    """A CSV in memory: its columns as text. Row k of the file is position k - 1."""

    path: Path
    columns: dict[str, list[str]]
    n_rows: int

    def keys(self, names: Sequence[str]) -> list[Key]:
        """The rows' names: one tuple of cells per row, never glued into one string."""
        return list(zip(*(self.columns[name] for name in names), strict=True))


@dataclass(frozen=True)
class Answers:
    """Target columns of a file, row by row, with the rows' names."""

    keys: list[Key]
    values: dict[str, np.ndarray]

    def rows_of(self, keys: Sequence[Key]) -> dict[str, np.ndarray]:
        """The target columns in the order of `keys`, all of which must be there."""
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read_rows(path, stream)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text; expected a CSV, make it again") from None


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


def ids_of(path: Path, form: SubmissionFormat) -> list[Key]:
    """The rows' names that a sample submission or a solution asks for, in its order.

    Raises: DataError where the file lacks a column, has no rows, or names a row twice.
    """
    table = read_table(path)
    missing = [name for name in form.header if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r} (found: {_cut(', '.join(table.columns))}); "
            f"expected {', '.join(form.header)}"
        )
    return _asked_for(table, form)


def _asked_for(table: Table, form: SubmissionFormat) -> list[Key]:
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

    Raises: DataError, naming the first fault.
    """
    try:
        table = read_table(path)
        keys = _asked_for(table, form)
    except DataError as error:
        raise DataError(f"the solution {error}") from None
    faults = _header_faults(table, form, extra_allowed=True)
    values: dict[str, np.ndarray] = {}
    if not faults:
        values, faults = _parse_targets(table, form, keys)
    if faults:
        raise DataError(f"{path} is no solution for this competition: {faults[0]}")
    return Answers(keys, values)


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
