"""Which of a host's files is which, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from common.entering import read_host
from common.errors import DataError
from tests.entering.hosts import Tables, glyphs, numbered_rows, put

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
