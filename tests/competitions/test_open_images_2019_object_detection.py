"""Open Images 2019 detection, through the scripts that a person runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.judges.box_files import BOXES, HIERARCHY, LABELS
from competitions.open_images_2019_object_detection.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of

SAMPLE_FILE = "sample_submission.csv"
TREE: dict[str, Any] = {
    "LabelName": "/m/0bl9f",
    "Subcategory": [
        {"LabelName": "/m/p", "Subcategory": [{"LabelName": "/m/a"}]},
        {"LabelName": "/m/b"},
    ],
}
TRUTH = """ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf
img1,/m/a,0.1,0.5,0.1,0.5,0
img2,/m/a,0,1,0,1,1
img3,/m/b,0.2,0.6,0.2,0.6,0
"""
VERIFIED = """ImageID,LabelName,Confidence
img1,/m/a,1
img1,/m/b,0
img2,/m/a,1
img3,/m/b,1
"""
HEADER = "ImageId,PredictionString"
IMG1 = "img1,/m/a .9 .1 .1 .5 .5 /m/a .8 .1 .1 .5 .5 /m/b .7 0 0 .3 .3"
IMG2 = "img2,/m/a .6 0 0 .3 .3 /m/a .95 .5 .5 .8 .8 /m/b .99 0 0 .5 .5"
IMG3 = "img3,/m/b .5 .2 .2 .6 .6"
PARENTS = {
    "img1": " /m/p .9 .1 .1 .5 .5 /m/p .8 .1 .1 .5 .5",
    "img2": " /m/p .6 0 0 .3 .3 /m/p .95 .5 .5 .8 .8",
}


@pytest.fixture
def solution(tmp_path: Path) -> Path:
    folder = tmp_path / "solution"
    folder.mkdir()
    (folder / HIERARCHY).write_text(json.dumps(TREE), encoding="utf-8")
    (folder / BOXES).write_text(TRUTH, encoding="utf-8")
    (folder / LABELS).write_text(VERIFIED, encoding="utf-8")
    (folder / SAMPLE_FILE).write_text(SAMPLE, encoding="utf-8")
    return folder


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


GOOD = table(IMG1, IMG2, IMG3)
SAMPLE = table("img1,", "img2,", "img3,")

judged = judged_fixture("open-images-2019-object-detection")


def test_the_case_by_hand(judged: Judged, solution: Path) -> None:
    # /m/a 1, /m/b 1/2, /m/p 0
    result = judged.scored(GOOD, solution)
    assert result["score"] == 0.5
    assert result["metric"] == "mAP@0.5"
    assert result["rows"] == 3
    assert (result["map_leaves"], result["map_inner"], result["classes"]) == (0.75, 0.0, 3)


def test_the_case_by_hand_with_parents_added(judged: Judged, solution: Path) -> None:
    # /m/a 1, /m/b 1/2, /m/p 1
    content = table(IMG1 + PARENTS["img1"], IMG2 + PARENTS["img2"], IMG3)
    result = judged.scored(content, solution)
    assert result["score"] == pytest.approx(2.5 / 3, abs=1e-15)
    assert result["warnings"] == []


def test_the_plain_output_ends_with_the_place_and_the_score(judged: Judged, solution: Path) -> None:
    lines = judged.score(GOOD, solution)[1].splitlines()
    assert lines[0] == "mAP@0.5 over 3 images, higher is better"
    assert "lies between RetinaNet R101 per level, 129th of 559 (0.3985) and" in lines[-2]
    assert lines[-1] == "score: 0.5"


def test_the_sample_submission_scores_zero(judged: Judged, solution: Path) -> None:
    assert judged.scored(SAMPLE, solution)["score"] == 0.0


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, solution: Path, content: str) -> None:
    assert judged.scored(content, solution)["score"] == 0.5


@pytest.mark.parametrize(
    "content",
    [table(*(f"{row} " for row in (IMG1, IMG2, IMG3))), table(IMG1, "", IMG2, IMG3, "")],
    ids=["blanks", "blank lines"],
)
def test_blanks_and_blank_lines_do_not_matter(judged: Judged, solution: Path, content: str) -> None:
    assert judged.scored(content, solution)["score"] == 0.5


@bad_forms_of(GOOD, "img4")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, solution: Path, content: str | bytes, words: str
) -> None:
    # the hierarchy beside the sample tells the classes
    assert words in judged.refused_by_both(content, solution, solution / SAMPLE_FILE)[0]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (
            (IMG1, IMG2 + " /m/a .5 0 0 1", IMG3),
            "1 cells of PredictionString are no groups of 6 tokens, the first has 23 for id 'img2' "
            "in row 2 (line 3); expected a multiple of 6",
        ),
        (
            (IMG1, IMG2, "img3,/m/b .5 .2 .2 .6 nan /m/b inf 0 0 1 1"),
            "2 values of PredictionString are no finite numbers, the first is 'nan' for id 'img3' "
            "in row 3 (line 4)",
        ),
        (
            (IMG1, IMG2, "img3,/m/b sure .2 .2 .6 .6"),
            "1 values of PredictionString are no finite numbers, the first is 'sure' for id 'img3' "
            "in row 3 (line 4)",
        ),
        (
            (IMG1, IMG2, "img3,/m/b .5 .6 .2 .6 .6 /m/b .5 .2 .7 .6 .6"),
            "2 boxes have no area, the first is '0.6 0.2 0.6 0.6' for id 'img3' in row 3 (line 4); "
            "expected XMin below XMax and YMin below YMax",
        ),
        (
            (IMG1, IMG2, "img3,/m/b .5 .2 .2 1.01 .6 /m/b .5 -1e-9 .2 .6 .6"),
            "2 boxes leave the image, the first is '0.2 0.2 1.01 0.6' for id 'img3' in row 3 "
            "(line 4); expected coordinates from 0 to 1",
        ),
        (
            (IMG1, IMG2, "img3,/m/c .5 .2 .2 .6 .6"),
            "1 labels are unknown, the first is '/m/c' for id 'img3' in row 3 (line 4); expected "
            "one of the 3 classes of the hierarchy",
        ),
        (
            (IMG1, IMG2, "img3,/m/0bl9f .5 .2 .2 .6 .6"),
            "1 labels are unknown, the first is '/m/0bl9f' for id 'img3' in row 3 (line 4); "
            "expected one of the 3 classes of the hierarchy",
        ),
    ],
    ids=[
        "tokens", "not finite", "text", "no area", "outside", "unknown label", "root as label",
    ],
)  # fmt: skip
def test_a_bad_cell_is_refused_with_its_first_fault(
    judged: Judged, solution: Path, rows: tuple[str, ...], fault: str
) -> None:
    assert judged.refused_by_both(table(*rows), solution, solution / SAMPLE_FILE) == [fault]


def test_the_truths_header_is_another(judged: Judged, solution: Path) -> None:
    content = GOOD.replace("ImageId", "ImageID")
    (fault,) = judged.refused_by_both(content, solution, solution / SAMPLE_FILE)
    assert "lacks ImageId" in fault


def test_all_faults_are_told_at_once(judged: Judged, solution: Path) -> None:
    rows = (IMG1, IMG1, "img4,/m/c .5 0 0 1 1", "img3,/m/b x 0 0 1 1 /m/b 1 0 0 2 1 /m/b 1 1 0 1 1")
    content = table(*rows, "img5,/m/b")
    faults = judged.refused_by_both(content, solution, solution / SAMPLE_FILE)
    assert [fault.split(",")[0] for fault in faults] == [
        "1 of 3 ids are missing",
        "2 ids were not asked for",
        "1 ids are repeated",
        "1 cells of PredictionString are no groups of 6 tokens",
        "1 values of PredictionString are no finite numbers",
        "1 boxes leave the image",
        "1 boxes have no area",
        "1 labels are unknown",
    ]


def test_a_solution_file_in_place_of_the_folder_is_named(judged: Judged, solution: Path) -> None:
    line = judged.solution_refused(GOOD, solution / BOXES)
    assert "is no folder; expected one with" in line


def test_a_good_submission_passes_the_check_in_any_order_of_the_sample(judged: Judged) -> None:
    sample = table("img2,", "img1,", "img3,")
    assert judged.checked(GOOD, sample)[-1].startswith("valid: 3 images")


def test_the_spec_names_the_files_that_the_judge_reads() -> None:
    assert {BOXES, LABELS} <= {file.name for file in SPEC.files}
    assert SPEC.submission.header == ("ImageId", "PredictionString")
    assert SPEC.metric.higher_is_better
