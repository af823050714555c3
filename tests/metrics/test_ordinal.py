"""Metrics of one grade per sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from common.errors import MetricError
from common.metrics.ordinal import quadratic_weighted_kappa_score

GRADES = [0, 1, 2, 3, 4]


def kappa(y_true: list, y_pred: list) -> float:
    return quadratic_weighted_kappa_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


def test_kappa_of_four_rows() -> None:
    # squared distances 0, 1, 0, 4 sum to 5; by chance (0, 1, 4, 2) against (0, 2, 4, 0):
    # all 16 pairs: 0+4+16+0 + 1+1+9+1 + 16+4+0+16 + 4+0+4+4 = 80, by 4 rows 20; 1 - 5/20
    assert kappa([0, 1, 4, 2], [0, 2, 4, 0]) == 0.75


def test_kappa_of_opposite_grades_is_minus_one() -> None:
    # distances 16 and 16: 32; by chance 0, 16, 16, 0 by 2 rows: 16; 1 - 2
    assert kappa([0, 4], [4, 0]) == -1.0


def test_kappa_goes_by_the_value_and_not_by_the_place_among_grades_that_occur() -> None:
    y_true, y_pred = [0, 0, 3, 3, 4, 4, 0, 3], [0, 3, 3, 3, 4, 3, 0, 0]
    assert round(kappa(y_true, y_pred), 5) == 0.55814
    by_place = cohen_kappa_score(y_true, y_pred, weights="quadratic")
    assert round(by_place, 5) == 0.64706


@pytest.mark.parametrize("grade", GRADES)
def test_kappa_of_a_constant_prediction_is_exactly_zero(grade: int) -> None:
    assert kappa([0, 1, 2, 3, 4, 0, 2], [grade] * 7) == 0.0
    assert kappa([grade] * 7, [0, 1, 2, 3, 4, 0, 2]) == 0.0


def test_kappa_of_two_equal_constants_is_one() -> None:
    assert kappa([2, 2, 2], [2, 2, 2]) == 1.0


def test_kappa_of_two_different_constants_is_zero() -> None:
    assert kappa([2, 2, 2], [3, 3, 3]) == 0.0


def test_kappa_does_not_depend_on_how_many_grades_there_are() -> None:
    y_true, y_pred = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 1])
    few = quadratic_weighted_kappa_score(y_true=y_true, y_pred=y_pred, n_grades=3)
    many = quadratic_weighted_kappa_score(y_true=y_true, y_pred=y_pred, n_grades=40)
    assert few == many


grade_pairs = st.lists(
    st.tuples(st.sampled_from(GRADES), st.sampled_from(GRADES)), min_size=1, max_size=40
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(pairs=grade_pairs)
def test_kappa_agrees_with_scikit_learn_and_is_symmetric(pairs: list[tuple[int, int]]) -> None:
    y_true, y_pred = (list(side) for side in zip(*pairs, strict=True))
    found = kappa(y_true, y_pred)
    if len({*y_true, *y_pred}) > 1:  # 0/0 elsewhere
        expected = cohen_kappa_score(y_true, y_pred, labels=GRADES, weights="quadratic")
        assert found == pytest.approx(expected, abs=1e-12)
    assert found == kappa(y_pred, y_true)
    assert -1.0 <= found <= 1.0


def test_kappa_agrees_over_several_blocks_of_rows() -> None:
    y_true, y_pred = np.random.default_rng(0).integers(0, 5, size=(2, 150_000))
    expected = cohen_kappa_score(y_true, y_pred, labels=GRADES, weights="quadratic")
    found = quadratic_weighted_kappa_score(y_true=y_true, y_pred=y_pred)
    assert found == pytest.approx(expected, abs=1e-12)


def test_kappa_is_not_the_mean_of_the_kappas_of_parts() -> None:
    y_true, y_pred = [0, 1, 3, 4], [0, 2, 4, 4]
    parts = (kappa(y_true[:2], y_pred[:2]) + kappa(y_true[2:], y_pred[2:])) / 2
    assert kappa(y_true, y_pred) > parts + 0.1


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, np.float32])
def test_kappa_reads_whole_numbers_of_every_type(dtype: type) -> None:
    y_true, y_pred = np.array([0, 1, 4, 2], dtype=dtype), np.array([0, 2, 4, 0], dtype=dtype)
    assert quadratic_weighted_kappa_score(y_true=y_true, y_pred=y_pred) == 0.75


@pytest.mark.parametrize(
    ("y_pred", "words"),
    [
        ([0, 5], "row 2 of y_pred holds 5; expected a whole number from 0 to 4"),
        ([-1, 0], "row 1 of y_pred holds -1"),
        ([0.0, 2.5], "row 2 of y_pred holds 2.5"),
        ([np.nan, 0.0], "row 1 of y_pred holds nan"),
        ([0.0, np.inf], "row 2 of y_pred holds inf"),
        (["0", "1"], "y_pred has the type <U1; expected whole numbers"),
    ],
)
def test_kappa_refuses_what_is_no_grade(y_pred: list, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        kappa([0, 1], y_pred)
    with pytest.raises(MetricError, match=words.replace("y_pred", "y_true")):
        kappa(y_pred, [0, 1])
