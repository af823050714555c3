"""Recursion: accuracy over 1,108 treatments, with the labels of controls allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from competitions.recursion_cellular_image_classification.spec import SPEC
from tests.competitions.judged import Judged

IDS = ["HEPG2-08_1_B03", "HEPG2-08_1_B04", "U2OS-04_4_O23", "RPE-08_2_G10"]


def table(labels: list, ids: list[str] = IDS) -> str:
    rows = zip(ids, labels, strict=True)
    return "id_code,sirna\n" + "".join(f"{name},{label}\n" for name, label in rows)


TRUTH = table([0, 911, 1107, 5])


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    return Judged("recursion-cellular-image-classification", tmp_path, capsys)


def test_the_score_is_the_share_of_right_wells(judged: Judged) -> None:
    result = judged.scored(table([911, 911, 1107, 5]), TRUTH)
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


@pytest.mark.parametrize(
    "submission",
    [
        table([5, 1107, 911, 911], IDS[::-1]),
        table([911, 911, 1107, 5]).replace("\n", "\r\n"),
        "\ufeff" + table([911, 911, 1107, 5]),
        table(['"911"', '"911"', '"1107"', '"5"']),
    ],
    ids=["order", "CRLF", "mark", "quotes"],
)
def test_other_ways_to_write_the_file_score_the_same(judged: Judged, submission: str) -> None:
    assert judged.scored(submission, TRUTH)["score"] == 0.75


def test_an_id_with_a_site_is_not_asked_for(judged: Judged) -> None:
    faults = judged.refused(table([0, 911, 1107, 5], [f"{IDS[0]}_s1", *IDS[1:3], IDS[1]]), TRUTH)
    assert "2 of 4 ids are missing, the first is 'HEPG2-08_1_B03'" in faults[0]
    assert "the first is 'HEPG2-08_1_B03_s1' in row 1" in faults[1]
    assert "1 ids are repeated, the first is 'HEPG2-08_1_B04' in row 4" in faults[2]


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        ("", "is empty"),
        ("id_code,Sirna\nHEPG2-08_1_B03,0\n", "lacks sirna"),
        ("id_code,sirna,site\nHEPG2-08_1_B03,0,1\n", "a column too many: 'site'"),
    ],
)
def test_other_files_are_refused(judged: Judged, submission: str, words: str) -> None:
    assert words in judged.refused(submission, TRUTH)[0]


def test_further_columns_of_the_truth_are_passed_over(judged: Judged) -> None:
    lines = zip(
        TRUTH.splitlines(),
        ["experiment,Usage", "a,Public", "a,Private", "b,Private", "c,Ignored"],
        strict=True,
    )
    solution = "".join(f"{line},{more}\n" for line, more in lines)
    result = judged.scored(table([1, 911, 1, 5]), solution)
    assert (result["public"], result["private"], result["score"]) == (0.0, 0.5, 1 / 3)


def test_check_submission_names_the_labels_of_controls(judged: Judged) -> None:
    sample = table([911] * 4)
    code, out, _ = judged.check(table([0, 1, 2, 1138]), sample)
    assert code == 0
    assert "warning: 1 values of sirna are never right" in out
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
