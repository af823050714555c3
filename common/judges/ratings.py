"""The solution of ranked segments: which segments people rated for which class, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from common.csv_table import cut, place, read_table
from common.errors import DataError
from common.solution import BOARDS, USAGE

Ratings = dict[int, dict[str, bool]]  # class -> segment -> whether it shows the class

BOTH = "both"  # all ratings that are not ignored
COLUMNS = ("segment_id", "class", "score")
ID_FORM = "<video>:<start second>"
ID_PATTERN = r"[^\s:]++:(?:0|[1-9][0-9]*+)"
_ID = re.compile(ID_PATTERN)
_CLASS = re.compile(r"[0-9]{1,18}")


def class_number(cell: str) -> int | None:
    """The class that a cell names; None where it is no whole number from 0."""
    return int(cell) if _CLASS.fullmatch(cell) else None


def read_ratings(path: Path) -> dict[str, Ratings]:
    """The ratings by board: `both`, and public and private where a column `Usage` tells them.

    Raises: DataError for a file that is no such solution, naming the first fault.
    """
    table = read_table(path)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise DataError(
            f"the solution {path} has no column {missing[0]!r} (found: "
            f"{cut(', '.join(table.columns))}); expected {', '.join(COLUMNS)}"
        )
    boards: dict[str, Ratings] = {BOTH: {}}
    usage = table.columns.get(USAGE, [""] * table.n_rows)
    cells = zip(*(table.columns[name] for name in COLUMNS), usage, strict=True)
    for row, (segment, name, score, board_name) in enumerate(cells):
        board = board_name.strip().lower()
        number, rating = class_number(name), _rating(score)
        if not _ID.fullmatch(segment):
            raise _fault(path, row, segment, f"a segment, {ID_FORM}")
        if number is None:
            raise _fault(path, row, name, "a class's number")
        if rating is None:
            raise _fault(path, row, score, "the score 0 or 1")
        if board not in (*BOARDS, ""):
            raise _fault(path, row, board_name, "Public, Private or Ignored")
        if segment in boards[BOTH].get(number, {}):
            raise _fault(path, row, f"{segment} of class {number} again", "one rating each")
        for counted in _counted(board):
            boards.setdefault(counted, {}).setdefault(number, {})[segment] = rating
    if not any(any(rated.values()) for rated in boards[BOTH].values()):
        raise DataError(f"the solution {path} rates no segment positive; there is nothing to score")
    return boards


def _counted(board: str) -> Sequence[str]:
    if board == BOARDS[2]:
        return ()
    return (BOTH, board) if board else (BOTH,)


def _rating(cell: str) -> bool | None:
    """1 or 0, also as the records have it, 1.0 and 0.0; None where it is neither."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return bool(value) if value in (0.0, 1.0) else None


def _fault(path: Path, row: int, found: str, expected: str) -> DataError:
    return DataError(
        f"the solution {path}, {place(row)}, holds {cut(repr(found))}; expected {expected}"
    )
