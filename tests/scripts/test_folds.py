"""The leak report as a command: silent on clean data, and every planted leak by name."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from common.files import read_json
from common.fixtures import write_fixture
from competitions.aptos2019_blindness_detection import fixture
from competitions.aptos2019_blindness_detection.pipeline import Grades
from scripts import folds


class Told(NamedTuple):
    """What a report said: the lines by level, and leaks.json."""

    code: int
    leaks: list[str]
    warnings: list[str]
    notes: list[str]
    facts: dict[str, Any]
    out: Path


Report = Callable[..., Told]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture(tmp_path_factory.mktemp("aptos") / "data", fixture.write, seed=0)


@pytest.fixture
def data(host: Path, tmp_path: Path) -> Path:
    """A fixture of photographs in which a test may plant leaks."""
    return Path(shutil.copytree(host, tmp_path / "data"))


@pytest.fixture
def report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Report:
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))

    def told(competition: str, root: Path, *options: str) -> Told:
        out = tmp_path / "report"
        argv = [competition, "--preset", "smoke", "--data", str(root), "--out", str(out), *options]
        code = folds.main(argv)
        lines = capsys.readouterr().out.splitlines()
        levels = [
            [line for line in lines if line.startswith(level)]
            for level in ("leak:", "warning:", "note:")
        ]
        return Told(code, *levels, read_json(out / "leaks.json"), out)

    return told


def paths_of(data: Path, split: str) -> list[Path]:
    """The pictures of a split, in the order of its table."""
    table = "train.csv" if split == "train" else "test.csv"
    with (data / table).open(newline="") as stream:
        return [
            data / f"{split}_images" / f"{row['id_code']}.png" for row in csv.DictReader(stream)
        ]


def test_clean_digits_raise_no_alarm_and_leave_three_files(digits: Path, report: Report) -> None:
    told = report("digit-recognizer", digits, "--pipeline", "svc")
    assert (told.code, told.leaks, told.warnings) == (0, [], [])
    assert told.facts["verdict"] == "clean: no leak and no warning"
    assert sorted(path.name for path in told.out.iterdir()) == [
        "folds.csv",
        "folds.md",
        "leaks.json",
    ]
    stored = pd.read_csv(told.out / "folds.csv", dtype=str)
    assert [*stored] == ["sample", "id", "fold"]
    counts = stored["fold"].value_counts()
    assert [entry["valid"] for entry in told.facts["folds"]] == [counts["0"], counts["1"]]
    assert "| fold | train | validate | 0 | 1 |" in (told.out / "folds.md").read_text()


def test_the_pairs_of_the_fixture_are_told_and_leak_into_no_fold(
    data: Path, report: Report
) -> None:
    told = report("aptos2019-blindness-detection", data)
    assert (told.code, told.leaks) == (0, [])
    across, targets = told.warnings
    assert "1 of 30 test items is in train, too (1 equal, 0 nearly so)" in across
    assert "1 group of equal items with different targets" in targets
    assert "2 groups of 4 equal items (1 equal, 1 nearly so) of train" in told.notes[0]
    assert "cannot surely be told apart" in told.notes[1]


def test_a_copy_in_another_size_a_shared_id_and_brighter_pictures_are_found(
    data: Path, report: Report
) -> None:
    for path in paths_of(data, "test"):
        with Image.open(path) as picture:
            bright = np.asarray(picture.convert("RGB")).astype(int) + 50
        Image.fromarray(bright.clip(0, 255).astype(np.uint8)).save(path)
    known, asked = paths_of(data, "train")[40], paths_of(data, "test")[4]
    with Image.open(known) as picture:
        picture.convert("RGB").resize((90, 90)).save(asked)
    shutil.copy(known, data / "test_images" / known.name)
    for name in ("test.csv", "sample_submission.csv"):
        with (data / name).open("a") as stream:
            stream.write(f"{known.stem}{',0' if name != 'test.csv' else ''}\n")
    told = report("aptos2019-blindness-detection", data)
    assert told.code == 1
    (leak,) = told.leaks
    assert f"1 of 31 test ids is an id of train, too: {known.stem};" in leak
    groups = told.facts["findings"][1]["groups"]
    assert [known.stem, asked.stem, known.stem] in groups
    assert any("train and test differ" in line and "mean blue" in line for line in told.warnings)


def test_folds_that_ignore_groups_and_duplicates_are_a_leak(
    data: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (data / "train.csv").open(newline="") as stream:
        grades = {row["id_code"]: row["diagnosis"] for row in csv.DictReader(stream)}
    one, other = paths_of(data, "train")[50:52]
    shutil.copy(one, other)

    def in_turn(self: Grades, items: pd.DataFrame, seed: int) -> np.ndarray:
        return np.arange(len(items)) % 2

    monkeypatch.setattr(Grades, "folds", in_turn)
    told = report("aptos2019-blindness-detection", data)
    assert told.code == 1
    assert [line.split(": ")[1] for line in told.leaks] == ["groups", "duplicates"]
    assert [one.stem, other.stem] in told.facts["findings"][1]["groups"]
    expected = grades[one.stem] != grades[other.stem]
    assert (f"{one.stem} is" in " ".join(told.warnings)) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pipeline", "nett"], "did you mean 'net'"),
        (["--set", "fold=3"], "did you mean 'folds'"),
        (["--set", "folds=200"], "expected at least"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line_and_writes_nothing(
    options: list[str],
    words: str,
    host: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    out = tmp_path / "report"
    argv = ["aptos2019-blindness-detection", "--data", str(host), "--out", str(out), *options]
    assert folds.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not out.exists()
