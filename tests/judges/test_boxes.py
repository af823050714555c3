"""The judge of boxes: the challenge's files in a folder, and what stands beside the score."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import DataError, SubmissionError
from common.judges import BoxesJudge
from common.judges.box_files import BOXES, HIERARCHY, LABELS, read_solution
from common.judges.boxes import boxes_fault
from common.metrics import Metric
from common.metrics.detection import Detections, TrueBoxes
from competitions.open_images_2019_object_detection.spec import SPEC

TREE: dict[str, Any] = {
    "LabelName": "/m/0bl9f",
    "Subcategory": [
        {"LabelName": "P", "Subcategory": [{"LabelName": "A"}]},
        {"LabelName": "B"},
    ],
}
BOX_ROWS = """ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf
img1,A,0.1,0.5,0.1,0.5,0
img2,A,0,1,0,1,1
img3,B,0.2,0.6,0.2,0.6,0
"""
WIDE_BOX_ROWS = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,\
IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside
img1,xclick,A,1,0.1,0.5,0.1,0.5,0,-1,0,0,0
img2,xclick,A,1,0,1,0,1,-1,0,1,-1,0
img3,xclick,B,1,0.2,0.6,0.2,0.6,0,0,-1,0,0
"""
LABEL_ROWS = """ImageID,LabelName,Confidence
img1,A,1
img1,B,0
img2,A,1
img3,B,1
"""
WIDE_LABEL_ROWS = """ImageID,Source,LabelName,Confidence
img1,verification,A,1
img1,verification,B,0
img2,verification,A,1
img3,verification,B,1
"""
SUBMISSION = """ImageId,PredictionString
img1,A .9 .1 .1 .5 .5 A .8 .1 .1 .5 .5 B .7 0 0 .3 .3
img2,A .6 0 0 .3 .3 A .95 .5 .5 .8 .8 B .99 0 0 .5 .5
img3,B .5 .2 .2 .6 .6
"""


@pytest.fixture
def solution(tmp_path: Path) -> Path:
    folder = tmp_path / "solution"
    folder.mkdir()
    (folder / HIERARCHY).write_text(json.dumps(TREE), encoding="utf-8")
    (folder / BOXES).write_text(BOX_ROWS, encoding="utf-8")
    (folder / LABELS).write_text(LABEL_ROWS, encoding="utf-8")
    return folder


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    path = tmp_path / "submission.csv"
    path.write_text(SUBMISSION, encoding="utf-8")
    return path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_verdict_holds_the_score_and_its_parts(submission: Path, solution: Path) -> None:
    # leaves A 1 and B 1/2, inner class P 0
    verdict = BoxesJudge().score(SPEC, submission, solution)
    assert verdict.score == 0.5
    assert verdict.n_rows == 3
    # by true boxes: B has one; P and A have two each, P comes first in the tree
    thirds = {"map_rare": 0.5, "map_middle": 0.0, "map_frequent": 1.0}
    assert verdict.parts == {"map_leaves": 0.75, "map_inner": 0.0, "classes": 3, **thirds}
    assert verdict.counted == "images"


def test_every_class_with_a_true_box_is_told(submission: Path, solution: Path) -> None:
    table = BoxesJudge().score(SPEC, submission, solution).breakdowns["average_precisions"]
    assert table.rows == {
        "P": {"ap": 0.0, "boxes": 2},
        "A": {"ap": 1.0, "boxes": 2},
        "B": {"ap": 0.5, "boxes": 1},
    }


def test_a_part_without_classes_is_left_out(submission: Path, solution: Path) -> None:
    flat = {"LabelName": "all", "Subcategory": [{"LabelName": name} for name in "AB"]}
    (solution / HIERARCHY).write_text(json.dumps(flat), encoding="utf-8")
    verdict = BoxesJudge().score(SPEC, submission, solution)
    assert verdict.parts == {"map_leaves": 0.75, "classes": 2}
    assert verdict.score == 0.75


def test_both_widths_of_the_tables_are_read(submission: Path, solution: Path) -> None:
    (solution / BOXES).write_text(WIDE_BOX_ROWS, encoding="utf-8")
    (solution / LABELS).write_text(WIDE_LABEL_ROWS, encoding="utf-8")
    assert BoxesJudge().score(SPEC, submission, solution).score == 0.5


