"""Biwi: one point per frame, in pixels."""

from __future__ import annotations

import re

import pytest

from competitions.biwi.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of

# steps of (3, 4), (0, 0) and (-5, 12): distances 5, 0 and 13, mean 6
SOLUTION = "Id,x,y\n13/frame_00349,428.58,263.91\n13/frame_00352,300,200\n09/frame_00667,310,220\n"
GOOD = "Id,x,y\n13/frame_00349,431.58,267.91\n13/frame_00352,300,200\n09/frame_00667,305,232\n"

judged = judged_fixture("biwi")


def test_the_score_is_the_mean_distance_in_pixels(judged: Judged) -> None:
    result = judged.scored(GOOD, SOLUTION)
    assert result["score"] == pytest.approx(6.0, abs=1e-12)
    assert result["higher_is_better"] is False
    assert (result["rows"], result["warnings"]) == (3, [])


def test_the_median_and_the_share_under_ten_pixels_stand_beside_it(judged: Judged) -> None:
    result = judged.scored(GOOD, SOLUTION)
    assert result["median_point_distance"] == pytest.approx(5.0, abs=1e-12)
    assert result["share_within_10"] == pytest.approx(2 / 3, abs=1e-15)


def test_no_rung_is_named_because_published_figures_are_of_another_metric(judged: Judged) -> None:
    assert judged.scored(GOOD, SOLUTION)["place"] == ""


def test_the_truth_scores_zero(judged: Judged) -> None:
    assert judged.scored(SOLUTION, SOLUTION)["score"] == 0.0


def test_a_step_of_32_to_the_right_and_24_up_is_40_pixels(judged: Judged) -> None:
    solution = "Id,x,y\n13/frame_00001,320,240\n"
    submission = "Id,x,y\n13/frame_00001,352,216\n"
    assert judged.scored(submission, solution)["score"] == 40.0


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(6.0, abs=1e-12)
    assert judged.checked(content, SOLUTION)


def test_numbers_may_be_written_in_any_way(judged: Judged) -> None:
    content = GOOD.replace(",300,200", ",3e2,+200.0")
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(6.0, abs=1e-12)


def test_points_outside_the_frame_are_scored(judged: Judged) -> None:
    outside = SOLUTION.replace("300,200", "-60,200")
    assert judged.scored(outside, SOLUTION)["score"] == pytest.approx(120.0, abs=1e-12)


SCALED = "Id,x,y\n13/frame_00349,0.34,0.1\n13/frame_00352,-1,1\n09/frame_00667,0,0\n"
SWAPPED = "Id,x,y\n13/frame_00349,263.91,481.5\n13/frame_00352,200,300\n09/frame_00667,220,310\n"


def test_scaled_values_are_doubted(judged: Judged) -> None:
    (warning,) = judged.scored(SCALED, SOLUTION)["warnings"]
    assert warning.startswith("all values of x and y lie within 1 of 0: values scaled to -1..1?")
    assert judged.checked(SCALED, SOLUTION)[0] == f"warning: {warning}"


def test_one_value_in_pixels_clears_the_doubt(judged: Judged) -> None:
    assert judged.scored(SCALED.replace("-1,1", "-1,1.5"), SOLUTION)["warnings"] == []


def test_swapped_axes_are_doubted(judged: Judged) -> None:
    (warning,) = judged.scored(SWAPPED, SOLUTION)["warnings"]
    assert warning.startswith("1 values of y are above 480, the highest is 481.5: x and y swapped?")
    assert judged.checked(SWAPPED, SOLUTION)[0] == f"warning: {warning}"


def test_a_point_on_the_lower_edge_is_not_doubted(judged: Judged) -> None:
    assert judged.scored(GOOD.replace("305,232", "305,480"), SOLUTION)["warnings"] == []


@bad_forms_of(GOOD, "13/frame_9")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "1e999", "", "left", "1_0", "1,5"])
@pytest.mark.parametrize("column", ["x", "y"])
def test_what_is_no_finite_number_is_refused_with_its_frame(
    judged: Judged, cell: str, column: str
) -> None:
    quoted = f'"{cell}"'
    point = f"{quoted},200" if column == "x" else f"300,{quoted}"
    (fault,) = judged.refused_by_both(GOOD.replace("300,200", point), SOLUTION)
    assert f"1 values of {column} are not allowed, the first is {cell!r}" in fault
    assert "for id '13/frame_00352' in row 2 (line 3); expected a finite number" in fault


def test_faults_of_both_columns_are_told_at_once(judged: Judged) -> None:
    faults = judged.refused(GOOD.replace("300,200", "nan,inf"), SOLUTION)
    assert [fault.split(" are")[0] for fault in faults] == ["1 values of x", "1 values of y"]


def test_ids_are_folder_and_frame() -> None:
    assert re.fullmatch(SPEC.id_pattern, "13/frame_00349")
    assert not re.fullmatch(SPEC.id_pattern, "13/frame_00349_rgb.jpg")
