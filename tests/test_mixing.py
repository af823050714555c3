"""Predictions mixed, ranked, and the weights that are best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import mixing
from common.collect import MapStack, Ragged
from common.errors import RunError
from common.metrics import accuracy, mean_absolute_error
from common.mixing import best_weights, mixed, ranked
from tests.toy_runs import dense


def test_rows_are_mixed_by_sample_and_not_by_place(tmp_path: Path) -> None:
    found = mixed(
        [dense(["a", "b"], [0, 4]), dense(["b", "a"], [8, 2])], np.array([0.25, 0.75]), tmp_path
    )
    assert found.samples.tolist() == ["a", "b"]
    assert found.values.tolist() == [[1.5], [7.0]]  # 0/4 + 2·3/4, 4/4 + 8·3/4


class Watched:
    """An array that keeps how many rows were read at once."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.most = values, values.shape, 0

    def __getitem__(self, rows: Any) -> np.ndarray:
        self.most = max(self.most, len(rows))
        return self.values[rows]


def test_maps_are_mixed_on_disk_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = np.array([f"s{k}" for k in range(7)])
    one = np.arange(7 * 4, dtype=np.uint8).reshape(7, 1, 2, 2)
    two = one[::-1] + np.uint8(100)
    watched = [Watched(one), Watched(two)]
    parts: list[Any] = [MapStack(names, watched[0]), MapStack(names[::-1], watched[1])]  # type: ignore[arg-type]
    monkeypatch.setattr(mixing, "_BATCH_BYTES", 2 * 4)  # two maps
    found = mixed(parts, np.array([0.5, 0.5]), tmp_path)
    assert isinstance(found.values, np.memmap)
    assert found.samples.tolist() == names.tolist()
    assert (found.values == one + 50).all()
    assert [one.most for one in watched] == [2, 2]


def test_boxes_have_no_mean(tmp_path: Path) -> None:
    boxes = Ragged(np.array(["a"]), np.zeros((1, 4)), np.zeros(1, dtype=int), ("x", "y", "w", "h"))
    with pytest.raises(RunError, match="have no mean"):
        mixed([boxes, boxes], np.array([0.5, 0.5]), tmp_path)


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    # ranks 1, 2 and 3 of four values, two of which are equal: (2 + 3) / 2 = 2.5
    found = ranked(dense(list("abcd"), [7, 7, -1, 9]))
    assert found.values[:, 0].tolist() == [0.5, 0.5, 0.125, 0.875]


def test_columns_are_ranked_each_by_itself_and_their_size_does_not_matter() -> None:
    found = ranked(dense(list("ab"), [1, 2], [1e9, -1e9], names=("p_x", "p_y")))
    assert found.values.tolist() == [[0.25, 0.75], [0.75, 0.25]]


def test_one_value_for_all_has_the_middle_rank() -> None:
    assert ranked(dense(list("abc"), [5, 5, 5])).values[:, 0].tolist() == [0.5, 0.5, 0.5]


def test_the_best_weights_are_those_where_errors_cancel() -> None:
    # 3/4·1 - 1/4·3 = 0
    found = best_weights(lambda w: abs(w[0] * 1 - w[1] * 3), 2, mean_absolute_error)
    assert found.tolist() == [0.75, 0.25]


def test_weights_end_in_a_corner_where_one_part_alone_is_best() -> None:
    found = best_weights(lambda w: float(w[2]), 3, accuracy)
    assert found.tolist() == pytest.approx([0, 0, 1], abs=1e-12)
    assert (found >= 0).all()


def test_weights_of_three_parts_find_the_middle_of_their_bowl() -> None:
    goal = np.array([0.5, 0.375, 0.125])
    found = best_weights(lambda w: float(((w - goal) ** 2).sum()), 3, mean_absolute_error)
    assert found == pytest.approx(goal, abs=1 / 128)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_a_score_that_does_not_move_keeps_equal_weights_and_nan_is_never_better() -> None:
    assert best_weights(lambda w: 0.5, 4, accuracy).tolist() == [0.25] * 4
    jumping = best_weights(lambda w: 0.5 if w[0] == w[1] else float("nan"), 2, accuracy)
    assert jumping.tolist() == [0.5, 0.5]
