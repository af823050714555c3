"""Log losses: of one probability per row, and of one per class."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss as reference

from common.errors import MetricError
from common.metrics import log_loss, multiclass_log_loss
from common.metrics.probability import (
    log_loss_score,
    multiclass_log_loss_score,
    rows_without_a_sum,
    sums_in_doubt,
)


def binary(y_true: list, y_pred: list) -> float:
    return log_loss_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


def multi(y_true: list, y_pred: list) -> float:
    return multiclass_log_loss_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


def naive_binary(y_true: list[int], y_pred: list[float]) -> float:
    total = 0.0
    for truth, share in zip(y_true, y_pred, strict=True):
        clipped = max(min(share, 1 - 1e-15), 1e-15)
        total -= truth * math.log(clipped) + (1 - truth) * math.log(1 - clipped)
    return total / len(y_true)


def naive_multi(y_true: list[int], y_pred: list[tuple[float, ...]]) -> float:
    total = 0.0
    for truth, row in zip(y_true, y_pred, strict=True):
        total -= math.log(max(min(row[truth] / math.fsum(row), 1 - 1e-15), 1e-15))
    return total / len(y_true)


# one probability per row


def test_log_loss_is_the_mean_of_minus_the_logarithms() -> None:
    # the true answers were given 0.9, 0.8 and 0.5: -ln(0.36) / 3
    assert binary([1, 0, 1], [0.9, 0.2, 0.5]) == pytest.approx(-math.log(0.36) / 3, abs=1e-15)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([1], [0.5], math.log(2)),
        ([0], [0.5], math.log(2)),
        ([True, False], [0.25, 0.75], math.log(4)),
        ([1.0], [1.0], 0.0),
        ([0], [0], 0.0),
    ],
)
def test_log_loss_of_small_tables(y_true: list, y_pred: list, expected: float) -> None:
    assert binary(y_true, y_pred) == pytest.approx(expected, abs=1e-14)


def test_log_loss_of_a_certain_0_that_is_wrong_is_the_clip() -> None:
    # -ln 1e-15
    assert binary([1], [0.0]) == pytest.approx(34.538776394910684, abs=1e-12)


def test_log_loss_of_a_certain_1_that_is_wrong_is_the_clip_in_float64() -> None:
    # 1 - (1 - 1e-15) is 9 steps of 2^-53, 9.992e-16: the board shows half of 34.539576
    assert binary([0], [1.0]) == pytest.approx(-math.log(9 * 2.0**-53), abs=1e-12)
    assert binary([0], [1.0]) / 2 == pytest.approx(17.26978, abs=1e-5)


@pytest.mark.parametrize("share", [1e-16, 1e-300, 5e-324, 0.0])
def test_log_loss_clips_what_is_nearer_to_0(share: float) -> None:
    assert binary([1], [share]) == binary([1], [1e-15])


def test_log_loss_does_not_clip_what_is_further_from_0() -> None:
    assert binary([1], [2e-15]) == pytest.approx(-math.log(2e-15), abs=1e-12)


def test_log_loss_scores_a_truth_of_one_class() -> None:
    assert binary([1, 1], [0.5, 0.25]) == pytest.approx(math.log(8) / 2, abs=1e-15)


def test_log_loss_of_float32_is_computed_in_float64() -> None:
    # 1 - 1e-15 is 1 in float32, and the logarithm of 0 would follow
    y_pred = np.array([1.0, 0.0], dtype=np.float32)
    score = log_loss_score(y_true=np.array([0, 1]), y_pred=y_pred)
    assert score == pytest.approx(34.539, abs=1e-3)


@pytest.mark.parametrize("bad", [-1e-9, 1 + 1e-9, 2, np.nan, np.inf, -np.inf])
def test_log_loss_refuses_what_is_no_probability(bad: float) -> None:
    words = r"row 2 of those scored has the probability .*; expected a number from 0 to 1"
    with pytest.raises(MetricError, match=words):
        binary([0, 1, 0], [0.5, bad, 7.0])


@pytest.mark.parametrize("truth", [0.5, 2, -1, np.nan])
def test_log_loss_refuses_a_truth_that_is_neither_0_nor_1(truth: float) -> None:
    with pytest.raises(MetricError, match=r"row 2 of those scored has the truth .*expected 0 or 1"):
        binary([0, truth], [0.5, 0.5])


def test_log_loss_refuses_a_column_against_a_row() -> None:
    with pytest.raises(MetricError, match=r"y_pred has the shape \(2, 1\).*flatten"):
        binary([0, 1], [[0.5], [0.5]])


@pytest.mark.parametrize("seed", range(5))
def test_log_loss_agrees_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y_true, y_pred = generator.integers(0, 2, size=401), generator.uniform(0.001, 0.999, size=401)
    expected = reference(y_true, y_pred)
    assert log_loss_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected, rel=1e-13)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_log_loss_agrees_with_a_loop(rows: list[tuple[int, float]]) -> None:
    y_true, y_pred = (list(side) for side in zip(*rows, strict=True))
    assert binary(y_true, y_pred) == pytest.approx(naive_binary(y_true, y_pred), rel=1e-12)


# one probability per class


def test_multiclass_log_loss_is_the_mean_of_minus_the_logarithms() -> None:
    # the true classes were given 0.5, 0.2 and 1 of 1
    y_pred = [[0.5, 0.25, 0.25], [0.4, 0.4, 0.2], [0.0, 1.0, 0.0]]
    assert multi([0, 2, 1], y_pred) == pytest.approx(-math.log(0.1) / 3, abs=1e-14)


def test_multiclass_log_loss_gives_the_hosts_own_test_value() -> None:
    shares = [0.5, 0.1, 0.01, 0.1, 0.25, 0.999]
    y_pred = [[share, 1 - share] for share in shares]
    assert multi([0] * 6, y_pred) == pytest.approx(1.881797068998267, abs=1e-14)


@pytest.mark.parametrize("n_classes", [2, 10, 120])
def test_multiclass_log_loss_of_uniform_rows_is_the_logarithm_of_their_number(
    n_classes: int,
) -> None:
    y_pred = np.full((7, n_classes), 1 / n_classes)
    score = multiclass_log_loss_score(y_true=np.arange(7) % n_classes, y_pred=y_pred)
    assert score == pytest.approx(math.log(n_classes), abs=1e-13)


def test_multiclass_log_loss_reads_positions_and_one_hot_rows_alike() -> None:
    y_pred = np.random.default_rng(0).dirichlet(np.ones(5), size=50)
    positions = np.arange(50) % 5
    expected = multiclass_log_loss_score(y_true=positions, y_pred=y_pred)
    for one_hot in (np.eye(5)[positions], np.eye(5, dtype=bool)[positions]):
        assert multiclass_log_loss_score(y_true=one_hot, y_pred=y_pred) == expected


def test_multiclass_log_loss_divides_rows_by_their_sums() -> None:
    # 1 of 4, and 0.1 of 0.2
    assert multi([0, 1], [[1, 1, 1, 1], [0.1, 0.1, 0, 0]]) == pytest.approx(
        math.log(8) / 2, abs=1e-15
    )


def test_multiclass_log_loss_divides_before_it_clips() -> None:
    # 2e-15 of 4e-15 is a half, not two clipped numbers
    assert multi([0], [[2e-15, 2e-15]]) == pytest.approx(math.log(2), abs=1e-15)
    # 1e-15 of 2 is below the clip
    assert multi([0], [[1e-15, 1, 1]]) == pytest.approx(34.538776394910684, abs=1e-12)


def test_multiclass_log_loss_of_nothing_for_the_truth_is_the_clip() -> None:
    assert multi([0], [[0.0, 1.0]]) == pytest.approx(34.538776394910684, abs=1e-12)


def test_multiclass_log_loss_of_a_certain_truth_is_next_to_nothing() -> None:
    # -ln(1 - 1e-15)
    assert multi([1], [[0.0, 1.0]]) == pytest.approx(1e-15, abs=1e-16)


def test_multiclass_log_loss_of_two_classes_is_the_binary_one() -> None:
    generator = np.random.default_rng(3)
    y_true, y_pred = generator.integers(0, 2, size=99), generator.random(99)
    both = np.stack([1 - y_pred, y_pred], axis=1)
    assert multiclass_log_loss_score(y_true=y_true, y_pred=both) == pytest.approx(
        log_loss_score(y_true=y_true, y_pred=y_pred), rel=1e-13
    )


def test_multiclass_log_loss_refuses_a_row_of_zeros() -> None:
    words = "2 rows of probabilities sum to 0, the first is row 2 of those scored; expected a sum"
    with pytest.raises(MetricError, match=words):
        multi([0, 1, 0], [[0.5, 0.5], [0, 0], [0, 0]])


@pytest.mark.parametrize("bad", [-1e-9, 1 + 1e-9, np.nan, np.inf, -np.inf])
def test_multiclass_log_loss_refuses_what_is_no_probability(bad: float) -> None:
    # not of the true class, too
    with pytest.raises(MetricError, match="row 2 of those scored has the probability"):
        multi([0, 0], [[0.5, 0.5], [0.5, bad]])


def test_many_rows_are_scored_like_few() -> None:
    # four rows over and over: more of them than are read at a time
    y_pred = np.tile([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.2, 0.2, 0.4], [1, 0, 0]], (10_000, 1))
    y_true = np.tile([0, 2, 2, 0], 10_000)
    expected = (np.log(2) + np.log(4) + np.log(2) + 0) / 4
    score = multiclass_log_loss.score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(expected, abs=1e-12)
    columns = np.asfortranarray(y_pred)
    assert multiclass_log_loss.score(y_true=y_true, y_pred=columns) == score
    y_pred[30_000, 1] = np.nan
    with pytest.raises(MetricError, match="row 30001 of those scored has the probability"):
        multiclass_log_loss.score(y_true=y_true, y_pred=y_pred)


@pytest.mark.parametrize("truth", [-1, 3, 0.5, np.nan])
def test_multiclass_log_loss_refuses_a_class_without_a_column(truth: float) -> None:
    words = r"row 2 of those scored has the true class .*; expected a column from 0 to 2"
    with pytest.raises(MetricError, match=words):
        multi([0, truth], [[0.5, 0.25, 0.25]] * 2)


@pytest.mark.parametrize("row", [[0, 0, 0], [1, 1, 0], [0.5, 0.5, 0], [1, 0.5, 0], [2, 0, 0]])
def test_multiclass_log_loss_refuses_a_truth_that_is_not_one_hot(row: list) -> None:
    words = "the solution's row 2 of those scored is not one-hot; expected a single 1 and 2 zeros"
    with pytest.raises(MetricError, match=words):
        multi([[1, 0, 0], row], [[0.5, 0.25, 0.25]] * 2)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        (np.eye(3), np.full((3, 2), 0.5), r"y_true has the shape \(3, 3\).* 2 columns of y_pred"),
        (np.zeros((3, 2, 1)), np.full((3, 2), 0.5), r"y_true has the shape \(3, 2, 1\)"),
        (np.zeros(3), np.full(3, 0.5), r"y_pred has the shape \(3,\); expected \(n_samples"),
        (np.zeros(3), np.full((2, 2), 0.5), "y_true has 3 rows and y_pred 2"),
    ],
)
def test_multiclass_log_loss_refuses_other_shapes(
    y_true: np.ndarray, y_pred: np.ndarray, words: str
) -> None:
    with pytest.raises(MetricError, match=words):
        multiclass_log_loss_score(y_true=y_true, y_pred=y_pred)


@pytest.mark.parametrize("seed", range(5))
def test_multiclass_log_loss_agrees_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y_pred = generator.dirichlet(np.ones(7), size=301)
    y_true = generator.integers(0, 7, size=301)
    expected = reference(y_true, y_pred, labels=range(7))
    score = multiclass_log_loss_score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.tuples(*[st.floats(0, 1)] * 3).filter(lambda row: sum(row) > 0)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_multiclass_log_loss_agrees_with_a_loop(rows: list) -> None:
    y_true, y_pred = (list(side) for side in zip(*rows, strict=True))
    assert multi(y_true, y_pred) == pytest.approx(naive_multi(y_true, y_pred), rel=1e-9, abs=1e-14)


# doubts


@pytest.mark.parametrize("off", [0.0, 9e-7, -9e-7])
def test_sums_next_to_one_are_not_doubted(off: float) -> None:
    assert sums_in_doubt({"a": np.array([0.5]), "b": np.array([0.5 + off])}) == ""


@pytest.mark.parametrize("off", [2e-6, -2e-6])
def test_sums_further_from_one_are_doubted(off: float) -> None:
    line = sums_in_doubt({"a": np.array([1.0, 0.5]), "b": np.array([0.0, 0.5 + off])})
    assert line.startswith("1 rows do not sum to 1 and are divided by their sum, the first sums to")


def test_rows_of_zeros_have_no_sum_whatever_the_sign_of_zero() -> None:
    columns = {"a": np.array([0.5, 0.0, -0.0, 0.0]), "b": np.array([0.0, 0.0, 0.0, 5e-324])}
    assert rows_without_a_sum(columns).tolist() == [False, True, True, False]


def test_log_losses_are_called_so() -> None:
    assert (log_loss.name, multiclass_log_loss.name) == ("log loss", "multi-class log loss")
