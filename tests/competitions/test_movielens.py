"""MovieLens: root mean squared error over pairs of user and item, through the scripts."""

from __future__ import annotations

import math

import pytest

from common import registry
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell

# 1,11 and 11,1 would be one key if the two were glued together
SOLUTION = "user,item,rating\n1,11,5\n11,1,3\n196,242,4\n"
GOOD = "user,item,rating\n1,11,4.5\n11,1,4\n196,242,4\n"
SCORE = math.sqrt((0.25 + 1 + 0) / 3)

judged = judged_fixture("movielens")


@spellings_of(GOOD)
def test_every_spelling_has_the_score_of_the_formula(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-15)


def test_the_mean_absolute_error_stands_beside_it(judged: Judged) -> None:
    result = judged.scored(GOOD, SOLUTION)
    assert result["mean_absolute_error"] == pytest.approx((0.5 + 1 + 0) / 3, abs=1e-15)


def test_pairs_are_never_glued_together(judged: Judged) -> None:
    # the answers of 1,11 and 11,1 the wrong way round: errors 2 and 2
    content = "user,item,rating\n11,1,5\n1,11,3\n196,242,4\n"
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(math.sqrt(8 / 3), abs=1e-15)


def test_a_timestamp_beside_the_truth_is_passed_over(judged: Judged) -> None:
    solution = "user,item,rating,timestamp\n1,11,5,881250949\n11,1,3,8\n196,242,4,9\n"
    assert judged.scored(GOOD, solution)["score"] == pytest.approx(SCORE, abs=1e-15)


@pytest.mark.parametrize(("answer", "error"), [("-1", 5.0), ("104", 100.0), ("4.0000", 0.0)])
def test_ratings_outside_the_stars_are_scored_as_they_are(
    judged: Judged, answer: str, error: float
) -> None:
    result = judged.scored(with_cell(SOLUTION, 3, answer), SOLUTION)
    assert result["score"] == pytest.approx(error / math.sqrt(3), abs=1e-12)


def test_a_column_of_users_alone_may_repeat(judged: Judged) -> None:
    solution = "user,item,rating\n1,1,5\n1,2,3\n2,1,1\n"
    assert judged.scored(solution, solution)["score"] == 0.0


def test_the_place_is_told_on_our_own_ladder(judged: Judged) -> None:
    place = judged.scored(GOOD, SOLUTION)["place"]
    assert place.startswith("0.6455 is better than the highest rung")


def test_the_data_come_from_outside() -> None:
    (source,) = registry.load_spec("movielens").sources
    how = source.how_to_get("data/movielens")
    assert how == (
        "download ml-100k.zip from https://grouplens.org/datasets/movielens/100k/ into "
        "data/movielens"
    )


@bad_forms_of(GOOD, "1,12")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "five"])
def test_what_is_no_finite_number_is_refused(judged: Judged, cell: str) -> None:
    content = with_cell(GOOD, 2, cell)
    (fault,) = judged.refused_by_both(content, SOLUTION)
    assert f"the first is {cell!r} for id ('11', '1') in row 2 (line 3)" in fault


def test_a_pair_that_stands_twice_in_the_solution_is_its_own_fault(judged: Judged) -> None:
    line = judged.solution_refused(GOOD, SOLUTION + "1,11,5\n")
    assert "('1', '11') stands there twice" in line
