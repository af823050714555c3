"""The cache of decoded pictures: what is stored is given back, and nothing else is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.data.images import cache as caches
from common.data.images.cache import DecodedCache, open_cache

SHAPE = (6, 5, 3)


def picture(number: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def opened(folder: Path, **options: Any) -> DecodedCache:
    own = open_cache(folder, "abc", 8, SHAPE, **options)
    assert own is not None
    return own


def loaded(own: DecodedCache, slots: list[int]) -> tuple[list[bool], np.ndarray]:
    out = np.zeros((len(slots), *own.shape), dtype=own.dtype)
    return own.load(np.array(slots), out).tolist(), out


def filled(folder: Path) -> DecodedCache:
    own = opened(folder)
    for slot in range(8):
        own.store(slot, picture(slot))
    return own


def test_what_was_stored_is_read_by_another_opening(tmp_path: Path) -> None:
    opened(tmp_path).store(3, picture(3))
    there, out = loaded(opened(tmp_path), [3, 2])
    assert there == [True, False]
    assert np.array_equal(out[0], picture(3))
    assert not out[1].any()


def test_an_opening_sees_what_another_one_stores_later(tmp_path: Path) -> None:
    reader, writer = opened(tmp_path), opened(tmp_path)
    writer.store(0, picture(0))
    assert loaded(reader, [0])[0] == [True]


def test_all_pictures_of_a_batch_come_in_the_order_asked_for(tmp_path: Path) -> None:
    there, out = loaded(filled(tmp_path), [5, 0, 5])
    assert all(there)
    assert np.array_equal(out, np.stack([picture(5), picture(0), picture(5)]))


def test_it_is_complete_once_every_picture_is_there(tmp_path: Path) -> None:
    own = filled(tmp_path)
    assert (own.n_stored, own.is_complete) == (8, True)
    other = open_cache(tmp_path, "other", 2, SHAPE)
    assert other is not None
    other.store(1, picture(1))
    assert (other.n_stored, other.is_complete) == (1, False)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    own = open_cache(tmp_path, "deep", 2, (3, 3, 1), np.uint16)
    assert own is not None
    deep = np.arange(9, dtype=np.uint16).reshape(3, 3, 1) * 7000
    own.store(1, deep)
    assert np.array_equal(loaded(own, [1])[1][0], deep)


def test_a_jpeg_cache_gives_what_storing_left_in_the_picture(tmp_path: Path) -> None:
    own = opened(tmp_path, mode="jpeg")
    first = picture(1)
    own.store(1, first)
    there, out = loaded(opened(tmp_path), [1, 0])
    assert there == [True, False]
    assert np.array_equal(out[0], first)


def test_a_jpeg_cache_keeps_colours_in_their_order(tmp_path: Path) -> None:
    own = opened(tmp_path, mode="jpeg")
    red = np.zeros(SHAPE, dtype=np.uint8)
    red[..., 0] = 250
    own.store(0, red.copy())
    assert np.abs(loaded(own, [0])[1][0].astype(int) - red).max() < 8


def test_a_damaged_picture_counts_as_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = filled(tmp_path).path
    content = bytearray(path.read_bytes())
    content[-10] ^= 1  # in the last picture
    path.write_bytes(content)
    again = opened(tmp_path)
    assert loaded(again, [6, 7])[0] == [True, False]
    assert "picture 7 is damaged" in capsys.readouterr().err
    again.store(7, picture(7))
    assert loaded(again, [7])[0] == [True]


@pytest.mark.parametrize("n_bytes", [0, 100, 4096, -1])
def test_a_cut_file_is_made_again(
    tmp_path: Path, n_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = filled(tmp_path).path
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert opened(tmp_path).n_stored == 0
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_foreign_file_of_the_same_name_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "abc.raw").write_bytes(b"something else" * 1000)
    assert opened(tmp_path).n_stored == 0


def test_a_file_of_another_number_of_pictures_is_made_again(tmp_path: Path) -> None:
    filled(tmp_path)
    other = open_cache(tmp_path, "abc", 9, SHAPE)
    assert other is not None
    assert other.n_stored == 0


def test_raw_is_taken_where_it_fits_then_jpeg_then_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def modes(room: int) -> str | None:
        facts = os.statvfs_result((1, 1, 0, 0, room, 0, 0, 0, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: facts)
        own = open_cache(tmp_path, f"room {room}", 10, (100, 100, 3), share=0.5)
        return None if own is None else own.mode

    # 10 pictures of 30,000 bytes after 8,192 bytes of header and index
    assert modes(2 * 308_192) == "raw"
    assert modes(2 * 308_191) == "jpeg"
    assert modes(2 * 83_192) == "jpeg"
    capsys.readouterr()
    assert modes(2 * 83_191) is None
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "no cache" in line
    assert "may be deleted" in line


def test_a_folder_that_cannot_be_written_gives_no_cache_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert open_cache(blocked / "cache", "abc", 8, SHAPE) is None
    assert capsys.readouterr().err.count("\n") == 1
    assert open_cache(Path("/proc/cache"), "abc", 8, SHAPE) is None
    assert capsys.readouterr().err.count("\n") == 1


def test_a_disk_that_fills_up_ends_the_storing_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = opened(tmp_path)
    own.store(0, picture(0))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    own.store(1, picture(1))
    own.store(2, picture(2))
    assert capsys.readouterr().err.count("No space left") == 1
    assert loaded(own, [0, 1, 2])[0] == [True, False, False]


def test_a_full_disk_at_the_start_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert open_cache(tmp_path, "abc", 8, SHAPE) is None
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    own_open = os.open

    def read_only(path: Any, flags: int, *rest: int) -> int:
        if str(path).endswith(".raw") and flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(30, "Read-only file system")
        return own_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", read_only)
    own = opened(tmp_path)
    own.store(0, picture(99))
    assert np.array_equal(loaded(own, [0])[1][0], picture(0))


def test_a_jpeg_cache_stays_within_its_share(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = opened(tmp_path, mode="jpeg")
    own.most_bytes = own.path.stat().st_size + 1
    own.store(0, picture(0))
    assert own.n_stored == 0
    assert "share of the disk" in capsys.readouterr().err


def _fill(folder: Path, mode: str, seconds: float) -> None:
    own = open_cache(folder, "shared", 400, (64, 64, 3), mode=mode)
    assert own is not None
    for slot in range(400):
        own.store(slot, picture(slot, (64, 64, 3)))
        time.sleep(seconds)


@pytest.mark.parametrize("mode", ["raw", "jpeg"])
def test_two_processes_that_fill_one_cache_do_not_spoil_it(tmp_path: Path, mode: str) -> None:
    spawn = multiprocessing.get_context("fork")
    both = [spawn.Process(target=_fill, args=(tmp_path, mode, 0.0)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    own = open_cache(tmp_path, "shared", 400, (64, 64, 3))
    assert own is not None
    there, out = loaded(own, list(range(400)))
    assert all(there)
    if mode == "raw":
        assert np.array_equal(out[399], picture(399, (64, 64, 3)))


@pytest.mark.parametrize("mode", ["raw", "jpeg"])
def test_killing_a_process_that_fills_loses_nothing(tmp_path: Path, mode: str) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_fill, args=(tmp_path, mode, 0.001)
    )
    process.start()
    watched = None
    while watched is None or watched.n_stored < 50:
        if (tmp_path / f"shared.{mode}").exists():
            watched = watched or open_cache(tmp_path, "shared", 400, (64, 64, 3))
        time.sleep(0.001)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    own = open_cache(tmp_path, "shared", 400, (64, 64, 3))
    assert own is not None
    n_stored = own.n_stored
    there, out = loaded(own, list(range(400)))
    assert n_stored >= 50
    assert there == [slot < n_stored for slot in range(400)]
    if mode == "raw":
        assert np.array_equal(out[49], picture(49, (64, 64, 3)))


def test_the_memory_of_pages_that_were_read_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "MAPPED", 1)
    own = filled(tmp_path)
    for slot in range(8):
        assert np.array_equal(loaded(own, [slot])[1][0], picture(slot))
