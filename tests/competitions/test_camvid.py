"""CamVid: a folder of label PNGs against a folder of label PNGs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from competitions.camvid.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.label_pngs import (
    ACCURACY,
    GOOD,
    MEAN_IOU,
    ROAD,
    TRUTH,
    VOID,
    A,
    B,
    frames_fixture,
    grey,
    palette,
    write,
)
from tests.conftest import REPOSITORY

judged = judged_fixture("camvid")
solution = frames_fixture("testannot", TRUTH)
submission = frames_fixture("answers", GOOD)


# what is scored


def test_the_score_is_the_mean_iou_over_all_pixels_together(
    judged: Judged, submission: Path, solution: Path
) -> None:
    result = judged.scored(submission, solution)
    assert result["score"] == pytest.approx(MEAN_IOU, abs=1e-15)
    assert result["mean_iou"] == result["score"]
    assert result["pixel_accuracy"] == pytest.approx(ACCURACY, abs=1e-15)
    assert (result["rows"], result["metric"]) == (2, "mean IoU")
    assert "lies between" in result["place"]


def test_the_iou_of_every_class_is_told_by_its_name(
    judged: Judged, submission: Path, solution: Path
) -> None:
    ious = judged.scored(submission, solution)["ious"]
    assert ious == {
        "Road": {"iou": pytest.approx(3 / 5)},
        "Tree": {"iou": pytest.approx(2 / 3)},
        "Car": {"iou": pytest.approx(2 / 4)},
    }
    out = judged.score(submission, solution)[1]
    assert "mean IoU over 2 frames, higher is better\n" in out
    assert "IoU by class:\n" in out


def test_void_on_labelled_pixels_is_told(judged: Judged, submission: Path, solution: Path) -> None:
    assert judged.scored(submission, solution)["warnings"] == [
        "1 labelled pixels are answered with 11 (void) and count as wrong"
    ]


def test_the_truth_scores_one(judged: Judged, solution: Path) -> None:
    result = judged.scored(solution, solution)
    assert (result["score"], result["pixel_accuracy"], result["warnings"]) == (1.0, 1.0, [])


def test_a_frame_that_is_all_void_adds_nothing(
    judged: Judged, submission: Path, solution: Path
) -> None:
    write(solution, {"c.png": [[VOID, VOID]]})
    write(submission, {"c.png": [[0, 10]]})
    result = judged.scored(submission, solution)
    assert result["score"] == pytest.approx(MEAN_IOU, abs=1e-15)
    assert result["rows"] == 3


def test_truth_that_is_all_void_is_two_and_one_line(judged: Judged, tmp_path: Path) -> None:
    truth = write(tmp_path / "void", {A: [[VOID]]})
    answers = write(tmp_path / "answers", {A: [[ROAD]]})
    line = judged.solution_refused(answers, truth)
    assert line.startswith("error: every pixel of the truth is void")


@pytest.mark.parametrize("colours", [12, 16, 256])
def test_a_palette_is_read_as_indices(
    judged: Judged, solution: Path, tmp_path: Path, colours: int
) -> None:
    # writers store up to 16 colours with four bits per pixel
    answers = write(tmp_path / "palette", GOOD, lambda labels: palette(labels, colours))
    assert judged.scored(answers, solution)["score"] == pytest.approx(MEAN_IOU, abs=1e-15)


def test_a_palette_is_read_as_indices_in_the_solution_too(
    judged: Judged, submission: Path, tmp_path: Path
) -> None:
    truth = write(tmp_path / "palette", TRUTH, palette)
    assert judged.scored(submission, truth)["score"] == pytest.approx(MEAN_IOU, abs=1e-15)


def test_other_files_beside_the_masks_of_the_solution_are_passed_over(
    judged: Judged, submission: Path, solution: Path
) -> None:
    (solution / "test.txt").write_text("a list")
    (solution / ".hidden").write_text("the system's")
    (submission / ".hidden").write_text("the system's")
    assert judged.scored(submission, solution)["rows"] == 2
    assert judged.checked(submission, solution)


def test_each_frame_may_have_a_size_of_its_own(judged: Judged, tmp_path: Path) -> None:
    masks = {"a.png": [[0] * 33] * 7, "b.png": [[1]], "c.png": [[2] * 2] * 65}
    folder = write(tmp_path / "sizes", masks)
    assert judged.scored(folder, folder)["score"] == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_frame_by_frame_is_all_frames_at_once(judged: Judged, tmp_path: Path, seed: int) -> None:
    from sklearn.metrics import accuracy_score, jaccard_score

    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 12, size=(4, 9, 13))
    answer = np.where(generator.random(truth.shape) < 0.5, truth, generator.integers(0, 11))
    names = [f"{number}.png" for number in range(4)]
    folders = [
        write(tmp_path / called, dict(zip(names, maps.tolist(), strict=True)))
        for called, maps in (("truth", truth), ("answer", answer))
    ]
    result = judged.scored(folders[1], folders[0])
    labelled = truth != VOID
    sides = (truth[labelled], answer[labelled])
    expected = jaccard_score(*sides, labels=range(11), average="macro")
    assert result["score"] == pytest.approx(expected, rel=1e-12)
    assert result["pixel_accuracy"] == pytest.approx(accuracy_score(*sides), rel=1e-12)


# the check against a sample


def test_the_sample_may_be_the_frames_that_are_to_be_labelled(
    judged: Judged, submission: Path, tmp_path: Path
) -> None:
    frames = write(tmp_path / "test", TRUTH, lambda labels: grey(labels).convert("RGB"))
    assert judged.checked(submission, frames)[-1].startswith("valid: 2 frames, as ")


def test_a_sample_that_is_no_picture_is_named(judged: Judged, submission: Path) -> None:
    frames = write(judged.folder / "test", TRUTH)
    (frames / B).write_text("x")
    code, _, err = judged.check(submission, frames)
    assert code == 2
    assert "error: the sample cannot be used: frames are no PNG, the first is" in err


# the rest


def test_no_other_judge_pays_for_pillow() -> None:
    code = (
        "import sys, common.judging, competitions.camvid.spec as s; s.SPEC.judge; "
        "sys.exit('PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_scoring_loads_nothing_heavy(submission: Path, solution: Path) -> None:
    code = (
        "import sys\nfrom scripts.score import main\n"
        f"main(['camvid', '--submission', {str(submission)!r}, '--solution', {str(solution)!r}])\n"
        "print({'torch', 'fastai', 'pandas', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("name", [A, B, "0016E5_07959.png"])
def test_ids_are_the_frames_names(name: str) -> None:
    assert re.fullmatch(SPEC.id_pattern, name)
