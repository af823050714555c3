"""CIFAR-10: accuracy over the scored ids, through the scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.competitions.desk import Desk, bad_files, spellings, with_cell

SOLUTION = "id,label\n1,frog\n2,truck\n10,automobile\n11,cat\n"
GOOD = "id,label\n1,frog\n2,truck\n10,airplane\n11,cat\n"  # three of four are right
# two of the four rows are on a board
WITH_JUNK = (
    "id,label,Usage\n1,frog,Public\n2,truck,Private\n10,automobile,Private\n11,cat,Ignored\n"
    "12,dog,Ignored\n"
)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk("cifar-10", tmp_path, capsys)


@pytest.mark.parametrize("content", spellings(GOOD).values(), ids=spellings(GOOD))
def test_every_spelling_scores_three_of_four(desk: Desk, content: str) -> None:
    assert desk.score(content, SOLUTION) == 0.75


def test_rows_that_are_ignored_count_on_no_board(desk: Desk) -> None:
    # 1 is right on the public board, 2 right and 10 wrong on the private one; 11 and 12 are junk
    submission = "id,label\n12,ship\n11,ship\n10,airplane\n2,truck\n1,frog\n"
    verdict = desk.verdict(submission, WITH_JUNK)
    assert verdict["public"] == 1.0
    assert verdict["private"] == 0.5
    assert verdict["score"] == pytest.approx(2 / 3)
    assert verdict["rows"] == 3
    assert desk.score(submission, WITH_JUNK) == verdict["score"]


def test_rows_that_are_ignored_must_be_answered(desk: Desk) -> None:
    faults, line = desk.refusal(GOOD, WITH_JUNK)
    assert len(faults) == 1
    assert "1 of 5 ids are missing, the first is '12' (row 5 of the ids asked for)" in line


def test_a_usage_that_is_none_is_the_solutions_fault(desk: Desk) -> None:
    solution = WITH_JUNK.replace("Public", "Test")
    line = desk.solution_refusal(GOOD + "12,dog\n", solution)
    assert "row 1 (line 2), column Usage holds 'Test'" in line


@pytest.mark.parametrize("label", ["car", "Automobile", "automobile ", "automobiles", "1", "nan"])
def test_a_label_that_is_no_class_is_wrong_and_named(desk: Desk, label: str) -> None:
    submission = with_cell(SOLUTION, 3, label)
    verdict = desk.verdict(submission, SOLUTION)
    assert verdict["score"] == 0.75
    words = (
        f"1 values of label are none of the 10 classes and count as wrong, the first is {label!r}"
    )
    assert verdict["warnings"] == [words]
    assert desk.check(submission, SOLUTION)[0] == f"warning: {words}"


def test_one_class_for_all_scores_its_share(desk: Desk) -> None:
    # one of each class: one of ten is right, which is the sample's rung
    names = (
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
    )
    solution = "id,label\n" + "".join(f"{row},{name}\n" for row, name in enumerate(names, 1))
    constant = "id,label\n" + "".join(f"{row},cat\n" for row in range(1, 11))
    verdict = desk.verdict(constant, solution)
    assert verdict["score"] == 0.1
    assert verdict["warnings"] == []
    assert verdict["place"].startswith("0.1 lies between sample submission, one class (0.1)")


BAD = bad_files(GOOD, "12")


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_first_fault(
    desk: Desk, content: str, words: list[str]
) -> None:
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert faults
        for word in words:
            assert word in line


def test_an_empty_label_is_refused_with_its_id_and_row(desk: Desk) -> None:
    faults, line = desk.refusal(with_cell(GOOD, 2, ""), SOLUTION)
    assert len(faults) == 1
    assert "1 values of label are not allowed, the first is '' for id '2' in row 2 (line 3)" in line
    assert "one of 10 classes (airplane, automobile, bird, cat, deer, …)" in line
