"""What a host's files tell: which is which, keys, targets, classes, features; and the texts."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.entering import Host, read_host, tables
from common.entering.readme import margin, readme_text
from common.entering.texts import fixture_text, spec_text
from common.errors import DataError
from common.fixtures import table_fixture, write_csv
from common.score import read_aligned
from common.spec import CompetitionSpec, IntegerColumn, LabelColumn, NumberColumn, numbered

Tables = dict[str, tuple[Sequence[str], Any]]
SHAPES = ("arc", "bar", "dot")


def put(folder: Path, files: Tables) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (header, rows) in files.items():
        write_csv(folder / name, header, rows)
    return folder


def glyphs() -> Tables:
    """Pictures of 4×4 with named ids; the sample writes the target's name in another case."""
    ids = [f"g_{k:05d}" for k in range(9)]
    pixels = numbered("v", 16)
    cells = [[(7 * k + j) % 256 for j in range(16)] for k in range(9)]
    return {
        "train.csv": (
            ("glyph_id", *pixels, "shape"),
            [(ids[k], *cells[k], SHAPES[k % 3]) for k in range(6)],
        ),
        "test.csv": (("glyph_id", *pixels), [(ids[k], *cells[k]) for k in (6, 7, 8)]),
        "sample_submission.csv": (("glyph_id", "Shape"), [(ids[k], "dot") for k in (6, 7, 8)]),
    }


def numbered_rows() -> Tables:
    """Rows without a name, numbers as answers, texts and gaps among the features."""
    header = ("a", "b", "note", "gap")
    train = [(k + 0.5, k / 7, "x", "" if k == 2 else k, 10.25 * k) for k in range(6)]
    return {
        "train.csv": ((*header, "price"), train),
        "test.csv": (header, [(k, -k, "y", k) for k in range(3)]),
        "sample_submission.csv": (("Id", "price"), [(k + 1, 0) for k in range(3)]),
    }


def breeds() -> Tables:
    """One column of probabilities for each class."""
    train = [(f"{k:012x}", k, ("cat", "dog", "yak")[k % 3]) for k in range(6)]
    return {
        "train.csv": (("id", "weight", "breed"), train),
        "test.csv": (("id", "weight"), [(f"{k + 9:012x}", k) for k in range(2)]),
        "sample_submission.csv": (
            ("id", "yak", "cat", "dog"),
            [(f"{k + 9:012x}", 0.333, 0.333, 0.334) for k in range(2)],
        ),
    }


def changed(files: Tables, name: str, change: Callable[[list[Any]], Sequence[object]]) -> Tables:
    """The tables with every row of one of them changed."""
    header, rows = files[name]
    return {**files, name: (header, [change(list(row)) for row in rows])}


# ---- what is read -------------------------------------------------------------------------------


def test_named_rows_text_classes_and_pictures(tmp_path: Path) -> None:
    host = read_host("glyph-sorting", put(tmp_path, glyphs()))
    train, test, sample = (host.file(role) for role in ("train", "test", "sample_submission"))
    assert (train.key, train.target, train.rows) == ("glyph_id", "shape", 6)
    assert (test.key, test.target, test.rows) == ("glyph_id", None, 3)
    assert train.features == test.features == numbered("v", 16)
    assert sample.rows == 3
    assert host.title == "Glyph Sorting"
    assert host.submission.key_columns == ("glyph_id",)
    assert host.submission.targets == (LabelColumn("Shape", SHAPES),)
    assert host.classes == SHAPES
    assert host.naming.pattern == "g_[0-9]{5}"
    assert (host.image_size, host.value_range) == ((4, 4), (0, 255))
    assert host.doubts == host.left_out == ()


def test_numbered_rows_and_numbers_as_answers(tmp_path: Path) -> None:
    host = read_host("house-prices", put(tmp_path, numbered_rows()))
    assert (host.file("train").key, host.file("test").key) == (None, None)
    assert host.submission.targets == (NumberColumn("price"),)
    assert host.classes == ()
    assert host.file("train").features == ("a", "b")
    assert host.left_out == ("note ('x' is no number)", "gap (1 empty cells)")
    assert (host.image_size, host.value_range) == (None, None)
    assert host.naming.pattern == "[1-9][0-9]*"
    assert host.doubts == ()


