"""The solution of ranked segments: which segments people rated for which class, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.csv_table import Table, cut, place, read_table
from common.errors import DataError
from common.solution import BOARDS, USAGE

Ratings = dict[int, dict[str, bool]]  # class -> segment -> whether it shows the class
Cells = tuple[str, str, str]  # segment, class, score

BOTH = "both"  # all ratings that are not ignored
COLUMNS = ("segment_id", "class", "score")
BY_VIDEO = ("Class", "VideoId", "StartTime", "Score")
BY_SIGN = ("Class", "Positive", "Negative")
ID_FORM = "<video>:<start second>"
ID_PATTERN = r"[^\s:]++:(?:0|[1-9][0-9]*+)"
_ID = re.compile(ID_PATTERN)
_CLASS = re.compile(r"[0-9]{1,18}")


def class_number(cell: str) -> int | None:
    """The class that a cell names; None where it is no whole number from 0."""
    return int(cell) if _CLASS.fullmatch(cell) else None


def read_ratings(path: Path) -> dict[str, Ratings]:
    """The ratings by board: `both`, and public and private where a column `Usage` tells them.

    A rating stands in a row of its own, as `segment_id,class,score` or as
    `Class,VideoId,StartTime,Score`; or a class has one row, `Class,Positive,Negative`, with blanks
    between the ids. Ratings that are ignored are not read.

    Raises: DataError for a file that is no such solution, naming the first fault.
    """
    table = read_table(path)
    usage = table.columns.get(USAGE, [""] * table.n_rows)
    boards: dict[str, Ratings] = {BOTH: {}}
    for row, (segment, name, score) in _ratings(table):
        counted = _counted(path, row, usage[row])
        if not counted:
            continue
        number, rating = class_number(name), _rating(score)
        if number is None:
            raise _fault(path, row, name, "a class's number")
        if not _ID.fullmatch(segment):
            raise _fault(path, row, segment, f"a segment, {ID_FORM}")
        if rating is None:
            raise _fault(path, row, score, "the score 0 or 1")
        if segment in boards[BOTH].get(number, {}):
            raise _fault(path, row, f"{segment} of class {number} again", "one rating each")
        for board in counted:
            boards.setdefault(board, {}).setdefault(number, {})[segment] = rating
    if not any(any(rated.values()) for rated in boards[BOTH].values()):
        raise DataError(f"the solution {path} rates no segment positive; there is nothing to score")
    return boards


def _ratings(table: Table) -> Iterator[tuple[int, Cells]]:
    """Every rating of a solution, and its row, in whichever form the table has them."""
    columns = table.columns
    if all(name in columns for name in COLUMNS):
        yield from enumerate(zip(*(columns[name] for name in COLUMNS), strict=True))
    elif all(name in columns for name in BY_VIDEO):
        rows = zip(*(columns[name] for name in BY_VIDEO), strict=True)
        for row, (name, video, start, score) in enumerate(rows):
            yield row, (f"{video}:{start}", name, score)
    elif all(name in columns for name in BY_SIGN):
        rows = zip(*(columns[name] for name in BY_SIGN), strict=True)
        for row, (name, positive, negative) in enumerate(rows):
            for segments, score in ((positive, "1"), (negative, "0")):
                yield from ((row, (segment, name, score)) for segment in segments.split())
    else:
        forms = " or ".join(",".join(form) for form in (COLUMNS, BY_VIDEO, BY_SIGN))
        raise DataError(
            f"the solution {table.path} has the columns {cut(','.join(columns))}; expected {forms}"
        )


def _counted(path: Path, row: int, cell: str) -> Sequence[str]:
    """The boards on which a row counts."""
    board = cell.strip().lower()
    if board not in (*BOARDS, ""):
        raise _fault(path, row, cell, "Public, Private or Ignored")
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
