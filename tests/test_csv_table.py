"""CSV files as tables of text: read in every spelling, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.csv_table import read_table
from common.errors import DataError
from tests.conftest import Write


def test_a_table_keeps_cells_as_text(write: Write) -> None:
    table = read_table(write("a,b\n007,1.50\n,x y\n"))
    assert table.columns == {"a": ["007", ""], "b": ["1.50", "x y"]}
    assert table.n_rows == 2


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4\r",
        "\ufeffa,b\n1,2\n3,4\n",
        '"a","b"\n"1","2"\n"3","4"\n',
        '\ufeff"a",b\r\n1,"2"\r\n\r\n3,4\r\n\r\n',
        "\n\na,b\n\n1,2\n3,4\n\n",
    ],
)
def test_a_table_reads_the_same_however_it_was_written(write: Write, content: str) -> None:
    assert read_table(write(content)).columns == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_quoted_cell_may_hold_commas_quotes_and_newlines(write: Write) -> None:
    table = read_table(write('a,b\n"x, ""y""\nz",2\n'))
    assert table.columns == {"a": ['x, "y"\nz'], "b": ["2"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is empty; expected a header and rows"),
        (b"\n\r\n\n", r"is empty; expected a header and rows"),
        (b"\xef\xbb\xbf", r"is empty"),
        (b"a,b,a\n1,2,3\n", r"names the column 'a' twice; expected every column once"),
        (
            b"a,b\n1,2\n3\n",
            r"row 2 \(line 3\) .* begins with '3'; .* cut or edited, make it again",
        ),
        (b"a,b\n1,2\n3", r"row 2 \(line 3\) has 1 of 2 cells"),
        (b"a,b\n\n1,2\n\n3,4,5\n", r"row 2 \(line 5\) has 3 of 2 cells"),
        (b'a,b\n1,2\n3,"4', r"row 2 \(line 3\) cannot be read as CSV .*cut or edited"),
        (b'a,b\n1,"2\n3,4\n', r"row 1 .*cannot be read as CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"no UTF-8 text; expected a CSV"),
        ("a,b\n1,2\n".encode("utf-16"), r"no UTF-8 text; expected a CSV"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"\xff,1\n", r"no UTF-8 text"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_data_error(
    write: Write, content: bytes, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_table(write(content))
    assert "file.csv" in str(caught.value)


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv does not exist; check the path"):
        read_table(tmp_path / "no.csv")


def test_a_folder_in_place_of_a_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; expected a CSV file"):
        read_table(tmp_path)
