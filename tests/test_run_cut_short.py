"""Runs that are cut short say so, and resume to the same result."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import predict, train
from tests.conftest import REPOSITORY
from tests.runs import SMOKE, one_line


def start(digits: Path, run: Path) -> subprocess.Popen[str]:
    """The smoke run in a process of its own."""
    argv = [*SMOKE, "--data", str(digits), "--run", str(run)]
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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
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
    assert process.returncode == (130 if how is signal.SIGINT else -9)
    if how is signal.SIGINT:
        assert errors.splitlines()[-1].startswith("interrupted")
        assert "Traceback" not in errors
    assert "unfinished" in (run / "UNFINISHED").read_text()
    assert "fold0" in (run / "UNFINISHED").read_text()

    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main(argv) == 2
    assert "is unfinished" in one_line(capsys)

    again = [*SMOKE, "--data", str(digits), "--run", str(run), "--resume"]
    assert train.main([*again, "--set", "epochs=2"]) == 2
    assert "was begun with settings" in one_line(capsys)
    assert train.main(again) == 0
    assert "fold 0: finished before" in capsys.readouterr().out
    assert not (run / "UNFINISHED").exists()
    for name in ("submission.csv", "oof.parquet", "oof_submission.csv", "scores.json"):
        assert (run / name).read_bytes() == (smoke_run / name).read_bytes(), name
