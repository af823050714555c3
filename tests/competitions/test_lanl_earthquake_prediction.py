"""The earthquakes: mean absolute error in seconds, through the scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import registry
from tests.competitions.desk import Desk, bad_files, spellings, with_cell

SOLUTION = "seg_id,time_to_failure\nseg_00030f,4.5\nseg_0012b5,0.25\nseg_00184e,11.540799987\n"
GOOD = "seg_id,time_to_failure\nseg_00030f,5.0\nseg_0012b5,-1\nseg_00184e,11.540799987\n"
SCORE = 1.75 / 3  # distances 0.5, 1.25 and 0


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk("lanl-earthquake-prediction", tmp_path, capsys)


@pytest.mark.parametrize("content", spellings(GOOD).values(), ids=spellings(GOOD))
def test_every_spelling_has_the_mean_distance(desk: Desk, content: str) -> None:
    assert desk.score(content, SOLUTION) == pytest.approx(SCORE, abs=1e-15)


def test_the_slug_keeps_its_capitals(desk: Desk, tmp_path: Path) -> None:
    shouted = Desk("LANL-Earthquake-Prediction", tmp_path, desk.capsys)
    verdict = shouted.verdict(GOOD, SOLUTION)
    assert verdict["competition"] == "LANL-Earthquake-Prediction"
    assert registry.find("LANL-Earthquake-Prediction") == "lanl_earthquake_prediction"


def test_zeros_score_the_mean_of_the_truth(desk: Desk) -> None:
    zeros = "seg_id,time_to_failure\nseg_00030f,0\nseg_0012b5,0\nseg_00184e,0\n"
    verdict = desk.verdict(zeros, SOLUTION)
    assert verdict["score"] == pytest.approx((4.5 + 0.25 + 11.540799987) / 3, abs=1e-12)
    assert verdict["higher_is_better"] is False


def test_negative_seconds_are_not_clipped(desk: Desk) -> None:
    content = with_cell(SOLUTION, 2, "-99.75")
    assert desk.score(content, SOLUTION) == pytest.approx(100 / 3, abs=1e-12)


def test_both_boards_are_told(desk: Desk) -> None:
    solution = (
        "seg_id,time_to_failure,Usage\nseg_00030f,4.5,Public\nseg_0012b5,0.25,Private\n"
        "seg_00184e,11.540799987,Private\n"
    )
    verdict = desk.verdict(GOOD, solution)
    assert verdict["public"] == 0.5
    assert verdict["private"] == 0.625
    assert verdict["score"] == pytest.approx(SCORE)


BAD = bad_files(GOOD, "seg_ffffff")


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_first_fault(
    desk: Desk, content: str, words: list[str]
) -> None:
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert faults
        for word in words:
            assert word in line


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "soon", "1e999"])
def test_what_is_no_finite_number_is_refused(desk: Desk, cell: str) -> None:
    content = with_cell(GOOD, 3, cell)
    for faults, line in (desk.refusal(content, SOLUTION), desk.check_refusal(content, SOLUTION)):
        assert len(faults) == 1
        assert f"the first is {cell!r} for id 'seg_00184e' in row 3 (line 4)" in line


def test_names_of_files_are_no_ids(desk: Desk) -> None:
    faults, _ = desk.refusal(GOOD.replace("12b5,", "12b5.csv,"), SOLUTION)
    assert "the first is 'seg_0012b5'" in faults[0]
    assert "'seg_0012b5.csv' in row 2" in faults[1]
