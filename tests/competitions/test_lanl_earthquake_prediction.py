"""The earthquakes: mean absolute error in seconds, through the scripts."""

from __future__ import annotations

import pytest

from common import registry
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell, with_usage

SOLUTION = "seg_id,time_to_failure\nseg_00030f,4.5\nseg_0012b5,0.25\nseg_00184e,11.540799987\n"
GOOD = "seg_id,time_to_failure\nseg_00030f,5.0\nseg_0012b5,-1\nseg_00184e,11.540799987\n"
SCORE = 1.75 / 3  # distances 0.5, 1.25 and 0

judged = judged_fixture("lanl-earthquake-prediction")


@spellings_of(GOOD)
def test_every_spelling_has_the_mean_distance(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-15)


def test_the_slug_keeps_its_capitals(judged: Judged) -> None:
    shouted = Judged("LANL-Earthquake-Prediction", judged.folder, judged.capsys)
    result = shouted.scored(GOOD, SOLUTION)
    assert result["competition"] == "LANL-Earthquake-Prediction"
    assert registry.find("LANL-Earthquake-Prediction") == "lanl_earthquake_prediction"


def test_zeros_score_the_mean_of_the_truth(judged: Judged) -> None:
    zeros = "seg_id,time_to_failure\nseg_00030f,0\nseg_0012b5,0\nseg_00184e,0\n"
    result = judged.scored(zeros, SOLUTION)
    assert result["score"] == pytest.approx((4.5 + 0.25 + 11.540799987) / 3, abs=1e-12)
    assert result["higher_is_better"] is False


def test_negative_seconds_are_not_clipped(judged: Judged) -> None:
    content = with_cell(SOLUTION, 2, "-99.75")
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(100 / 3, abs=1e-12)


def test_both_boards_are_told(judged: Judged) -> None:
    result = judged.scored(GOOD, with_usage(SOLUTION, "Public", "Private", "Private"))
    assert result["public"] == 0.5
    assert result["private"] == 0.625
    assert result["score"] == pytest.approx(SCORE)


@bad_forms_of(GOOD, "seg_ffffff")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "soon", "1e999"])
def test_what_is_no_finite_number_is_refused(judged: Judged, cell: str) -> None:
    content = with_cell(GOOD, 3, cell)
    (fault,) = judged.refused_by_both(content, SOLUTION)
    assert f"the first is {cell!r} for id 'seg_00184e' in row 3 (line 4)" in fault


def test_names_of_files_are_no_ids(judged: Judged) -> None:
    missing, extra = judged.refused(GOOD.replace("12b5,", "12b5.csv,"), SOLUTION)
    assert "the first is 'seg_0012b5'" in missing
    assert "'seg_0012b5.csv' in row 2" in extra
