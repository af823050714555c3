"""Shared fixtures. No test opens a connection, and every test leaves torch's threads at one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

# before torch is loaded: nets this small are slower on several threads
os.environ.setdefault("OMP_NUM_THREADS", "1")

# a shell that starts the tests in the background has them, and their children, ignore Ctrl-C
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]

# several folders take these fixtures, some as a plugin: pytest must know of them before the first
pytest.register_assert_rewrite("tests.fake_kaggle.fixtures")

# whoever asks for one of these trains, or works on what was trained
TRAINING_FIXTURES = {"digits", "smoke_run", "trained"}
FAKED_KAGGLE = "2.2"  # the command whose requests the fake answers; Kaggle's image has an older one


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what trains, and skip the tests of a `kaggle` command that is not installed."""
    installed = version("kaggle")
    too_old = Version(installed) < Version(FAKED_KAGGLE)
    reason = f"kaggle is {installed}; the fake speaks with {FAKED_KAGGLE} and later"
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & TRAINING_FIXTURES:
            item.add_marker(pytest.mark.slow)
        if too_old and "kaggle_cli" in fixtures:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def refuse(own: socket.socket, *where: Any, **__: object) -> None:
        if own.family != socket.AF_UNIX:  # by these a loader's workers hand over their tensors
            raise AssertionError("a test tried to open a connection")
        connect(own, *where)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits' fixture, written once."""
    from common import registry
    from common.fixtures import write_fixture

    folder = tmp_path_factory.mktemp("data") / "digits"
    return write_fixture(folder, registry.load_fixture("digit_recognizer").write, seed=0)


Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of the test's own folder, `file.csv`, and gives its path."""

    def written(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture(scope="session")
def smoke_run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished smoke run of the digits' net, which no test changes: `run` is for that."""
    from scripts.train import main

    run = tmp_path_factory.mktemp("runs") / "smoke"
    argv = ["digit-recognizer", "--preset", "smoke", "--data", str(digits), "--run", str(run)]
    assert main(argv) == 0
    return run


@pytest.fixture
def run(smoke_run: Path, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    return Path(shutil.copytree(smoke_run, tmp_path / "run"))
