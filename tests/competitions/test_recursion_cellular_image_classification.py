"""Recursion: accuracy over 1,108 treatments, with the labels of controls allowed."""

from __future__ import annotations

import re

import pytest

from competitions.recursion_cellular_image_classification.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_usage

IDS = ["HEPG2-08_1_B03", "HEPG2-08_1_B04", "U2OS-04_4_O23", "RPE-08_2_G10"]


def table(labels: list, ids: list[str] = IDS) -> str:
    rows = zip(ids, labels, strict=True)
    return "id_code,sirna\n" + "".join(f"{name},{label}\n" for name, label in rows)


TRUTH = table([0, 911, 1107, 5])
GOOD = table([911, 911, 1107, 5])  # three of four are right

judged = judged_fixture("recursion-cellular-image-classification")


def test_the_score_is_the_share_of_right_wells(judged: Judged) -> None:
    result = judged.scored(GOOD, TRUTH)
    assert (result["score"], result["rows"], result["warnings"]) == (0.75, 4, [])


def test_the_label_of_a_control_is_allowed_doubted_and_wrong(judged: Judged) -> None:
    result = judged.scored(table([0, 911, 1108, 1138]), TRUTH)
    assert result["score"] == 0.5
    assert result["warnings"] == [
        "2 values of sirna are never right, because they are those of controls, the first is 1108"
    ]


@pytest.mark.parametrize("cell", ["1139", "-1", "5.0", "nan", "inf", "", "sirna"])
def test_what_is_no_treatment_is_refused(judged: Judged, cell: str) -> None:
    faults = judged.refused(table([0, 911, cell, 5]), TRUTH)
    assert len(faults) == 1
    assert f"the first is {cell!r} for id 'U2OS-04_4_O23' in row 3 (line 4)" in faults[0]
    assert "expected a whole number from 0 to 1138" in faults[0]


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, TRUTH)["score"] == 0.75


def test_an_id_with_a_site_is_not_asked_for(judged: Judged) -> None:
    faults = judged.refused(table([0, 911, 1107, 5], [f"{IDS[0]}_s1", *IDS[1:3], IDS[1]]), TRUTH)
    assert "2 of 4 ids are missing, the first is 'HEPG2-08_1_B03'" in faults[0]
    assert "the first is 'HEPG2-08_1_B03_s1' in row 1" in faults[1]
    assert "1 ids are repeated, the first is 'HEPG2-08_1_B04' in row 4" in faults[2]


@bad_forms_of(GOOD, "HEPG2-08_1_B05")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, TRUTH)[0]


def test_a_column_in_other_case_is_another_column(judged: Judged) -> None:
    assert "lacks sirna" in judged.refused(GOOD.replace("sirna", "Sirna"), TRUTH)[0]


def test_further_columns_of_the_truth_are_passed_over(judged: Judged) -> None:
    further = TRUTH.replace("\n", ",a\n").replace("sirna,a", "sirna,experiment")
    solution = with_usage(further, "Public", "Private", "Private", "Ignored")
    result = judged.scored(table([1, 911, 1, 5]), solution)
    assert (result["public"], result["private"], result["score"]) == (0.0, 0.5, 1 / 3)


def test_check_submission_names_the_labels_of_controls(judged: Judged) -> None:
    sample = table([911] * 4)
    lines = judged.checked(table([0, 1, 2, 1138]), sample)
    assert lines[0].startswith("warning: 1 values of sirna are never right")
    assert "from 0 to 1138" in judged.check_refused(table([0, 1, 2, 1139]), sample)[0]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        *((name, True) for name in IDS),
        ("HEPG2-08_1_A03", False),
        ("HEPG2-08_5_B03", False),
        ("HEPG2-08_1_B24", False),
        ("HEPG2-08_1_B03_s1", False),
    ],
)
def test_ids_name_experiment_plate_and_well(name: str, fits: bool) -> None:
    assert bool(re.fullmatch(SPEC.id_pattern, name)) is fits
