"""Any number of rows per sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.collect import Ragged, Rows
from common.errors import DataError, RunError


def collected() -> Ragged:
    """a: two boxes, b: none, c: one."""
    collector = Rows(("x", "y"))
    collector.add(np.array(["a", "b"]), [np.array([[1, 2], [3, 4]]), np.empty((0, 2))])
    collector.add(np.array(["c"]), [np.array([[5, 6]])])
    return collector.finish()


def rows_of(ragged: Ragged) -> dict[str, list]:
    names = ragged.samples.tolist()
    return {name: ragged.of(position).tolist() for position, name in enumerate(names)}


def test_rows_are_found_by_their_sample() -> None:
    found = collected()
    assert rows_of(found) == {"a": [[1, 2], [3, 4]], "b": [], "c": [[5, 6]]}
    assert found.owners.tolist() == [0, 0, 2]
    assert found.values.dtype == np.float32
    assert found.of(1).shape == (0, 2)


def test_a_sample_without_rows_may_come_as_an_empty_list() -> None:
    collector = Rows(("x", "y"))
    collector.add(np.array(["a"]), [np.array([])])
    assert rows_of(collector.finish()) == {"a": []}


def test_nothing_added_is_no_samples() -> None:
    found = Rows(("x", "y")).finish()
    assert found.samples.tolist() == []
    assert found.values.shape == (0, 2)
    assert found.owners.tolist() == []


def test_samples_alone_without_any_row() -> None:
    collector = Rows(("x", "y"))
    collector.add(np.array(["a", "b"]), [np.empty((0, 2)), np.empty((0, 2))])
    assert rows_of(collector.finish()) == {"a": [], "b": []}


@pytest.mark.parametrize("shape", [(2, 3), (4, 1), (2,), (1, 2, 1)])
def test_rows_of_another_width_are_refused_and_never_reshaped(shape: tuple[int, ...]) -> None:
    # six numbers in two rows of three could be read as three rows of two
    with pytest.raises(DataError, match=r"rows of shape .*; expected \(n, 2\), the columns x, y"):
        Rows(("x", "y")).add(np.array(["a"]), [np.zeros(shape)])


def test_more_or_fewer_outputs_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Rows(("x", "y")).add(np.array(["a", "b"]), [np.zeros((1, 2))])


def test_a_sample_predicted_twice_is_refused() -> None:
    collector = Rows(("x", "y"))
    for _ in range(2):
        collector.add(np.array(["a"]), [np.zeros((1, 2))])
    with pytest.raises(DataError, match="'a' was predicted 2 times; expected every sample once"):
        collector.finish()


def test_selecting_takes_the_rows_along() -> None:
    found = collected().select(["c", "b", "a"])
    assert found.samples.tolist() == ["c", "b", "a"]
    assert rows_of(found) == {"c": [[5, 6]], "b": [], "a": [[1, 2], [3, 4]]}
    assert found.owners.tolist() == [0, 2, 2]


def test_selecting_none_gives_none() -> None:
    found = collected().select([])
    assert found.samples.tolist() == []
    assert found.values.shape == (0, 2)


def test_a_sample_without_a_prediction_is_named() -> None:
    with pytest.raises(RunError, match="sample 'x' has no prediction"):
        collected().select(["x"])


def test_parts_stand_one_after_the_other() -> None:
    collector = Rows(("x", "y"))
    collector.add(np.array(["d", "e"]), [np.empty((0, 2)), np.array([[7, 8], [9, 9]])])
    found = Ragged.concat([collected(), collector.finish()])
    assert rows_of(found) == {
        "a": [[1, 2], [3, 4]],
        "b": [],
        "c": [[5, 6]],
        "d": [],
        "e": [[7, 8], [9, 9]],
    }
    assert found.owners.tolist() == [0, 0, 2, 4, 4]


def test_a_sample_in_two_parts_is_refused() -> None:
    with pytest.raises(DataError, match="'a' was predicted 2 times"):
        Ragged.concat([collected(), collected().select(["a"])])


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    index = pd.DataFrame({"sample": ["a", "b", "c"], "fold": [0, 0, 1]})
    paths = collected().save(tmp_path / "run", "oof", index)
    assert sorted(path.name for path in paths) == ["oof.parquet", "oof_rows.npz"]
    assert all(path.is_file() for path in paths)
    found = Ragged.load(tmp_path / "run", "oof")
    assert rows_of(found) == rows_of(collected())
    assert found.names == ("x", "y")
    assert pd.read_parquet(tmp_path / "run" / "oof.parquet").equals(index)


def test_missing_rows_are_a_run_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"oof_rows\.npz is missing"):
        Ragged.load(tmp_path, "oof")
