"""Maps on disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.collect import Maps, MapStack
from common.errors import DataError, RunError

SHAPE = (1, 2, 3)


def filled(path: Path, names: str, values: list[float]) -> MapStack:
    """One map of one value per sample."""
    collector = Maps(path, len(names), SHAPE)
    for name, value in zip(names, values, strict=True):
        collector.add(np.array([name]), np.full((1, *SHAPE), value))
    return collector.finish()


def firsts(stack: MapStack) -> list[int]:
    return [int(value) for value in stack.values[:, 0, 0, 0]]


def test_probabilities_are_stored_in_255_steps(tmp_path: Path) -> None:
    # 0.5 × 255 = 127.5, which rounds to the even 128; 0.2 × 255 = 51; 0.001 × 255 = 0.255
    found = filled(tmp_path, "abcde", [0.0, 0.5, 0.2, 0.001, 1.0])
    assert firsts(found) == [0, 128, 51, 0, 255]
    assert found.values.dtype == np.uint8
    assert found.values.shape == (5, *SHAPE)
    assert found.samples.tolist() == list("abcde")


def test_batches_and_places_in_a_map_keep_their_order(tmp_path: Path) -> None:
    values = np.arange(18).reshape(3, *SHAPE) / 255
    collector = Maps(tmp_path / "deep", 3, SHAPE)
    collector.add(np.array(["a", "b"]), values[:2])
    collector.add(np.array(["c"]), values[2:])
    assert collector.finish().values.tolist() == np.arange(18).reshape(3, *SHAPE).tolist()


def test_a_full_disk_is_an_error_before_a_map_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = filled(tmp_path, "ab", [0.0, 1.0])

    def full(*where: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as caught:
        filled(tmp_path, "ab", [0.0, 1.0])
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        stack.save(tmp_path, "oof", pd.DataFrame({"sample": ["a", "b"]}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [-0.1, 1.1, 7.0, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused_and_does_not_wrap_round(
    tmp_path: Path, value: float
) -> None:
    with pytest.raises(DataError, match="expected probabilities from 0 to 1: apply the activation"):
        filled(tmp_path, "a", [value])


def test_a_hair_above_one_is_one(tmp_path: Path) -> None:
    assert firsts(filled(tmp_path, "ab", [1.000001, -0.000001])) == [255, 0]


def test_too_few_maps_say_how_many(tmp_path: Path) -> None:
    collector = Maps(tmp_path, 3, SHAPE)
    collector.add(np.array(["a"]), np.zeros((1, *SHAPE)))
    with pytest.raises(RunError, match="1 maps were predicted; expected 3"):
        collector.finish()


def test_a_sample_predicted_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'a' was predicted 2 times"):
        filled(tmp_path, "aa", [0, 0])


def test_no_samples_are_no_maps(tmp_path: Path) -> None:
    found = Maps(tmp_path, 0, SHAPE).finish()
    assert found.samples.tolist() == []
    assert found.values.shape == (0, *SHAPE)


def test_selecting_follows_the_order_asked_for(tmp_path: Path) -> None:
    found = filled(tmp_path, "abc", [0.0, 0.2, 1.0]).select(["c", "a"])
    assert found.samples.tolist() == ["c", "a"]
    assert firsts(found) == [255, 0]


def test_a_sample_without_a_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="sample 'x' has no prediction"):
        filled(tmp_path, "a", [0.0]).select(["x"])


def test_parts_stand_one_after_the_other(tmp_path: Path) -> None:
    parts = [filled(tmp_path / "1.npy", "ab", [0, 0.2]), filled(tmp_path / "2.npy", "c", [1])]
    found = MapStack.concat(parts)
    assert found.samples.tolist() == ["a", "b", "c"]
    assert firsts(found) == [0, 51, 255]


def test_a_sample_in_two_parts_is_refused(tmp_path: Path) -> None:
    parts = [filled(tmp_path / "1.npy", "ab", [0, 0]), filled(tmp_path / "2.npy", "b", [0])]
    with pytest.raises(DataError, match="'b' was predicted 2 times"):
        MapStack.concat(parts)


def test_the_mean_goes_by_sample_and_is_rounded_and_not_cut(tmp_path: Path) -> None:
    # a: (255 + 0) / 2 = 127.5, to the even 128; b: (51 + 54) / 2 = 52.5, to the even 52;
    # sums above 255 do not wrap round: c: (255 + 253) / 2 = 254
    one = filled(tmp_path / "1.npy", "abc", [1, 0.2, 1])
    two = filled(tmp_path / "2.npy", "cba", [253 / 255, 54 / 255, 0])
    found = MapStack.mean([one, two])
    assert found.samples.tolist() == ["a", "b", "c"]
    assert firsts(found) == [128, 52, 254]
    assert found.values.dtype == np.uint8


def test_what_is_written_comes_back_and_stays_on_disk(tmp_path: Path) -> None:
    index = pd.DataFrame({"sample": ["a", "b"], "fold": [0, 1]})
    stack = filled(tmp_path, "ab", [0.2, 1.0])
    paths = stack.save(tmp_path / "run", "oof", index)
    assert sorted(path.name for path in paths) == ["oof.parquet", "oof_maps.npy", "oof_maps.npz"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(
        path.name for path in paths
    )
    found = MapStack.load(tmp_path / "run", "oof")
    assert isinstance(found.values, np.memmap)
    assert found.samples.tolist() == ["a", "b"]
    assert found.values.tolist() == stack.values.tolist()
    assert pd.read_parquet(tmp_path / "run" / "oof.parquet").equals(index)


@pytest.mark.parametrize("length", [0, 5, 100, 130])
def test_maps_that_were_cut_are_a_run_error(tmp_path: Path, length: int) -> None:
    index = pd.DataFrame({"sample": ["a"]})
    filled(tmp_path, "a", [0.2]).save(tmp_path, "oof", index)
    path = tmp_path / "oof_maps.npy"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(RunError, match=r"oof_maps\.npy cannot be read .*cut or edited"):
        MapStack.load(tmp_path, "oof")


def test_missing_maps_are_a_run_error(tmp_path: Path) -> None:
    index = pd.DataFrame({"sample": ["a"]})
    filled(tmp_path, "a", [0.2]).save(tmp_path, "oof", index)
    (tmp_path / "oof_maps.npy").unlink()
    with pytest.raises(RunError, match=r"oof_maps\.npy cannot be read"):
        MapStack.load(tmp_path, "oof")
