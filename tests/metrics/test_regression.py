"""Metrics of one number per sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error as reference
from sklearn.metrics import root_mean_squared_error as reference_rmse

from common.errors import MetricError
from common.metrics import (
    mean_absolute_error,
    root_mean_squared_error,
    root_mean_squared_percentage_error,
)
from common.metrics.regression import (
    mean_absolute_error_score,
    root_mean_squared_error_score,
    root_mean_squared_percentage_error_score,
)


def score(y_true: list, y_pred: list, dtype: str = "float64") -> float:
    return mean_absolute_error_score(
        y_true=np.array(y_true, dtype=dtype), y_pred=np.array(y_pred, dtype=dtype)
    )


def test_mean_absolute_error_is_the_mean_distance() -> None:
    # distances 1, 0, 2.5 and 0.5: 4 / 4
    assert score([3, 5, -1, 0], [2, 5, 1.5, -0.5]) == 1.0


def test_mean_absolute_error_does_not_let_distances_cancel() -> None:
    # one too high by 2, one too low by 2
    assert score([0, 0], [2, -2]) == 2.0


def test_mean_absolute_error_counts_an_outlier_once_and_not_squared() -> None:
    # distances 0, 0, 0, 100: 25; squared it would be 2500
    assert score([0, 0, 0, 0], [0, 0, 0, 100]) == 25.0


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int8", "float16", "int64"])
def test_mean_absolute_error_of_narrow_types_does_not_wrap_round(dtype: str) -> None:
    # 1 - 2 is 255 in uint8; the distances are 1 and 1
    assert score([1, 100], [2, 99], dtype) == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["y_true", "y_pred"])
def test_mean_absolute_error_refuses_numbers_that_are_not_finite(bad: float, side: str) -> None:
    arrays = {"y_true": np.array([1.0, 2.0]), "y_pred": np.array([1.0, 2.0])}
    arrays[side][1] = bad
    with pytest.raises(MetricError, match=r"row 2 has .*expected finite numbers"):
        mean_absolute_error_score(**arrays)


def test_mean_absolute_error_refuses_a_column_against_a_row() -> None:
    with pytest.raises(MetricError, match=r"y_pred has the shape \(3, 1\).*flatten"):
        mean_absolute_error_score(y_true=np.zeros(3), y_pred=np.zeros((3, 1)))


@pytest.mark.parametrize("seed", range(5))
def test_mean_absolute_error_agrees_with_scikit_learn(seed: int) -> None:
    y_true, y_pred = np.random.default_rng(seed).normal(5, 3, size=(2, 301))
    expected = reference(y_true, y_pred)
    assert mean_absolute_error_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected)


def test_mean_absolute_error_is_called_so() -> None:
    assert mean_absolute_error.name == "mean absolute error"


def test_mean_absolute_error_of_huge_and_tiny_distances_is_finite() -> None:
    # 1e308 twice: the sum is past the largest number, the mean is not
    assert score([0, 0], [1e308, -1e308]) == 1e308
    assert score([0, 0], [5e-324, -5e-324]) == 5e-324


def test_mean_absolute_error_refuses_a_distance_past_the_largest_number() -> None:
    with pytest.raises(MetricError, match=r"row 1 has the truth 1e.308.*expected finite numbers"):
        score([1e308], [-1e308])


# root mean squared error


def rmse(y_true: list, y_pred: list) -> float:
    return root_mean_squared_error_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


def test_root_mean_squared_error_is_the_root_of_the_mean_square() -> None:
    # squares 1, 49, 0 and 50: the root of 100 / 4
    assert rmse([4, 2, 3, 0], [5, 9, 3, math.sqrt(50)]) == pytest.approx(5, abs=1e-15)


def test_root_mean_squared_error_weighs_an_outlier_by_its_square() -> None:
    # squares 0, 0, 0, 10000
    assert rmse([0, 0, 0, 0], [0, 0, 0, 100]) == 50.0


def test_root_mean_squared_error_does_not_clip_to_a_scale() -> None:
    assert rmse([5.0], [104.0]) == 99.0


def test_root_mean_squared_error_counts_too_high_as_too_low() -> None:
    assert rmse([3, 3], [5, 1]) == 2.0


@pytest.mark.parametrize("size", [1e-200, 1e-300, 1e200, 1e308])
def test_root_mean_squared_error_of_huge_and_tiny_distances_is_exact(size: float) -> None:
    # the squares are past the largest number, or nothing
    assert rmse([0, 0], [size, -size]) == pytest.approx(size, rel=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_root_mean_squared_error_agrees_with_scikit_learn(seed: int) -> None:
    y_true, y_pred = np.random.default_rng(seed).normal(3, 2, size=(2, 301))
    expected = reference_rmse(y_true, y_pred)
    assert root_mean_squared_error_score(y_true=y_true, y_pred=y_pred) == pytest.approx(
        expected, rel=1e-14
    )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=1))
def test_root_mean_squared_error_agrees_with_fractions(rows: list[tuple[int, int]]) -> None:
    mean = Fraction(sum((true - given) ** 2 for true, given in rows), len(rows))
    y_true, y_pred = zip(*rows, strict=True)
    assert rmse(list(y_true), list(y_pred)) == pytest.approx(math.sqrt(mean), rel=1e-14)


def test_root_mean_squared_error_is_called_so() -> None:
    assert root_mean_squared_error.name == "root mean squared error"


# root mean squared percentage error


def rmspe(y_true: list, y_pred: list) -> float:
    return root_mean_squared_percentage_error_score(
        y_true=np.array(y_true, dtype=np.float64), y_pred=np.array(y_pred, dtype=np.float64)
    )


def naive_rmspe(y_true: list[float], y_pred: list[float]) -> float:
    total, rows = 0.0, 0
    for true, given_ in zip(y_true, y_pred, strict=True):
        if true != 0:
            total += ((true - given_) / true) ** 2
            rows += 1
    return math.sqrt(total / rows)


def test_percentage_error_is_the_root_of_the_mean_squared_share() -> None:
    # shares 0.3 and 0.4: the root of 0.25 / 2
    assert rmspe([10, 100], [13, 60]) == pytest.approx(math.sqrt(0.125), abs=1e-15)


def test_percentage_error_leaves_zero_truths_out_and_does_not_count_them() -> None:
    # one row is left, with the share 0.5
    assert rmspe([0, 10, 0, 0], [99, 15, 0, -1]) == 0.5


def test_percentage_error_of_zeros_is_exactly_one() -> None:
    assert rmspe([10, 0.3, 41551], [0, 0, 0]) == 1.0


def test_percentage_error_has_no_ceiling_above() -> None:
    assert rmspe([1.0], [101.0]) == 100.0


def test_percentage_error_of_a_negative_truth_is_by_its_size() -> None:
    assert rmspe([-10.0], [-9.0]) == pytest.approx(0.1, abs=1e-15)


def test_percentage_error_of_minus_zero_is_left_out() -> None:
    assert rmspe([-0.0, 2.0], [5.0, 3.0]) == 0.5


def test_percentage_error_refuses_a_truth_of_zeros() -> None:
    with pytest.raises(MetricError, match="all 2 rows have the truth 0; expected at least one"):
        rmspe([0, 0], [1, 2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_percentage_error_refuses_what_is_not_finite_in_rows_left_out_too(bad: float) -> None:
    with pytest.raises(MetricError, match=r"row 1 has the truth 0.0 .*expected finite numbers"):
        rmspe([0, 1], [bad, 1])


def test_percentage_error_refuses_a_share_past_the_largest_number() -> None:
    with pytest.raises(MetricError, match=r"row 2 has the truth 1e-300 .*expected finite numbers"):
        rmspe([0, 1e-300], [1, 1e300])


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-20, 99)), min_size=1))
def test_percentage_error_agrees_with_a_loop(rows: list[tuple[int, int]]) -> None:
    y_true, y_pred = (list(side) for side in zip((7, 7), *rows, strict=True))
    assert rmspe(y_true, y_pred) == pytest.approx(naive_rmspe(y_true, y_pred), rel=1e-12)


def test_percentage_error_is_called_so() -> None:
    assert root_mean_squared_percentage_error.name == "root mean squared percentage error"


# both


@pytest.mark.parametrize(
    "error", [root_mean_squared_error_score, root_mean_squared_percentage_error_score]
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", ["y_true", "y_pred"])
def test_squared_errors_refuse_numbers_that_are_not_finite(
    error: Callable[..., float], bad: float, side: str
) -> None:
    arrays = {"y_true": np.array([1.0, 2.0]), "y_pred": np.array([1.0, 2.0])}
    arrays[side][1] = bad
    with pytest.raises(MetricError, match=r"row 2 has .*expected finite numbers"):
        error(**arrays)


@pytest.mark.parametrize(
    "error", [root_mean_squared_error_score, root_mean_squared_percentage_error_score]
)
def test_squared_errors_refuse_a_column_against_a_row(error: Callable[..., float]) -> None:
    with pytest.raises(MetricError, match=r"y_pred has the shape \(3, 1\).*flatten"):
        error(y_true=np.ones(3), y_pred=np.ones((3, 1)))


def test_squared_errors_of_narrow_types_do_not_wrap_round() -> None:
    # 1 - 2 is 255 in uint8
    y_true, y_pred = np.array([1, 100], dtype=np.uint8), np.array([2, 99], dtype=np.uint8)
    assert root_mean_squared_error_score(y_true=y_true, y_pred=y_pred) == 1.0
    expected = math.sqrt((1 + 0.01**2) / 2)
    assert root_mean_squared_percentage_error_score(y_true=y_true, y_pred=y_pred) == pytest.approx(
        expected
    )
