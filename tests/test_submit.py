"""Submissions: read, and checked against the ids asked for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import DataError, SubmissionError
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat
from common.submit import ids_of, read_submission
from tests.conftest import Write

FORM = SubmissionFormat(("ImageId",), (IntegerColumn("Label", 0, 9),))
PAIRS = SubmissionFormat(("image", "class"), (NumberColumn("share", 0.0, 1.0),))
ASKED = [("1",), ("2",), ("3",)]
GOOD = "ImageId,Label\n1,7\n2,0\n3,9\n"


def refusal(path: Path, form: SubmissionFormat = FORM, asked: list | None = None) -> tuple:
    """All faults of a submission; the message must hold the first."""
    with pytest.raises(SubmissionError) as caught:
        read_submission(path, form, ASKED if asked is None else asked)
    assert caught.value.faults[0] in str(caught.value)
    return caught.value.faults


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


# messages


def test_a_message_about_a_wrong_file_stays_short(write: Write) -> None:
    path = write("{" + ", ".join(f'"key {number}": {number}' for number in range(20_000)) + "}")
    assert all(len(fault) < 400 for fault in refusal(path))


def test_a_message_holds_no_control_characters(write: Write) -> None:
    for fault in refusal(write(b"\x00\x1b[31m" * 9)):
        assert fault.isprintable()
