"""What the tests of runs share: the command of a smoke run, what it printed and what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

SMOKE = ["digit-recognizer", "--preset", "smoke"]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path inside."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]
