"""Metrics of one number per sample."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error as reference

from common.errors import MetricError
from common.metrics import mean_absolute_error
from common.metrics.regression import mean_absolute_error_score


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