def test_one_column_of_probabilities_for_each_class(tmp_path: Path) -> None:
    host = read_host("breeds", put(tmp_path, breeds()))
    assert host.classes == ("yak", "cat", "dog")  # in the order of the submission
    assert host.submission.targets[0] == NumberColumn("yak", low=0, high=1)
    assert host.file("train").target == "breed"
    assert host.naming.pattern == "[0-9a-f]{12}"
    assert "submission()" in host.doubts[0]


def test_class_columns_may_share_a_prefix(tmp_path: Path) -> None:
    files = changed(breeds(), "train.csv", lambda row: [*row[:2], int(row[0], 16) % 3 + 1])
    header = ("id", "Class_1", "Class_2", "Class_3")
    files["sample_submission.csv"] = (header, files["sample_submission.csv"][1])
    host = read_host("breeds", put(tmp_path, files))
    assert host.classes == (1, 2, 3)
    assert host.submission.target_columns == header[1:]


def test_whole_numbers_that_stand_often_are_classes(tmp_path: Path) -> None:
    files = changed(glyphs(), "train.csv", lambda row: [*row[:-1], f"{int(row[1]) % 2 + 3}.0"])
    files = changed(files, "sample_submission.csv", lambda row: [row[0], 0])
    host = read_host("glyphs", put(tmp_path, files))
    assert host.classes == (3, 4)
    assert host.submission.targets == (IntegerColumn("Shape", low=0, high=4),)  # the sample's 0


def test_numbers_with_zeros_in_front_are_texts(tmp_path: Path) -> None:
    files = changed(glyphs(), "train.csv", lambda row: [*row[:-1], f"00{int(row[1]) % 2}"])
    files = changed(files, "sample_submission.csv", lambda row: [row[0], "000"])
    host = read_host("glyphs", put(tmp_path, files))
    assert host.classes == ("000", "001")
    assert host.submission.targets == (LabelColumn("Shape", ("000", "001")),)


def test_a_probability_of_one_class(tmp_path: Path) -> None:
    files = changed(glyphs(), "train.csv", lambda row: [*row[:-1], int(row[1]) % 2])
    files = changed(files, "sample_submission.csv", lambda row: [row[0], 0.5])
    host = read_host("glyphs", put(tmp_path, files))
    assert host.classes == (0, 1)
    assert host.submission.targets == (NumberColumn("Shape", low=0, high=1),)
    assert "how a class becomes a number" in host.doubts[0]


def test_a_sample_that_answers_no_class_of_train_is_a_doubt(tmp_path: Path) -> None:
    files = changed(glyphs(), "sample_submission.csv", lambda row: [row[0], "new one"])
    host = read_host("glyphs", put(tmp_path, files))
    assert host.classes == SHAPES
    assert host.submission.targets == (LabelColumn("Shape", (*SHAPES, "new one")),)
    assert "what 'new one' in the sample's 'Shape' means" in host.doubts[0]


def test_several_numbers_per_row(tmp_path: Path) -> None:
    files = breeds()
    rows = [(f"{k:012x}", k, k / 3, k / 5) for k in range(6)]
    files["train.csv"] = (("id", "weight", "left", "right"), rows)
    sample = [(f"{k + 9:012x}", 0, 0) for k in range(2)]
    files["sample_submission.csv"] = (("id", "left", "right"), sample)
    host = read_host("eyes", put(tmp_path, files))
    assert host.submission.targets == (NumberColumn("left"), NumberColumn("right"))
    assert (host.classes, host.file("train").target) == ((), None)
    assert "how one row gets 2 answers" in host.doubts[0]


def test_ids_that_no_column_holds_are_a_doubt(tmp_path: Path) -> None:
    files = changed(numbered_rows(), "sample_submission.csv", lambda row: [f"r{row[0]}", 0])
    host = read_host("rows", put(tmp_path, files))
    assert host.file("test").key is None
    assert "how 3 ids such as 'r1' belong to the 3 rows of test.csv" in host.doubts[0]
    assert "items()" in host.doubts[0]


def test_ids_that_the_test_file_lacks_are_a_doubt(tmp_path: Path) -> None:
    files = changed(glyphs(), "sample_submission.csv", lambda row: [row[0].replace("6", "7"), 0])
    files["sample_submission.csv"][1].pop()
    files = changed(files, "test.csv", lambda row: [row[0].replace("7", "9"), *row[1:]])
    files["sample_submission.csv"][1].pop()
    host = read_host("glyphs", put(tmp_path, files))
    assert any("where 1 ids come from" in doubt for doubt in host.doubts)


