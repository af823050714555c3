"""The best of many classes, and the global average precision over them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from common.errors import MetricError
from common.metrics.top_k import global_average_precision_score, top_k

TYPES = (np.float16, np.float32, np.float64)
swept = settings(deadline=None, derandomize=True, max_examples=100)


def slow_top_k(scores: np.ndarray, k: int) -> list[list[int]]:
    """A full sort of every row."""
    return [
        sorted(range(len(row)), key=lambda label: (-row[label], label))[:k]
        for row in scores.tolist()
    ]


def slow_global_average_precision(truth: np.ndarray, scores: np.ndarray, k: int) -> float:
    """One list of all that is chosen, read from the top."""
    chosen = [
        (-scores[row, label], row, label)
        for row, labels in enumerate(slow_top_k(scores, k))
        for label in labels
    ]
    n_hits, total = 0, 0.0
    for rank, (_, row, label) in enumerate(sorted(chosen), start=1):
        if truth[row, label]:
            n_hits += 1
            total += n_hits / rank
    return total / int(truth.sum())


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Scores of few rows and up to 60 classes: with many equal ones, or any floats but nan."""
    dtype = draw(st.sampled_from(TYPES))
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 60))
    width = np.dtype(dtype).itemsize * 8
    cells = st.one_of(
        st.sampled_from([-1.0, -0.0, 0.0, 0.25, 0.5, np.inf]),
        st.floats(allow_nan=False, width=width),
    )
    return draw(arrays.arrays(dtype, shape, elements=cells))


@swept
@given(scores=tables(), k=st.integers(1, 70))
def test_the_best_are_those_of_a_full_sort(scores: np.ndarray, k: int) -> None:
    before = scores.copy()
    assert top_k(scores, k).tolist() == slow_top_k(scores, k)
    assert np.array_equal(scores, before)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n_classes", [20, 99, 100, 101, 357, 1000])
def test_the_best_of_many_classes_are_those_of_a_full_sort(n_classes: int, dtype: type) -> None:
    own = np.random.default_rng(n_classes)
    scores = (own.standard_normal((300, n_classes)) * 50).round().astype(dtype)  # many are equal
    scores[::7] = 0
    scores[1::7] = np.arange(n_classes)
    scores[2::7] = -np.arange(n_classes)
    assert top_k(scores, 20).tolist() == slow_top_k(scores, 20)


@pytest.mark.parametrize("dtype", TYPES)
def test_more_rows_than_fit_into_one_block_are_all_read(dtype: type) -> None:
    # the best class of row r is r % 3
    scores = np.tile(np.eye(3, dtype=dtype), (100_000, 1))
    assert np.array_equal(top_k(scores, 1)[:, 0], np.arange(300_000) % 3)


@pytest.mark.parametrize("dtype", TYPES)
def test_of_equal_scores_the_lower_class_comes_first(dtype: type) -> None:
    scores = np.array([[0.5, 0.9, 0.5, 0.9, 0.1], [-0.0, 0.0, -0.0, 0.0, -1.0]], dtype=dtype)
    assert top_k(scores, 3).tolist() == [[1, 3, 0], [0, 1, 2]]


@pytest.mark.parametrize("dtype", TYPES)
def test_negative_and_infinite_scores_have_their_order(dtype: type) -> None:
    scores = np.array([[-2, -np.inf, np.inf, -1, 0, 3]], dtype=dtype)
    assert top_k(scores, 9).tolist() == [[2, 5, 4, 3, 0, 1]]


def test_rows_that_lie_apart_in_memory_are_read_as_well() -> None:
    scores = np.random.default_rng(0).random((90, 80), dtype=np.float32)
    expected = slow_top_k(scores, 5)
    assert top_k(np.asfortranarray(scores), 5).tolist() == expected
    assert top_k(np.repeat(scores, 2, axis=1)[:, ::2], 5).tolist() == expected


def test_no_rows_have_no_best() -> None:
    assert top_k(np.empty((0, 4), dtype=np.float32), 2).shape == (0, 2)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("place", [0, 7, 10])
def test_nan_is_refused_with_its_row(dtype: type, place: int) -> None:
    scores = np.zeros((3, 11), dtype=dtype)
    scores[1, place] = np.nan
    with pytest.raises(MetricError, match="row 2 of the scores holds nan"):
        top_k(scores, 2)


@pytest.mark.parametrize(
    "scores", [np.zeros(4), np.zeros((2, 0)), np.zeros((2, 2), dtype=int), np.zeros((1, 2, 2))]
)
def test_what_is_no_table_of_floats_is_refused(scores: np.ndarray) -> None:
    with pytest.raises(MetricError, match=r"expected floats \(n_rows, n_classes\)"):
        top_k(scores, 2)


def test_k_below_one_is_refused() -> None:
    with pytest.raises(MetricError, match="k is 0; expected at least 1"):
        top_k(np.zeros((2, 2)), 0)


# ---- global average precision ----------------------------------------------------------------


def test_the_global_list_by_hand() -> None:
    # the list: row 0 class 2 (0.9, hit), row 1 class 0 (0.8), row 1 class 1 (0.7, hit),
    # row 0 class 0 (0.6); class 1 of row 0 is right as well but cut off
    truth = np.array([[False, True, True], [False, True, False]])
    scores = np.array([[0.6, 0.1, 0.9], [0.8, 0.7, 0.2]])
    expected = (1 / 1 + 2 / 3) / 3
    assert global_average_precision_score(truth, scores, k=2) == pytest.approx(expected, abs=1e-15)


def test_of_equal_scores_the_earlier_row_comes_first() -> None:
    scores = np.full((2, 2), 0.5)
    for place, expected in enumerate([1 / 1, 1 / 2, 1 / 3, 1 / 4]):
        truth = np.arange(4).reshape(2, 2) == place
        assert global_average_precision_score(truth, scores) == expected


@swept
@given(scores=tables(), k=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_score_is_that_of_a_full_sort(scores: np.ndarray, k: int, seed: int) -> None:
    truth = np.random.default_rng(seed).random(scores.shape) < 0.3
    truth[0, 0] = True
    expected = slow_global_average_precision(truth, scores, k)
    assert global_average_precision_score(truth, scores, k=k) == pytest.approx(expected, abs=1e-12)


def test_a_truth_without_a_class_is_refused() -> None:
    with pytest.raises(MetricError, match="y_true marks no class"):
        global_average_precision_score(np.zeros((2, 2), dtype=bool), np.zeros((2, 2)))


@pytest.mark.parametrize("truth", [np.ones((2, 2)), np.ones((2, 3), dtype=bool)])
def test_a_truth_of_another_form_is_refused(truth: np.ndarray) -> None:
    with pytest.raises(MetricError, match="expected bool with the shape of y_pred"):
        global_average_precision_score(truth, np.zeros((2, 2)))


def test_no_rows_are_refused() -> None:
    with pytest.raises(MetricError, match="no rows to score"):
        global_average_precision_score(np.empty((0, 2), dtype=bool), np.empty((0, 2)))
