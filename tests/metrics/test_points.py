"""Metrics of one point in a picture per sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import MetricError
from common.metrics import mean_point_distance
from common.metrics.points import (
    mean_point_distance_score,
    median_point_distance_score,
    share_within_score,
)


def test_the_distance_is_that_of_a_right_triangle() -> None:
    # steps of (3, 4), (0, 0) and (-5, 12): distances 5, 0 and 13, mean 6
    y_true = np.array([[100.0, 50.0], [7.0, 7.0], [320.0, 240.0]])
    y_pred = np.array([[103.0, 54.0], [7.0, 7.0], [315.0, 252.0]])
    assert mean_point_distance_score(y_true=y_true, y_pred=y_pred) == 6.0


def test_the_median_is_the_distance_in_the_middle_or_the_mean_of_two() -> None:
    truth = np.zeros((4, 2))
    given = np.array([[0.0, 1.0], [3.0, 4.0], [0.0, 0.0], [600.0, 800.0]])
    assert median_point_distance_score(y_true=truth, y_pred=given) == 3.0
    assert median_point_distance_score(y_true=truth[:3], y_pred=given[:3]) == 1.0


def test_the_median_of_large_distances_does_not_overflow() -> None:
    truth, given = np.zeros((2, 2)), np.array([[1e308, 0.0], [1.5e308, 0.0]])
    assert median_point_distance_score(y_true=truth, y_pred=given) == 1.25e308


def test_a_point_that_is_exactly_the_distance_away_is_not_within_it() -> None:
    truth, given = np.zeros((4, 2)), np.array([[6.0, 8.0], [6.0, 7.9], [0.0, 0.0], [-11.0, 0.0]])
    assert share_within_score(y_true=truth, y_pred=given) == 0.5
    assert share_within_score(y_true=truth, y_pred=given, distance=10.1) == 0.75


def test_it_is_a_mean_of_distances_and_no_root_of_a_mean_square() -> None:
    # distances 0 and 10: the mean is 5, the root of the mean square 7.07
    y_true, y_pred = np.zeros((2, 2)), np.array([[0.0, 0.0], [10.0, 0.0]])
    assert mean_point_distance_score(y_true=y_true, y_pred=y_pred) == 5.0


def test_swapped_coordinates_are_another_point() -> None:
    # (30, 10) against (10, 30): steps of 20 and 20
    y_true, y_pred = np.array([[30.0, 10.0]]), np.array([[10.0, 30.0]])
    score = mean_point_distance_score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(20 * math.sqrt(2), rel=1e-15)


def test_points_outside_the_picture_count_with_their_full_distance() -> None:
    y_true, y_pred = np.array([[-10.0, 500.0]]), np.array([[650.0, 500.0]])
    assert mean_point_distance_score(y_true=y_true, y_pred=y_pred) == 660.0


def test_unsigned_coordinates_do_not_wrap_round() -> None:
    y_true, y_pred = np.array([[3, 4]], dtype=np.uint8), np.array([[6, 8]], dtype=np.uint8)
    assert mean_point_distance_score(y_true=y_true, y_pred=y_pred) == 5.0


def test_large_distances_do_not_overflow_where_their_mean_is_finite() -> None:
    y_true, y_pred = np.zeros((4, 2)), np.full((4, 2), 1e308)
    score = mean_point_distance_score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(math.sqrt(2) * 1e308, rel=1e-15)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_with_their_row(bad: float) -> None:
    y_true, y_pred = np.zeros((3, 2)), np.array([[0.0, 0.0], [1.0, bad], [0.0, bad]])
    with pytest.raises(MetricError, match=r"^row 2 has the truth .*expected finite numbers"):
        mean_point_distance_score(y_true=y_true, y_pred=y_pred)


def test_a_distance_beyond_all_numbers_is_refused() -> None:
    y_true, y_pred = np.array([[-1.7e308, 0.0]]), np.array([[1.7e308, 0.0]])
    with pytest.raises(MetricError, match="whose distance is finite"):
        mean_point_distance_score(y_true=y_true, y_pred=y_pred)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 3), (3, 2, 1)])
def test_anything_but_two_coordinates_per_row_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MetricError, match=r"expected one point \(x, y\) per row, \(3, 2\)"):
        mean_point_distance_score(y_true=np.zeros((3, 2)), y_pred=np.zeros(shape))
    with pytest.raises(MetricError, match=r"y_true has the shape"):
        mean_point_distance_score(y_true=np.zeros(shape), y_pred=np.zeros((3, 2)))


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_a_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y_true, y_pred = generator.uniform(-20, 660, size=(2, 101, 2))
    total = 0.0
    for (x, y), (x_pred, y_pred_row) in zip(y_true.tolist(), y_pred.tolist(), strict=True):
        total += math.sqrt((x - x_pred) ** 2 + (y - y_pred_row) ** 2)
    score = mean_point_distance_score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(total / 101, rel=1e-12)


coordinates = st.floats(-1e4, 1e4, width=32)


@settings(deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(*[coordinates] * 4), min_size=1, max_size=20),
    move=st.tuples(coordinates, coordinates),
)
def test_moving_truth_and_prediction_together_changes_nothing(
    rows: list[tuple[float, ...]], move: tuple[float, float]
) -> None:
    table = np.array(rows)
    y_true, y_pred = table[:, :2], table[:, 2:]
    before = mean_point_distance_score(y_true=y_true, y_pred=y_pred)
    after = mean_point_distance_score(y_true=y_true + move, y_pred=y_pred + move)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


def test_lower_is_better() -> None:
    assert mean_point_distance.higher_is_better is False
    assert mean_point_distance.best == 0.0