def test_columns_are_found_by_name_in_any_order(submission: Path, solution: Path) -> None:
    swapped = "\n".join(",".join(line.split(",")[::-1]) for line in BOX_ROWS.splitlines())
    (solution / BOXES).write_text("\ufeff" + swapped.replace("\n", "\r\n"), encoding="utf-8")
    assert BoxesJudge().score(SPEC, submission, solution).score == 0.5


def test_a_flag_that_is_not_known_is_no_group(solution: Path) -> None:
    edit(solution / BOXES, "0,1,0,1,1", "0,1,0,1,-1")
    assert not read_solution(solution).truth.group.any()


def test_images_with_labels_only_and_with_boxes_only_are_asked_for(solution: Path) -> None:
    with (solution / LABELS).open("a", encoding="utf-8") as stream:
        stream.write("img5,B,0\n")
    with (solution / BOXES).open("a", encoding="utf-8") as stream:
        stream.write("img4,B,0,1,0,1,0\n")
    assert read_solution(solution).images == ["img1", "img2", "img3", "img5", "img4"]


def test_a_box_that_is_listed_twice_counts_twice(submission: Path, solution: Path) -> None:
    # B has two true boxes in one place, of which one is found at rank 2: 1/2 * 1/2
    with (solution / BOXES).open("a", encoding="utf-8") as stream:
        stream.write("img3,B,0.2,0.6,0.2,0.6,0\n")
    verdict = BoxesJudge().score(SPEC, submission, solution)
    assert verdict.score == pytest.approx((1 + 0.25 + 0) / 3, abs=1e-15)


def test_a_label_that_is_listed_twice_counts_once(submission: Path, solution: Path) -> None:
    (solution / LABELS).write_text(LABEL_ROWS + "img1,B,0\nimg1,A,1\n", encoding="utf-8")
    assert BoxesJudge().score(SPEC, submission, solution).score == 0.5


def test_a_submission_without_inner_classes_is_doubted(submission: Path, solution: Path) -> None:
    (doubt,) = BoxesJudge().score(SPEC, submission, solution).doubts
    assert "repeat each box for the classes above its own" in doubt
    edit(submission, "img3,B", "img3,P .1 0 0 1 1 B")
    assert BoxesJudge().score(SPEC, submission, solution).doubts == ()


def test_scores_outside_0_to_1_are_doubted_and_count(submission: Path, solution: Path) -> None:
    edit(submission, "A .9 ", "A 9 ")
    edit(submission, "img3,B", "img3,P -.1 0 0 1 1 B")
    verdict = BoxesJudge().score(SPEC, submission, solution)
    assert verdict.score == 0.5
    (doubt,) = verdict.doubts
    assert doubt == (
        "2 scores are unusual, the first is '9.0' for id 'img1' in row 1 (line 2); expected 0 to "
        "1, as from a detector"
    )


def test_another_metric_gets_the_same_boxes(submission: Path, solution: Path) -> None:
    seen: list[tuple[TrueBoxes, Detections]] = []

    def count(y_true: TrueBoxes, y_pred: Detections) -> float:
        seen.append((y_true, y_pred))
        return float(len(y_pred.score))

    spec = dataclasses.replace(SPEC, metric=Metric("boxes", higher_is_better=True, score=count))
    verdict = BoxesJudge().score(spec, submission, solution)
    assert (verdict.score, verdict.parts) == (7.0, {})
    ((truth, found),) = seen
    assert len(truth.label) == 5  # two boxes of A are boxes of P as well
    assert found.box[0].tolist() == [0.1, 0.1, 0.5, 0.5]
    assert found.image.tolist() == [0, 0, 0, 1, 1, 1, 2]


def test_images_are_matched_by_id_and_not_by_place(submission: Path, solution: Path) -> None:
    header, *rows = SUBMISSION.splitlines()
    submission.write_text("\n".join([header, *rows[::-1]]), encoding="utf-8")
    assert BoxesJudge().score(SPEC, submission, solution).score == 0.5


def test_check_knows_the_labels_where_the_hierarchy_lies_beside_the_sample(
    submission: Path, solution: Path
) -> None:
    sample = solution / "sample_submission.csv"
    sample.write_text("ImageId,PredictionString\nimg3,\nimg1,\nimg2,\n", encoding="utf-8")
    checked = BoxesJudge().check(SPEC, submission, sample)
    assert (checked.n_rows, checked.doubts) == (3, ())
    edit(submission, "img3,B", "img3,/m/0bl9f")
    with pytest.raises(SubmissionError, match="1 labels are unknown, the first is '/m/0bl9f'"):
        BoxesJudge().check(SPEC, submission, sample)


