"""Metrics of one class per sample."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score as reference

from common.errors import MetricError
from common.metrics import accuracy
from common.metrics.classification import accuracy_score


def test_accuracy_counts_equal_rows() -> None:
    # rows 1, 2 and 4 of five are right: 3 / 5
    y_true = np.array([7, 0, 3, 3, 9])
    y_pred = np.array([7, 0, 5, 3, 4])
    assert accuracy_score(y_true=y_true, y_pred=y_pred) == 0.6


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([1], [1], 1.0),
        ([1], [2], 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.75),
        (["cat", "dog"], ["cat", "cat"], 0.5),
        ([True, False], [True, True], 0.5),
    ],
)
def test_accuracy_of_small_tables(y_true: list, y_pred: list, expected: float) -> None:
    assert accuracy_score(y_true=np.array(y_true), y_pred=np.array(y_pred)) == expected


def test_accuracy_counts_an_unknown_class_as_wrong() -> None:
    # 42 is no class of the truth; one of two rows is right
    assert accuracy_score(y_true=np.array([1, 2]), y_pred=np.array([1, 42])) == 0.5


def test_accuracy_counts_nan_as_wrong() -> None:
    assert accuracy_score(y_true=np.array([1.0, np.nan]), y_pred=np.array([1.0, np.nan])) == 0.5


def test_accuracy_gives_no_credit_for_a_prefix() -> None:
    # as text of different width: "cat" and "cats" are two classes
    assert accuracy_score(y_true=np.array(["cat"]), y_pred=np.array(["cats"])) == 0.0


def test_accuracy_has_every_digit_of_a_third() -> None:
    score = accuracy_score(y_true=np.array([0, 1, 2]), y_pred=np.array([0, 0, 0]))
    assert repr(score) == "0.3333333333333333"


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_agrees_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y_true, y_pred = generator.integers(0, 4, size=(2, 257))
    expected = reference(y_true, y_pred)
    assert accuracy_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected, abs=1e-15)


def test_accuracy_reads_lists_row_by_row() -> None:
    # [0, 1] == [0, 2] is one False in plain Python
    assert accuracy_score(y_true=[0, 1], y_pred=[0, 2]) == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (np.zeros(3), np.zeros((3, 1))),
        (np.zeros((3, 1)), np.zeros(3)),
        (np.zeros((3, 2)), np.zeros((3, 2))),
        (np.zeros(3), np.zeros((3, 10))),
    ],
)
def test_accuracy_refuses_a_column_against_a_row(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    with pytest.raises(MetricError, match=r"has the shape \(3, .*expected one value per row"):
        accuracy_score(y_true=y_true, y_pred=y_pred)


def test_accuracy_is_called_accuracy() -> None:
    assert accuracy.name == "accuracy"
