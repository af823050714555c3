"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


def modules_with_examples() -> list[str]:
    found = []
    for path in sorted((REPOSITORY / "common").rglob("*.py")):
        if "\n    >>> " in path.read_text(encoding="utf-8"):
            found.append(".".join(Path(path).relative_to(REPOSITORY).with_suffix("").parts))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_show(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