def test_check_says_where_labels_were_not_checked(submission: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample_submission.csv"
    sample.write_text("ImageId,PredictionString\nimg3,\nimg1,\nimg2,\n", encoding="utf-8")
    (doubt,) = BoxesJudge().check(SPEC, submission, sample).doubts
    assert doubt.startswith("whether the 2 labels are classes was not checked: no challenge-2019-")


@pytest.mark.parametrize("name", [BOXES, LABELS, HIERARCHY])
def test_a_missing_file_of_the_solution_is_named(
    name: str, submission: Path, solution: Path
) -> None:
    (solution / name).unlink()
    with pytest.raises(DataError, match=name):
        BoxesJudge().score(SPEC, submission, solution)


def test_a_solution_that_is_no_folder_is_refused(submission: Path) -> None:
    with pytest.raises(DataError, match=f"is no folder; expected one with {BOXES}"):
        BoxesJudge().score(SPEC, submission, submission)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (BOXES, "XMax", "Xmax", "lacks XMax"),
        (BOXES, "img1,A", "img1,Q", r"row 1 \(line 2\), column LabelName holds 'Q'"),
        (BOXES, "img3,B,0.2", "img3,B,wide", r"row 3 \(line 4\), column XMin holds 'wide'"),
        (BOXES, "img3,B,0.2", "img3,B,nan", r"row 3 \(line 4\) has a value that is no finite"),
        (BOXES, "0.1,0.5,0.1,0.5", "0.5,0.1,0.1,0.5", "a box that ends before it begins"),
        (BOXES, "0,1,0,1,1", "0,1,0,1,2", "an IsGroupOf that is none of -1, 0 and 1"),
        (BOXES, "0,1,0,1,1", "0,1,0,1", r"row 2 \(line 3\) has 6 of 7 cells"),
        (BOXES, BOX_ROWS.split("\n", 1)[1], "", "a header and no rows"),
        (LABELS, "Confidence", "Sure", "lacks Confidence"),
        (LABELS, "img1,B,0", "img1,B,0.5", "a Confidence that is neither 0 nor 1"),
        (LABELS, "img1,B,0", "img1,Z,0", "column LabelName holds 'Z'; expected a class"),
        (HIERARCHY, '"P"', '""', "is no hierarchy of classes: the node .* has no LabelName"),
        (HIERARCHY, "}]}", "", "is no JSON"),
    ],
)
def test_a_fault_of_the_solution_is_named_with_its_file(
    name: str, old: str, new: str, words: str, submission: Path, solution: Path
) -> None:
    edit(solution / name, old, new)
    with pytest.raises(DataError, match=words) as caught:
        BoxesJudge().score(SPEC, submission, solution)
    assert name in str(caught.value)


def test_json_that_never_ends_is_no_hierarchy(solution: Path) -> None:
    (solution / HIERARCHY).write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(DataError, match="is no JSON"):
        read_solution(solution)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", ""),
        ("/m/a 0.5 0 0 1 1", ""),
        ("/m/a 0.5 0 0 1", "5 tokens, no groups of 6"),
        ("/m/a x 0 0 1 1", "'x' is no finite number"),
    ],
)
def test_one_cell_is_judged_as_the_column_of_the_spec(cell: str, words: str) -> None:
    assert boxes_fault(cell) == words
    assert SPEC.submission.targets[0].parse(cell) == (None if words else cell)


def test_a_thousand_images_agree_with_their_own_truth(tmp_path: Path, solution: Path) -> None:
    generator = np.random.default_rng(0)
    corner = generator.integers(0, 50, (1000, 2)) / 100
    rows = [f"i{k},A,{x},{x + 0.25},{y},{y + 0.25},0" for k, (x, y) in enumerate(corner)]
    header = BOX_ROWS.split("\n", 1)[0]
    (solution / BOXES).write_text("\n".join([header, *rows]), encoding="utf-8")
    (solution / LABELS).write_text(LABEL_ROWS.split("\n", 1)[0] + "\n", encoding="utf-8")
    perfect = [
        f"i{k},A 1 {x} {y} {x + 0.25} {y + 0.25} P 1 {x} {y} {x + 0.25} {y + 0.25}"
        for k, (x, y) in enumerate(corner)
    ]
    path = tmp_path / "perfect.csv"
    path.write_text("\n".join(["ImageId,PredictionString", *perfect[::-1]]), encoding="utf-8")
    assert BoxesJudge().score(SPEC, path, solution).score == 1.0
