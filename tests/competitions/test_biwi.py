"""Biwi: one point per frame, in pixels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from competitions.biwi.spec import SPEC
from tests.competitions.judged import Judged

# steps of (3, 4), (0, 0) and (-5, 12): distances 5, 0 and 13, mean 6
SOLUTION = "Id,x,y\n13/frame_00349,428.58,263.91\n13/frame_00352,300,200\n09/frame_00667,310,220\n"
GOOD = "Id,x,y\n13/frame_00349,431.58,267.91\n13/frame_00352,300,200\n09/frame_00667,305,232\n"


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    return Judged("biwi", tmp_path, capsys)


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


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "\n".join([GOOD.splitlines()[0], *reversed(GOOD.splitlines()[1:])]),
        GOOD.replace("13/frame_00352", '"13/frame_00352"'),
        GOOD.replace(",300,200", ",3e2,+200.0"),
        "".join(",".join(line.split(",")[i] for i in (2, 0, 1)) + "\n" for line in GOOD.split()),
    ],
    ids=["byte-order mark", "CRLF", "other order", "quotes", "exponents", "other columns"],
)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(6.0, abs=1e-12)
    assert judged.check(content, SOLUTION)[0] == 0


def test_points_outside_the_frame_are_scored(judged: Judged) -> None:
    outside = SOLUTION.replace("300,200", "-60,200")
    assert judged.scored(outside, SOLUTION)["score"] == pytest.approx(120.0, abs=1e-12)


SCALED = "Id,x,y\n13/frame_00349,0.34,0.1\n13/frame_00352,-1,1\n09/frame_00667,0,0\n"
SWAPPED = "Id,x,y\n13/frame_00349,263.91,481.5\n13/frame_00352,200,300\n09/frame_00667,220,310\n"


def test_scaled_values_are_doubted(judged: Judged) -> None:
    (warning,) = judged.scored(SCALED, SOLUTION)["warnings"]
    assert warning.startswith("all values of x and y lie within 1 of 0: values scaled to -1..1?")
    code, out, _ = judged.check(SCALED, SOLUTION)
    assert (code, out.splitlines()[0]) == (0, f"warning: {warning}")


def test_one_value_in_pixels_clears_the_doubt(judged: Judged) -> None:
    assert judged.scored(SCALED.replace("-1,1", "-1,1.5"), SOLUTION)["warnings"] == []


def test_swapped_axes_are_doubted(judged: Judged) -> None:
    (warning,) = judged.scored(SWAPPED, SOLUTION)["warnings"]
    assert warning.startswith("1 values of y are above 480, the highest is 481.5: x and y swapped?")
    assert judged.check(SWAPPED, SOLUTION)[1].splitlines()[0] == f"warning: {warning}"


def test_a_point_on_the_lower_edge_is_not_doubted(judged: Judged) -> None:
    assert judged.scored(GOOD.replace("305,232", "305,480"), SOLUTION)["warnings"] == []


FAULTS = {
    "missing id": (
        GOOD.replace("13/frame_00352,300,200\n", ""),
        "1 of 3 ids are missing, the first is '13/frame_00352'",
    ),
    "extra id": (GOOD + "13/frame_9,1,2\n", "1 ids were not asked for, the first is '13/frame_9'"),
    "duplicate id": (
        GOOD + "09/frame_00667,1,2\n",
        "1 ids are repeated, the first is '09/frame_00667' in row 4 (line 5)",
    ),
    "wrong header": (GOOD.replace("Id,x,y", "id,x,y"), "lacks Id; found id,x,y"),
    "a column too few": ("Id,x\n13/frame_00349,1\n", "lacks y"),
    "a column too many": (GOOD.replace("\n", ",1\n"), "a column too many: '1'"),
    "empty file": ("", "is empty"),
    "cut in a row": (GOOD[:-5], "row 3 (line 4)"),
}


@pytest.mark.parametrize(("content", "words"), FAULTS.values(), ids=FAULTS)
def test_a_bad_file_is_refused_by_score_and_by_check(
    judged: Judged, content: str, words: str
) -> None:
    assert words in "\n".join(judged.refused(content, SOLUTION))
    assert words in "\n".join(judged.check_refused(content, SOLUTION))


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "1e999", "", "left", "1_0", "1,5"])
@pytest.mark.parametrize("column", ["x", "y"])
def test_what_is_no_finite_number_is_refused_with_its_frame(
    judged: Judged, cell: str, column: str
) -> None:
    quoted = f'"{cell}"'
    point = f"{quoted},200" if column == "x" else f"300,{quoted}"
    (fault,) = judged.refused(GOOD.replace("300,200", point), SOLUTION)
    assert f"1 values of {column} are not allowed, the first is {cell!r}" in fault
    assert "for id '13/frame_00352' in row 2 (line 3); expected a finite number" in fault


def test_faults_of_both_columns_are_told_at_once(judged: Judged) -> None:
    faults = judged.refused(GOOD.replace("300,200", "nan,inf"), SOLUTION)
    assert [fault.split(" are")[0] for fault in faults] == ["1 values of x", "1 values of y"]


def test_ids_are_folder_and_frame() -> None:
    assert re.fullmatch(SPEC.id_pattern, "13/frame_00349")
    assert not re.fullmatch(SPEC.id_pattern, "13/frame_00349_rgb.jpg")
