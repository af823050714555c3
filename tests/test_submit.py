"""Submissions: read, checked against the ids asked for, written whole or not at all."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.csv_table import read_table
from common.errors import DataError, SubmissionError
from common.solution import read_solution
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat
from common.submit import Answers, answers, ids_of, read_submission, write_submission

FORM = SubmissionFormat(("ImageId",), (IntegerColumn("Label", 0, 9),))
PAIRS = SubmissionFormat(("image", "class"), (NumberColumn("share", 0.0, 1.0),))
ASKED = [("1",), ("2",), ("3",)]
GOOD = "ImageId,Label\n1,7\n2,0\n3,9\n"

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def refusal(path: Path, form: SubmissionFormat = FORM, asked: list | None = None) -> tuple:
    """All faults of a submission; the message must hold the first."""
    with pytest.raises(SubmissionError) as caught:
        read_submission(path, form, ASKED if asked is None else asked)
    assert caught.value.faults[0] in str(caught.value)
    return caught.value.faults


# reading a table


def test_a_table_keeps_cells_as_text(write: Write) -> None:
    table = read_table(write("a,b\n007,1.50\n,x y\n"))
    assert table.columns == {"a": ["007", ""], "b": ["1.50", "x y"]}
    assert table.n_rows == 2


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4\r",
        "\ufeffa,b\n1,2\n3,4\n",
        '"a","b"\n"1","2"\n"3","4"\n',
        '\ufeff"a",b\r\n1,"2"\r\n\r\n3,4\r\n\r\n',
        "\n\na,b\n\n1,2\n3,4\n\n",
    ],
)
def test_a_table_reads_the_same_however_it_was_written(write: Write, content: str) -> None:
    assert read_table(write(content)).columns == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_quoted_cell_may_hold_commas_quotes_and_newlines(write: Write) -> None:
    table = read_table(write('a,b\n"x, ""y""\nz",2\n'))
    assert table.columns == {"a": ['x, "y"\nz'], "b": ["2"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is empty; expected a header and rows"),
        (b"\n\r\n\n", r"is empty; expected a header and rows"),
        (b"\xef\xbb\xbf", r"is empty"),
        (b"a,b,a\n1,2,3\n", r"names the column 'a' twice; expected every column once"),
        (
            b"a,b\n1,2\n3\n",
            r"row 2 \(line 3\) .* begins with '3'; .* cut or edited, make it again",
        ),
        (b"a,b\n1,2\n3", r"row 2 \(line 3\) has 1 of 2 cells"),
        (b"a,b\n\n1,2\n\n3,4,5\n", r"row 2 \(line 5\) has 3 of 2 cells"),
        (b'a,b\n1,2\n3,"4', r"row 2 \(line 3\) cannot be read as CSV .*cut or edited"),
        (b'a,b\n1,"2\n3,4\n', r"row 1 .*cannot be read as CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"no UTF-8 text; expected a CSV"),
        ("a,b\n1,2\n".encode("utf-16"), r"no UTF-8 text; expected a CSV"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"\xff,1\n", r"no UTF-8 text"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_data_error(
    write: Write, content: bytes, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_table(write(content))
    assert "file.csv" in str(caught.value)


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv does not exist; check the path"):
        read_table(tmp_path / "no.csv")


def test_a_folder_in_place_of_a_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; expected a CSV file"):
        read_table(tmp_path)


def test_a_message_about_a_wrong_file_stays_short(write: Write) -> None:
    path = write("{" + ", ".join(f'"key {number}": {number}' for number in range(20_000)) + "}")
    assert all(len(fault) < 400 for fault in refusal(path))


def test_a_message_holds_no_control_characters(write: Write) -> None:
    for fault in refusal(write(b"\x00\x1b[31m" * 9)):
        assert fault.isprintable()


# the ids asked for


def test_the_ids_asked_for_keep_their_order(write: Write) -> None:
    assert ids_of(write("Label,ImageId\n0,3\n0,1\n0,2\n"), FORM) == [("3",), ("1",), ("2",)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,Label\n1,0\n", r"no column 'ImageId' \(found: id, Label\); expected ImageId, Label"),
        ("ImageId,Label\n", r"a header and no rows; expected one row per id"),
        ("ImageId,Label\n1,0\n2,0\n1,0\n", r"id '1' .* twice.* row 3; expected every id once"),
    ],
)
def test_a_sample_that_is_none_is_a_data_error(write: Write, content: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ids_of(write(content), FORM)


# submissions


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        '"ImageId","Label"\n"1","7"\n"2","0"\n"3","9"\n',
        "ImageId,Label\n3,9\n1,7\n2,0\n",
        "Label,ImageId\n7,1\n0,2\n9,3\n",
        GOOD + "\n\n",
    ],
)
def test_a_submission_reads_the_same_however_it_was_written(write: Write, content: str) -> None:
    found = read_submission(write(content), FORM, ASKED)
    assert found.rows_of(ASKED)["Label"].tolist() == [7, 0, 9]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("1,7\n3,9\n", "1 of 3 ids are missing, the first is '2' (row 2 of the ids asked for)"),
        ("3,9\n", "2 of 3 ids are missing, the first is '1' (row 1 of the ids asked for)"),
        ("", "3 of 3 ids are missing, the first is '1' (row 1 of the ids asked for)"),
        ("1,7\n2,0\n3,9\n04,1\n", "1 ids were not asked for, the first is '04' in row 4 (line 5)"),
        ("1,7\n2,0\n2,0\n3,9\n2,0\n", "2 ids are repeated, the first is '2' in row 3 (line 4)"),
        (
            "1,7\n2,x\n3,y\n",
            "2 values of Label are not allowed, the first is 'x' for id '2' in row 2 (line 3); "
            "expected a whole number from 0 to 9",
        ),
    ],
)
def test_a_fault_is_counted_and_the_first_offender_named(
    write: Write, content: str, fault: str
) -> None:
    assert refusal(write("ImageId,Label\n" + content)) == (fault,)


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "inf", "x", "3.0", "10", "-1", "", "1e0", " 3", "٣"]
)
def test_a_label_that_is_no_digit_is_refused(write: Write, cell: str) -> None:
    (fault,) = refusal(write(f"ImageId,Label\n1,7\n2,0\n3,{cell}\n"))
    assert f"the first is {cell!r} for id '3' in row 3 (line 4); expected a whole number" in fault


def test_ids_that_begin_with_zero_are_both_missing_and_too_many(write: Write) -> None:
    faults = refusal(write("ImageId,Label\n0,7\n1,0\n2,9\n"))
    assert len(faults) == 2
    assert "missing, the first is '3'" in faults[0]
    assert "not asked for, the first is '0' in row 1" in faults[1]


@pytest.mark.parametrize("ids", ["01,02,03", "1.0,2.0,3.0", " 1, 2, 3"])
def test_an_id_is_text_and_not_a_number(write: Write, ids: str) -> None:
    rows = "".join(f"{name},0\n" for name in ids.split(","))
    assert "3 of 3 ids are missing" in refusal(write("ImageId,Label\n" + rows))[0]


def test_every_fault_is_reported_at_once(write: Write) -> None:
    # 3 is missing, 5 was not asked for, 1 stands there twice, and x is no digit
    faults = refusal(write("ImageId,Label\n1,7\n2,x\n5,0\n1,7\n"))
    words = ("missing", "not asked for", "repeated", "not allowed")
    assert len(faults) == len(words)
    for fault, word in zip(faults, words, strict=True):
        assert word in fault


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,label", ["lacks ImageId, Label", "found id,label", "expected ImageId,Label"]),
        ("ImageId,label", ["lacks Label", "a column too many: 'label'"]),
        ("imageid,Label", ["lacks ImageId", "a column too many: 'imageid'"]),
        ("ImageId;Label,x", ["lacks ImageId, Label", "'ImageId;Label'"]),
        ("1,7", ["lacks ImageId, Label", "found 1,7"]),
    ],
)
def test_a_wrong_header_says_what_was_found_and_what_is_expected(
    write: Write, header: str, words: list[str]
) -> None:
    faults = " / ".join(refusal(write(f"{header}\n1,7\n2,0\n3,9\n")))
    for word in words:
        assert word in faults
    assert "row 0, line 1" in faults


def test_a_missing_column_is_named(write: Write) -> None:
    (fault,) = refusal(write("ImageId\n1\n2\n3\n"))
    assert "lacks Label; found ImageId, expected ImageId,Label" in fault


def test_an_index_column_without_a_name_is_shown(write: Write) -> None:
    (fault,) = refusal(write(",ImageId,Label\n0,1,7\n1,2,0\n2,3,9\n"))
    assert "a column too many: ''; expected ImageId,Label and no other" in fault


def test_a_message_names_the_file(write: Write) -> None:
    with pytest.raises(SubmissionError, match=r"^file\.csv would not be accepted: 3 of 3 ids"):
        read_submission(write("ImageId,Label\n"), FORM, ASKED)


def test_a_file_that_is_no_table_is_a_submission_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no.csv"):
        with pytest.raises(SubmissionError, match=r"is a folder|does not exist"):
            read_submission(path, FORM, ASKED)


def test_two_key_columns_are_never_glued_into_one(write: Write) -> None:
    # glued, "1" + "23" and "12" + "3" would be one id
    asked = [("1", "23"), ("12", "3")]
    found = read_submission(write("class,image,share\n3,12,0.5\n23,1,0.25\n"), PAIRS, asked)
    assert found.rows_of(asked)["share"].tolist() == [0.25, 0.5]


def test_a_missing_pair_is_named_as_a_pair(write: Write) -> None:
    (fault,) = refusal(write("image,class,share\n1,23,0.5\n"), PAIRS, [("1", "23"), ("12", "3")])
    assert "the first is ('12', '3')" in fault


def test_every_target_column_is_checked(write: Write) -> None:
    form = SubmissionFormat(("id",), (NumberColumn("a", 0, 1), LabelColumn("b", ("x", "y"))))
    faults = refusal(write("id,a,b\n1,nan,x\n2,0.5,\n"), form, [("1",), ("2",)])
    assert "of a are not allowed, the first is 'nan' for id '1' in row 1" in faults[0]
    assert "of b are not allowed, the first is '' for id '2' in row 2" in faults[1]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(labels=st.lists(st.integers(0, 9), min_size=1, max_size=30), shuffle=st.randoms())
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, labels: list[int], shuffle: random.Random
) -> None:
    asked = [(str(row),) for row in range(1, len(labels) + 1)]
    lines = [f"{key},{label}" for (key,), label in zip(asked, labels, strict=True)]
    shuffle.shuffle(lines)
    path = tmp_path_factory.mktemp("order") / "s.csv"
    path.write_text("\n".join(["ImageId,Label", *lines]))
    assert read_submission(path, FORM, asked).rows_of(asked)["Label"].tolist() == labels


# solutions


def test_a_solution_may_hold_other_columns(write: Write) -> None:
    found = read_solution(write("ImageId,Usage,Label\n1,Public,7\n2,Private,0\n"), FORM)
    assert found.keys == [("1",), ("2",)]
    assert found.values["Label"].tolist() == [7, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("id,Label\n1,7\n", "no column 'ImageId'"),
        ("ImageId\n1\n", "lacks Label"),
        ("ImageId,Label\n", "no rows"),
        ("ImageId,Label\n1,7\n1,7\n", "twice"),
        ("ImageId,Label\n1,7\n2\n", "row 2 .*has 1 of 2 cells"),
        ("ImageId,Label\n1,7\n2,?\n", r"the first is '\?' for id '2' in row 2"),
    ],
)
def test_a_solution_at_fault_is_a_data_error_that_says_so(
    write: Write, content: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_solution(write(content), FORM)
    assert "solution" in str(caught.value)
    assert "file.csv" in str(caught.value)


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
