"""What holds for every metric: enter a new one in CASES and it inherits all sweeps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import common.metrics
from common.errors import MetricError
from common.metrics import Metric, accuracy, mean_absolute_error


def next_class(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A prediction that is wrong in every row."""
    return (y_true + 1) % 4


def further_away(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A prediction that is further from the truth in every row, on the same side."""
    return y_pred + np.where(y_pred >= y_true, 3.5, -3.5)


@dataclass(frozen=True)
class Case:
    """How to sweep a metric.

    Args:
        best: the score of a perfect prediction.
        target: one row's target or prediction.
        worse: a prediction that is worse in every row.
    """

    metric: Metric
    best: float
    target: st.SearchStrategy
    worse: Callable[[np.ndarray, np.ndarray], np.ndarray]


CASES = [
    Case(accuracy, 1.0, st.integers(0, 3), next_class),
    Case(mean_absolute_error, 0.0, st.floats(-1e6, 1e6, width=32), further_away),
]

every_metric = pytest.mark.parametrize("case", CASES, ids=lambda case: case.metric.name)
swept = settings(deadline=None, derandomize=True, max_examples=60)


def tables(case: Case) -> st.SearchStrategy:
    """Truth and prediction of 1 to 30 rows."""
    rows = st.lists(st.tuples(case.target, case.target), min_size=1, max_size=30)
    return rows.map(lambda pairs: tuple(np.array(side) for side in zip(*pairs, strict=True)))


def test_every_public_metric_is_swept() -> None:
    public = [getattr(common.metrics, name) for name in common.metrics.__all__]
    assert {value for value in public if isinstance(value, Metric)} == {
        case.metric for case in CASES
    }


def test_no_two_metrics_share_a_name() -> None:
    names = [case.metric.name for case in CASES]
    assert len(set(names)) == len(names)


@every_metric
@swept
@given(data=st.data())
def test_a_perfect_prediction_gives_the_best_value(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    perfect = case.metric.score(y_true=y_true, y_pred=y_true.copy())
    assert perfect == case.best
    assert not case.metric.is_better(case.metric.score(y_true=y_true, y_pred=y_pred), perfect)


@every_metric
@swept
@given(data=st.data())
def test_the_order_of_rows_does_not_matter(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    order = np.array(data.draw(st.permutations(range(len(y_true)))))
    shuffled = case.metric.score(y_true=y_true[order], y_pred=y_pred[order])
    assert shuffled == pytest.approx(case.metric.score(y_true=y_true, y_pred=y_pred), rel=1e-12)


@every_metric
@swept
@given(data=st.data())
def test_worse_in_some_rows_never_scores_better(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    rows = data.draw(st.lists(st.booleans(), min_size=len(y_true), max_size=len(y_true)))
    spoilt = np.where(np.array(rows), case.worse(y_true, y_pred), y_pred)
    before = case.metric.score(y_true=y_true, y_pred=y_pred)
    after = case.metric.score(y_true=y_true, y_pred=spoilt)
    assert not case.metric.is_better(after, before)


@every_metric
def test_the_direction_is_stated_and_true(case: Case) -> None:
    y_true = np.array([0, 1, 2, 3])
    wrong = case.metric.score(y_true=y_true, y_pred=case.worse(y_true, y_true))
    assert isinstance(case.metric.higher_is_better, bool)
    assert case.metric.higher_is_better == (case.best > wrong)
    assert case.metric.is_better(case.best, wrong)
    assert not case.metric.is_better(wrong, case.best)


@every_metric
def test_the_best_value_that_is_stated_is_that_of_a_perfect_prediction(case: Case) -> None:
    assert case.metric.best == case.best


@every_metric
def test_an_equal_score_is_not_better(case: Case) -> None:
    assert not case.metric.is_better(0.5, 0.5)


@every_metric
@pytest.mark.parametrize("best", [None, math.nan, 0.5, -math.inf, math.inf])
def test_nan_is_never_better(case: Case, best: float | None) -> None:
    assert case.metric.is_better(math.nan, best) is False


@every_metric
@pytest.mark.parametrize("best", [None, math.nan])
@pytest.mark.parametrize("new", [0.0, 1.0, -5.0])
def test_any_number_is_better_than_none_and_nan(case: Case, new: float, best: float | None) -> None:
    assert case.metric.is_better(new, best) is True


@every_metric
def test_the_score_is_a_plain_finite_float(case: Case) -> None:
    score = case.metric.score(y_true=np.array([0, 1]), y_pred=np.array([1, 1]))
    assert type(score) is float
    assert math.isfinite(score)


@every_metric
def test_inputs_are_left_as_they_were(case: Case) -> None:
    y_true, y_pred = np.array([0, 1, 2]), np.array([2, 1, 0])
    case.metric.score(y_true=y_true, y_pred=y_pred)
    assert (y_true.tolist(), y_pred.tolist()) == ([0, 1, 2], [2, 1, 0])


@every_metric
def test_no_rows_are_refused_in_words(case: Case) -> None:
    with pytest.raises(MetricError, match="no rows to score; expected at least one"):
        case.metric.score(y_true=np.array([]), y_pred=np.array([]))


@every_metric
@pytest.mark.parametrize(("n_true", "n_pred"), [(3, 2), (1, 3), (0, 1)])
def test_different_numbers_of_rows_are_refused_with_both_numbers(
    case: Case, n_true: int, n_pred: int
) -> None:
    words = f"y_true has {n_true} rows and y_pred {n_pred}; expected as many in both"
    with pytest.raises(MetricError, match=words):
        case.metric.score(y_true=np.zeros(n_true), y_pred=np.zeros(n_pred))


@every_metric
def test_a_metric_is_a_value_that_cannot_be_changed(case: Case) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.metric.higher_is_better = not case.metric.higher_is_better  # type: ignore[misc]
