"""Metrics that give every class the same weight."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from common.errors import MetricError
from common.metrics.class_means import mean_class_accuracy_score


def test_every_class_counts_the_same() -> None:
    # cats: 1 of 1 right; dogs: 1 of 4 right; mean of 1 and 0.25, though 2 of 5 rows are right
    y_true = np.array(["cat", "dog", "dog", "dog", "dog"])
    y_pred = np.array(["cat", "dog", "cat", "cat", "cat"])
    assert mean_class_accuracy_score(y_true=y_true, y_pred=y_pred) == 0.625


def test_a_class_that_only_the_prediction_holds_is_left_out_of_the_mean() -> None:
    # cat 0 of 1, dog 1 of 1; "cow" is no third class
    y_true, y_pred = np.array(["cat", "dog"]), np.array(["cow", "dog"])
    assert mean_class_accuracy_score(y_true=y_true, y_pred=y_pred) == 0.5


def test_classes_of_equal_size_give_plain_accuracy() -> None:
    y_true, y_pred = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert mean_class_accuracy_score(y_true=y_true, y_pred=y_pred) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y_true = np.concatenate([generator.integers(0, 3, size=200), np.arange(6)])
    y_pred = np.concatenate([generator.integers(0, 4, size=200), np.arange(6)])
    expected = balanced_accuracy_score(y_true, y_pred)
    assert mean_class_accuracy_score(y_true=y_true, y_pred=y_pred) == pytest.approx(
        expected, rel=1e-14
    )


def test_a_column_against_a_row_is_refused() -> None:
    with pytest.raises(MetricError, match="expected one value per row"):
        mean_class_accuracy_score(y_true=np.zeros(3), y_pred=np.zeros((3, 1)))
