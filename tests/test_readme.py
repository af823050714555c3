"""The README promises nothing that is not run here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from common import registry
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def test_the_first_screen_shows_the_two_commands_and_what_they_print() -> None:
    first_screen = "\n".join(README.splitlines()[:45])
    assert "scripts/demo" in first_screen
    assert "scripts/test" in first_screen
    assert "score: " in first_screen
    assert " passed" in first_screen


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fastai's plots
def test_the_six_lines_for_a_notebook_run(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    block, *_ = code_blocks("python")
    lines = [line for line in block.splitlines() if line]
    assert len(lines) == 6
    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "fixtures").mkdir(parents=True)
    (tmp_path / "data" / "fixtures" / "digit_recognizer").symlink_to(digits)
    names: dict[str, Any] = {}
    exec(compile(block, "README", "exec"), names)
    assert len(names["items"]) == 1297
    assert len(names["loaders"].one_batch()) == 2
    mpl.pyplot.close("all")


def test_every_script_that_a_readme_names_exists() -> None:
    for readme in [REPOSITORY / "README.md", *REPOSITORY.glob("competitions/*/README.md")]:
        text = readme.read_text(encoding="utf-8")
        for name in re.findall(r"\bscripts/([a-z_]+(?:\.py|\.toml)?)", text):
            assert (REPOSITORY / "scripts" / name).is_file() or (
                REPOSITORY / "scripts" / f"{name}.py"
            ).is_file(), f"{readme}: scripts/{name}"


def test_every_command_that_a_readme_shows_has_options_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import importlib

    shown = re.findall(r"^(?:python )?scripts/([a-z_]+)\.py (.*)$", README, re.M)
    assert shown
    for script, words in shown:
        importlib.import_module(f"scripts.{script}").parse_args(shlex.split(words, comments=True))


def test_the_table_lists_every_competition_that_the_project_ships() -> None:
    listed = set(re.findall(r"^\| \[([a-z0-9-]+)\]\(competitions/", README, re.M))
    assert listed
    known = {folder.replace("_", "-") for folder in registry.folders()}
    assert listed <= known
