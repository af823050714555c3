"""Open Images 2019 detection, through the scripts that a person runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.judges.box_files import BOXES, HIERARCHY, LABELS
from competitions.open_images_2019_object_detection.spec import SPEC
from scripts import check_submission, score

SLUG = "open-images-2019-object-detection"
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
    sample = "\n".join([HEADER, "img2,", "img1,", "img3,", ""])
    (folder / "sample_submission.csv").write_text(sample, encoding="utf-8")
    return folder


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


def laid(solution: Path, text: str | bytes) -> Path:
    path = solution.parent / "submission.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def scored(solution: Path, text: str | bytes, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    path = laid(solution, text)
    argv = [SLUG, "--submission", str(path), "--solution", str(solution), "--json"]
    assert score.main(argv) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def refused(
    solution: Path, text: str | bytes, capsys: pytest.CaptureFixture[str]
) -> tuple[list[str], str]:
    """The faults on stdout and the one line on stderr; the same from both scripts."""
    path = laid(solution, text)
    assert score.main([SLUG, "--submission", str(path), "--solution", str(solution)]) == 2
    shown = capsys.readouterr()
    sample = solution / "sample_submission.csv"
    argv = [SLUG, "--submission", str(path), "--sample", str(sample)]
    assert check_submission.main(argv) == 2
    checked = capsys.readouterr()
    # which missing id is the first depends on whose order is asked for
    assert len(checked.out.splitlines()) == len(shown.out.splitlines())
    assert len(shown.err.splitlines()) == len(checked.err.splitlines()) == 1
    return shown.out.splitlines()[1:], shown.err


def test_the_case_by_hand(solution: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # /m/a 1, /m/b 1/2, /m/p 0
    result = scored(solution, table(IMG1, IMG2, IMG3), capsys)
    assert result["score"] == 0.5
    assert result["metric"] == "mAP@0.5"
    assert result["rows"] == 3
    assert (result["map_leaves"], result["map_inner"], result["classes"]) == (0.75, 0.0, 3)


def test_the_case_by_hand_with_parents_added(
    solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # /m/a 1, /m/b 1/2, /m/p 1
    result = scored(solution, table(IMG1 + PARENTS["img1"], IMG2 + PARENTS["img2"], IMG3), capsys)
    assert result["score"] == pytest.approx(2.5 / 3, abs=1e-15)
    assert result["warnings"] == []


def test_the_plain_output_ends_with_the_score(
    solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = laid(solution, table(IMG1, IMG2, IMG3))
    assert score.main([SLUG, "--submission", str(path), "--solution", str(solution)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mAP@0.5 over 3 images, higher is better"
    assert "lies between RetinaNet R101 per level, 129th of 559 (0.3985) and" in lines[-2]
    assert lines[-1] == "score: 0.5"


def test_the_sample_submission_scores_zero(
    solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (solution / "sample_submission.csv").read_text(encoding="utf-8")
    assert scored(solution, text, capsys)["score"] == 0.0


@pytest.mark.parametrize(
    "text",
    [
        table(IMG3, IMG1, IMG2),
        table(IMG1, IMG2, IMG3).rstrip("\n"),
        "\ufeff" + table(IMG1, IMG2, IMG3),
        table(IMG1, IMG2, IMG3).replace("\n", "\r\n"),
        "\n".join(
            f'"{row.replace(",", chr(34) + "," + chr(34))}"' for row in [HEADER, IMG1, IMG2, IMG3]
        ),
        table(*(row + " " for row in (IMG1, IMG2, IMG3))),
        table(IMG1, "", IMG2, IMG3, ""),
        "\n".join(",".join(row.split(",")[::-1]) for row in [HEADER, IMG1, IMG2, IMG3]),
    ],
    ids=["turned", "cut newline", "mark", "CRLF", "quotes", "spaces", "blank lines", "columns"],
)
def test_the_spelling_of_the_file_does_not_matter(
    text: str, solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scored(solution, text, capsys)["score"] == 0.5


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ((IMG1, IMG3), "1 of 3 ids are missing, the first is 'img2'"),
        (
            (IMG1, IMG2, IMG3, "img4,", "img5,"),
            "2 ids were not asked for, the first is 'img4' in row 4 (line 5)",
        ),
        (
            (IMG1, IMG2, IMG3, IMG2),
            "1 ids are repeated, the first is 'img2' in row 4 (line 5)",
        ),
        ((), "3 of 3 ids are missing, the first is 'img1'"),
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
        "missing", "extra", "repeated", "no rows", "tokens", "not finite", "text", "no area",
        "outside", "unknown label", "root as label",
    ],
)  # fmt: skip
def test_a_bad_submission_is_refused_with_its_first_fault(
    rows: tuple[str, ...], fault: str, solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults, line = refused(solution, table(*rows), capsys)
    assert faults == [f"  - {fault}"]
    assert line == f"error: submission.csv would not be accepted: {fault}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (table(IMG1, IMG2, IMG3).replace("ImageId", "ImageID"), "lacks ImageId"),
        (table(IMG1, IMG2, IMG3).replace("ImageId,", "ImageId,x,"), "a column too many, 'x'"),
        (table(IMG1, IMG2, 'img3,"/m/b .5'), "cannot be read as CSV"),
        (table(IMG1, IMG2, "img3"), "row 3 (line 4) has 1 of 2 cells"),
        (table(IMG1).encode() + b"\xff\xfe", "no UTF-8 text"),
    ],
)
def test_what_is_no_such_table_is_refused(
    text: str | bytes, words: str, solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults, line = refused(solution, text, capsys)
    assert len(faults) == 1
    assert words in line


def test_all_faults_are_told_at_once(solution: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (IMG1, IMG1, "img4,/m/c .5 0 0 1 1", "img3,/m/b x 0 0 1 1 /m/b 1 0 0 2 1 /m/b 1 1 0 1 1")
    faults, _ = refused(solution, table(*rows, "img5,/m/b"), capsys)
    assert [" ".join(fault.split()[1:]).split(",")[0] for fault in faults] == [
        "1 of 3 ids are missing",
        "2 ids were not asked for",
        "1 ids are repeated",
        "1 cells of PredictionString are no groups of 6 tokens",
        "1 values of PredictionString are no finite numbers",
        "1 boxes leave the image",
        "1 boxes have no area",
        "1 labels are unknown",
    ]


def test_a_solution_file_in_place_of_the_folder_is_named(
    solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = laid(solution, table(IMG1, IMG2, IMG3))
    argv = [SLUG, "--submission", str(path), "--solution", str(solution / BOXES)]
    assert score.main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "is no folder; expected one with" in shown.err


def test_a_good_submission_passes_the_check(
    solution: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, sample = laid(solution, table(IMG1, IMG2, IMG3)), solution / "sample_submission.csv"
    argv = [SLUG, "--submission", str(path), "--sample", str(sample)]
    assert check_submission.main(argv) == 0
    assert capsys.readouterr().out.startswith("valid: 3 images")


def test_the_spec_names_the_files_that_the_judge_reads() -> None:
    assert {BOXES, LABELS} <= {file.name for file in SPEC.files}
    assert SPEC.submission.header == ("ImageId", "PredictionString")
    assert SPEC.metric.higher_is_better
