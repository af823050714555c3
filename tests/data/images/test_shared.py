"""Caches that several sets of pictures share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from common.data.images.cache import DecodedCache
from common.data.images.shared import ids_of, shared_cache
from common.errors import DataError

SHAPE = (4, 4, 3)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{number}.jpg" for number in range(6)]
    for path in found:
        path.write_bytes(b"x")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(folder: Path, pictures: list[Path], how: object = 224) -> tuple[DecodedCache, list[int]]:
    cache, slots = shared_cache(folder, pictures, (how,), SHAPE)
    assert cache is not None
    return cache, slots.tolist()


def n_caches(folder: Path) -> int:
    return len([*folder.glob("*.raw")])


def test_a_part_in_any_order_takes_the_cache_of_the_whole(
    folder: Path, pictures: list[Path]
) -> None:
    whole, slots = opened(folder, pictures)
    assert slots == [0, 1, 2, 3, 4, 5]
    part, slots = opened(folder, [pictures[4], pictures[1], pictures[4]])
    assert slots == [4, 1, 4]
    whole.store(4, np.full(SHAPE, 7, dtype=np.uint8))
    out = np.zeros((1, *SHAPE), dtype=np.uint8)
    assert part.load(np.array([slots[0]]), out).all()
    assert (out == 7).all()
    assert n_caches(folder) == 1


def test_of_several_the_smallest_is_taken(folder: Path, pictures: list[Path]) -> None:
    opened(folder, pictures[2:5])
    opened(folder, pictures)  # is no part of the first
    assert n_caches(folder) == 2
    assert opened(folder, pictures[3:5])[1] == [1, 2]
    assert opened(folder, pictures[:2])[1] == [0, 1]
    assert n_caches(folder) == 2


def test_another_way_to_read_shares_nothing(folder: Path, pictures: list[Path]) -> None:
    opened(folder, pictures, 224)
    assert opened(folder, pictures[3:], 256)[1] == [0, 1, 2]
    assert n_caches(folder) == 2


def test_a_picture_that_changed_is_another_one(folder: Path, pictures: list[Path]) -> None:
    opened(folder, pictures)
    os.utime(pictures[5], ns=(0, 0))
    assert opened(folder, pictures[4:])[1] == [0, 1]
    assert opened(folder, pictures[3:5])[1] == [3, 4]


@pytest.mark.parametrize("damage", [b"", b"123", bytes(48)])
def test_a_damaged_list_of_pictures_is_not_believed(
    folder: Path, pictures: list[Path], damage: bytes
) -> None:
    whole, _ = opened(folder, pictures)
    (listed,) = folder.glob("*.ids")
    listed.write_bytes(damage)
    assert opened(folder, pictures[4:])[1] == [0, 1]
    assert whole.path.stat().st_size > 6 * 48  # as it was


def test_a_deleted_cache_is_not_made_again_for_a_part(folder: Path, pictures: list[Path]) -> None:
    whole, _ = opened(folder, pictures)
    whole.path.unlink()
    part, slots = opened(folder, pictures[4:])
    assert (part.n, slots) == (2, [0, 1])


def test_a_list_that_cannot_be_written_costs_the_sharing_only(
    folder: Path,
    pictures: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise DataError("the disk is full")

    monkeypatch.setattr("common.files.write_bytes", full)
    assert opened(folder, pictures)[0].storing
    assert "(the disk is full); parts of the set cannot share it" in capsys.readouterr().err


def test_pictures_are_told_apart_by_path_size_time_and_content(
    pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ids_of(pictures[:1]).tolist()
    assert first == ids_of([str(pictures[0])]).tolist() != ids_of(pictures[1:2]).tolist()
    monkeypatch.chdir(pictures[0].parent)
    assert first == ids_of([pictures[0].name]).tolist()
    os.utime(pictures[0], ns=(0, 0))
    assert first != ids_of(pictures[:1]).tolist()
    assert len(set(ids_of([b"one", b"two", (b"one", b"two")]).tolist())) == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jpg is missing"):
        ids_of([tmp_path / "none.jpg"])
