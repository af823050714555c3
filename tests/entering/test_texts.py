"""What is written for a new competition: spec, README, and a fixture drawn from the spec."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.entering import Host, read_host
from common.entering.readme import margin, readme_text
from common.entering.texts import fixture_text, spec_text
from common.errors import DataError
from common.fixtures import table_fixture
from common.score import read_aligned
from common.spec import CompetitionSpec
from tests.conftest import REPOSITORY
from tests.entering.hosts import ALL, Tables, breeds, changed, glyphs, one_based, put


def spec_of(host: Host) -> CompetitionSpec:
    names: dict[str, Any] = {}
    exec(compile(spec_text(host), "spec.py", "exec"), names)
    spec: CompetitionSpec = names["SPEC"]
    return spec


@pytest.mark.parametrize("files", ALL)
def test_the_written_spec_holds_what_was_read(tmp_path: Path, files: Callable[[], Tables]) -> None:
    host = read_host("some-New-competition-2", put(tmp_path, files()))
    spec = spec_of(host)
    assert spec.slug == "some-New-competition-2"
    assert spec.title == "Some New Competition 2"
    assert (spec.files, spec.submission) == (host.files, host.submission)
    assert (spec.classes, spec.image_size) == (host.classes, host.image_size)
    assert (spec.value_range, spec.id_pattern) == (host.value_range, host.naming.pattern)
    assert spec.sources[0].slug == spec.slug
    assert spec.ladder.rungs == ()
    assert "STAND-IN" in spec_text(host)


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_the_written_files_are_in_the_house_style(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "common").symlink_to(REPOSITORY / "common")  # imports of it are our own
    for files in ALL:
        host = read_host("some-slug", put(tmp_path / "data" / files.__name__, files()))
        folder = tmp_path / "competitions" / files.__name__
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "spec.py").write_text(spec_text(host), encoding="utf-8")
        (folder / "fixture.py").write_text(fixture_text(host, files.__name__), encoding="utf-8")
    for words in (["format", "--diff"], ["check"]):
        ruff = [sys.executable, "-m", "ruff", *words, "--no-cache", "competitions"]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("files", ALL)
def test_the_readme_says_what_is_known_and_what_is_not(
    tmp_path: Path, files: Callable[[], Tables]
) -> None:
    host = read_host("some-slug", put(tmp_path, files()))
    text = readme_text(host, "some_slug")
    for doubt in host.doubts:
        assert doubt in text
    assert "Not known yet" in text
    assert f"\nMargin over the constant submission on the fixture: {margin(host)}\n" in text
    assert "scripts/train.py some-slug --preset smoke --data data/fixtures/some_slug" in text


# ---- the fixture --------------------------------------------------------------------------------


@pytest.mark.parametrize("files", ALL)
def test_the_fixture_has_the_layout_and_the_rungs_that_the_margin_is_taken_from(
    tmp_path: Path, files: Callable[[], Tables]
) -> None:
    host = read_host("some-slug", put(tmp_path, files()))
    spec = spec_of(host)
    out = tmp_path / "out"
    out.mkdir()
    facts = table_fixture(spec, out, 3, id_form=host.naming.form)
    sample, solution = (out / name for name in ("sample_submission.csv", "solution.csv"))
    for file in spec.files:
        with (out / file.name).open(encoding="utf-8", newline="") as stream:
            header = next(csv.reader(stream))
        assert set(file.columns) <= set(header)
    constant, trivial = (rung["score"] for rung in facts["rungs"])
    assert read_aligned(spec, sample, solution)[0].score(spec.metric) == constant
    gain = trivial - constant if spec.metric.higher_is_better else constant - trivial
    assert gain > float(margin(host))
    assert facts["synthetic"] is True
    assert facts["called"] == "synthetic data for Some Slug"


def test_the_fixture_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    spec = spec_of(read_host("some-slug", put(tmp_path, one_based())))
    contents = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / place).mkdir()
        table_fixture(spec, tmp_path / place, seed)
        contents.append((tmp_path / place / "train.csv").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_the_fixture_refuses_a_spec_that_it_cannot_draw(tmp_path: Path) -> None:
    host = read_host("some-slug", put(tmp_path, glyphs()))
    with pytest.raises(DataError, match="makes the id '1'; expected one of the pattern"):
        table_fixture(spec_of(host), tmp_path, 0)
    files = changed(breeds(), "test.csv", lambda row: [row[0], "heavy"])
    spec = spec_of(read_host("some-slug", put(tmp_path, files)))
    with pytest.raises(DataError, match="names no feature columns"):
        table_fixture(spec, tmp_path, 0)
