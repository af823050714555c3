"""CIFAR-10: accuracy over the scored ids, through the scripts."""

from __future__ import annotations

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell

SOLUTION = "id,label\n1,frog\n2,truck\n10,automobile\n11,cat\n"
GOOD = "id,label\n1,frog\n2,truck\n10,airplane\n11,cat\n"  # three of four are right
# two of the four rows are on a board
WITH_JUNK = (
    "id,label,Usage\n1,frog,Public\n2,truck,Private\n10,automobile,Private\n11,cat,Ignored\n"
    "12,dog,Ignored\n"
)

judged = judged_fixture("cifar-10")


@spellings_of(GOOD)
def test_every_spelling_scores_three_of_four(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == 0.75


def test_rows_that_are_ignored_count_on_no_board(judged: Judged) -> None:
    # 1 is right on the public board, 2 right and 10 wrong on the private one; 11 and 12 are junk
    submission = "id,label\n12,ship\n11,ship\n10,airplane\n2,truck\n1,frog\n"
    result = judged.scored(submission, WITH_JUNK)
    assert result["public"] == 1.0
    assert result["private"] == 0.5
    assert result["score"] == pytest.approx(2 / 3)
    assert result["rows"] == 3


def test_rows_that_are_ignored_must_be_answered(judged: Judged) -> None:
    (fault,) = judged.refused(GOOD, WITH_JUNK)
    assert fault == "1 of 5 ids are missing, the first is '12' (row 5 of the ids asked for)"


def test_a_usage_that_is_none_is_the_solutions_fault(judged: Judged) -> None:
    solution = WITH_JUNK.replace("Public", "Test")
    line = judged.solution_refused(GOOD + "12,dog\n", solution)
    assert "row 1 (line 2), column Usage holds 'Test'" in line


@pytest.mark.parametrize("label", ["car", "Automobile", "automobile ", "automobiles", "1", "nan"])
def test_a_label_that_is_no_class_is_wrong_and_named(judged: Judged, label: str) -> None:
    submission = with_cell(SOLUTION, 3, label)
    result = judged.scored(submission, SOLUTION)
    assert result["score"] == 0.75
    words = (
        f"1 values of label are none of the 10 classes and count as wrong, the first is {label!r}"
    )
    assert result["warnings"] == [words]
    assert judged.checked(submission, SOLUTION)[0] == f"warning: {words}"


def test_one_class_for_all_scores_its_share(judged: Judged) -> None:
    # one of each class: one of ten is right, which is the sample's rung
    names = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    solution = "id,label\n" + "".join(f"{row},{name}\n" for row, name in enumerate(names, 1))
    constant = "id,label\n" + "".join(f"{row},cat\n" for row in range(1, 11))
    result = judged.scored(constant, solution)
    assert result["score"] == 0.1
    assert result["warnings"] == []
    assert result["place"].startswith("0.1 lies between sample submission, one class (0.1)")


@bad_forms_of(GOOD, "12")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


def test_an_empty_label_is_refused_with_its_id_and_row(judged: Judged) -> None:
    (fault,) = judged.refused(with_cell(GOOD, 2, ""), SOLUTION)
    assert fault.startswith(
        "1 values of label are not allowed, the first is '' for id '2' in row 2 (line 3); expected "
    )
    assert "one of 10 classes (airplane, automobile, bird, cat, deer, …)" in fault
