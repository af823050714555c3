"""Planet: mean F2 over sets of tags."""

from __future__ import annotations

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_usage

HEAD = "image_name,tags\n"
SOLUTION = (
    HEAD + "test_0,clear primary\ntest_1,haze primary water\nfile_0,cultivation cultivation\n"
)
# 10/11 by hand; 5·1 / (4·3 + 2); right
SUBMISSION = HEAD + "test_0,clear primary water\ntest_1,clear haze\nfile_0,cultivation\n"
SCORE = (10 / 11 + 5 / 14 + 1) / 3

judged = judged_fixture("planet-understanding-the-amazon-from-space")


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


@spellings_of(SUBMISSION)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-12)


@pytest.mark.parametrize("tags", ["haze clear", " clear haze "])
def test_the_order_of_tags_and_blanks_around_them_do_not_matter(judged: Judged, tags: str) -> None:
    result = judged.scored(SUBMISSION.replace("clear haze", tags), SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)


def test_a_column_usage_gives_both_boards(judged: Judged) -> None:
    result = judged.scored(SUBMISSION, with_usage(SOLUTION, "Public", "Private", "Ignored"))
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


@bad_forms_of(SUBMISSION, "file_1")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


def test_commas_between_tags_are_refused(judged: Judged) -> None:
    (fault,) = judged.refused(SUBMISSION.replace("clear haze", "clear,haze"), SOLUTION)
    assert "has 3 of 2 cells" in fault


def test_a_truth_without_a_tag_has_no_score(judged: Judged) -> None:
    line = judged.solution_refused(SUBMISSION, SOLUTION.replace("clear primary", ""))
    assert "row 1 of y_true has no tag" in line


def test_check_submission_names_what_is_doubtful(judged: Judged) -> None:
    sample = HEAD + "".join(f"{name},primary clear\n" for name in ("test_0", "test_1", "file_0"))
    warning, valid = judged.checked(SUBMISSION.replace("haze", "hazy"), sample)
    assert "is none of the 17 classes" in warning
    assert valid.startswith("valid: 3 rows")
