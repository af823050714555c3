"""The dogs: multi-class log loss over 120 columns, through the scripts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from competitions.dog_breed_identification.spec import BREEDS, SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of, with_usage

IDS = ("000621fb3cbb32d8935728e48679680e", "12345678901234567890123456789012", "0" * 32)
TRUTH = dict(zip(IDS, ("shih-tzu", "boston_bull", "yorkshire_terrier"), strict=True))
COMPACT = "id,breed\n" + "".join(f"{key},{breed}\n" for key, breed in TRUTH.items())
HEADER = ",".join(("id", *BREEDS))


def table(value: Callable[[str, str], object]) -> str:
    """A file with a value per id and breed."""
    rows = (",".join([key, *(str(value(key, breed)) for breed in BREEDS)]) for key in IDS)
    return "\n".join([HEADER, *rows]) + "\n"


def shares(of_truth: float) -> str:
    """A file that gives the true breed a share, and the rest to the others alike."""
    return table(lambda key, breed: of_truth if TRUTH[key] == breed else (1 - of_truth) / 119)


ONE_HOT = table(lambda key, breed: int(TRUTH[key] == breed))
GOOD = shares(0.25)
UNIFORM = table(lambda key, breed: "0.008333333333333333")

judged = judged_fixture("dog-breed-identification")


def test_the_breeds_are_the_samples_in_ascii_order() -> None:
    assert len(set(BREEDS)) == 120
    assert list(BREEDS) == sorted(BREEDS)
    assert (BREEDS[0], BREEDS[12], BREEDS[-1]) == (
        "affenpinscher",
        "black-and-tan_coonhound",
        "yorkshire_terrier",
    )
    assert SPEC.submission.header == ("id", *BREEDS)


@pytest.mark.parametrize("solution", [COMPACT, ONE_HOT, ONE_HOT.replace(",0", ",0.0")])
@spellings_of(GOOD)
def test_every_spelling_and_form_of_truth_has_the_score_of_the_formula(
    judged: Judged, content: str, solution: str
) -> None:
    assert judged.scored(content, solution)["score"] == pytest.approx(math.log(4), abs=1e-12)


def test_the_uniform_answer_scores_the_logarithm_of_120(judged: Judged) -> None:
    result = judged.scored(UNIFORM, COMPACT)
    assert result["score"] == pytest.approx(4.787491742782046, abs=1e-12)
    assert result["warnings"] == []
    assert result["rows"] == 3
    assert result["place"].startswith("4.7875 lies between uniform sample (4.7875)")


@pytest.mark.parametrize("solution", [COMPACT, ONE_HOT])
def test_nothing_for_the_true_breed_costs_the_clip(judged: Judged, solution: str) -> None:
    # a third of the rows is wrong for certain: 34.5388 / 3
    content = table(lambda key, breed: int(breed == "boston_bull"))
    expected = 34.538776394910684 * 2 / 3
    assert judged.scored(content, solution)["score"] == pytest.approx(expected, abs=1e-9)


def test_the_perfect_answer_scores_next_to_nothing(judged: Judged) -> None:
    assert judged.scored(ONE_HOT, ONE_HOT)["score"] == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("solution", [COMPACT, ONE_HOT])
def test_rows_are_divided_by_their_sum_with_a_warning(judged: Judged, solution: str) -> None:
    # 1 for the truth and 1 for one other: one half
    content = table(lambda key, breed: int(breed in (TRUTH[key], "kuvasz")))
    result = judged.scored(content, solution)
    assert result["score"] == pytest.approx(math.log(2), abs=1e-15)
    words = "3 rows do not sum to 1 and are divided by their sum, the first sums to 2"
    assert result["warnings"] == [words]
    assert judged.checked(content, COMPACT)[0] == f"warning: {words}"


def test_rounding_in_the_eighth_digit_is_no_cause_for_a_warning(judged: Judged) -> None:
    content = table(lambda key, breed: "0.00833333")  # sums to 0.9999996
    result = judged.scored(content, COMPACT)
    assert result["warnings"] == []
    assert result["score"] == pytest.approx(math.log(120), abs=1e-12)


def test_a_row_of_zeros_is_refused(judged: Judged) -> None:
    content = table(lambda key, breed: 0 if key == IDS[1] else 1)
    for line in judged.refused_by_both(content, COMPACT):
        assert f"1 rows of probabilities sum to 0, the first for id {IDS[1]!r} in row 2" in line


def test_both_boards_are_told(judged: Judged) -> None:
    result = judged.scored(GOOD, with_usage(COMPACT, "Public", "Private", "Ignored"))
    assert {name: result[name] for name in ("public", "private", "score")} == {
        name: pytest.approx(math.log(4)) for name in ("public", "private", "score")
    }
    assert result["rows"] == 2


@bad_forms_of(GOOD, "f" * 32)
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, COMPACT)[0]


@pytest.mark.parametrize("cell", ["nan", "inf", "", "high", "-0.1", "1.1"])
def test_a_cell_that_is_no_probability_is_refused_with_its_breed(judged: Judged, cell: str) -> None:
    content = table(lambda key, breed: cell if (key, breed) == (IDS[1], "pug") else 0.5)
    (fault,) = judged.refused_by_both(content, COMPACT)
    assert f"1 values of pug are not allowed, the first is {cell!r} for id {IDS[1]!r}" in fault
    assert "in row 2 (line 3); expected a number from 0 to 1" in fault


def test_a_breed_without_a_column_and_one_too_many_are_both_named(judged: Judged) -> None:
    content = GOOD.replace(",pug,", ",mops,")
    lacking, too_many = judged.refused(content, COMPACT)
    assert "lacks pug" in lacking
    assert "a column too many: 'mops'" in too_many


def test_names_of_files_are_no_ids(judged: Judged) -> None:
    missing, extra = judged.refused(GOOD.replace(f"{IDS[2]},", f"{IDS[2]}.jpg,"), COMPACT)
    assert "1 of 3 ids are missing" in missing
    assert ".jpg' in row 3" in extra


@pytest.mark.parametrize("breed", ["mops", "Boston_bull", ""])
def test_a_breed_that_is_none_is_the_solutions_fault(judged: Judged, breed: str) -> None:
    line = judged.solution_refused(GOOD, COMPACT.replace("boston_bull", breed))
    assert "solution" in line
    assert repr(breed) in line


@pytest.mark.parametrize("cell", ["1", "0.5"])
def test_a_truth_that_is_not_one_hot_is_the_solutions_fault(judged: Judged, cell: str) -> None:
    solution = table(lambda key, breed: int(TRUTH[key] == breed) if breed != "pug" else cell)
    line = judged.solution_refused(GOOD, solution)
    assert "the solution's row 1 of those scored is not one-hot" in line


def test_a_truth_without_a_breed_is_the_solutions_fault(judged: Judged) -> None:
    solution = table(lambda key, breed: int(TRUTH[key] == breed and key != IDS[2]))
    assert "row 3 of those scored is not one-hot" in judged.solution_refused(GOOD, solution)
