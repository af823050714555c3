"""Rossmann: RMSPE without the rows that sold nothing, through the scripts."""

from __future__ import annotations

import math

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell, with_usage

SOLUTION = "Id,Sales\n1,5000\n2,0\n3,4000\n4,10\n"
GOOD = "Id,Sales\n1,5500\n2,7777.5\n3,3000\n4,10\n"
# shares 0.1, 0.25 and 0 over three rows; row 2 sold nothing
SCORE = math.sqrt((0.1**2 + 0.25**2) / 3)

judged = judged_fixture("rossmann-store-sales")


@spellings_of(GOOD)
def test_every_spelling_has_the_score_of_the_formula(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-15)


@pytest.mark.parametrize("answer", ["0", "-5", "1e30"])
def test_a_row_that_sold_nothing_is_not_scored(judged: Judged, answer: str) -> None:
    result = judged.scored(with_cell(GOOD, 2, answer), SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-15)


def test_a_row_that_sold_nothing_must_still_be_answered(judged: Judged) -> None:
    (fault,) = judged.refused(GOOD.replace("2,7777.5\n", ""), SOLUTION)
    assert "1 of 4 ids are missing, the first is '2'" in fault


def test_zeros_score_exactly_one(judged: Judged) -> None:
    result = judged.scored("Id,Sales\n1,0\n2,0\n3,0\n4,0\n", SOLUTION)
    assert result["score"] == 1.0
    assert result["place"].startswith("1 lies between all zeros (1) and boosted trees, default")


def test_a_small_day_weighs_as_much_as_a_large_one(judged: Judged) -> None:
    # 20 in place of 10 is a share of 1, whatever the other stores sold
    content = "Id,Sales\n1,5000\n2,0\n3,4000\n4,20\n"
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(math.sqrt(1 / 3), abs=1e-15)


def test_negative_sales_are_scored_as_they_are(judged: Judged) -> None:
    # shares 2, 0 and 0
    content = "Id,Sales\n1,-5000\n2,0\n3,4000\n4,10\n"
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(2 / math.sqrt(3), abs=1e-15)


def test_both_boards_are_told(judged: Judged) -> None:
    result = judged.scored(GOOD, with_usage(SOLUTION, "Public", "Public", "Private", "Private"))
    assert result["public"] == pytest.approx(0.1)
    assert result["private"] == pytest.approx(math.sqrt(0.25**2 / 2))
    assert result["score"] == pytest.approx(SCORE)


def test_the_hosts_quoted_header_is_read(judged: Judged) -> None:
    result = judged.scored(GOOD.replace("Id,Sales", '"Id","Sales"'), SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-15)


@bad_forms_of(GOOD, "5")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "closed", "5_000", "1 000"])
@pytest.mark.parametrize("row", [2, 3])
def test_what_is_no_finite_number_is_refused(judged: Judged, cell: str, row: int) -> None:
    # in row 2 as well, which sold nothing
    content = with_cell(GOOD, row, cell)
    (fault,) = judged.refused_by_both(content, SOLUTION)
    assert f"the first is {cell!r} for id '{row}' in row {row} (line {row + 1})" in fault


def test_a_solution_without_sales_is_refused(judged: Judged) -> None:
    solution = "Id,Sales\n1,0\n2,0\n3,0\n4,0\n"
    assert "all 4 rows have the truth 0" in judged.solution_refused(GOOD, solution)
