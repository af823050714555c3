"""Cut points: numbers to ordered grades, and where a metric wants them."""

from __future__ import annotations

import numpy as np
import pytest

from common.cut_points import fit_cut_points, midpoints, to_grades
from common.metrics import accuracy, mean_absolute_error, quadratic_weighted_kappa


def test_numbers_are_cut_into_grades_and_clipped() -> None:
    values = np.array([-3.0, 0.49, 0.5, 1.4, 2.6, 3.5, 99.0])
    assert to_grades(values, midpoints(5)).tolist() == [0, 0, 1, 1, 3, 4, 4]


def test_no_numbers_have_no_grades() -> None:
    assert to_grades(np.empty(0), midpoints(5)).tolist() == []


def test_the_cut_point_lies_in_the_middle_of_the_gap_between_two_grades() -> None:
    # every cut above 0.6 and up to 0.7 is right everywhere
    values, truth = np.array([0.1, 0.6, 0.7, 1.3]), np.array([0, 0, 1, 1])
    (cut,) = fit_cut_points(truth, values, accuracy, (0.5,))
    assert cut == pytest.approx(0.655, abs=0.011)


def test_predictions_that_are_drawn_to_the_mean_get_closer_cut_points() -> None:
    truth = np.repeat(np.arange(5), 20)
    values = 2 + 0.7 * (truth - 2)  # 0.6, 1.3, 2.0, 2.7, 3.4: rounding makes the ends 1 and 3
    rounded = quadratic_weighted_kappa.score(y_true=truth, y_pred=to_grades(values, midpoints(5)))
    cuts = fit_cut_points(truth, values, quadratic_weighted_kappa, midpoints(5))
    fitted = quadratic_weighted_kappa.score(y_true=truth, y_pred=to_grades(values, cuts))
    assert rounded < 1
    assert fitted == 1
    assert list(cuts) == sorted(cuts)


def test_a_metric_of_which_less_is_better_is_made_small() -> None:
    truth, values = np.array([0, 0, 0, 1]), np.array([0.55, 0.6, 0.65, 0.8])
    (cut,) = fit_cut_points(truth, values, mean_absolute_error, (0.5,))
    assert 0.65 < cut <= 0.8


def test_where_nothing_is_to_be_told_apart_the_start_stays() -> None:
    start = midpoints(5)
    assert fit_cut_points(np.zeros(3, int), np.ones(3), quadratic_weighted_kappa, start) == start
    assert fit_cut_points(np.zeros(0, int), np.ones(0), quadratic_weighted_kappa, start) == start


def test_cut_points_never_leave_their_own_range() -> None:
    rng = np.random.default_rng(0)
    truth, values = rng.integers(0, 5, 300), rng.uniform(-1, 5, 300)
    for cut, own in zip(
        fit_cut_points(truth, values, quadratic_weighted_kappa, midpoints(5)),
        midpoints(5),
        strict=True,
    ):
        assert abs(cut - own) <= 0.4 + 1e-9
