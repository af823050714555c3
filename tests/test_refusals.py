"""Rows that are refused though each of their cells is allowed: the same from a file of any size,
from memory, and on the way to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.errors import SubmissionError
from common.large_csv import LARGE
from common.refusals import ROWS_WITHOUT_A_SUM, Refusal, row_faults
from common.spec import NumberColumn, SubmissionFormat
from common.submit import answers, ids_of, read_submission, write_submission

FORM = SubmissionFormat(
    ("id",), (NumberColumn("a", 0, 1), NumberColumn("b", 0, 1)), refusals=(ROWS_WITHOUT_A_SUM,)
)
ASKED = [("x",), ("y",), ("z",)]


def laid(folder: Path, text: str) -> Path:
    path = folder / "given.csv"
    path.write_text(text)
    return path


def test_the_first_such_row_is_named_with_its_id(tmp_path: Path) -> None:
    path = laid(tmp_path, "id,a,b\nz,0,1\ny,0,0\nx,0.0,-0\n")
    with pytest.raises(SubmissionError) as refused:
        read_submission(path, FORM, ASKED)
    assert refused.value.faults == (
        "2 rows of probabilities sum to 0, the first for id 'y' in row 2 (line 3); expected a sum "
        "of 1: a row is divided by its sum",
    )
    assert str(refused.value).startswith("given.csv would not be accepted: 2 rows of")


def test_it_is_listed_with_all_other_faults(tmp_path: Path) -> None:
    # z is missing; the cells of x cannot be read, so its sum is not known; y is all zeros
    path = laid(tmp_path, "id,a,b\nx,high,0\ny,0,0\n")
    with pytest.raises(SubmissionError) as refused:
        read_submission(path, FORM, ASKED)
    missing, cell, row = refused.value.faults
    assert "'z'" in missing
    assert "1 values of a are not allowed" in cell
    assert row.startswith("1 rows of probabilities sum to 0, the first for id 'y'")


def test_a_large_file_is_held_to_the_same_rule(tmp_path: Path) -> None:
    n_rows = LARGE // 8
    rows = [f"{number},0.5,0.5" for number in range(n_rows)]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join(["id,a,b", *rows]))
    rows[7] = "7,0,0" + "0" * 30
    bad.write_text("\n".join(["id,a,b", *rows]))
    assert good.stat().st_size > LARGE
    asked = ids_of(good, FORM)
    assert len(read_submission(good, FORM, asked).keys) == n_rows
    with pytest.raises(SubmissionError, match="sum to 0, the first for id '7' in row 8"):
        read_submission(bad, FORM, asked)


def test_answers_in_memory_are_held_to_it() -> None:
    assert len(answers(FORM, [("x", 0.1, 0.0)]).keys) == 1
    with pytest.raises(SubmissionError, match="sum to 0, the first for id 'y'"):
        answers(FORM, [("x", 0.1, 0.0), ("y", 0, 0)])


def test_nothing_is_written_where_a_row_is_refused(tmp_path: Path) -> None:
    path = laid(tmp_path, "an older submission")
    rows = [("x", 0.5, 0.5), ("y", 0.0, 0.0), ("z", 1.0, 0.0)]
    with pytest.raises(SubmissionError, match="sum to 0"):
        write_submission(path, FORM, rows, ASKED)
    assert path.read_text() == "an older submission"


def test_every_kind_has_a_line_of_its_own() -> None:
    odd = Refusal("rows are odd", lambda values: values["n"] % 2 == 1, "even numbers")
    large = Refusal("rows are large", lambda values: values["n"] > 9, "small numbers")
    values, keys = {"n": np.array([2, 3, 5, 4])}, [("a",), ("b",), ("c",), ("d",)]
    assert row_faults((large, odd), values, keys) == [
        "2 rows are odd, the first for id 'b' in row 2 (line 3); expected even numbers"
    ]
    assert len(row_faults((odd,), values, keys, unread={1})) == 1
    assert row_faults((odd,), values, keys, unread={1, 2}) == []
