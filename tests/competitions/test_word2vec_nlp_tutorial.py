"""The reviews: area under the curve of any finite number, through the scripts."""

from __future__ import annotations

import math
import random

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell

SOLUTION = "id,sentiment\n12311_10,1\n8348_2,0\n5828_4,0\n7186_9,1\n"
GOOD = "id,sentiment\n12311_10,0.9\n8348_2,0.4\n5828_4,0.1\n7186_9,0.4\n"
# pairs: .9 > .4, .9 > .1, .4 = .4, .4 > .1: 3.5 of 4
SCORE = 0.875

judged = judged_fixture("word2vec-nlp-tutorial")


@spellings_of(GOOD)
def test_every_spelling_scores_the_share_of_pairs(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == SCORE


@spellings_of(SOLUTION)
def test_every_spelling_of_the_solution_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(GOOD, content)["score"] == SCORE


def test_ids_may_stand_in_quotes_and_numbers_not(judged: Judged) -> None:
    quoted = 'id,sentiment\n"7186_9",0.4\n"12311_10",0.9\n"8348_2",0.4\n"5828_4",0.1\n'
    assert judged.scored(quoted, SOLUTION)["score"] == SCORE


def test_quotes_that_became_part_of_the_ids_are_refused(judged: Judged) -> None:
    # read with quoting=3 and written without it: the cell itself holds the quotes
    tripled = 'id,sentiment\n"""12311_10""",0.9\n"""8348_2""",0.4\n'
    missing, extra = judged.refused(tripled, SOLUTION)
    assert "4 of 4 ids are missing, the first is '12311_10'" in missing
    assert "2 ids were not asked for, the first is '\"12311_10\"' in row 1 (line 2)" in extra


def test_a_sample_that_holds_quotes_in_its_ids_asks_for_them(judged: Judged) -> None:
    sample = 'id,sentiment\n"""12311_10""",0\n"""8348_2""",0\n'
    assert judged.checked(sample.replace(",0", ",0.5"), sample)[-1].startswith("valid: 2 rows")


def test_only_the_order_counts(judged: Judged) -> None:
    # the logarithms of the good answers, which are negative and of another size
    logarithms = GOOD
    for value in ("0.9", "0.4", "0.1"):
        logarithms = logarithms.replace(f",{value}\n", f",{1000 * math.log(float(value))!r}\n")
    assert judged.scored(logarithms, SOLUTION)["score"] == SCORE


def test_a_constant_scores_one_half(judged: Judged) -> None:
    constant = "id,sentiment\n" + "".join(
        f"{line.split(',')[0]},7\n" for line in SOLUTION.splitlines()[1:]
    )
    result = judged.scored(constant, SOLUTION)
    assert result["score"] == 0.5
    assert result["higher_is_better"] is True
    assert result["place"].startswith("0.5 lies between constant (0.5) and bag of words")


def test_hard_labels_score_the_mean_of_both_recalls(judged: Judged) -> None:
    # one of two positives and two of two negatives are right: (0.5 + 1) / 2
    hard = "id,sentiment\n12311_10,1\n8348_2,0\n5828_4,0\n7186_9,0\n"
    assert judged.scored(hard, SOLUTION)["score"] == 0.75


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(judged: Judged, seed: int) -> None:
    header, *rows = GOOD.splitlines()
    random.Random(seed).shuffle(rows)
    assert judged.scored("\n".join([header, *rows]), SOLUTION)["score"] == SCORE


@bad_forms_of(GOOD, "1_1")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e400", "positive", "", "0x1"])
def test_what_is_no_finite_number_is_refused(judged: Judged, cell: str) -> None:
    content = with_cell(GOOD, 2, cell)
    (fault,) = judged.refused_by_both(content, SOLUTION)
    assert f"the first is {cell!r} for id '8348_2' in row 2 (line 3)" in fault
    assert "expected a finite number" in fault


@pytest.mark.parametrize("sentiment", ["0", "1"])
def test_a_truth_of_one_class_is_refused(judged: Judged, sentiment: str) -> None:
    solution = "id,sentiment\n" + "".join(
        f"{line.split(',')[0]},{sentiment}\n" for line in SOLUTION.splitlines()[1:]
    )
    assert "not defined for one class" in judged.solution_refused(GOOD, solution)


def test_a_truth_that_is_neither_0_nor_1_is_refused(judged: Judged) -> None:
    line = judged.solution_refused(GOOD, with_cell(SOLUTION, 3, "4"))
    assert "row 3 of those scored has the truth 4" in line
