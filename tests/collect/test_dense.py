"""A row of numbers per sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.collect import Columns, Dense, load_arrays, save_arrays
from common.errors import DataError, RunError


def dense(names: str, values: list[list[float]]) -> Dense:
    return Dense(np.array(list(names)), np.array(values, dtype=np.float32), ("p", "q"))


ABC = dense("abc", [[1, 10], [2, 20], [3, 30]])


def test_batches_are_gathered_in_the_order_in_which_they_came() -> None:
    collector = Columns(("p", "q"))
    collector.add(np.array(["b", "a"]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    collector.add(np.array(["c"]), np.array([[5.0, 6.0]]))
    found = collector.finish()
    assert found.samples.tolist() == ["b", "a", "c"]
    assert found.values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert found.values.dtype == np.float32
    assert found.names == ("p", "q")


def test_one_column_may_come_without_an_axis() -> None:
    collector = Columns(["p"])
    collector.add(np.array(["a", "b"]), np.array([0.5, 0.25]))
    assert collector.finish().values.tolist() == [[0.5], [0.25]]


def test_samples_become_text() -> None:
    collector = Columns(["p"])
    collector.add(np.array([7, 12]), np.array([0.5, 0.25]))
    collector.add(np.array(["a name of another length"], dtype=object), np.array([1.0]))
    found = collector.finish()
    assert found.samples.tolist() == ["7", "12", "a name of another length"]
    assert found.samples.dtype.kind == "U"


def test_nothing_added_is_no_rows_with_the_columns() -> None:
    found = Columns(("p", "q")).finish()
    assert found.samples.tolist() == []
    assert found.values.shape == (0, 2)
    assert found.names == ("p", "q")
    assert found.select([]).values.shape == (0, 2)


def test_a_wrong_number_of_columns_says_what_was_found_and_expected() -> None:
    with pytest.raises(DataError, match="the model gives 3 columns; expected 2: p, q"):
        Columns(("p", "q")).add(np.array(["a"]), np.zeros((1, 3)))


@pytest.mark.parametrize("shape", [(2, 6), (6, 2), (4, 1, 3)])
def test_outputs_are_never_reshaped_to_fit(shape: tuple[int, ...]) -> None:
    # twelve numbers could be read as four rows of three columns
    collector = Columns(("p", "q", "r"))
    if shape[0] == 4:
        collector.add(np.array(list("abcd")), np.arange(12).reshape(shape))
        assert collector.finish().values.tolist() == np.arange(12).reshape(4, 3).tolist()
        return
    with pytest.raises(DataError, match=f"gives {shape[0]} rows for 4 samples; expected one each"):
        collector.add(np.array(list("abcd")), np.zeros(shape))


def test_a_sample_predicted_twice_is_refused() -> None:
    collector = Columns(["p"])
    for batch in (["a", "b"], ["b"], ["b"]):
        collector.add(np.array(batch), np.zeros(len(batch)))
    with pytest.raises(DataError, match="'b' was predicted 3 times; expected every sample once"):
        collector.finish()


def test_selecting_follows_the_order_asked_for() -> None:
    found = ABC.select(["c", "a"])
    assert found.samples.tolist() == ["c", "a"]
    assert found.values.tolist() == [[3, 30], [1, 10]]
    assert found.names == ("p", "q")
    assert ABC.samples.tolist() == ["a", "b", "c"]


def test_selecting_takes_numbers_for_their_text() -> None:
    numbered = Dense(np.array(["1", "2"]), np.array([[1.0], [2.0]]), ("p",))
    assert numbered.select(np.array([2, 1])).values.tolist() == [[2.0], [1.0]]


def test_a_sample_without_a_prediction_is_named() -> None:
    with pytest.raises(RunError, match="sample 'x' has no prediction; predict it again"):
        ABC.select(["a", "x"])


def test_parts_stand_one_after_the_other() -> None:
    found = Dense.concat([ABC, dense("e", [[5, 50]])])
    assert found.samples.tolist() == ["a", "b", "c", "e"]
    assert found.values.tolist() == [[1, 10], [2, 20], [3, 30], [5, 50]]
    assert found.names == ("p", "q")


def test_a_sample_in_two_parts_is_refused() -> None:
    with pytest.raises(DataError, match="'c' was predicted 2 times"):
        Dense.concat([ABC, dense("dc", [[0, 0], [0, 0]])])


def test_the_mean_goes_by_sample_and_not_by_position() -> None:
    # a: (1 + 5) / 2 and (10 + 50) / 2; b: (2 + 4) / 2 …; c: (3 + 0) / 2 …
    other = dense("cba", [[0, 0], [4, 40], [5, 50]])
    found = Dense.mean([ABC, other])
    assert found.samples.tolist() == ["a", "b", "c"]
    assert found.values.tolist() == [[3, 30], [3, 30], [1.5, 15]]
    assert found.values.dtype == np.float32


def test_the_mean_of_one_is_itself() -> None:
    assert Dense.mean([ABC]).values.tolist() == ABC.values.tolist()


def test_the_mean_needs_every_sample_from_every_model() -> None:
    with pytest.raises(RunError, match="sample 'c' has no prediction"):
        Dense.mean([ABC, dense("ab", [[0, 0], [0, 0]])])


def test_the_file_has_one_row_per_sample_of_the_index(tmp_path: Path) -> None:
    index = pd.DataFrame({"sample": ["c", "a"], "fold": [0, 1]}, index=[7, 3])
    (path,) = ABC.save(tmp_path / "run", "oof", index)
    assert path == tmp_path / "run" / "oof.parquet"
    found = pd.read_parquet(path)
    assert found.columns.tolist() == ["sample", "fold", "p", "q"]
    assert found["sample"].tolist() == ["c", "a"]
    assert found["fold"].tolist() == [0, 1]
    assert found[["p", "q"]].to_numpy().tolist() == [[3, 30], [1, 10]]
    assert found["p"].dtype == np.float32
    assert [name.name for name in path.parent.iterdir()] == ["oof.parquet"]


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays = {"names": np.array(["a", "ü"]), "values": np.array([[0.1, np.nan]], dtype=np.float32)}
    found = load_arrays(save_arrays(tmp_path / "a.npz", arrays))
    assert found["names"].tolist() == ["a", "ü"]
    assert found["values"].dtype == np.float32
    assert np.array_equal(found["values"], arrays["values"], equal_nan=True)


def test_missing_arrays_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a\.npz is missing; train the fold again with --resume"):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_arrays_that_were_cut_say_so(tmp_path: Path, share: float) -> None:
    path = save_arrays(tmp_path / "a.npz", {"values": np.arange(500)})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RunError, match=r"a\.npz cannot be read .*cut or edited"):
        load_arrays(path)


def test_arrays_with_pickles_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as stream:
        np.savez(stream, values=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RunError, match="cannot be read"):
        load_arrays(tmp_path / "a.npz")