def test_two_key_columns(tmp_path: Path) -> None:
    files = numbered_rows()
    sample = [(k, -k, 0) for k in range(3)]
    files["sample_submission.csv"] = (("a", "b", "price"), sample)
    host = read_host("pairs", put(tmp_path, files))
    assert host.submission.key_columns == ("a", "b")
    assert "give `id` as a tuple" in host.doubts[0]


def test_the_target_may_be_told(tmp_path: Path) -> None:
    files = glyphs()
    header, rows = files["train.csv"]
    files["train.csv"] = ((*header[:-1], "kind", "size"), [(*row, "a") for row in rows])
    put(tmp_path, files)
    with pytest.raises(DataError, match=r"2 columns .*\(kind, size\).*--target"):
        read_host("glyphs", tmp_path)
    host = read_host("glyphs", tmp_path, "KIND")
    assert host.file("train").target == "kind"
    assert any("only train has (size)" in doubt for doubt in host.doubts)


def test_a_target_that_test_has_too_may_be_told(tmp_path: Path) -> None:
    files = glyphs()
    header, rows = files["test.csv"]
    files["test.csv"] = ((*header, "shape"), [(*row, "") for row in rows])
    put(tmp_path, files)
    with pytest.raises(DataError, match=r"no column to answer .*--target"):
        read_host("glyphs", tmp_path)
    host = read_host("glyphs", tmp_path, "shape")
    assert host.submission.key_columns == ("glyph_id",)
    assert host.file("train").target == "shape"
    assert host.file("test").features == numbered("v", 16)


def test_rows_with_no_answer_are_a_doubt(tmp_path: Path) -> None:
    files = changed(glyphs(), "train.csv", lambda row: row if row[-1] != "bar" else [*row[:-1], ""])
    host = read_host("glyphs", put(tmp_path, files))
    assert host.classes == ("arc", "dot")
    assert "2 rows of train" in host.doubts[0]


def test_small_blocks_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, glyphs())
    whole = read_host("glyphs", tmp_path)
    monkeypatch.setattr(tables, "BLOCK_BYTES", 128)
    assert read_host("glyphs", tmp_path) == whole


# ---- which file is which ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("training.csv", "test.csv", "sampleSubmission.csv"),
        ("train.csv", "TEST.csv", "gender_submission.csv"),
        ("train.csv", "test.csv", "sample_submission_stage_1.csv"),
        ("known.csv", "unknown.csv", "wanted.csv"),
    ],
)
@pytest.mark.parametrize("files", [glyphs, numbered_rows])
def test_files_by_usual_names_or_by_their_columns(
    tmp_path: Path, names: tuple[str, ...], files: Callable[[], Tables]
) -> None:
    put(tmp_path, dict(zip(names, files().values(), strict=True)))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "readme.txt").write_text("words")
    host = read_host("x", tmp_path)
    assert [host.file(role).name for role in ("train", "test", "sample_submission")] == list(names)


def test_further_tables_do_not_matter(tmp_path: Path) -> None:
    files = glyphs() | {"extra.csv": (("glyph_id", "weather"), [("g_00001", "rain")])}
    assert read_host("x", put(tmp_path, files)).file("train").name == "train.csv"


