"""SIIM-ACR: mean Dice of relative run lengths, one row per image against several."""

from __future__ import annotations

import numpy as np
import pytest

from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_usage

HEAD = "ImageId,EncodedPixels\n"
SOLUTION = HEAD + "ID_a,-1\nID_b,0 4\nID_b,1048572 4\nID_c,100 10\nID_d,-1\n"
# b: 4 of 8 pixels found, 2·4 / (8 + 4); c: missed; a: right; d: one pixel too many
SUBMISSION = HEAD + "ID_a,-1\nID_b,0 4\nID_c,-1\nID_d,0 1\n"
SCORE = (1 + 8 / 12 + 0 + 0) / 4
SAMPLE = HEAD + "ID_a,-1\nID_b,-1\nID_c,-1\nID_d,-1\n"

judged = judged_fixture("siim-acr-pneumothorax-segmentation")


def test_masks_of_one_image_are_united(judged: Judged) -> None:
    result = judged.scored(SUBMISSION, SOLUTION)
    assert (result["score"], result["rows"]) == (pytest.approx(SCORE, abs=1e-12), 4)
    assert result["metric"] == "mean Dice"


def test_united_masks_may_overlap(judged: Judged) -> None:
    # 0 to 5 and 3 to 8 are nine pixels; added up they would be twelve
    solution = HEAD + "ID_a,0 6\nID_a,3 6\n"
    assert judged.scored(HEAD + "ID_a,0 9\n", solution)["score"] == 1.0


def test_the_code_is_relative_and_goes_down_the_columns(judged: Judged) -> None:
    mask = np.zeros(SIZE, dtype=bool)
    mask[0, 0] = mask[1, 0] = mask[2, 1] = True
    assert MASKS.encode(mask) == "0 2 1024 1"
    assert judged.scored(HEAD + "a,0 2 1024 1\n", HEAD + "a,0 2 1024 1\n")["score"] == 1.0


def test_the_last_pixel_is_a_mask(judged: Judged) -> None:
    last = HEAD + "a,1048575 1\n"
    assert judged.scored(last, last)["score"] == 1.0
    assert judged.scored(HEAD + "a,-1\n", last)["score"] == 0.0


def test_nothing_but_empty_scores_the_share_of_empty_images(judged: Judged) -> None:
    assert judged.scored(SAMPLE, SOLUTION)["score"] == 0.5


@spellings_of(SUBMISSION)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(SCORE, abs=1e-12)


def test_a_blank_before_the_mask_does_not_matter(judged: Judged) -> None:
    result = judged.scored(SUBMISSION.replace(",-1", ", -1"), SOLUTION)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)


def test_the_blanks_of_the_hosts_older_file_do_not_count(judged: Judged) -> None:
    older = SOLUTION.replace(",", ", ")
    assert older.startswith("ImageId, EncodedPixels\nID_a, -1\n")
    result = judged.scored(SUBMISSION, older)
    assert result["score"] == pytest.approx(SCORE, abs=1e-12)


def test_boards_are_told_apart_for_images_of_several_rows(judged: Judged) -> None:
    boards = ("Public", "Public", "Public", "Private", "Ignored")
    result = judged.scored(SUBMISSION, with_usage(SOLUTION, *boards))
    assert result["public"] == pytest.approx(5 / 6, abs=1e-12)
    assert (result["private"], result["rows"]) == (0.0, 3)


def test_rows_of_one_image_on_two_boards_are_refused(judged: Judged) -> None:
    solution = with_usage(HEAD + "ID_a,0 4\nID_a,8 4\n", "Public", "Private")
    line = judged.solution_refused(HEAD + "ID_a,-1\n", solution)
    assert "'ID_a' has rows of Usage 'Public' and 'Private'; expected one board per id" in line


def test_a_mask_of_many_small_runs_is_read(judged: Judged) -> None:
    # longer than the standard library's limit of 131,072 characters in a cell
    text = " ".join(["1 1"] * 100_000)
    assert judged.scored(HEAD + f"a,{text}\n", HEAD + f"a,{text}\n")["score"] == 1.0


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "0 2 4",
        "7",
        "0 0",
        "0 -4",
        "-1 -1",
        "0 4 -2 4",
        "0 1048577",
        "1048576 1",
        "1048572 4 0 1",
        "0 99999999999999999999",
        "0 4.0",
        "0 nan",
        "inf 1",
        "mask",
        '"0,4"',
    ],
)
def test_a_cell_that_is_no_mask_is_refused(judged: Judged, cell: str) -> None:
    faults = judged.refused(SUBMISSION.replace("ID_b,0 4", f"ID_b,{cell}"), SOLUTION)
    assert len(faults) == 1
    assert "1 values of EncodedPixels are not allowed" in faults[0]
    assert "for id 'ID_b' in row 2 (line 3); expected -1, or pairs" in faults[0]


def test_all_faults_are_listed_at_once(judged: Judged) -> None:
    submission = HEAD + "ID_a,-1\nID_a,-1\nID_b,\nID_x,0 4\nID_d,3 0\n"
    faults = judged.refused(submission, SOLUTION)
    assert len(faults) == 4
    assert "1 of 4 ids are missing, the first is 'ID_c'" in faults[0]
    assert "1 ids were not asked for, the first is 'ID_x' in row 4" in faults[1]
    assert "1 ids are repeated, the first is 'ID_a' in row 2" in faults[2]
    assert "2 values of EncodedPixels are not allowed, the first is '' for id 'ID_b'" in faults[3]


def test_several_rows_of_one_image_are_refused_in_a_submission(judged: Judged) -> None:
    assert "repeated" in judged.refused(SUBMISSION + "ID_b,1048572 4\n", SOLUTION)[0]


@bad_forms_of(SUBMISSION, "ID_e")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION, SAMPLE)[0]


def test_a_blank_in_the_header_makes_another_column(judged: Judged) -> None:
    submission = SUBMISSION.replace(",", ", ")
    assert "lacks EncodedPixels" in judged.refused(submission, SOLUTION)[0]


def test_a_solution_with_a_malformed_mask_is_no_solution(judged: Judged) -> None:
    line = judged.solution_refused(SUBMISSION, SOLUTION.replace("100 10", "100 10 3"))
    words = "1 values of EncodedPixels are not allowed, the first is '100 10 3' for id 'ID_c'"
    assert f"{words} in row 4 (line 5)" in line


def test_check_submission_takes_the_ids_of_the_sample(judged: Judged) -> None:
    assert judged.checked(SUBMISSION, SAMPLE)[0].startswith("valid: 4 rows")
    assert "ID_b" in judged.check_refused(SUBMISSION.replace("0 4", "0 4 1"), SAMPLE)[0]


def test_the_place_on_the_ladder_is_told(judged: Judged) -> None:
    place = judged.scored(SUBMISSION, SUBMISSION)["place"]
    assert place == "1 is better than the highest rung, first place (0.8679)"
