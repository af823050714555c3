"""MovieLens: root mean squared error over pairs of user and item, through the scripts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from common import registry
from tests.competitions.desk import Desk, bad_files, spellings, with_cell

# 1,11 and 11,1 would be one key if the two were glued together
SOLUTION = "user,item,rating\n1,11,5\n11,1,3\n196,242,4\n"
GOOD = "user,item,rating\n1,11,4.5\n11,1,4\n196,242,4\n"
SCORE = math.sqrt((0.25 + 1 + 0) / 3)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk("movielens", tmp_path, capsys)


@pytest.mark.parametrize("content", spellings(GOOD).values(), ids=spellings(GOOD))
def test_every_spelling_has_the_score_of_the_formula(desk: Desk, content: str) -> None:
    assert desk.score(content, SOLUTION) == pytest.approx(SCORE, abs=1e-15)


def test_the_mean_absolute_error_stands_beside_it(desk: Desk) -> None:
    verdict = desk.verdict(GOOD, SOLUTION)
    assert verdict["mean_absolute_error"] == pytest.approx((0.5 + 1 + 0) / 3, abs=1e-15)


def test_pairs_are_never_glued_together(desk: Desk) -> None:
    # the answers of 1,11 and 11,1 the wrong way round: errors 2 and 2
    content = "user,item,rating\n11,1,5\n1,11,3\n196,242,4\n"
    assert desk.score(content, SOLUTION) == pytest.approx(math.sqrt(8 / 3), abs=1e-15)


def test_columns_are_found_by_name(desk: Desk) -> None:
    content = "rating,item,user\n4.5,11,1\n4,1,11\n4,242,196\n"
    assert desk.score(content, SOLUTION) == pytest.approx(SCORE, abs=1e-15)


def test_a_timestamp_beside_the_truth_is_passed_over(desk: Desk) -> None:
    solution = "user,item,rating,timestamp\n1,11,5,881250949\n11,1,3,8\n196,242,4,9\n"
    assert desk.score(GOOD, solution) == pytest.approx(SCORE, abs=1e-15)


@pytest.mark.parametrize(("answer", "error"), [("-1", 5.0), ("104", 100.0), ("4.0000", 0.0)])
def test_ratings_outside_the_stars_are_scored_as_they_are(
    desk: Desk, answer: str, error: float
) -> None:
    content = with_cell(SOLUTION, 3, answer)
    assert desk.score(content, SOLUTION) == pytest.approx(error / math.sqrt(3), abs=1e-12)


def test_a_column_of_users_alone_may_repeat(desk: Desk) -> None:
    solution = "user,item,rating\n1,1,5\n1,2,3\n2,1,1\n"
    assert desk.score(solution, solution) == 0.0


def test_the_place_is_told_on_our_own_ladder(desk: Desk) -> None:
    place = desk.verdict(GOOD, SOLUTION)["place"]
    assert place.startswith("0.6455 is better than the highest rung")


def test_the_data_come_from_outside() -> None:
    (source,) = registry.load_spec("movielens").sources
    how = source.how_to_get("data/movielens")
    assert how == (
        "download ml-100k.zip from https://grouplens.org/datasets/movielens/100k/ into "
        "data/movielens"
    )


BAD = bad_files(GOOD, "1,12")


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_first_fault(
    desk: Desk, content: str, words: list[str]
) -> None:
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert faults
        for word in words:
            assert word in line


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "five"])
def test_what_is_no_finite_number_is_refused(desk: Desk, cell: str) -> None:
    content = with_cell(GOOD, 2, cell)
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert len(faults) == 1
        assert f"the first is {cell!r} for id ('11', '1') in row 2 (line 3)" in line


def test_a_pair_that_stands_twice_in_the_solution_is_its_own_fault(desk: Desk) -> None:
    line = desk.solution_refusal(GOOD, SOLUTION + "1,11,5\n")
    assert "('1', '11') stands there twice" in line
