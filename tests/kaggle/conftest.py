"""The transport's surroundings: a home of its own, a Kaggle of its own, and a clock."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from common import paths
from common.kaggle import patience
from tests.fake_kaggle import FakeKaggle, KaggleCli
from tests.fake_kaggle.fixtures import fake_kaggle, kaggle_cli
from tests.kaggle.desk import SECRETS, Clock

__all__ = ["fake_kaggle", "kaggle_cli"]


@pytest.fixture
def fake(fake_kaggle: FakeKaggle) -> FakeKaggle:
    return fake_kaggle


@pytest.fixture
def cli(kaggle_cli: KaggleCli, monkeypatch: pytest.MonkeyPatch) -> KaggleCli:
    """The real command, which this process and its children find as a user's would."""
    kaggle_cli.enter(monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", None)  # as children see it
    return kaggle_cli


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the repository's own, for data and runs."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv(paths.HOME_VARIABLE, str(folder))
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waiting takes no time; how long it would have been is kept."""
    found = Clock()
    monkeypatch.setattr(patience, "DEFAULT", found.patience())
    return found


@pytest.fixture
def error_line(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """The one line on stderr with which a script ended; what it said before is on `.said`."""

    def read() -> str:
        captured = capsys.readouterr()
        lines = captured.err.splitlines()
        assert len(lines) == 1, captured.err
        assert lines[0].startswith("error: ")
        assert not [word for word in SECRETS if word in captured.out + captured.err]
        return lines[0]

    return read
