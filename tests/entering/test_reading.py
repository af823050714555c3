"""What a host's files tell: keys, targets, classes, features and what stays in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.entering import read_host, tables
from common.errors import DataError
from common.spec import IntegerColumn, LabelColumn, NumberColumn, numbered
from tests.entering.hosts import SHAPES, breeds, changed, glyphs, numbered_rows, put


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
