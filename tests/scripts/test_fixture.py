"""The fixture script: what it writes, and what it refuses to touch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import RunError
from common.files import locked, read_json
from common.runfolder import RunFolder
from scripts import fixture


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_seed_gives_the_same_files_and_another_gives_others(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "again", "other")]
    for folder, seed in zip(folders, ("0", "0", "1"), strict=True):
        assert fixture.main(["digit-recognizer", "--out", str(folder), "--seed", seed]) == 0
    first, again, other = map(contents, folders)
    assert first == again
    assert first["test.csv"] != other["test.csv"]
    facts = read_json(folders[2] / "FIXTURE.json")
    assert facts["seed"] == 1
    assert set(facts["files"]) | {"FIXTURE.json"} == set(other)


def test_a_folder_with_anything_else_in_it_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fixture.main(["digit-recognizer", "--out", str(tmp_path / "data")]) == 0
    (tmp_path / "data" / "notes.txt").write_text("mine")
    before = contents(tmp_path / "data")
    capsys.readouterr()
    assert fixture.main(["digit-recognizer", "--out", str(tmp_path / "data"), "--seed", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds notes.txt" in line
    assert contents(tmp_path / "data") == before


def test_the_hosts_files_are_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text("the host's")
    assert fixture.main(["digit-recognizer", "--out", str(tmp_path)]) == 2
    assert "is of no fixture" in capsys.readouterr().err
    assert contents(tmp_path) == {"train.csv": b"the host's"}


def test_two_at_once_leave_one_whole_fixture(tmp_path: Path) -> None:
    argv = ["digit-recognizer", "--out", str(tmp_path / "data")]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fixture.main, [argv, argv])) == [0, 0]
    facts = read_json(tmp_path / "data" / "FIXTURE.json")
    assert set(contents(tmp_path / "data")) == {*facts["files"], "FIXTURE.json"}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["data"]


def test_a_run_that_is_being_written_is_refused_to_others(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with (
        run.claimed(),
        pytest.raises(RunError, match="another process is writing"),
        run.claimed(),
    ):
        raise AssertionError("the run was claimed twice")
    with run.claimed():  # let go of at the end
        pass


def test_a_lock_is_let_go_of_when_its_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "lock", "held"):
        raise KeyError
    with locked(tmp_path / "lock", "held"):
        pass


def test_a_device_is_never_replaced_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    from common.errors import UsageError
    from common.files import write_text

    with pytest.raises(UsageError, match="/dev/full is no ordinary file"):
        write_text(Path("/dev/full"), "x")
    assert Path("/dev/full").is_char_device()
