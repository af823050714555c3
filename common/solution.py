"""The true answers of a solution file, in the forms that hosts give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common import large_csv
from common.columns import Column, TextColumn, parse_column
from common.csv_table import Table, header_of, place, read_table, shown_key
from common.errors import DataError
from common.keys import Key
from common.spec import SubmissionFormat
from common.submit import Answers, asked_for, cell_fault, header_faults

USAGE = "Usage"
BOARDS = ("public", "private", "ignored")  # an empty cell counts, on no board


def read_solution(path: Path, form: SubmissionFormat) -> Answers:
    """The true answers of a solution file; columns that the submission lacks are passed over.

    Blanks around the columns' names do not count. Rows of one id become one where the column can
    merge them. A column `Usage` (Public, Private, Ignored) comes along; what stands in ignored
    rows may be anything, and their values are fillers where it is no answer. Where the submission
    has a column per class, the solution may have one column with the class's name
    (`form.compact`).

    Raises: DataError, naming the first fault.
    """
    if form.compact is not None and form.compact.name in map(str.strip, header_of(path)):
        form = SubmissionFormat(form.key_columns, (form.compact,))
    large = large_csv.read_answers(path, form)
    if large is not None and large_csv.are_unique(large.keys):
        return Answers(large.keys, large.values)
    try:
        table = _with_plain_names(read_table(path))
        table = _merged(table, form, _boards(table, form))
        keys = asked_for(table, form)
    except DataError as error:
        raise DataError(f"the solution {error}") from None
    usage = _boards(table, form)
    faults = header_faults(table, form, extra_allowed=True)
    values: dict[str, np.ndarray] = {}
    for column in () if faults else form.targets:
        cells = table.columns[column.name]
        values[column.name], bad = _parsed(column, cells, usage)
        if bad:
            faults.append(cell_fault(column, cells, keys, bad))
    if faults:
        raise DataError(f"{path} is no solution for this competition: {faults[0]}")
    return Answers(keys, values, usage)


def _with_plain_names(table: Table) -> Table:
    """The table with no blanks around the names of columns, as one host's files have them."""
    columns = {name.strip(): cells for name, cells in table.columns.items()}
    return Table(table.path, columns, table.n_rows) if len(columns) == len(table.columns) else table


def _parsed(
    column: Column, cells: Sequence[str], usage: np.ndarray | None
) -> tuple[np.ndarray, list[int]]:
    """The values of a column, and the rows that the column does not allow and that are scored."""
    values, bad = parse_column(column, cells)
    return values, bad if usage is None else [row for row in bad if usage[row] != BOARDS[2]]


def _merged(table: Table, form: SubmissionFormat, usage: np.ndarray | None) -> Table:
    """The table with the rows of one id made one, where the form's column merges them."""
    column = form.targets[0]
    if not isinstance(column, TextColumn) or column.merge is None:
        return table
    if not {*form.key_columns, column.name} <= set(table.columns):
        return table
    keys, written = table.keys(form.key_columns), table.columns[column.name]
    rows_of: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows_of.setdefault(key, []).append(row)
    if len(rows_of) == table.n_rows:
        return table
    _, bad = _parsed(column, written, usage)
    if bad:
        raise DataError(f"{table.path}: {cell_fault(column, written, keys, bad)}")
    columns = {
        name: [key[position] for key in rows_of] for position, name in enumerate(form.key_columns)
    }
    if usage is not None:
        _check_one_board(table, rows_of, usage)
        columns[USAGE] = [table.columns[USAGE][rows[0]] for rows in rows_of.values()]
    columns[column.name] = [
        written[rows[0]]
        if len(rows) == 1 or (usage is not None and usage[rows[0]] == BOARDS[2])
        else column.merge([written[row] for row in rows])
        for rows in rows_of.values()
    ]
    return Table(table.path, columns, len(rows_of))


def _check_one_board(table: Table, rows_of: dict[Key, list[int]], usage: np.ndarray) -> None:
    """Raises DataError where the rows of one id are on different boards."""
    for key, rows in rows_of.items():
        other = [row for row in rows if usage[row] != usage[rows[0]]]
        if other:
            first, second = (table.columns[USAGE][row] for row in (rows[0], other[0]))
            raise DataError(
                f"{table.path}: id {shown_key(key)} has rows of {USAGE} {first!r} and {second!r}; "
                "expected one board per id"
            )


def _boards(table: Table, form: SubmissionFormat) -> np.ndarray | None:
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
