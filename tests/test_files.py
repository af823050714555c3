"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.errors import DataError, RunError, UsageError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.replacing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_a_block_that_raises_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half() -> None:
        with files.replacing(path) as beside:
            beside.write_text("half of the new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_block_that_writes_nothing_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "a.txt"):
        pass
    assert names(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        files.write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_content_is_on_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(number: int) -> None:
        steps.append("fsync")
        fsync(number)

    def noting_replace(*places: Any) -> None:
        steps.append("replace")
        replace(*places)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    files.write_bytes(tmp_path / "a", b"1")
    assert steps == ["fsync", "replace"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = files.write_bytes(tmp_path / "a" / "b" / "c.bin", b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"


def test_a_folder_that_is_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        files.write_text(tmp_path / "a" / "b.txt", "x")
    assert (tmp_path / "a").read_text() == "a file"
    assert names(tmp_path) == ["a"]


def test_a_file_is_not_written_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match="a is no ordinary file; expected the name of a file to"):
        files.write_text(tmp_path / "a", "x")
    assert names(tmp_path) == ["a"]


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no ordinary file"):
        files.write_text(tmp_path / "pipe", "x")
    assert (tmp_path / "pipe").is_fifo()
    assert names(tmp_path) == ["pipe"]


def test_a_place_that_allows_no_folders_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DataError, match="a cannot be made there; choose a folder on a disk"):
        files.make_folder(tmp_path / "a")


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    files.make_folder(tmp_path)
    assert names(tmp_path) == ["a.txt"]


def test_a_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    with files.locked(lock):
        with (
            pytest.raises(RunError, match="the run is being written; wait for it to end, or name"),
            files.locked(lock, "the run is being written"),
        ):
            pass
        # the refusal has not let go of the first holder's lock
        with pytest.raises(RunError), files.locked(lock):
            pass
    with files.locked(lock):
        pass


def test_a_lock_is_let_go_where_its_block_raises(tmp_path: Path) -> None:
    def held() -> None:
        with files.locked(tmp_path / "lock"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        held()
    with files.locked(tmp_path / "lock", wait=True):
        pass


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    assert files.write_text(tmp_path / "a", "ü×\n").read_bytes() == b"\xc3\xbc\xc3\x97\n"


def test_json_keeps_the_order_of_keys_and_every_digit(tmp_path: Path) -> None:
    value = {"z": 0.1 + 0.2, "a": [1, None, True], "ü": "×"}
    path = files.write_json(tmp_path / "a.json", value)
    assert "0.30000000000000004" in path.read_text(encoding="utf-8")
    read = files.read_json(path)
    assert read == value
    assert list(read) == ["z", "a", "ü"]


def test_json_gives_a_file_name_back_that_is_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"/data/caf\xe9")
    path = files.write_json(tmp_path / "a.json", {"place": name})
    assert os.fsencode(files.read_json(path)["place"]) == b"/data/caf\xe9"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_json_has_no_word_for_and_keeps_the_old_file(
    tmp_path: Path, value: float
) -> None:
    path = files.write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"score": value})
    assert files.read_json(path) == 1
    assert names(tmp_path) == ["a.json"]


def test_a_missing_json_is_a_data_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json is missing"):
        files.read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b'{"a": [1, 2', b"\xff\xfe", b"\xef\xbb\xbf{}", b"nope"])
def test_a_json_that_was_cut_is_a_data_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is no JSON .*cut or edited"):
        files.read_json(tmp_path / "a.json")


def test_a_folder_is_copied_with_its_folders(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    files.write_bytes(source / "a.bin", b"\x00")
    files.write_bytes(source / "deep" / "er" / "b.bin", b"\x01")
    files.write_bytes(target / "a.bin", b"old")
    files.copy_folder(source, target)
    assert (target / "a.bin").read_bytes() == b"\x00"
    assert (target / "deep" / "er" / "b.bin").read_bytes() == b"\x01"


def test_sha256_is_the_standards_own_example(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1: the digest of the three letters abc
    path = files.write_bytes(tmp_path / "a", b"abc")
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
