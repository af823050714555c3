"""Files that only their zip holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from common.csv_table import read_table
from common.data import read_columns, read_ids
from common.errors import DataError
from common.zipped import is_there, opened


def zipped(path: Path, content: str, member: str = "") -> Path:
    with zipfile.ZipFile(path.with_name(f"{path.name}.zip"), "w") as archive:
        archive.writestr(member or path.name, content)
    return path


def test_a_table_is_read_from_its_zip_by_its_own_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "train.csv", "\ufeffid,tags\n007,a b\n8,\n")
    assert is_there(path)
    assert read_table(path).columns == {"id": ["007", "8"], "tags": ["a b", ""]}
    assert read_columns(path, ["tags"])["tags"].to_pylist() == ["a b", ""]
    assert read_ids(path, "id").tolist() == ["007", "8"]


def test_the_file_itself_comes_before_its_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "train.csv", "id\n1\n")
    path.write_text("id\n2\n")
    with opened(path) as stream:
        assert stream.read() == b"id\n2\n"


def test_faults_in_a_zip_name_the_table_and_its_row(tmp_path: Path) -> None:
    path = zipped(tmp_path / "train.csv", "id,tags\n1,a\n2\n")
    with pytest.raises(DataError, match=r"train\.csv: row 2 \(line 3\) has 1 of 2 cells"):
        read_columns(path, ["tags"])


def test_a_zip_that_is_cut_or_holds_something_else_is_one_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "train.csv", "id\n1\n", member="other.csv")
    with pytest.raises(DataError, match=r"train\.csv\.zip does not hold train\.csv whole"):
        read_columns(path, ["id"])
    path.with_name("train.csv.zip").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"train\.csv\.zip does not hold train\.csv whole"):
        read_table(path)


def test_neither_file_nor_zip_is_missing_as_ever(tmp_path: Path) -> None:
    assert not is_there(tmp_path / "train.csv")
    with pytest.raises(DataError, match="does not exist"):
        read_columns(tmp_path / "train.csv", ["id"])
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "train.csv")
