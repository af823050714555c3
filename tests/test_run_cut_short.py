"""Runs that are cut short say so, and resume to the same result."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import predict, train
from tests.conftest import REPOSITORY
from tests.runs import SMOKE, one_line

INTERRUPTED = "interrupted; nothing that was finished is lost"


def start(digits: Path, run: Path, *more: str) -> subprocess.Popen[str]:
    """The smoke run in a process of its own."""
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), *more]
    return subprocess.Popen(
        [sys.executable, "-u", str(REPOSITORY / "scripts/train.py"), *argv],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"{words!r} was never printed")


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


@pytest.mark.parametrize("how", CODES, ids=["ctrl-c", "terminated", "kill-9"])
def test_a_run_that_is_cut_short_says_so_and_resumes_to_the_same_result(
    how: signal.Signals,
    digits: Path,
    tmp_path: Path,
    smoke_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    process = start(digits, run)
    wait_for(process, "fold 1:")
    wait_for(process, "epoch  1/")  # two more epochs, the scores and the report are to come
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == CODES[how]
    if how is not signal.SIGKILL:
        assert errors.splitlines() == [INTERRUPTED]
        assert (run / "fold1/resume.pt").is_file()
    assert "unfinished" in (run / "UNFINISHED").read_text()
    assert "fold0" in (run / "UNFINISHED").read_text()

    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main(argv) == 2
    assert "is unfinished" in one_line(capsys)

    again = [*SMOKE, "--data", str(digits), "--run", str(run), "--resume"]
    assert train.main([*again, "--set", "epochs=2"]) == 2
    line = one_line(capsys)
    assert "was begun with settings {'epochs': " in line
    assert "batch_size" not in line  # which is the same
    assert train.main(again) == 0
    assert "fold 0: finished before" in capsys.readouterr().out
    assert not (run / "UNFINISHED").exists()
    assert_same(run, smoke_run)


def test_a_second_ctrl_c_ends_at_once_and_the_run_still_resumes(
    digits: Path, tmp_path: Path, smoke_run: Path
) -> None:
    run = tmp_path / "run"
    process = start(digits, run, "--checkpoint-seconds", "0")
    wait_for(process, "epoch  1/")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines() == [INTERRUPTED]
    assert train.main([*SMOKE, "--data", str(digits), "--run", str(run), "--resume"]) == 0
    assert_same(run, smoke_run)


# ---- a disk that is full ------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["resume.pt", "weights.safetensors"])
def test_without_room_a_run_ends_with_one_line_and_resumes_once_there_is_some(
    what: str, digits: Path, tmp_path: Path, smoke_run: Path
) -> None:
    run = tmp_path / "run"
    every = "0" if what == "resume.pt" else "600"
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--checkpoint-seconds", every]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts/train.py"), *argv],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        preexec_fn=little_room,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert what in line
    assert "File too large" in line
    assert not [*run.rglob("*.part")]
    assert train.main([*argv, "--resume"]) == 0
    assert_same(run, smoke_run)


def little_room() -> None:
    """No file may have more than 40 KiB."""
    limit = 40 * 2**10
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def assert_same(run: Path, smoke_run: Path) -> None:
    for name in ("submission.csv", "oof.parquet", "oof_submission.csv", "scores.json"):
        assert (run / name).read_bytes() == (smoke_run / name).read_bytes(), name
