"""The page of a batch: written for the digits, refused where there is nothing to show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts import show_batch

ARGV = ["digit-recognizer", "--preset", "smoke", "--rows", "1"]


def shown(digits: Path, out: Path, *options: str) -> np.ndarray:
    assert show_batch.main([*ARGV, "--data", str(digits), "--out", str(out), *options]) == 0
    return np.asarray(Image.open(out).convert("RGB"))


def test_the_page_is_the_same_for_one_seed_and_another_for_another(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = shown(digits, tmp_path / "first.png")
    assert "batch: " in capsys.readouterr().out
    assert np.array_equal(shown(digits, tmp_path / "deeper" / "again.png"), first)
    assert not np.array_equal(shown(digits, tmp_path / "other.png", "--seed", "1"), first)


def test_a_policy_may_be_named_instead_of_the_pipelines_own(digits: Path, tmp_path: Path) -> None:
    own = shown(digits, tmp_path / "own.png")
    plain = shown(digits, tmp_path / "plain.png", "--policy", "unchanged")
    assert plain.shape == own.shape
    assert not np.array_equal(plain, own)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--policy", "strok"], "did you mean 'strokes'"),
        (["--policy", "photographs"], "use horizontal; the data allow none"),
        (["--pipeline", "svc"], "answers no loaders()"),
        (["--pipeline", "nett"], "did you mean 'net'"),
        (["--rows", "0"], "'0' is no number of rows"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    options: list[str],
    words: str,
    digits: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "page.png"
    argv = ["digit-recognizer", "--data", str(digits), "--out", str(out), *options]
    assert show_batch.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not out.exists()
