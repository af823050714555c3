"""Planet: mean F2 over sets of tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.competitions.judged import Judged

HEAD = "image_name,tags\n"
SOLUTION = (
    HEAD + "test_0,clear primary\ntest_1,haze primary water\nfile_0,cultivation cultivation\n"
)
# 10/11 by hand; 5·1 / (4·3 + 2); right
SUBMISSION = HEAD + "test_0,clear primary water\ntest_1,clear haze\nfile_0,cultivation\n"
SCORE = (10 / 11 + 5 / 14 + 1) / 3


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    return Judged("planet-understanding-the-amazon-from-space", tmp_path, capsys)


def one(judged: Judged, truth: str, prediction: str) -> float:
    return float(judged.scored(f"{HEAD}a,{prediction}\n", f"{HEAD}a,{truth}\n")["score"])


def test_the_score_is_the_mean_f2_of_rows(judged: Judged) -> None:
    result = judged.scored(SUBMISSION, SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)
    assert (result["metric"], result["rows"], result["warnings"]) == ("mean F2", 3, [])


def test_the_two_rows_that_the_metric_is_explained_by(judged: Judged) -> None:
    assert one(judged, "clear primary", "clear primary water") == pytest.approx(10 / 11, abs=1e-12)
    assert one(judged, "clear primary", "primary") == pytest.approx(5 / 9, abs=1e-12)


def test_an_empty_prediction_scores_zero_for_its_row_and_is_doubted(judged: Judged) -> None:
    result = judged.scored(SUBMISSION.replace("file_0,cultivation", "file_0,"), SOLUTION)
    assert result["score"] == pytest.approx(SCORE - 1 / 3, abs=1e-12)
    assert result["warnings"] == ["1 values of tags are empty and score 0"]


def test_an_unknown_tag_is_a_false_positive_and_is_doubted(judged: Judged) -> None:
    result = judged.scored(SUBMISSION.replace("primary water", "primary watr"), SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)
    assert result["warnings"] == [
        "1 values of tags hold a tag that is none of the 17 classes and counts as a false one, "
        "the first is 'watr'"
    ]


def test_a_tag_that_stands_twice_counts_once_and_is_doubted(judged: Judged) -> None:
    doubled = SUBMISSION.replace("clear primary water", "clear primary water water")
    result = judged.scored(doubled, SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)
    assert result["warnings"] == [
        "1 values of tags hold a tag twice, which counts once, the first is "
        "'clear primary water water'"
    ]


@pytest.mark.parametrize(
    "submission",
    [
        HEAD + "file_0,cultivation\ntest_1,haze clear\ntest_0,water primary clear\n",
        SUBMISSION.replace("\n", "\r\n"),
        "\ufeff" + SUBMISSION,
        SUBMISSION.replace("clear haze", '"clear haze"'),
        SUBMISSION.replace("clear haze", " clear haze "),
        'tags,image_name\n"clear primary water",test_0\nclear haze,test_1\ncultivation,file_0\n',
    ],
    ids=["order", "CRLF", "mark", "quotes", "blanks", "columns"],
)
def test_other_ways_to_write_the_file_score_the_same(judged: Judged, submission: str) -> None:
    result = judged.scored(submission, SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)


def test_a_column_usage_gives_both_boards(judged: Judged) -> None:
    lines = zip(SOLUTION.splitlines(), ["Usage", "Public", "Private", "Ignored"], strict=True)
    result = judged.scored(SUBMISSION, "".join(f"{line},{board}\n" for line, board in lines))
    assert result["public"] == pytest.approx(10 / 11, abs=1e-12)
    assert result["private"] == pytest.approx(5 / 14, abs=1e-12)
    assert result["score"] == pytest.approx((10 / 11 + 5 / 14) / 2, abs=1e-12)


def test_ids_with_an_extension_and_a_forgotten_set_are_refused(judged: Judged) -> None:
    submission = HEAD + "test_0.jpg,clear\ntest_1,clear\ntest_1,clear\n"
    faults = judged.refused(submission, SOLUTION)
    assert len(faults) == 3
    assert "2 of 3 ids are missing, the first is 'test_0' (row 1" in faults[0]
    assert "1 ids were not asked for, the first is 'test_0.jpg' in row 1 (line 2)" in faults[1]
    assert "1 ids are repeated, the first is 'test_1' in row 3 (line 4)" in faults[2]


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        ("", "is empty"),
        ("image_name,tag\ntest_0,clear\n", "lacks tags"),
        ("id,tags\ntest_0,clear\n", "lacks image_name"),
        (",image_name,tags\n0,test_0,clear\n", "a column too many: ''"),
        (SUBMISSION.replace("clear haze", "clear,haze"), "has 3 of 2 cells"),
    ],
)
def test_other_files_are_refused(judged: Judged, submission: str, words: str) -> None:
    assert words in judged.refused(submission, SOLUTION)[0]


def test_a_truth_without_a_tag_has_no_score(judged: Judged) -> None:
    code, _, err = judged.score(SUBMISSION, SOLUTION.replace("clear primary", ""))
    assert code == 2
    assert "row 1 of y_true has no tag" in err


def test_check_submission_names_what_is_doubtful(judged: Judged) -> None:
    sample = HEAD + "".join(f"{name},primary clear\n" for name in ("test_0", "test_1", "file_0"))
    code, out, _ = judged.check(SUBMISSION.replace("haze", "hazy"), sample)
    assert code == 0
    assert "is none of the 17 classes" in out
    assert "valid: 3 rows" in out
