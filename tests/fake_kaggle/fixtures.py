"""Fixtures: a fake, and the real command-line tool before it.

A test module asks for them with `pytest_plugins = ["tests.fake_kaggle.fixtures"]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_kaggle.cli import KaggleCli
from tests.fake_kaggle.fake import FakeKaggle


@pytest.fixture
def fake_kaggle() -> Iterator[FakeKaggle]:
    with FakeKaggle() as fake:
        yield fake


@pytest.fixture
def kaggle_cli(fake_kaggle: FakeKaggle, tmp_path: Path) -> KaggleCli:
    return KaggleCli(fake_kaggle, tmp_path / "kaggle")