def without(name: str) -> Tables:
    return {other: table for other, table in glyphs().items() if other != name}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"no train and no test and no sample_submission file \(found: nothing\)"),
        (without("test.csv"), r"no test file \(found: sample_submission.csv, train.csv\)"),
        (without("train.csv"), r"no train file .*expected train.csv: name it so"),
        (
            glyphs() | {"sample_submission_2.csv": glyphs()["sample_submission.csv"]},
            "sample_submission.csv, sample_submission_2.csv could each be the sample_submission",
        ),
        (
            without("test.csv") | {name: glyphs()["test.csv"] for name in ("a.csv", "b.csv")},
            "a.csv, b.csv could each be the test file",
        ),
    ],
)
def test_files_that_are_missing_or_ambiguous(tmp_path: Path, files: Tables, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_host("x", put(tmp_path / "data", files))


def test_a_folder_that_is_none_and_files_that_are_zipped(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is no folder.*download and unzip"):
        read_host("x", tmp_path / "nowhere")
    (tmp_path / "train.csv.zip").touch()
    with pytest.raises(DataError, match=r"found: train.csv.zip.*unzip it"):
        read_host("x", tmp_path)


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.csv", b"", "train.csv is empty; expected a header"),
        ("train.csv", b"glyph_id,v0,shape\n", "train.csv has a header and no rows"),
        ("train.csv", b"glyph_id,v0,shape\na,1,x\nb,2\n", "row 2 .line 3. has 2 of 3 cells"),
        ("train.csv", b"glyph_id,v0,v0,shape\na,1,1,x\n", "names the column 'v0' twice"),
        ("train.csv", b"glyph_id,,shape\na,1,x\n", "a column without a name"),
        ("test.csv", b"glyph_id;v0\na;1\n", "separates its columns by ';'; expected commas"),
        ("test.csv", b"glyph_id,v0\n\xff\xfe,1\n", "cannot be read as CSV"),
        ("test.csv", b"\xff\xfe", "cannot be read as CSV"),
        ("sample_submission.csv", b"glyph_id\ng_00006\n", "has no column to answer"),
        ("sample_submission.csv", b"glyph_id,shape\na,x\na,x\n", "'a' 2 times; expected every id"),
        ("sample_submission.csv", b"glyph_id,shape\n,x\n", "has an empty cell"),
        (
            "sample_submission.csv",
            b"glyph_id,a,b\ng_00006,1,2\n",
            "2 target columns .a, b., and no",
        ),
    ],
)
def test_malformed_files_are_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    put(tmp_path, glyphs())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_host("x", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda k: "same", "'same' in every row; expected at least two"),
        (lambda k: "", "'shape' is empty"),
        (lambda k: f"text {k}", "texts that are no classes"),
    ],
)
def test_answers_of_no_known_kind(
    tmp_path: Path, answer: Callable[[int], object], message: str
) -> None:
    files = glyphs()
    header, rows = files["train.csv"]
    files["train.csv"] = (header, [(f"g_{k:05d}", *rows[0][1:-1], answer(k)) for k in range(30)])
    with pytest.raises(DataError, match=message):
        read_host("x", put(tmp_path, files))


def test_a_train_file_without_answers(tmp_path: Path) -> None:
    files = glyphs() | {"train.csv": glyphs()["test.csv"]}
    with pytest.raises(DataError, match="holds no answers; expected one such as 'Shape'"):
        read_host("x", put(tmp_path, files))
    with pytest.raises(DataError, match="no column 'answer'; found glyph_id, v0"):
        read_host("x", tmp_path, "answer")


# ---- the texts ----------------------------------------------------------------------------------


def awkward() -> Tables:
    """Names that a careless writer of Python or Markdown breaks on."""
    header = ('the "id"', "it's, so", "back\\slash", "new\nline", "pipe|pipe", "{brace}", "ünï")
    train = [(f"a.b {k}", *range(6), ('quo"te', "o'clock")[k % 2]) for k in range(6)]
    return {
        "train.csv": ((*header, 'tar"get'), train),
        "test.csv": (header, [(f"a.b {k}", *range(6)) for k in (7, 8)]),
        "sample_submission.csv": ((header[0], 'tar"get'), [("a.b 7", ""), ("a.b 8", "")]),
    }


def one_based() -> Tables:
    """Columns that count from one, in a square too small for a picture."""
    header = numbered("f", 10)[1:]
    train = [(*np.arange(9) / 7, k % 2) for k in range(6)]
    return {
        "train.csv": ((*header, "y"), train),
        "test.csv": (header, [tuple(range(9))] * 2),
        "sample_submission.csv": (("n", "y"), [(1, 0), (2, 0)]),
    }


def spec_of(host: Host) -> CompetitionSpec:
    names: dict[str, Any] = {}
    exec(compile(spec_text(host), "spec.py", "exec"), names)
    spec: CompetitionSpec = names["SPEC"]
    return spec


ALL = [glyphs, numbered_rows, breeds, awkward, one_based]


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
    repository = Path(__file__).resolve().parents[1]
    shutil.copy(repository / "pyproject.toml", tmp_path)
    (tmp_path / "common").symlink_to(repository / "common")  # imports of it are our own
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
