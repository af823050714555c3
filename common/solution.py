"""The true answers of a solution file, in the forms that hosts give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common import large_csv
from common.columns import TextColumn, parse_column
from common.csv_table import Table, header_of, place, read_table, shown_key
from common.errors import DataError
from common.keys import Key
from common.spec import SubmissionFormat
from common.submit import Answers, asked_for, cell_fault, header_faults, parse_targets, read_large

USAGE = "Usage"
BOARDS = ("public", "private", "ignored")  # an empty cell counts, on no board


def read_solution(path: Path, form: SubmissionFormat) -> Answers:
    """The true answers of a solution file; columns that the submission lacks are passed over.

    Rows of one id become one where the column can merge them. A column `Usage` (Public, Private,
    Ignored) comes along. Where the submission has a column per class, the solution may have one
    column with the class's name (`form.compact`).

    Raises: DataError, naming the first fault.
    """
    if form.compact is not None and form.compact.name in header_of(path):
        form = SubmissionFormat(form.key_columns, (form.compact,))
    large = read_large(path, form)
    if large is not None and large_csv.are_unique(large.keys):
        return Answers(large.keys, large.values)
    try:
        table = _merged(read_table(path), form)
        keys = asked_for(table, form)
    except DataError as error:
        raise DataError(f"the solution {error}") from None
    faults = header_faults(table, form, extra_allowed=True)
    values: dict[str, np.ndarray] = {}
    if not faults:
        values, faults = parse_targets(table, form, keys)
    if faults:
        raise DataError(f"{path} is no solution for this competition: {faults[0]}")
    return Answers(keys, values, _usage(table, form))


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
        raise DataError(f"{table.path}: {cell_fault(column, written, keys, bad)}")
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
                f"{table.path}: id {shown_key(key)} has rows of {USAGE} {boards[key]!r} and "
                f"{cell!r}; expected one board per id"
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
            f"{table.path}: {place(int(bad[0]))}, column {USAGE} holds "
            f"{table.columns[USAGE][int(bad[0])]!r}; expected Public, Private or Ignored"
        )
    return usage
