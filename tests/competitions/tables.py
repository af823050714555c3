"""Tables of answers as they are handed in: spelt in other ways, spoilt, and with a cell or column
changed."""

from __future__ import annotations

import pytest


def with_cell(table: str, row: int, cell: str) -> str:
    """The table with another last cell in a row, counted from 1."""
    lines = table.splitlines()
    lines[row] = f"{lines[row].rpartition(',')[0]},{cell}"
    return "\n".join(lines) + "\n"


def with_usage(solution: str, *boards: str) -> str:
    """The solution with a column `Usage`, one board per row."""
    lines = zip(solution.splitlines(), ("Usage", *boards), strict=True)
    return "".join(f"{line},{board}\n" for line, board in lines)


def spellings_of(table: str) -> pytest.MarkDecorator:
    """Parametrises `content`: one table, whose cells hold no commas, in many forms of CSV."""
    header, *rows = table.splitlines()
    cells = [line.split(",") for line in (header, *rows)]
    quoted = "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in cells)
    forms = {
        "plain": table,
        "no newline at the end": table.rstrip("\n"),
        "blank lines at the end": table + "\n\n",
        "CRLF": table.replace("\n", "\r\n"),
        "byte-order mark": "\ufeff" + table,
        "quoted cells": quoted,
        "mark, quotes and CRLF": "\ufeff" + quoted.replace("\n", "\r\n"),
        "rows turned round": "\n".join([header, *reversed(rows)]),
        "columns turned round": "".join(",".join(reversed(line)) + "\n" for line in cells),
    }
    return pytest.mark.parametrize("content", forms.values(), ids=forms)


def bad_forms_of(table: str, other_key: str) -> pytest.MarkDecorator:
    """Parametrises `content` and `words`: a good table spoilt in its form or its ids, and what the
    first of the faults must say.

    Args:
        table: two or more rows, whose cells hold no commas, in the order of the ids asked for.
        other_key: the key of a row that was not asked for; its cells joined by commas.
    """
    header, *rows = table.splitlines()
    names, n_rows, n_keys = header.split(","), len(rows), other_key.count(",") + 1
    keys = [tuple(row.split(",")[:n_keys]) for row in (*rows, other_key)]
    first, second, *_, other = (repr(key[0]) if n_keys == 1 else repr(key) for key in keys)
    answer = ",".join(rows[0].split(",")[n_keys:])
    missing = f"{n_rows} ids are missing, the first is"
    next_place = f"in row {n_rows + 1} (line {n_rows + 2})"
    unlike = len(set(rows[0].split(","))) == len(names)  # a header of like cells is a fault too
    forms: dict[str, tuple[str | bytes, str]] = {
        "missing": ("\n".join([header, rows[0], *rows[2:]]), f"1 of {missing} {second}"),
        "extra": (
            f"{table}{other_key},{answer}\n",
            f"1 ids were not asked for, the first is {other} {next_place}",
        ),
        "duplicate": (
            f"{table}{rows[0]}\n",
            f"1 ids are repeated, the first is {first} {next_place}",
        ),
        "wrong header": (table.replace(names[0], "name", 1), f"lacks {names[0]}; found name,"),
        "missing column": (
            "\n".join(line.rpartition(",")[0] for line in (header, *rows)),
            f"lacks {names[-1]}; found {names[0]}",
        ),
        "index column": (
            "\n".join(f"{place},{line}" for place, line in enumerate((header, *rows))),
            "a column too many",
        ),
        "no header": ("\n".join(rows), f"lacks {names[0]}, " if unlike else "twice; expected"),
        "empty file": ("", "is empty; expected a header"),
        "header only": (f"{header}\n", f"{n_rows} of {missing} {first}"),
        "cut in a row": (
            "\n".join([header, *rows])[: 1 - len(rows[-1])],
            f"row {n_rows} (line {n_rows + 1}) has 1 of {len(names)} cells",
        ),
        "quote not closed": (
            "\n".join([header, *rows[:-1], f'"{rows[-1]}']),
            "cannot be read as CSV",
        ),
        "binary": (b"\x89PNG\r\n\x1a\n\xff", "submission.csv is no UTF-8 text; expected a CSV"),
    }
    return pytest.mark.parametrize(("content", "words"), forms.values(), ids=forms)
