"""Metrics that see only the order of the predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from common.errors import MetricError
from common.metrics import area_under_roc
from common.metrics.ranking import area_under_roc_score


def area(y_true: list, y_pred: list) -> float:
    return area_under_roc_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


def pairs_won(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The definition, pair by pair."""
    won = [
        1.0 if one > zero else 0.5 if one == zero else 0.0
        for one in y_pred[y_true == 1]
        for zero in y_pred[y_true == 0]
    ]
    return sum(won) / len(won)


def test_area_is_the_share_of_pairs_in_order() -> None:
    # 0.8 beats 0.1 and 0.4; 0.35 beats 0.1 only: 3 of 4
    assert area([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([0, 1], [0, 1], 1.0),
        ([0, 1], [1, 0], 0.0),
        ([0, 1], [3, 3], 0.5),
        ([0, 1, 1], [1, 1, 2], 0.75),  # a half and one of two pairs
        ([0, 0, 1], [1, 2, 2], 0.75),
        ([True, False], [-1.0, -2.0], 1.0),
        ([1.0, 0.0], [0.0, -0.0], 0.5),  # minus zero is zero
    ],
)
def test_area_of_small_tables(y_true: list, y_pred: list, expected: float) -> None:
    assert area(y_true, y_pred) == expected


def test_area_of_a_constant_is_one_half() -> None:
    assert area([0, 1, 0, 1, 1], [0.7] * 5) == 0.5


def test_area_of_hard_labels_is_the_mean_of_both_recalls() -> None:
    # 3 of 4 ones and 1 of 2 zeros: (0.75 + 0.5) / 2
    assert area([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0]) == 0.625


def test_area_sees_the_order_only() -> None:
    y_true = np.array([0, 1, 1, 0, 1])
    y_pred = np.array([0.1, 0.1, 0.9, 0.5, 0.4])
    expected = area_under_roc_score(y_true=y_true, y_pred=y_pred)
    stretched = area_under_roc_score(y_true=y_true, y_pred=np.exp(50 * y_pred) - 1e9)
    assert stretched == expected


@pytest.mark.parametrize("values", [(1e308, -1e308), (5e-324, 0.0), (1 + 2**-52, 1.0)])
def test_area_tells_the_closest_and_the_furthest_numbers_apart(values: tuple) -> None:
    assert area([1, 0], list(values)) == 1.0


def test_area_of_many_rows_does_not_overflow() -> None:
    # 10^5 of each: 10^10 pairs, all in order but those of one pair of values
    y_true = np.repeat([0, 1], 100_000)
    y_pred = np.arange(200_000)
    y_pred[0] = 200_000  # above all ones: 10^5 pairs are lost
    assert area_under_roc_score(y_true=y_true, y_pred=y_pred) == 1 - 1e-5


@pytest.mark.parametrize(("y_true", "words"), [([1, 1], "2 times 1 and 0 times 0"), ([0], "0 ti")])
def test_area_refuses_a_truth_of_one_class(y_true: list, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        area(y_true, [0.5] * len(y_true))


@pytest.mark.parametrize("truth", [2, -1, 0.5, np.nan])
def test_area_refuses_a_truth_that_is_neither_0_nor_1(truth: float) -> None:
    with pytest.raises(MetricError, match=r"row 2 of those scored has the truth .*expected 0 or 1"):
        area([0, truth, 1], [1, 2, 3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_area_refuses_a_prediction_that_is_not_finite(bad: float) -> None:
    with pytest.raises(MetricError, match=r"row 3 of those scored .* expected a finite number"):
        area([0, 1, 1], [1, 2, bad])


def test_area_refuses_a_column_against_a_row() -> None:
    with pytest.raises(MetricError, match=r"y_pred has the shape \(2, 1\).*flatten"):
        area([0, 1], [[0.0], [1.0]])


@pytest.mark.parametrize("digits", [1, 2, 12])
@pytest.mark.parametrize("seed", range(3))
def test_area_agrees_with_scikit_learn(seed: int, digits: int) -> None:
    # rounded to one digit most pairs are equal
    generator = np.random.default_rng(seed)
    y_true = generator.integers(0, 2, size=501)
    y_pred = (y_true * 0.3 + generator.random(501)).round(digits)
    expected = roc_auc_score(y_true, y_pred)
    assert area_under_roc_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected, abs=1e-14)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    ones=st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    zeros=st.lists(st.integers(-3, 3), min_size=1, max_size=12),
)
def test_area_agrees_with_counting_the_pairs(ones: list[int], zeros: list[int]) -> None:
    y_true, y_pred = np.repeat([1, 0], [len(ones), len(zeros)]), np.array(ones + zeros)
    expected = pairs_won(y_true, y_pred)
    assert area_under_roc_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected, abs=1e-15)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=20))
def test_area_of_the_turned_order_is_the_rest_to_one(values: list[int]) -> None:
    y_true, y_pred = np.arange(len(values)) % 2, np.array(values)
    turned = area_under_roc_score(y_true=y_true, y_pred=-y_pred)
    straight = area_under_roc_score(y_true=y_true, y_pred=y_pred)
    assert turned + straight == pytest.approx(1, abs=1e-15)


def test_area_is_called_so() -> None:
    assert area_under_roc.name == "area under the ROC curve"
