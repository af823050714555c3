"""Processes that train one net together, started by torch's launcher on one machine or on two."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from common import files
from scripts import train
from tests.conftest import REPOSITORY
from tests.joint_run import NAME, PlainNet
from tests.processes import TIMEOUT, ended, environment, free_port

pytestmark = pytest.mark.slow

PRESET = ["digit-recognizer", "--pipeline", NAME, "--preset", "smoke"]
PREDICTED = [f"p_{digit}" for digit in range(10)]


@pytest.fixture(scope="module")
def alone(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    run = tmp_path_factory.mktemp("runs") / "alone"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            sys.modules["competitions.digit_recognizer.pipeline"].PIPELINES, NAME, PlainNet()
        )
        assert train.main([*PRESET, "--data", str(digits), "--run", str(run)]) == 0
    return run


def launcher(*options: str) -> list[str]:
    """torchrun; the options that follow the `--` are the program's."""
    return [sys.executable, "-m", "torch.distributed.run", *options, "-m", "--", "tests.joint_run"]


def start(argv: list[str], **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=REPOSITORY,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_same(run: Path, alone: Path) -> None:
    """The out-of-fold files hold the same rows, each once, and the same numbers."""
    table, expected = (pd.read_parquet(folder / "oof.parquet") for folder in (run, alone))
    assert table["sample"].is_unique
    assert table["sample"].tolist() == expected["sample"].tolist()
    assert table["fold"].tolist() == expected["fold"].tolist()
    assert table[PREDICTED].to_numpy() == pytest.approx(expected[PREDICTED].to_numpy(), abs=1e-5)
    assert not (run / "UNFINISHED").exists()


def test_two_processes_write_the_run_of_one_and_resume_it(
    digits: Path, alone: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    port = str(free_port())
    argv = launcher("--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", port)
    argv += [*PRESET, "--data", str(digits), "--run", str(run)]
    process = start(argv, GLOO_SOCKET_IFNAME="lo")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("data:"):
            assert "process 1 of 2" in line
        if line.startswith("epoch  1/"):
            break
    process.send_signal(signal.SIGTERM)
    assert ended([process])[0][0] != 0
    assert (run / "fold0/resume.pt").is_file()

    code, said, errors = ended([start([*argv, "--resume"], GLOO_SOCKET_IFNAME="lo")])[0]
    assert code == 0, errors
    assert said.count("goes on in epoch") == 1  # the second process does not speak
    check_same(run, alone)


def test_two_machines_write_the_run_of_one(digits: Path, alone: Path, tmp_path: Path) -> None:
    with two_machines() as (first, second):
        port = str(free_port())
        processes = []
        for number, machine in enumerate((first, second)):
            place = ["--nnodes", "2", "--node-rank", str(number), "--nproc-per-node", "1"]
            place += ["--master-addr", "10.213.7.1", "--master-port", port]
            run = tmp_path / f"run-{number}"  # each machine has a disk of its own
            argv = [*PRESET, "--data", str(digits), "--run", str(run)]
            variables = {"GLOO_SOCKET_IFNAME": "kit0", "KIT_HOME": str(tmp_path / str(number))}
            processes.append(start([*machine, *launcher(*place), *argv], **variables))
        for code, _, errors in ended(processes):
            assert code == 0, errors
    check_same(tmp_path / "run-0", alone)
    assert not (tmp_path / "run-1").exists()
    assert files.read_json(tmp_path / "run-0/manifest.json")


@contextmanager
def two_machines() -> Iterator[tuple[list[str], list[str]]]:
    """What to put before a command that one of two machines is to run: two network namespaces of
    this host, joined by a cable, with no other network."""
    if shutil.which("ip") is None:
        pytest.skip("two network namespaces are made by `ip` (iproute2), which is not installed")
    names = [f"kit-test-{os.getpid()}-{number}" for number in (1, 2)]

    def ip(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["ip", *words], capture_output=True, text=True, timeout=TIMEOUT)

    made = [ip("netns", "add", name) for name in names]
    try:
        if any(done.returncode for done in made):
            pytest.skip(f"no right to make network namespaces ({made[0].stderr.strip()})")
        first, second = names
        cable = ["type", "veth", "peer", "name", "kit0", "netns", second]
        done = [ip("-n", first, "link", "add", "kit0", *cable)]
        for number, name in enumerate(names, start=1):
            done.append(ip("-n", name, "addr", "add", f"10.213.7.{number}/24", "dev", "kit0"))
            done += [ip("-n", name, "link", "set", card, "up") for card in ("lo", "kit0")]
        for step in done:
            assert step.returncode == 0, step.stderr
        yield ["ip", "netns", "exec", first], ["ip", "netns", "exec", second]
    finally:
        for name in names:
            ip("netns", "del", name)
