"""From a name to a competition that trains: forks and entries, in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from common import paths
from common.fixtures import write_csv
from scripts.new_competition import main
from tests.conftest import REPOSITORY

GLYPHS = ("arc", "bar", "cross", "dot", "eye")
NOT_COPIED = {"data", "runs", "kernels", "build"}

# One process for everything that needs fastai: it takes seconds to load. The fork is the folder it
# was made from but for the names, and that one is swept elsewhere: here it is run once.
DRIVER = """
import sys
import pytest

chosen = "glyphs or plain_table or (my_digits and (loads or readme or presets))"
if pytest.main(["tests/test_all_competitions.py", "-k", chosen, "-p", "no:cacheprovider"]):
    sys.exit("the sweep over all competitions failed")

from scripts import check_submission, fixture, train

assert fixture.main(["my-digits", "--out", "digits"]) == 0
for folder, pipeline, data, sample in (
    ("glyphs", "net", "glyph-host", "sampleSubmission.csv"),
    ("plain-table", "svc", "table-host", "wanted.csv"),
    ("my-digits", "svc", "digits", "sample_submission.csv"),
):
    options = ["--preset", "smoke", "--run", f"runs/{folder}"]
    assert train.main([folder, "--data", data, "--pipeline", pipeline, *options]) == 0
    given = ["--submission", f"runs/{folder}/submission.csv", "--sample", f"{data}/{sample}"]
    assert check_submission.main([folder, *given]) == 0
"""


@dataclass
class Copy:
    """A copy of the repository, with what its commands said."""

    root: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "KIT_HOME": str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate()
        return process.returncode, out, err

    def new(self, *words: str) -> str:
        code, out, err = self.run("scripts/new_competition.py", *words)
        assert code == 0, err
        return out


def write_glyphs(folder: Path) -> None:
    """Pictures of 12×12 whose columns, ids and classes are called like nobody else's."""
    generator = np.random.default_rng(1)
    ids, names = [f"g_{k:05d}" for k in range(500)], [f"v{k}" for k in range(144)]
    labels = generator.integers(len(GLYPHS), size=500)
    drawn = generator.normal(scale=0.4, size=(500, 12, 12))
    for row, label in enumerate(labels):
        drawn[row, 2 * label : 2 * label + 4, 1:-1] += 2  # a bar, the higher the later
    pixels = np.clip(np.rint(80 + 50 * drawn), 0, 255).astype(int).reshape(500, 144).tolist()
    rows = list(zip(ids, pixels, labels, strict=True))
    train = [(name, *cells, GLYPHS[label]) for name, cells, label in rows[:400]]
    test = [(name, *cells) for name, cells, _ in rows[400:]]
    write_csv(folder / "train.csv", ("glyph_id", *names, "shape"), train)
    write_csv(folder / "test.csv", ("glyph_id", *names), test)
    sample = [(name, "dot") for name in ids[400:]]
    write_csv(folder / "sampleSubmission.csv", ("glyph_id", "Shape"), sample)


