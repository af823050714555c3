"""Dogs and cats: log loss of a probability, through the scripts."""

from __future__ import annotations

import math

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell, with_usage

# ids above 9, so that the order of text is not the order of numbers
SOLUTION = "id,label\n1,1\n2,0\n9,1\n10,0\n"
GOOD = "id,label\n1,0.8\n2,0.5\n9,0.25\n10,0.1\n"
# -(ln 0.8 + ln 0.5 + ln 0.25 + ln 0.9) / 4 = -ln(0.09) / 4
SCORE = -math.log(0.09) / 4

judged = judged_fixture("dogs-vs-cats-redux-kernels-edition")


@spellings_of(GOOD)
def test_every_spelling_has_the_score_of_the_formula(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-15)


def test_a_half_everywhere_scores_the_logarithm_of_two(judged: Judged) -> None:
    half = "id,label\n" + "".join(f"{number},0.5\n" for number in (1, 2, 9, 10))
    result = judged.scored(half, SOLUTION)
    assert result["score"] == pytest.approx(0.693147, abs=1e-6)
    assert result["metric"] == "log loss"
    assert result["higher_is_better"] is False
    assert "constant 0.5" in result["place"]


@pytest.mark.parametrize(("answer", "expected"), [("0", 17.269388), ("1.0", 17.269788)])
def test_one_hard_answer_for_all_scores_as_on_the_hosts_board(
    judged: Judged, answer: str, expected: float
) -> None:
    # the board shows 17.26938 and 17.26978: wrong in one half of the rows
    hard = "id,label\n" + "".join(f"{number},{answer}\n" for number in (1, 2, 9, 10))
    assert judged.scored(hard, SOLUTION)["score"] == pytest.approx(expected, abs=1e-6)


def test_answers_are_matched_by_id_and_not_by_position(judged: Judged) -> None:
    listing = "id,label\n1,0.8\n10,0.1\n2,0.5\n9,0.25\n"
    assert judged.scored(listing, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-15)


def test_the_perfect_answer_scores_next_to_nothing(judged: Judged) -> None:
    assert judged.scored(SOLUTION, SOLUTION)["score"] == pytest.approx(0, abs=1e-14)


def test_both_boards_are_told(judged: Judged) -> None:
    result = judged.scored(GOOD, with_usage(SOLUTION, "Public", "Private", "Private", "Ignored"))
    assert result["public"] == pytest.approx(-math.log(0.8))
    assert result["private"] == pytest.approx(-math.log(0.5 * 0.25) / 2)
    assert result["score"] == pytest.approx(-math.log(0.8 * 0.5 * 0.25) / 3)
    assert result["rows"] == 3


@bad_forms_of(GOOD, "11")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "inf", "-inf", "dog", "", "-0.0001", "1.0000001", "2", "1_0", "0,5"]
)
def test_a_label_that_is_no_probability_is_refused(judged: Judged, cell: str) -> None:
    content = with_cell(GOOD, 3, f'"{cell}"')
    (fault,) = judged.refused_by_both(content, SOLUTION)
    assert f"the first is {cell!r} for id '9' in row 3 (line 4)" in fault
    assert "expected a number from 0 to 1" in fault


@pytest.mark.parametrize("cell", ["0", "1", "1e-15", "1E-3", "0.10", ".5", "1.", "+0.5"])
def test_a_probability_may_be_written_in_any_way(judged: Judged, cell: str) -> None:
    assert judged.checked(with_cell(GOOD, 3, cell), SOLUTION) == [
        f"valid: 4 rows, as {judged.folder / 'sample_submission.csv'} asks for"
    ]


def test_names_of_files_are_no_ids(judged: Judged) -> None:
    missing, extra = judged.refused(GOOD.replace("9,", "9.jpg,"), SOLUTION)
    assert "'9'" in missing
    assert "'9.jpg' in row 3" in extra


def test_all_faults_are_listed_with_their_first_row(judged: Judged) -> None:
    # 2 and 10 are missing, 3 was not asked for, 1 is there twice, 7 and x are no probabilities
    faults = judged.refused("id,label\n1,7\n9,x\n3,0.5\n1,0.5\n", SOLUTION)
    assert len(faults) == 4
    assert "2 of 4 ids are missing, the first is '2'" in faults[0]
    assert "1 ids were not asked for, the first is '3' in row 3" in faults[1]
    assert "1 ids are repeated, the first is '1' in row 4" in faults[2]
    assert "2 values of label are not allowed, the first is '7' for id '1' in row 1" in faults[3]


@pytest.mark.parametrize("truth", ["0.5", "0.999"])
def test_a_truth_between_0_and_1_is_the_solutions_fault(judged: Judged, truth: str) -> None:
    line = judged.solution_refused(GOOD, with_cell(SOLUTION, 2, truth))
    assert f"row 2 of those scored has the truth {truth}; expected 0 or 1" in line


def test_a_truth_outside_0_and_1_is_the_solutions_fault(judged: Judged) -> None:
    line = judged.solution_refused(GOOD, with_cell(SOLUTION, 2, "2"))
    assert "is no solution for this competition" in line
    assert "'2' for id '2' in row 2" in line
