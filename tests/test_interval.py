"""The interval holds the score of a test set as often as it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from common.errors import MetricError
from common.folds import stratified
from common.interval import interval
from common.metrics import Metric, accuracy, mean_absolute_error
from common.score import Aligned

N_ROWS, N_TEST, N_FOLDS = 500, 300, 5


def judged(right: np.ndarray) -> Aligned:
    """Rows whose prediction is right or not."""
    keys = [(str(row),) for row in range(len(right))]
    return Aligned(keys, np.ones(len(right), dtype=np.int64), right.astype(np.int64))


def folds_of(n_groups: int, per_group: int = 1) -> np.ndarray:
    return np.repeat(np.arange(n_groups) % N_FOLDS, per_group)


def interval_of(aligned: Aligned, metric: Metric = accuracy, **changes: Any) -> Any:
    """The interval of rows without groups, in five folds."""
    arguments: dict[str, Any] = {
        "groups": np.arange(N_ROWS),
        "folds": folds_of(N_ROWS),
        "n_test": N_TEST,
        "seed": 0,
    }
    return interval(aligned, metric, **{**arguments, **changes})


def test_the_interval_holds_the_test_score_as_often_as_it_says() -> None:
    # Every fold's model is right with probability 0.9, on our rows and on the test rows.
    # A 90 % interval holds 90 of 100 test scores on average; fewer than 80 of 100 happen with
    # probability 0.0008. An interval that forgets the luck of the test rows would hold 68 of
    # 100, and reach 80 with probability 0.005.
    # Its width in theory: 2 × 1.645 × √(0.9 × 0.1 × (1/500 + 1/300)) = 0.0721.
    held, widths = 0, []
    for seed in range(100):
        generator = np.random.default_rng([7, seed])
        ours = judged(generator.random(N_ROWS) < 0.9)
        theirs = float(np.mean(generator.random(N_TEST) < 0.9))
        found = interval_of(ours, seed=seed)
        held += found.low <= theirs <= found.high
        widths.append(found.high - found.low)
    assert held >= 80
    assert max(widths) < 3 * 0.0721
    assert 0.9 * 0.0721 < np.mean(widths) < 1.5 * 0.0721


def test_the_interval_of_grouped_rows_holds_the_score_too_and_is_wider() -> None:
    # 25 groups of 20 rows that are right or wrong together, 15 such groups in the test set.
    # Perfectly correlated rows count as one: √20 = 4.5 times as wide as independent rows.
    held, wide, narrow = 0, [], []
    for seed in range(30):
        generator = np.random.default_rng([8, seed])
        ours = judged(np.repeat(generator.random(25) < 0.7, 20))
        theirs = float(np.mean(generator.random(15) < 0.7))
        groups = np.repeat(np.arange(25), 20)
        grouped = interval_of(ours, groups=groups, folds=folds_of(25, 20), seed=seed)
        single = interval_of(ours, seed=seed)
        held += grouped.low <= theirs <= grouped.high
        wide.append(grouped.high - grouped.low)
        narrow.append(single.high - single.low)
    # fewer than 22 of 30 happen with probability 0.002
    assert held >= 22
    assert np.mean(wide) > 2.5 * np.mean(narrow)


def test_models_that_differ_from_fold_to_fold_widen_the_interval() -> None:
    # 100 rows in each fold, of which 60, 70, 80, 90 and 100 are right; the same rows in mixed
    # folds differ by luck alone
    right = np.concatenate([np.arange(100) < share for share in (60, 70, 80, 90, 100)])
    by_model = np.repeat(np.arange(5), 100)
    mixed = np.random.default_rng(0).permutation(by_model)
    wide = interval_of(judged(right), folds=by_model)
    narrow = interval_of(judged(right), folds=mixed)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def some_interval(**changes: Any) -> Any:
    return interval_of(judged(np.random.default_rng(1).random(N_ROWS) < 0.8), **changes)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert some_interval() == some_interval()
    assert some_interval() != some_interval(seed=1)


def test_the_interval_leaves_numpys_global_generator_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - the global one is what is watched
    some_interval()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - see above


def test_a_small_test_set_has_a_wide_interval() -> None:
    small, large = some_interval(n_test=20), some_interval(n_test=5000)
    assert small.high - small.low > 2 * (large.high - large.low)
    assert (small.n_test, large.n_test) == (20, 5000)


def test_a_huge_test_set_does_not_take_away_the_luck_of_our_own_rows() -> None:
    # 2 × 1.645 × √(0.8 × 0.2 × (1/500 + 1/5000)) = 0.0617; the test rows alone would give 0.0186
    # (one fold, so that nothing is added for the spread between folds)
    one_fold = np.zeros(N_ROWS, dtype=np.int64)
    found = [some_interval(n_test=5000, seed=seed, folds=one_fold) for seed in range(5)]
    assert 0.05 < np.mean([one.high - one.low for one in found]) < 0.075


def test_names_of_groups_do_not_matter() -> None:
    text = np.array([f"group {row:04}" for row in range(N_ROWS)])
    assert some_interval(groups=text) == some_interval()


def test_the_interval_of_an_error_lies_round_the_error() -> None:
    # distances from 0 to 2, 1 on average, standard deviation 0.577
    y_true = np.zeros(N_ROWS)
    y_pred = np.random.default_rng(2).uniform(0, 2, size=N_ROWS)
    aligned = Aligned([(str(row),) for row in range(N_ROWS)], y_true, y_pred)
    found = interval_of(aligned, mean_absolute_error)
    assert found.low < 1.0 < found.high
    # in theory 2 × 1.645 × 0.577 × √(1/500 + 1/300) = 0.139
    assert 0.07 < found.high - found.low < 0.28


def test_the_interval_ends_at_the_best_value_there_is() -> None:
    # folds that are right in 100, 100, 100, 80 and 80 of 100 rows spread by 0.11 round 0.92, so
    # a normal spread alone would reach beyond 1
    right = np.concatenate([np.arange(100) < share for share in (100, 100, 100, 80, 80)])
    folds = np.repeat(np.arange(5), 100)
    assert interval_of(judged(right), folds=folds).high == 1.0
    # the same as an error: distance 0 where right, 1 where not
    keys = [(str(row),) for row in range(N_ROWS)]
    errors = Aligned(keys, np.zeros(N_ROWS), 1.0 - right)
    assert interval_of(errors, mean_absolute_error, folds=folds).low == 0.0


def test_with_one_fold_the_spread_between_folds_is_left_out() -> None:
    found = some_interval(folds=np.zeros(N_ROWS, dtype=np.int64))
    assert found.low < 0.8 < found.high


def test_with_one_group_nothing_can_be_said_about_luck() -> None:
    one = np.zeros(N_ROWS, dtype=np.int64)
    found = some_interval(groups=one, folds=one)
    assert found.low == found.high
    assert math.isfinite(found.low)


def nearest_mean(x_train: np.ndarray, y_train: np.ndarray, x: np.ndarray) -> np.ndarray:
    means = np.stack([x_train[y_train == label].mean(axis=0) for label in range(10)])
    return ((x[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)


def test_the_interval_covers_on_the_bundled_digits_over_30_seeds() -> None:
    # Real pictures, a model trained anew in every fold and on every seed's rows. Fewer than 22
    # of 30 happen to a 90 % interval with probability 0.002.
    digits = load_digits()
    held = 0
    for seed in range(30):
        order = np.random.default_rng([9, seed]).permutation(len(digits.target))
        test, ours = order[:500], order[500:]
        x, y = digits.data[ours], digits.target[ours]
        folds = stratified(y, 5, seed)
        predicted = np.zeros_like(y)
        for fold in range(5):
            inside = folds == fold
            predicted[inside] = nearest_mean(x[~inside], y[~inside], x[inside])
        answers = nearest_mean(x, y, digits.data[test])
        aligned = Aligned([(str(row),) for row in ours], y, predicted)
        rows = {"groups": np.arange(len(y)), "folds": folds, "n_test": 500, "seed": seed}
        found = interval(aligned, accuracy, **rows)
        held += found.low <= float(np.mean(answers == digits.target[test])) <= found.high
    assert held >= 22


def one_class_is_undefined(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    if len(np.unique(y_true)) < 2:
        raise MetricError("one class only")
    return float(np.mean(y_true == y_pred))


@pytest.mark.parametrize(("n_rare", "defined"), [(3, True), (0, False)])
def test_draws_without_a_score_are_left_out_as_long_as_most_have_one(
    n_rare: int, defined: bool
) -> None:
    metric = Metric("needs two classes", higher_is_better=True, score=one_class_is_undefined)
    y_true = np.r_[np.ones(n_rare, dtype=int), np.zeros(40 - n_rare, dtype=int)]
    aligned = Aligned([(str(row),) for row in range(40)], y_true, np.zeros(40, dtype=int))
    rows = {"groups": np.arange(40), "folds": np.arange(40) % 2, "n_test": 40, "seed": 0}
    if not defined:
        with pytest.raises(MetricError, match="undefined on 200 of 200 resampled test sets"):
            interval(aligned, metric, **rows)
        return
    found = interval(aligned, metric, **rows)
    assert 0.7 < found.low < 37 / 40 < found.high <= 1.0
