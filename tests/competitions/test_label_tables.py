"""What the three data sets with a table of labels share: plain accuracy over `id,label`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.competitions.judged import Judged
from tests.competitions.tables import bad_forms_of, spellings_of, with_cell, with_usage

SLUGS = ("the-oxfordiiit-pet-dataset", "stanford-dogs-dataset", "fruits")

# right in rows 1, 2 and 4: three of five; beagle 2 of 3, Bengal 1 of 2 in the truth
SOLUTION = "id,label\na_1,beagle\na_2,beagle\na_3,beagle\nb_1,Bengal\nb_2,Bengal\n"
GOOD = "id,label\na_1,beagle\na_2,beagle\na_3,Bengal\nb_1,Bengal\nb_2,beagle\n"


@pytest.fixture(params=SLUGS)
def judged(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Judged:
    return Judged(str(request.param), tmp_path, capsys)


def test_the_score_is_plain_accuracy(judged: Judged) -> None:
    result = judged.scored(GOOD, SOLUTION)
    assert result["metric"] == "accuracy"
    assert result["score"] == 0.6
    assert result["rows"] == 5
    assert result["warnings"] == []


def test_the_mean_over_the_classes_stands_beside_it(judged: Judged) -> None:
    # (2 / 3 + 1 / 2) / 2
    expected = (2 / 3 + 1 / 2) / 2
    assert judged.scored(GOOD, SOLUTION)["mean_class_accuracy"] == pytest.approx(
        expected, abs=1e-15
    )


def test_a_copy_of_the_truth_scores_one(judged: Judged) -> None:
    assert judged.scored(SOLUTION, SOLUTION)["score"] == 1.0


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == 0.6
    assert judged.scored(GOOD, content)["score"] == 1.0
    assert judged.checked(content, SOLUTION)


def test_the_order_of_rows_does_not_matter(judged: Judged) -> None:
    header, *rows = GOOD.splitlines()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        result = judged.scored("\n".join([header, *rows]), SOLUTION)
        assert result["score"] == 0.6
        assert judged.scored("\n".join([header, *rows]), GOOD)["score"] == 1.0


def test_an_unknown_label_counts_as_wrong_with_a_warning(judged: Judged) -> None:
    # the truth knows no "zebra": two of five stay right
    result = judged.scored(GOOD.replace("a_1,beagle", "a_1,zebra"), SOLUTION)
    assert result["score"] == 0.4
    (warning,) = result["warnings"]
    assert "1 values of label are none of the 2 classes" in warning
    assert "'zebra'" in warning


def test_upper_case_and_blanks_make_another_label(judged: Judged) -> None:
    assert judged.scored(SOLUTION.replace("Bengal", "bengal"), SOLUTION)["score"] == 0.6
    assert judged.scored(SOLUTION.replace("Bengal", "Bengal "), SOLUTION)["score"] == 0.6


def test_labels_that_look_like_numbers_are_text(judged: Judged) -> None:
    # 1, 1.0 and 01 are three names
    truth, answers = "id,label\na,1\nb,1\nc,1\n", "id,label\na,1\nb,1.0\nc,01\n"
    assert judged.scored(answers, truth)["score"] == pytest.approx(1 / 3, abs=1e-15)


def test_a_column_usage_gives_both_boards(judged: Judged) -> None:
    # public: rows 1 and 2, both right; private: rows 3 and 4, one right; row 5 is ignored
    boards = ("Public", "Public", "Private", "Private", "Ignored")
    result = judged.scored(GOOD, with_usage(SOLUTION, *boards))
    assert (result["public"], result["private"]) == (1.0, 0.5)
    assert (result["score"], result["rows"]) == (0.75, 4)


def test_the_solution_may_be_named_by_its_folder(judged: Judged) -> None:
    judged.path("solution.csv", SOLUTION)
    assert judged.scored(GOOD, judged.folder)["score"] == 0.6


@bad_forms_of(GOOD, "c_1")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, SOLUTION)[0]


def test_an_empty_label_is_refused(judged: Judged) -> None:
    (fault,) = judged.refused_by_both(with_cell(GOOD, 2, ""), SOLUTION)
    assert "is '' for id 'a_2' in row 2 (line 3)" in fault


def test_all_faults_are_told_at_once(judged: Judged) -> None:
    # b_2 is missing, c_1 was not asked for, a_1 stands there twice, a_2 has no label
    faults = judged.refused("id,label\na_1,x\na_2,\na_3,x\nb_1,x\nc_1,x\na_1,x\n", SOLUTION)
    assert len(faults) == 4
    for fault, name in zip(faults, ["'b_2'", "'c_1'", "'a_1'", "'a_2'"], strict=True):
        assert name in fault


def test_a_solution_without_labels_is_named(judged: Judged) -> None:
    line = judged.solution_refused(GOOD, SOLUTION.replace("label", "breed"))
    assert "is no solution for this competition" in line
    assert "lacks label" in line
