"""APTOS 2019: quadratic weighted kappa of grades by their value."""

from __future__ import annotations

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_usage

TRUTH, PREDICTION = [0, 0, 3, 3, 4, 4, 0, 3], [0, 3, 3, 3, 4, 3, 0, 0]
IDS = [f"00000000000{number}" for number in range(6)] + ["12e456789012", "123456789012"]


def table(grades: list, ids: list[str] = IDS) -> str:
    rows = zip(ids, grades, strict=True)
    return "id_code,diagnosis\n" + "".join(f"{name},{grade}\n" for name, grade in rows)


judged = judged_fixture("aptos2019-blindness-detection")


def test_grades_that_do_not_occur_keep_their_distance(judged: Judged) -> None:
    # by the place among the grades that occur it would be 0.64706
    result = judged.scored(table(PREDICTION), table(TRUTH))
    assert round(result["score"], 5) == 0.55814
    assert result["metric"] == "quadratic weighted kappa"


@pytest.mark.parametrize("grade", range(5))
def test_a_constant_prediction_scores_zero(judged: Judged, grade: int) -> None:
    assert judged.scored(table([grade] * 8), table(TRUTH))["score"] == 0.0


def test_two_equal_constants_score_one(judged: Judged) -> None:
    assert judged.scored(table([2] * 8), table([2] * 8))["score"] == 1.0


@spellings_of(table(PREDICTION))
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert round(judged.scored(content, table(TRUTH))["score"], 5) == 0.55814


def test_ids_are_text_and_not_numbers(judged: Judged) -> None:
    # as numbers both would be 1.2e12 or lose their zeros
    faults = judged.refused(table(PREDICTION, [*IDS[:7], "123456789012.0"]), table(TRUTH))
    assert "1 of 8 ids are missing, the first is '123456789012'" in faults[0]
    faults = judged.refused(table(PREDICTION, ["0", *IDS[1:]]), table(TRUTH))
    assert "'000000000000'" in faults[0]


@pytest.mark.parametrize(
    "cell", ["5", "-1", "2.0", "1.5", "nan", "inf", "", "two", "1e0", "99999999999999999999"]
)
def test_what_is_no_grade_is_refused(judged: Judged, cell: str) -> None:
    faults = judged.refused(table([*PREDICTION[:3], cell, *PREDICTION[4:]]), table(TRUTH))
    assert faults == [
        f"1 values of diagnosis are not allowed, the first is {cell!r} for id '000000000003' in "
        "row 4 (line 5); expected a whole number from 0 to 4"
    ]


def test_all_faults_are_listed_at_once(judged: Judged) -> None:
    faults = judged.refused(table([*PREDICTION[:7], 7], [*IDS[:6], IDS[0], "x"]), table(TRUTH))
    assert [fault.split(",")[0] for fault in faults] == [
        "2 of 8 ids are missing",
        "1 ids were not asked for",
        "1 ids are repeated",
        "1 values of diagnosis are not allowed",
    ]


@bad_forms_of(table(PREDICTION), "000000000006")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, table(TRUTH))[0]


def test_a_column_usage_gives_both_boards(judged: Judged) -> None:
    solution = with_usage(table(TRUTH), *["Public"] * 4, *["Private"] * 4)
    result = judged.scored(table(PREDICTION), solution)
    # kappa is no mean: neither board, nor both together, is the whole
    assert {"public", "private"} < set(result)
    assert round(result["score"], 5) == 0.55814
    assert (result["public"] + result["private"]) / 2 != pytest.approx(result["score"], abs=0.01)


def test_check_submission_takes_the_ids_of_the_sample(judged: Judged) -> None:
    assert judged.checked(table(PREDICTION), table([0] * 8))[0].startswith("valid: 8 rows")
    assert "'8' for id" in judged.check_refused(table([8] * 8), table([0] * 8))[0]


def test_the_place_on_the_ladder_is_told(judged: Judged) -> None:
    place = judged.scored(table(PREDICTION), table(TRUTH))["place"]
    assert place == "0.55814 lies between sample submission, all 0 (0) and median team (0.8889)"
