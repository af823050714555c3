"""Metrics of a set of tags per sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score

from common.errors import MetricError
from common.metrics.tags import mean_f2_of_flags_score, mean_f2_score

NAMES = [f"tag{number}" for number in range(17)]


def f2(y_true: list[str], y_pred: list[str]) -> float:
    return mean_f2_score(
        y_true=np.array(y_true, dtype=object), y_pred=np.array(y_pred, dtype=object)
    )


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        # p = 2/3, r = 1: 5·p·r / (4·p + r) = (10/3) / (11/3)
        ("clear primary water", 10 / 11),
        # p = 1, r = 1/2: 2.5 / 4.5
        ("primary", 5 / 9),
        ("primary clear", 1.0),
        ("water", 0.0),
        ("", 0.0),
    ],
)
def test_mean_f2_of_one_row(prediction: str, expected: float) -> None:
    assert f2(["clear primary"], [prediction]) == pytest.approx(expected, abs=1e-15)


def test_mean_f2_is_a_mean_over_rows_and_not_over_all_tags() -> None:
    # rows: 1 and 5·1 / (4·4 + 1) = 5/17; over all tags: tp 2, true 5, found 2: 10 / 22
    assert f2(["a", "a b c d"], ["a", "a"]) == pytest.approx((1 + 5 / 17) / 2, abs=1e-15)


def test_mean_f2_of_an_empty_prediction_is_zero_for_the_row() -> None:
    assert f2(["a", "a b"], ["", "b a"]) == 0.5


def test_mean_f2_counts_a_tag_that_stands_twice_once() -> None:
    assert f2(["a b"], ["a a b b"]) == 1.0
    assert f2(["a b a"], ["a b"]) == 1.0


def test_mean_f2_counts_an_unknown_tag_as_a_false_one() -> None:
    # p = 1/2, r = 1: 2.5 / 3
    assert f2(["a"], ["a unheard-of"]) == pytest.approx(5 / 6, abs=1e-15)


def test_mean_f2_tells_capitals_apart() -> None:
    assert f2(["clear"], ["Clear"]) == 0.0


def test_mean_f2_refuses_a_row_without_a_true_tag() -> None:
    with pytest.raises(MetricError, match="row 2 of y_true has no tag"):
        f2(["a", ""], ["a", "a"])


def test_mean_f2_refuses_cells_that_are_no_text() -> None:
    with pytest.raises(MetricError, match="row 1 of y_pred holds nan; expected text"):
        mean_f2_score(y_true=np.array(["a"]), y_pred=np.array([np.nan]))


rows = st.tuples(
    st.sets(st.integers(0, 16), min_size=1, max_size=17), st.sets(st.integers(0, 16), max_size=17)
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(table=st.lists(rows, min_size=1, max_size=25))
def test_mean_f2_agrees_with_scikit_learn(table: list[tuple[set[int], set[int]]]) -> None:
    flags = np.zeros((2, len(table), 17), dtype=bool)
    for row, sides in enumerate(table):
        for side, tags in enumerate(sides):
            flags[side, row, list(tags)] = True
    expected = fbeta_score(*flags, beta=2, average="samples", zero_division=0)
    assert mean_f2_of_flags_score(y_true=flags[0], y_pred=flags[1]) == pytest.approx(
        expected, abs=1e-12
    )
    texts = [
        [" ".join(NAMES[tag] for tag in sorted(sides[side])) for sides in table] for side in (0, 1)
    ]
    assert f2(*texts) == pytest.approx(expected, abs=1e-12)


def test_mean_f2_of_flags_agrees_over_several_blocks_of_rows() -> None:
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.random((2, 150_000, 9)) < 0.3
    y_true[:, 4] = True
    expected = fbeta_score(y_true, y_pred, beta=2, average="samples", zero_division=0)
    found = mean_f2_of_flags_score(y_true=y_true, y_pred=y_pred)
    assert found == pytest.approx(expected, abs=1e-12)


def test_mean_f2_of_flags_names_the_row_without_a_true_tag() -> None:
    y_true = np.ones((70_000, 2), dtype=bool)
    y_true[69_000] = False
    with pytest.raises(MetricError, match="row 69001 of y_true has no tag"):
        mean_f2_of_flags_score(y_true=y_true, y_pred=np.ones_like(y_true))


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones((2, 3), dtype=bool), np.ones((2, 4), dtype=bool)),
        (np.ones(2, dtype=bool), np.ones(2, dtype=bool)),
        (np.ones((2, 3), dtype=bool), np.full((2, 3), 0.7)),
    ],
)
def test_mean_f2_of_flags_refuses_other_shapes_and_types(
    y_true: np.ndarray, y_pred: np.ndarray
) -> None:
    with pytest.raises(MetricError, match="expected bool"):
        mean_f2_of_flags_score(y_true=y_true, y_pred=y_pred)
