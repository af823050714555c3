"""CSV files of the host, checked cell by cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.data import read_classes, read_columns, read_features, read_ids, row_numbers
from common.errors import DataError
from common.spec import HostFile, numbered
from tests.conftest import Write

FILE = HostFile("train", "train.csv", target="label", features=numbered("pixel", 3))
BYTES = (0, 255)
GOOD = "label,pixel0,pixel1,pixel2\n7,0,128,255\n0,1,2,3\n"
DIGITS = tuple(range(10))

SPELLINGS = {
    "plain": GOOD,
    "no newline at the end": GOOD.rstrip("\n"),
    "blank lines at the end": GOOD + "\n\n",
    "blank lines at the start": "\n\r\n" + GOOD,
    "byte-order mark and a blank line": "\ufeff\n" + GOOD,
    "CRLF": GOOD.replace("\n", "\r\n"),
    "CR": GOOD.replace("\n", "\r"),
    "byte-order mark": "\ufeff" + GOOD,
    "byte-order mark and quotes": "\ufeff" + GOOD.replace("label", '"label"'),
    "quoted header": '"label","pixel0","pixel1","pixel2"\n7,0,128,255\n0,1,2,3\n',
    "quoted cells": 'label,pixel0,pixel1,pixel2\n"7","0","128","255"\n"0","1","2","3"\n',
    "label in second place": "pixel0,label,pixel1,pixel2\n0,7,128,255\n1,0,2,3\n",
    "label at the end": "pixel0,pixel1,pixel2,label\n0,128,255,7\n1,2,3,0\n",
    "pixels in another order": "pixel2,pixel0,label,pixel1\n255,0,7,128\n3,1,0,2\n",
    "other columns": 'label,"a, b",pixel0,pixel1,pixel2\n7,x,0,128,255\n0,,1,2,3\n',
    "floats of whole value": "label,pixel0,pixel1,pixel2\n7.0,0.0,1.28e2,255.0\n0.,1,2,3\n",
}


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS)
def test_a_table_reads_the_same_however_it_was_written(write: Write, content: str) -> None:
    path = write(content)
    features = read_features(path, FILE, BYTES)
    assert features.tolist() == [[0, 128, 255], [1, 2, 3]]
    assert features.dtype == np.uint8
    assert read_classes(path, "label", DIGITS).tolist() == [7, 0]


def test_features_of_another_range_are_float32(write: Write) -> None:
    path = write("pixel0,pixel1,pixel2\n-0.5,1e-3,1e30\n")
    features = read_features(path, FILE, None)
    assert features.dtype == np.float32
    assert features.tolist() == [np.array([-0.5, 1e-3, 1e30], dtype=np.float32).tolist()]
    assert read_features(write("pixel0,pixel1,pixel2\n0,0.25,1\n"), FILE, (0, 1)).tolist() == [
        [0, 0.25, 1]
    ]


FAULTS = {
    "text": ("7,0,x,255", "row 2 .line 3., column 'pixel1' holds 'x'; expected a finite number"),
    "empty cell": ("7,0,,255", "column 'pixel1' holds ''; expected a finite number"),
    "NA": ("7,NA,1,255", "column 'pixel0' holds 'NA'; expected a finite number"),
    "nan": ("7,nan,1,255", "column 'pixel0' holds 'nan'; expected a finite number"),
    "inf": ("7,inf,1,255", "column 'pixel0' holds 'inf'; expected a finite number"),
    "underscore": ("7,1_0,1,255", "column 'pixel0' holds '1_0'; expected a finite number"),
    "256": ("7,0,1,256", "column 'pixel2' holds 256; expected a whole number from 0 to 255"),
    "-1": ("7,0,-1,255", "column 'pixel1' holds -1; expected a whole number from 0 to 255"),
    "1.5": ("7,1.5,1,255", "column 'pixel0' holds 1.5; expected a whole number from 0 to 255"),
    "nearly 255": ("7,255.00001,1,2", "'pixel0' holds 255.00001; expected a whole number from 0"),
    "a cell too few": ("7,0,1", "row 2 .line 3. has 3 of 4 cells; the file was cut or edited"),
    "a cell too many": ("7,0,1,2,3", "row 2 .line 3. has 5 of 4 cells; the file was cut or edited"),
}


@pytest.mark.parametrize(("row", "words"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_cell_is_named_with_its_row_and_what_was_expected(
    write: Write, row: str, words: str
) -> None:
    path = write(f"label,pixel0,pixel1,pixel2\n7,0,128,255\n{row}\n7,0,1,2\n")
    with pytest.raises(DataError, match=words) as caught:
        read_features(path, FILE, BYTES)
    assert "file.csv: row 2 (line 3)" in str(caught.value)


def test_a_number_that_float32_cannot_hold_is_refused(write: Write) -> None:
    path = write("pixel0,pixel1,pixel2\n1,2,3\n1,1e39,3\n")
    with pytest.raises(DataError, match=r"row 2 .*'pixel1' holds '1e39'; expected a finite number"):
        read_features(path, FILE, None)


def test_a_number_outside_a_range_of_its_own_is_refused(write: Write) -> None:
    path = write("pixel0,pixel1,pixel2\n0,0.5,1.001\n")
    with pytest.raises(DataError, match=r"'pixel2' holds 1\.001; expected a number from 0 to 1"):
        read_features(path, FILE, (0, 1))


def test_the_first_of_several_faults_in_a_column_is_named(write: Write) -> None:
    path = write("pixel0,pixel1,pixel2\n0,0,0\n0,300,0\n0,400,0\n")
    with pytest.raises(DataError, match=r"row 2 \(line 3\), column 'pixel1' holds 300"):
        read_features(path, FILE, BYTES)


@pytest.mark.parametrize("reader", ["features", "classes", "ids"])
def test_a_file_that_was_cut_in_a_row_names_the_line(write: Write, reader: str) -> None:
    path = write(GOOD + "4,9")
    with pytest.raises(DataError, match=r"row 3 \(line 4\) has 2 of 4 cells; .*cut.* get it again"):
        {
            "features": lambda: read_features(path, FILE, BYTES),
            "classes": lambda: read_classes(path, "label", DIGITS),
            "ids": lambda: read_ids(path, "pixel0"),
        }[reader]()


def test_a_cut_far_down_in_a_large_file_names_the_line(write: Write) -> None:
    # 3 MB, more than one block of the reader
    rows = "1,100,100,100\n" * 220_000
    with pytest.raises(DataError, match=r"row 220001 \(line 220002\) has 2 of 4 cells"):
        read_features(write("label,pixel0,pixel1,pixel2\n" + rows + "1,1"), FILE, BYTES)


@pytest.mark.parametrize("content", ["", "\n", "\r\n", "\ufeff"])
def test_an_empty_file_says_so(write: Write, content: str) -> None:
    with pytest.raises(DataError, match=r"file\.csv is empty; expected a header .*get it again"):
        read_features(write(content), FILE, BYTES)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_header_alone_says_so(write: Write, end: str) -> None:
    with pytest.raises(DataError, match=r"file\.csv has a header and no rows; get it again"):
        read_features(write("label,pixel0,pixel1,pixel2" + end), FILE, BYTES)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv does not exist; download the data or write the"):
        read_features(tmp_path / "no.csv", FILE, BYTES)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("label,pixel0,pixel1", "pixel2"),
        ("label,pixel0,pixel_1,pixel2", "pixel1"),
        ("label,pixel0,Pixel1,pixel2", "pixel1"),
        ("label,pixel0,pixel1 ,pixel2", "pixel1"),
        ("label,pixel0,pixel1,pixel2 ", "pixel2"),
        ("label;pixel0;pixel1;pixel2", "pixel0"),
    ],
)
def test_a_missing_or_renamed_column_is_named_with_what_was_found(
    write: Write, header: str, missing: str
) -> None:
    path = write(f"{header}\n{','.join('1' * len(header.split(',')))}\n")
    with pytest.raises(DataError, match=f"has no column '{missing}' \\(found: label") as caught:
        read_features(path, FILE, BYTES)
    assert "get it again" in str(caught.value)


def test_the_columns_found_are_not_listed_without_end(write: Write) -> None:
    path = write(",".join(numbered("x", 785)) + "\n")
    with pytest.raises(DataError, match=r"found: x0, x1, x2, x3, x4, x5, … 785 columns"):
        read_features(path, FILE, BYTES)


def test_a_column_named_twice_is_refused(write: Write) -> None:
    path = write("label,pixel0,pixel1,pixel2,pixel1\n1,2,3,4,5\n")
    with pytest.raises(DataError, match="names the column 'pixel1' twice; expected every column"):
        read_features(path, FILE, BYTES)


def test_a_file_that_is_no_text_is_a_data_error(write: Write) -> None:
    for content in (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\x00" * 1000, b"1" * 200_000):
        with pytest.raises(DataError, match=r"file\.csv"):
            read_features(write(content), FILE, BYTES)


def test_bytes_that_are_no_utf8_are_a_data_error(write: Write) -> None:
    with pytest.raises(DataError, match="cannot be read as CSV"):
        read_columns(write(b"name\nM\xfcller\n"), ["name"])


def test_columns_are_text_and_in_the_order_asked_for(write: Write) -> None:
    found = read_columns(write("a,b,c\n007,1.50,x\n,NA,null\n"), ["c", "a", "b"])
    assert {name: column.to_pylist() for name, column in found.items()} == {
        "c": ["x", "null"],
        "a": ["007", ""],
        "b": ["1.50", "NA"],
    }
    assert list(found) == ["c", "a", "b"]


# classes


@pytest.mark.parametrize(("cell", "value"), [("3", 3), ("3.0", 3), ("3.000", 3), ("3.", 3)])
def test_a_whole_number_with_a_point_is_its_class(write: Write, cell: str, value: int) -> None:
    assert read_classes(write(f"label,x\n{cell},1\n"), "label", DIGITS).tolist() == [value]


@pytest.mark.parametrize("cell", ["3.5", "x", "", "10", "-1", "nan", "3.05", "30.0", " 3", "."])
def test_a_cell_that_is_no_class_is_named_with_its_row(write: Write, cell: str) -> None:
    path = write(f"label,x\n1,1\n2,1\n{cell},1\n")
    with pytest.raises(DataError, match=r"row 3 \(line 4\), column 'label' holds ") as caught:
        read_classes(path, "label", DIGITS)
    assert f"holds {cell!r}; expected one of 10 classes (0, 1, 2, 3, 4, " in str(caught.value)


def test_named_classes_are_positions_in_the_specs_order(write: Write) -> None:
    path = write("species,x\nelm,1\noak,1\nash 1.0,1\nelm,1\n")
    found = read_classes(path, "species", ("oak", "ash 1.0", "elm"))
    assert found.tolist() == [2, 0, 1, 2]
    assert found.dtype == np.int64


@pytest.mark.parametrize("cell", ["Oak", "oak ", "oak.0", "0"])
def test_named_classes_are_equal_letter_by_letter(write: Write, cell: str) -> None:
    with pytest.raises(DataError, match=r"row 1 \(line 2\), column 'species' holds"):
        read_classes(write(f"species,x\n{cell},1\n"), "species", ("oak", "elm"))


def test_a_missing_label_column_is_named(write: Write) -> None:
    with pytest.raises(DataError, match="has no column 'label'"):
        read_classes(write("pixel0\n1\n"), "label", DIGITS)


# ids


def test_ids_are_text_even_where_they_look_like_numbers(write: Write) -> None:
    assert read_ids(write("id,x\n007,1\n7,1\n1e3,1\n"), "id").tolist() == ["007", "7", "1e3"]


@pytest.mark.parametrize("cell", ["", "b\0\0", '"b\nc"'])
def test_an_id_that_is_none_is_named_with_its_row(write: Write, cell: str) -> None:
    with pytest.raises(DataError, match=r"row 2 .line 3., column 'id' holds .*an id on one line"):
        read_ids(write(f"id,x\na,1\n{cell},1\nd,1\n"), "id")


def test_an_id_that_stands_twice_is_named_with_its_second_row(write: Write) -> None:
    # b in row 4 is the first that stood there before; a follows in row 5
    path = write("id,x\na,1\nb,1\nc,1\nb,1\na,1\n")
    with pytest.raises(DataError, match="for the second time; expected every id once") as caught:
        read_ids(path, "id")
    assert "row 4 (line 5), column 'id' holds 'b'" in str(caught.value)


def test_a_missing_id_column_is_named(write: Write) -> None:
    with pytest.raises(DataError, match=r"has no column 'id' \(found: a, b\)"):
        read_ids(write("a,b\n1,2\n"), "id")


def test_rows_without_a_name_are_numbered_from_one() -> None:
    assert row_numbers(3).tolist() == ["1", "2", "3"]
    assert row_numbers(0).tolist() == []
