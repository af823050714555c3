"""A push that is killed at any moment: the second call goes on and does not push twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from common import files
from scripts.push_kernel import main
from tests.conftest import REPOSITORY
from tests.fake_kaggle import FakeKaggle, KaggleCli, Run
from tests.kaggle.desk import SLUG, Clock, left_over, run_output, write_built
from tests.kaggle.killed import POINTS

TRAIN = "ada/digits-train"
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def built(fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock, tmp_path: Path) -> Path:
    run = Run(statuses=("COMPLETE",), output=run_output(tmp_path / "remote"))
    fake.world.next_run(TRAIN, run)
    return write_built(tmp_path / "kernels" / "train", competition_sources=[])


@pytest.fixture
def start(built: Path) -> Start:
    """Starts a push in a process of its own."""

    def begin(point: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.kaggle.killed", point, str(built)]
        return subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    return begin


@pytest.mark.parametrize("point", POINTS)
def test_a_second_call_goes_on_from_where_the_first_was_killed(
    fake: FakeKaggle, built: Path, home: Path, start: Start, point: str
) -> None:
    assert start(point).wait(timeout=60) == -signal.SIGKILL
    assert main([SLUG, "--folder", str(built)]) == 0
    assert len(fake.bodies("SaveKernel")) == 1
    assert (home / "runs/digit_recognizer/digits-train-v1/manifest.json").is_file()
    assert left_over(home) == []
    assert files.read_json(built / "push.json")["state"] == "fetched"


@pytest.mark.parametrize("acts", [True, False], ids=["taken", "not taken"])
def test_a_command_that_outlives_the_killed_push_is_waited_for(
    fake: FakeKaggle,
    built: Path,
    start: Start,
    acts: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The `kaggle` command still talks to Kaggle after the process that started it is gone."""
    fake.fault("SaveKernel", hang=True, acts=acts)
    first = start("at no point")
    wait_for(lambda: fake.bodies("SaveKernel"))
    first.kill()
    first.wait()
    threading.Timer(1.0, fake.release).start()
    assert main([SLUG, "--folder", str(built), "--no-wait"]) == 0
    assert "an interrupted one has not ended; waiting" in capsys.readouterr().out
    assert len(fake.world.kernels[TRAIN].versions) == 1
    assert len(fake.bodies("SaveKernel")) == (1 if acts else 2)


def test_a_push_and_its_command_killed_together_are_found_at_kaggle(
    fake: FakeKaggle, built: Path, start: Start
) -> None:
    fake.fault("SaveKernel", hang=True, acts=True)
    first = start("at no point")
    wait_for(lambda: fake.bodies("SaveKernel"))
    command = children_of(first.pid)
    first.kill()
    for child in command:
        os.kill(child, signal.SIGKILL)
    first.wait()
    assert len(command) == 1
    assert main([SLUG, "--folder", str(built), "--no-wait"]) == 0
    assert len(fake.bodies("SaveKernel")) == 1
    assert files.read_json(built / "push.json")["version"] == 1


def test_a_second_push_of_bytes_that_kaggle_held_is_told_from_the_first(
    fake: FakeKaggle, built: Path, start: Start
) -> None:
    """With --again the same bytes are another version; killed, it is pushed once and no more."""
    assert main([SLUG, "--folder", str(built), "--no-wait"]) == 0
    facts = files.read_json(built / "push.json")
    sending = {**facts, "state": "sending", "before": 1, "held": True, "version": None, "sent": 0}
    files.write_json(built / "push.json", sending)  # killed before it was sent
    assert main([SLUG, "--folder", str(built), "--no-wait", "--again"]) == 0
    assert len(fake.bodies("SaveKernel")) == 2

    files.write_json(built / "push.json", sending)  # killed after it was taken
    assert main([SLUG, "--folder", str(built), "--no-wait", "--again"]) == 0
    assert len(fake.bodies("SaveKernel")) == 2
    assert files.read_json(built / "push.json")["version"] == 2


def wait_for(happened: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in text.split()]
