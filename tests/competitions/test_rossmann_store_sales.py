"""Rossmann: RMSPE without the rows that sold nothing, through the scripts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.competitions.desk import Desk, bad_files, spellings, with_cell

SOLUTION = "Id,Sales\n1,5000\n2,0\n3,4000\n4,10\n"
GOOD = "Id,Sales\n1,5500\n2,7777.5\n3,3000\n4,10\n"
# shares 0.1, 0.25 and 0 over three rows; row 2 sold nothing
SCORE = math.sqrt((0.1**2 + 0.25**2) / 3)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk("rossmann-store-sales", tmp_path, capsys)


@pytest.mark.parametrize("content", spellings(GOOD).values(), ids=spellings(GOOD))
def test_every_spelling_has_the_score_of_the_formula(desk: Desk, content: str) -> None:
    assert desk.score(content, SOLUTION) == pytest.approx(SCORE, abs=1e-15)


@pytest.mark.parametrize("answer", ["0", "-5", "1e30"])
def test_a_row_that_sold_nothing_is_not_scored(desk: Desk, answer: str) -> None:
    assert desk.score(with_cell(GOOD, 2, answer), SOLUTION) == pytest.approx(SCORE, abs=1e-15)


def test_a_row_that_sold_nothing_must_still_be_answered(desk: Desk) -> None:
    _, line = desk.refusal(GOOD.replace("2,7777.5\n", ""), SOLUTION)
    assert "1 of 4 ids are missing, the first is '2'" in line


def test_zeros_score_exactly_one(desk: Desk) -> None:
    verdict = desk.verdict("Id,Sales\n1,0\n2,0\n3,0\n4,0\n", SOLUTION)
    assert verdict["score"] == 1.0
    assert verdict["place"].startswith("1 lies between all zeros (1) and boosted trees, default")


def test_a_small_day_weighs_as_much_as_a_large_one(desk: Desk) -> None:
    # 20 in place of 10 is a share of 1, whatever the other stores sold
    content = "Id,Sales\n1,5000\n2,0\n3,4000\n4,20\n"
    assert desk.score(content, SOLUTION) == pytest.approx(math.sqrt(1 / 3), abs=1e-15)


def test_negative_sales_are_scored_as_they_are(desk: Desk) -> None:
    # shares 2, 0 and 0
    content = "Id,Sales\n1,-5000\n2,0\n3,4000\n4,10\n"
    assert desk.score(content, SOLUTION) == pytest.approx(2 / math.sqrt(3), abs=1e-15)


def test_both_boards_are_told(desk: Desk) -> None:
    solution = "Id,Sales,Usage\n1,5000,Public\n2,0,Public\n3,4000,Private\n4,10,Private\n"
    verdict = desk.verdict(GOOD, solution)
    assert verdict["public"] == pytest.approx(0.1)
    assert verdict["private"] == pytest.approx(math.sqrt(0.25**2 / 2))
    assert verdict["score"] == pytest.approx(SCORE)


def test_the_hosts_quoted_header_is_read(desk: Desk) -> None:
    assert desk.score(GOOD.replace("Id,Sales", '"Id","Sales"'), SOLUTION) == pytest.approx(SCORE)


BAD = bad_files(GOOD, "5")


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_first_fault(
    desk: Desk, content: str, words: list[str]
) -> None:
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert faults
        for word in words:
            assert word in line


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "closed", "5_000", "1 000"])
@pytest.mark.parametrize("row", [2, 3])
def test_what_is_no_finite_number_is_refused(desk: Desk, cell: str, row: int) -> None:
    # in row 2 as well, which sold nothing
    content = with_cell(GOOD, row, cell)
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert len(faults) == 1
        assert f"the first is {cell!r} for id '{row}' in row {row} (line {row + 1})" in line


def test_a_solution_without_sales_is_refused(desk: Desk) -> None:
    solution = "Id,Sales\n1,0\n2,0\n3,0\n4,0\n"
    assert "all 4 rows have the truth 0" in desk.solution_refusal(GOOD, solution)