def write_table(folder: Path) -> None:
    """Seven columns of very different scales, three numbered classes, rows without names."""
    generator = np.random.default_rng(2)
    names = ("alpha", "Beta", "gamma ray", "d1", "d2", "e", "f")
    labels = generator.integers(1, 4, size=390)
    drawn = generator.normal(size=(390, 7)) + 2 * generator.normal(size=(4, 7))[labels]
    cells = (drawn * (1, 100, 0.01, 5, 1, 1000, 3)).round(4).tolist()
    train = [(label, *row) for label, row in zip(labels[:300], cells[:300], strict=True)]
    write_csv(folder / "known.csv", ("kind", *names), train)
    write_csv(folder / "unknown.csv", names, cells[300:])
    write_csv(folder / "wanted.csv", ("RowId", "kind"), [(k, 0) for k in range(1, 91)])


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the repository beside the files of two hosts that nobody knows."""
    root = tmp_path_factory.mktemp("copy") / "kit"
    root.mkdir()
    for path in REPOSITORY.iterdir():
        if path.name in NOT_COPIED or path.name.startswith("."):
            continue
        if path.is_dir():
            shutil.copytree(path, root / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, root)
    for path in (root / "competitions").iterdir():
        if path.is_dir() and path.name != "digit_recognizer":
            shutil.rmtree(path)  # forks of whoever works here may be called like those below
    for name, write in (("glyph-host", write_glyphs), ("table-host", write_table)):
        (root / name).mkdir()
        write(root / name)
    return Copy(root)


@pytest.fixture(scope="module")
def said(copy: Copy) -> dict[str, str]:
    """What is printed while three competitions are begun."""
    begin = ("--from", "digit-recognizer")
    return {
        "glyphs": copy.new("Glyphs", *begin, "--slug", "glyph-sorting", "--data", "glyph-host"),
        "plain_table": copy.new("plain-table", *begin, "--slug", "Table-2", "--data", "table-host"),
        "my_digits": copy.new("my-digits", *begin),
    }


def test_it_says_what_it_read_what_it_could_not_know_and_what_comes_next(
    said: dict[str, str],
) -> None:
    text = said["glyphs"]
    for line in (
        "competitions/glyphs: Glyph Sorting, from glyph-host:",
        "train: train.csv, 400 rows",
        "key: glyph_id (the column 'glyph_id' of the test file)",
        "target: Shape, one of 5 classes (arc, bar, cross, dot, eye), answered by 'shape' in train",
        "features: 144 columns (12×12 pictures, whole numbers of 0–255)",
        "not known, to be edited in competitions/glyphs/spec.py:",
        "metric: accuracy is a stand-in",
        "the answers in competitions/glyphs/pipeline.py, copied from digit_recognizer:",
        "python scripts/train.py glyphs --preset smoke --data data/fixtures/glyphs",
        "python scripts/train.py glyphs --data glyph-host",
    ):
        assert line in text
    for topic in ("ladder", "symmetries", "licence", "groups"):
        assert f"  {topic}: " in text
    assert "key: RowId (the row number, from 1)" in said["plain_table"]
    assert "features: 7 columns (a table, any numbers)" in said["plain_table"]


def test_a_fork_is_another_folder_of_the_same_competition(copy: Copy, said: dict[str, str]) -> None:
    assert "Kaggle is still told digit-recognizer" in said["my_digits"]
    spec = (copy.root / "competitions/my_digits/spec.py").read_text(encoding="utf-8")
    assert 'slug="digit-recognizer"' in spec
    readme = (copy.root / "competitions/my_digits/README.md").read_text(encoding="utf-8")
    assert "scripts/train.py my-digits" in readme
    assert "kaggle competitions download digit-recognizer" in readme
    source, fork = (copy.root / "competitions" / name for name in ("digit_recognizer", "my_digits"))
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        renamed = text.replace("competitions.digit_recognizer", "competitions.my_digits")
        renamed = renamed.replace('short_name="digits"', 'short_name="my-digits"')
        assert (fork / path.relative_to(source)).read_text(encoding="utf-8") == renamed


@pytest.mark.slow
def test_new_folders_train_submit_and_keep_every_promise_without_an_edit(
    copy: Copy, said: dict[str, str]
) -> None:
    code, out, err = copy.run("-c", DRIVER)
    assert code == 0, out[-5000:] + err[-2000:]
    assert out.count("valid: ") == 3
    assert "data: the host's, 400 rows" in out
    assert "failed" not in out
    assert (copy.root / "runs/plain-table/fold0/svc.npz").is_file()


def test_of_two_at_once_one_wins_and_the_other_is_refused(copy: Copy) -> None:
    words = ("scripts/new_competition.py", "twice", "--from", "digit-recognizer")
    both = [copy.start(*words) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert len("".join(errors).splitlines()) == 1
    source, twice = (copy.root / "competitions" / name for name in ("digit_recognizer", "twice"))
    names = {path.name for path in source.iterdir()} - {"__pycache__"}
    assert {path.name for path in twice.iterdir()} == names
    assert not list((copy.root / "competitions").glob(".new-*"))
    shutil.rmtree(twice)


# ---- in this process, where nothing is written --------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-name", "--slug", "new-one"], "--slug new-one needs --data"),
        (["no-such-name", "--data", "."], "--data needs --slug"),
        (["no-such-name", "--target", "y"], "--target needs --slug"),
        (["no-such-name", "--slug", "new one", "--data", "."], "'new one' is no slug of Kaggle's"),
        (["no-such-name", "--slug", "", "--data", "."], "'' is no slug of Kaggle's"),
        (["no-such-name", "--slug", "new-", "--data", "."], "'new-' is no slug of Kaggle's"),
        (["no-such-name", "--slug", "new_one", "--data", "."], "'new_one' is no slug of Kaggle's"),
        (["no-such-name", "--slug", "new-one", "--data", "no/where"], "no/where is no folder"),
        (["digit-recognizer"], "competitions/digit_recognizer exists"),
        (["Digit_Recognizer"], "competitions/digit_recognizer exists"),
        (["digit-recognizer", "--slug", "a", "--data", "."], "digit_recognizer exists"),
        (["class"], "a word of Python's"),
        (["a/b"], "cannot name a competition"),
        (["no-such-name", "--from", "digit-recogniser"], "did you mean 'digit-recognizer'?"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(paths.competitions_dir().iterdir())
    if "--from" not in words:
        words = [*words, "--from", "digit-recognizer"]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert sorted(paths.competitions_dir().iterdir()) == before


@pytest.mark.parametrize("words", [["my-digits"], ["-x", "--from", "digit-recognizer"], []])
def test_a_name_and_a_folder_to_begin_with_have_to_be_given(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--help" in line
