"""Answers in memory, and submissions written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from common.errors import SubmissionError
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat
from common.submit import Answers, answers, read_submission, write_submission

FORM = SubmissionFormat(("ImageId",), (IntegerColumn("Label", 0, 9),))
PAIRS = SubmissionFormat(("image", "class"), (NumberColumn("share", 0.0, 1.0),))
ASKED = [("1",), ("2",), ("3",)]
GOOD = "ImageId,Label\n1,7\n2,0\n3,9\n"

# answers in memory


def test_rows_in_memory_are_what_reading_them_would_give(tmp_path: Path) -> None:
    rows = [("a", "x", 0.1), ("a", "y", np.float64(0.25)), (7, "x", np.float32(0.5))]
    asked = [("a", "x"), ("a", "y"), ("7", "x")]
    path = write_submission(tmp_path / "s.csv", PAIRS, rows, asked)
    read, direct = read_submission(path, PAIRS, asked), answers(PAIRS, rows)
    assert read.keys == direct.keys
    assert read.values["share"].tolist() == direct.values["share"].tolist() == [0.1, 0.25, 0.5]


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1, None, "x", ""])
def test_a_value_in_memory_that_is_not_allowed_is_refused(value: object) -> None:
    with pytest.raises(
        SubmissionError, match=r"for id \('b', 'x'\) in row 2.*a number from 0 to 1"
    ):
        answers(PAIRS, [("a", "x", 0.5), ("b", "x", value)])


def test_answers_are_found_by_key_in_any_order() -> None:
    found = Answers([("a",), ("b",), ("c",)], {"y": np.array([1, 2, 3])})
    assert found.rows_of([("c",), ("a",), ("c",)])["y"].tolist() == [3, 1, 3]
    assert found.rows_of([])["y"].tolist() == []


# writing


def test_the_order_of_rows_comes_from_the_sample(tmp_path: Path) -> None:
    rows = [(3, 9), (1, 7), (2, 0)]
    path = write_submission(tmp_path / "a" / "s.csv", FORM, rows, [("2",), ("3",), ("1",)])
    assert path == tmp_path / "a" / "s.csv"
    assert path.read_bytes() == b"ImageId,Label\n2,0\n3,9\n1,7\n"


def test_numbers_are_written_with_every_digit_and_no_type(tmp_path: Path) -> None:
    rows = [("a", "x", np.float64(0.1) + np.float64(0.2)), ("a", "y", 1), ("a", "z", 1e-7)]
    asked = [("a", "x"), ("a", "y"), ("a", "z")]
    path = write_submission(tmp_path / "s.csv", PAIRS, rows, asked)
    lines = path.read_text().splitlines()
    assert lines[1:] == ["a,x,0.30000000000000004", "a,y,1", "a,z,1e-07"]


def test_numpy_integers_are_written_as_digits(tmp_path: Path) -> None:
    rows = zip(np.array([1, 2, 3]), np.array([7, 0, 9], dtype=np.uint8), strict=True)
    assert write_submission(tmp_path / "s.csv", FORM, rows, ASKED).read_text() == GOOD


def test_a_cell_with_a_comma_is_quoted_and_comes_back(tmp_path: Path) -> None:
    form = SubmissionFormat(("id",), (LabelColumn("species", ("oak, white", 'the "elm"')),))
    asked = [("1,5",), ("2",)]
    rows = [("2", 'the "elm"'), ("1,5", "oak, white")]
    path = write_submission(tmp_path / "s.csv", form, rows, asked)
    found = read_submission(path, form, asked)
    assert found.values["species"].tolist() == ["oak, white", 'the "elm"']


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(1, 7), (2, 0)], "1 of 3 ids are missing, the first is '3'"),
        ([], "3 of 3 ids are missing"),
        ([(1, 7), (2, 0), (3, 10)], "the first is '10' for id '3' in row 3"),
        ([(1, 7), (2, 3.0), (3, 9)], "the first is '3.0' for id '2'"),
        ([(1, 7), (2, None), (3, 9)], "the first is '' for id '2'"),
        ([(1, 7), (2, float("nan")), (3, 9)], "the first is 'nan' for id '2'"),
        ([(1, 7), (2, 0), (3, 9), (4, 1)], "1 answers are for ids that the sample does not hold"),
        ([(1, 7), (2, 0), (3, 9), ("1", 8)], "id '1' is answered twice; expected one answer"),
        ([(1, 7), (2, 0), (3,)], r"row 3 \(line 4\) has 1 of 2 cells"),
        ([(1, 7), (2, 0), (3, 9, 9)], r"row 3 \(line 4\) has 3 of 2 cells"),
    ],
)
def test_answers_that_would_be_refused_leave_the_old_file(
    tmp_path: Path, rows: list[tuple], words: str
) -> None:
    path = tmp_path / "submission.csv"
    path.write_text("an older submission")
    with pytest.raises(SubmissionError, match=words):
        write_submission(path, FORM, rows, ASKED)
    assert path.read_text() == "an older submission"
    assert [found.name for found in tmp_path.iterdir()] == ["submission.csv"]


def test_a_refusal_names_the_file_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"^submission\.csv would not be accepted"):
        write_submission(tmp_path / "submission.csv", FORM, [], ASKED)


def test_rows_that_raise_while_they_come_leave_the_old_file(tmp_path: Path) -> None:
    def rows():  # type: ignore[no-untyped-def]
        yield (1, 7)
        raise ZeroDivisionError

    path = tmp_path / "submission.csv"
    path.write_text("an older submission")
    with pytest.raises(ZeroDivisionError):
        write_submission(path, FORM, rows(), ASKED)
    assert path.read_text() == "an older submission"


def test_a_full_disk_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "submission.csv"
    path.write_text("an older submission")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_submission(path, FORM, [(1, 7), (2, 0), (3, 9)], ASKED)
    assert path.read_text() == "an older submission"
    assert [found.name for found in tmp_path.iterdir()] == ["submission.csv"]


def test_a_file_where_a_folder_is_needed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        write_submission(tmp_path / "out" / "s.csv", FORM, [(1, 7), (2, 0), (3, 9)], ASKED)
    assert (tmp_path / "out").read_text() == "a file"
