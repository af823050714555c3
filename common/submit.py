"""A submission file: read, checked against the ids that the host asks for, written, read back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files, large_csv
from common.columns import Column, parse_column
from common.csv_table import Table, cut, place, read_table, second_places, shown_key
from common.errors import DataError, SubmissionError
from common.keys import Key, Keys
from common.refusals import row_faults
from common.spec import SubmissionFormat


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


def ids_of(path: Path, form: SubmissionFormat) -> Keys:
    """The rows' names that a sample submission or a solution asks for, in its order.

    Raises: DataError where the file lacks a column, has no rows, or names a row twice.
    """
    keys = large_csv.read_keys(path, form)
    if keys is not None and large_csv.are_unique(keys):
        return keys
    table = read_table(path)
    missing = [name for name in form.header if name not in table.columns]
    is_compact = form.compact is not None and form.compact.name in table.columns
    if missing and not is_compact:
        raise DataError(
            f"{path} has no column {missing[0]!r} (found: {cut(', '.join(table.columns))}); "
            f"expected {cut(', '.join(form.header))}"
        )
    return asked_for(table, form)


def asked_for(table: Table, form: SubmissionFormat) -> Keys:
    missing = [name for name in form.key_columns if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.path} has no column {missing[0]!r} (found: {cut(', '.join(table.columns))}); "
            f"expected {', '.join(form.header)}"
        )
    keys = table.keys(form.key_columns)
    if not keys:
        raise DataError(f"{table.path} has a header and no rows; expected one row per id")
    twice = second_places(keys)
    if twice:
        raise DataError(
            f"{table.path}: id {shown_key(keys[twice[0]])} stands there twice, the second time in "
            f"row {twice[0] + 1}; expected every id once"
        )
    return keys


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
    found = _read_plain(path, form, asked)
    if found is not None:
        return found
    try:
        table = read_table(path)
    except DataError as error:
        raise SubmissionError(str(error)) from None
    called = called or path.name
    faults = header_faults(table, form, extra_allowed=False)
    if faults:
        raise _refused(called, faults)
    keys = table.keys(form.key_columns)
    faults = _key_faults(keys, asked)
    values, cell_faults = parse_targets(table, form, keys)
    unread = _rows_with_bad_cells(table, form) if cell_faults else ()
    faults += cell_faults + row_faults(form.refusals, values, keys, unread)
    if faults:
        raise _refused(called, faults)
    return Answers(keys, values)


def _read_plain(path: Path, form: SubmissionFormat, asked: Sequence[Key]) -> Answers | None:
    """The answers of a large, plain file in the order of `asked`; None for any other."""
    if not isinstance(asked, Keys) or isinstance(asked.columns[0], list):
        return None  # what was asked for is small
    large = large_csv.read_answers(path, form)
    order = None if large is None else large_csv.order_of(large.keys, asked)
    if large is None or order is None or row_faults(form.refusals, large.values, large.keys):
        return None
    return Answers(asked, {name: column[order] for name, column in large.values.items()})


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
            raise SubmissionError(cell_fault(column, texts, keys, bad))
    faults = row_faults(form.refusals, values, keys)
    if faults:
        raise SubmissionError(faults[0], tuple(faults))
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
            raise SubmissionError(
                f"id {shown_key(key)} is answered twice; expected one answer per id"
            )
        answered[key] = row[n_keys:]
    unasked = set(answered) - set(asked)
    if unasked:
        raise SubmissionError(
            f"{len(unasked)} answers are for ids that the sample does not hold, the first is "
            f"{shown_key(min(unasked))}; expected the sample's {len(asked)} ids and no other"
        )
    with files.replacing(path) as beside:
        with beside.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(form.header)
            writer.writerows((*key, *answered[key]) for key in asked if key in answered)
        read_submission(beside, form, asked, called=path.name)
    return path


def header_faults(table: Table, form: SubmissionFormat, *, extra_allowed: bool) -> list[str]:
    found, expected = set(table.columns), set(form.header)
    faults = []
    if expected - found:
        names = ", ".join(name for name in form.header if name not in found)
        faults.append(
            f"the header (row 0, line 1) lacks {cut(names)}; found "
            f"{cut(','.join(table.columns))}, expected {cut(','.join(form.header))}"
        )
    if found - expected and not extra_allowed:
        names = ", ".join(repr(name) for name in table.columns if name not in expected)
        faults.append(
            f"the header (row 0, line 1) has a column too many: {cut(names)}; "
            f"expected {cut(','.join(form.header))} and no other"
        )
    return faults


def _key_faults(keys: Sequence[Key], asked: Sequence[Key]) -> list[str]:
    faults = []
    given, wanted = set(keys), set(asked)
    missing = [row for row, key in enumerate(asked) if key not in given]
    if missing:
        faults.append(
            f"{len(missing)} of {len(asked)} ids are missing, the first is "
            f"{shown_key(asked[missing[0]])} (row {missing[0] + 1} of the ids asked for)"
        )
    extra = [row for row, key in enumerate(keys) if key not in wanted]
    if extra:
        faults.append(
            f"{len(extra)} ids were not asked for, the first is "
            f"{shown_key(keys[extra[0]])} in {place(extra[0])}"
        )
    twice = second_places(keys)
    if twice:
        faults.append(
            f"{len(twice)} ids are repeated, the first is "
            f"{shown_key(keys[twice[0]])} in {place(twice[0])}"
        )
    return faults


def parse_targets(
    table: Table, form: SubmissionFormat, keys: Sequence[Key]
) -> tuple[dict[str, np.ndarray], list[str]]:
    values, faults = {}, []
    for column in form.targets:
        cells = table.columns[column.name]
        values[column.name], bad = parse_column(column, cells)
        if bad:
            faults.append(cell_fault(column, cells, keys, bad))
    return values, faults


def _rows_with_bad_cells(table: Table, form: SubmissionFormat) -> set[int]:
    bad = (parse_column(column, table.columns[column.name])[1] for column in form.targets)
    return {row for rows in bad for row in rows}


def cell_fault(
    column: Column, cells: Sequence[str], keys: Sequence[Key], bad: Sequence[int]
) -> str:
    row = bad[0]
    return (
        f"{len(bad)} values of {column.name} are not allowed, the first is "
        f"{cut(repr(cells[row]))} for id {shown_key(keys[row])} in {place(row)}; expected "
        f"{column.expected()}"
    )


def _refused(called: str, faults: list[str]) -> SubmissionError:
    return SubmissionError(f"{called} would not be accepted: {faults[0]}", tuple(faults))
