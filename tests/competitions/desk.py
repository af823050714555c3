"""What the tests of judges share: a desk on which files are laid and judged by the scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts import check_submission, score


@dataclass(frozen=True)
class Desk:
    """Judges files of one competition through the scripts, and reads what they print."""

    competition: str
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def verdict(self, submission: str | bytes, solution: str) -> dict[str, Any]:
        """What `score --json` says of a submission that it must accept."""
        assert self._score(submission, solution, "--json") == 0
        captured = self.capsys.readouterr()
        assert captured.err == ""
        result: dict[str, Any] = json.loads(captured.out)
        return result

    def score(self, submission: str | bytes, solution: str) -> float:
        """The score, which must be the last line too."""
        assert self._score(submission, solution) == 0
        last = self.capsys.readouterr().out.splitlines()[-1]
        value = self.verdict(submission, solution)["score"]
        assert last == f"score: {value!r}"
        return float(value)

    def refusal(self, submission: str | bytes, solution: str) -> tuple[list[str], str]:
        """The faults on stdout and the one line on stderr of a submission that is refused."""
        assert self._score(submission, solution) == 2
        return self._faults()

    def check(self, submission: str | bytes, sample: str) -> list[str]:
        """The lines of `check_submission` on a submission that it must accept."""
        assert self._check(submission, sample) == 0
        captured = self.capsys.readouterr()
        assert captured.err == ""
        lines = captured.out.splitlines()
        assert lines[-1].startswith("valid: ")
        return lines

    def check_refusal(self, submission: str | bytes, sample: str) -> tuple[list[str], str]:
        """As `refusal`, of `check_submission`."""
        assert self._check(submission, sample) == 2
        return self._faults()

    def solution_refusal(self, submission: str | bytes, solution: str) -> str:
        """The one line on stderr where the truth is at fault: stdout names no submission's."""
        assert self._score(submission, solution) == 2
        captured = self.capsys.readouterr()
        assert captured.out == ""
        return _only_line(captured.err)

    def _score(self, submission: str | bytes, solution: str, *options: str) -> int:
        argv = [self.competition, *self._lay(submission, "--solution", solution), *options]
        return score.main(argv)

    def _check(self, submission: str | bytes, sample: str) -> int:
        return check_submission.main([self.competition, *self._lay(submission, "--sample", sample)])

    def _lay(self, submission: str | bytes, option: str, other: str) -> list[str]:
        raw = submission.encode() if isinstance(submission, str) else submission
        (self.folder / "submission.csv").write_bytes(raw)
        (self.folder / "other.csv").write_bytes(other.encode())
        places = [str(self.folder / name) for name in ("submission.csv", "other.csv")]
        return ["--submission", places[0], option, places[1]]

    def _faults(self) -> tuple[list[str], str]:
        captured = self.capsys.readouterr()
        title, *faults = captured.out.splitlines()
        assert title == f"{len(faults)} fault{'s' if len(faults) > 1 else ''} found:"
        return [fault.removeprefix("  - ") for fault in faults], _only_line(captured.err)


def _only_line(err: str) -> str:
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    return err.rstrip("\n")


def spellings(table: str) -> dict[str, str]:
    """One table in several forms of CSV, by what they are called."""
    header, *rows = table.splitlines()
    quoted = "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in (header, *rows)
    )
    return {
        "plain": table,
        "no newline at the end": table.rstrip("\n"),
        "blank lines at the end": table + "\n\n",
        "CRLF": table.replace("\n", "\r\n"),
        "byte-order mark": "\ufeff" + table,
        "all of it": "\ufeff" + quoted.replace("\n", "\r\n"),
        "quoted cells": quoted,
        "rows turned round": "\n".join([header, *reversed(rows)]),
    }


def bad_files(table: str, other_key: str) -> dict[str, tuple[str, list[str]]]:
    """What is wrong with a table's form and ids, with the words that must name it.

    Args:
        table: a good submission of at least three rows.
        other_key: the cells of a key that was not asked for.
    """
    header, *rows = table.splitlines()
    n_rows, n_keys = len(rows), other_key.count(",") + 1
    first, second = (_shown(row, n_keys) for row in rows[:2])
    answer = ",".join(rows[0].split(",")[n_keys:])
    found = header.split(",")
    return {
        "missing": (
            "\n".join([header, rows[0], *rows[2:]]),
            [f"1 of {n_rows} ids are missing", second, "row 2"],
        ),
        "extra": (
            f"{table}{other_key},{answer}\n",
            ["1 ids were not asked for", _shown(other_key, n_keys), f"row {n_rows + 1} (line "],
        ),
        "duplicate": (
            f"{table}{rows[0]}\n",
            ["1 ids are repeated", first, f"row {n_rows + 1} (line {n_rows + 2})"],
        ),
        "wrong header": (table.replace(found[0], "name", 1), [f"lacks {found[0]}", "row 0, line"]),
        "missing column": (
            "\n".join(line.rpartition(",")[0] for line in [header, *rows]),
            ["lacks"],
        ),
        "index column": (
            "\n".join(f"{place},{line}" for place, line in enumerate([header, *rows])),
            ["a column too many: '0'"],
        ),
        "no header": ("\n".join(rows), ["lacks", "row 0, line 1"]),
        "empty file": ("", ["is empty; expected a header and rows"]),
        "header only": (f"{header}\n", [f"{n_rows} of {n_rows} ids are missing", first, "row 1"]),
        "cut in a row": ("\n".join([header, *rows])[: -len(rows[-1]) + 1], [f"row {n_rows} (line"]),
        "binary": ("\x00\x01", ["submission.csv"]),
    }


def _shown(row: str, n_keys: int) -> str:
    key = tuple(row.split(",")[:n_keys])
    return repr(key[0]) if n_keys == 1 else repr(key)


def with_cell(table: str, row: int, cell: str) -> str:
    """The table with another last cell in a row, counted from 1."""
    lines = table.splitlines()
    lines[row] = f"{lines[row].rpartition(',')[0]},{cell}"
    return "\n".join(lines) + "\n"
