"""The K best samples per class, against a sort of everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.collect import BestK, Ragged

CLASSES = ("oak", "elm", "ash")


def gathered(outputs: np.ndarray, k: int, sizes: list[int]) -> Ragged:
    """What BestK keeps of outputs (N, n_classes) that come in batches of some sizes."""
    collector = BestK(CLASSES, k)
    start = 0
    for size in [*sizes, len(outputs)]:
        batch = outputs[start : start + size]
        collector.add(np.array([f"sample {start + row}" for row in range(len(batch))]), batch)
        start += len(batch)
    return collector.finish()


def sorted_list(outputs: np.ndarray, column: int, k: int) -> list[list[float]]:
    """The naive way: all rows of a class, best first, the earlier one first where equal."""
    pairs = [(float(score), row) for row, score in enumerate(outputs[:, column])]
    pairs.sort(key=lambda pair: (-pair[0], pair[1]))
    return [[row, score] for score, row in pairs[:k]]


def check(outputs: np.ndarray, k: int, sizes: list[int]) -> None:
    found = gathered(outputs, k, sizes)
    assert found.samples.tolist() == list(CLASSES)
    assert found.names == ("row", "score")
    for column in range(len(CLASSES)):
        assert found.of(column).tolist() == sorted_list(outputs, column, k)


def test_the_best_two_of_four() -> None:
    outputs = np.array(
        [[0.1, 0.9, 0.5], [0.7, 0.2, 0.5], [0.3, 0.8, 0.5], [0.6, 0.1, 0.5]], dtype=np.float32
    )
    found = gathered(outputs, 2, [])
    assert found.of(0)[:, 0].tolist() == [1, 3]  # 0.7, 0.6
    assert found.of(1)[:, 0].tolist() == [0, 2]  # 0.9, 0.8
    assert found.of(2)[:, 0].tolist() == [0, 1]  # all equal: those that came first
    assert found.of(0)[:, 1].tolist() == pytest.approx([0.7, 0.6])


# few different scores, so that ties are common, within batches and between them
scores = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, -1.0])


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    rows=st.lists(st.tuples(scores, scores, scores), max_size=25),
    k=st.integers(1, 8),
    sizes=st.lists(st.integers(0, 7), max_size=6),
)
def test_it_agrees_with_sorting_everything(
    rows: list[tuple[float, ...]], k: int, sizes: list[int]
) -> None:
    check(np.array(rows, dtype=np.float32).reshape(-1, 3), k, sizes)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_sizes_of_the_batches_do_not_matter(seed: int, size: int) -> None:
    outputs = np.random.default_rng(seed).normal(size=(200, 3)).astype(np.float32)
    check(outputs, 10, [size] * (200 // size))


def test_fewer_samples_than_k_are_all_kept() -> None:
    outputs = np.array([[3, 1, 2], [1, 2, 3]], dtype=np.float32)
    found = gathered(outputs, 100, [])
    assert found.of(0).tolist() == [[0, 3], [1, 1]]
    assert found.of(1).tolist() == [[1, 2], [0, 1]]


def test_nothing_added_keeps_every_class_without_rows() -> None:
    found = BestK(CLASSES, 3).finish()
    assert found.samples.tolist() == list(CLASSES)
    assert [len(found.of(position)) for position in range(3)] == [0, 0, 0]


def test_nan_is_never_among_the_best_while_there_are_others() -> None:
    outputs = np.full((4, 3), np.nan, dtype=np.float32)
    outputs[2] = -5.0
    outputs[3] = -6.0
    found = gathered(outputs, 2, [1, 1])
    assert [found.of(position)[:, 0].tolist() for position in range(3)] == [[2, 3]] * 3


def test_memory_does_not_grow_with_the_number_of_samples() -> None:
    collector = BestK(CLASSES, 5)
    generator = np.random.default_rng(0)
    for _ in range(50):
        collector.add(np.array(["x"] * 100), generator.normal(size=(100, 3)))
        held = [value for value in vars(collector).values() if isinstance(value, np.ndarray)]
        assert sum(value.size for value in held) <= 2 * 3 * 5


def test_row_numbers_above_what_float32_can_count_are_exact() -> None:
    # float32 holds whole numbers up to 2**24 = 16,777,216 only
    collector = BestK(CLASSES, 1)
    collector._n_seen = 2**24
    collector.add(np.array(["a", "b"]), np.array([[0, 0, 0], [1, 1, 1]]))
    assert int(collector.finish().of(0)[0, 0]) == 2**24 + 1


def test_a_class_is_selected_by_its_name() -> None:
    found = gathered(np.array([[1, 2, 3]], dtype=np.float32), 1, []).select(["ash"])
    assert found.samples.tolist() == ["ash"]
    assert found.of(0).tolist() == [[0, 3]]
