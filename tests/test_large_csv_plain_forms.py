"""Large files that are not plain are read by the careful reader, and judged as small ones are."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.large_csv import LARGE
from common.spec import IntegerColumn, SubmissionFormat
from common.submit import ids_of, read_submission

FORM = SubmissionFormat(("id",), (IntegerColumn("label", 0, 9),))
ROWS = "".join(f"{number},{number % 10}\n" for number in range(LARGE // 6))
GOOD = f"id,label\n{ROWS}"


def laid(folder: Path, text: str) -> Path:
    path = folder / "given.csv"
    path.write_text(text, newline="")
    assert path.stat().st_size > LARGE
    return path


@pytest.mark.parametrize(
    "text",
    [f"\n{GOOD}", GOOD.replace("\n", "\r"), GOOD.replace("\n", "\r\n"), f"\ufeff{GOOD}"],
    ids=["blank line before the header", "CR alone", "CRLF", "byte-order mark"],
)
def test_other_spellings_are_read(tmp_path: Path, text: str) -> None:
    path = laid(tmp_path, text)
    asked = ids_of(path, FORM)
    assert len(asked) == LARGE // 6
    assert read_submission(path, FORM, asked).values["label"][:12].tolist() == [*range(10), 0, 1]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\n5,5\n", "\n5,0x5\n", "the first is '0x5' for id '5'"),
        ("\n5,5\n", "\n5,0X5\n", "the first is '0X5' for id '5'"),
        ("id,label\n", '"id,1",label\n', "lacks id"),
    ],
)
def test_what_a_small_file_is_refused_for_a_large_one_is_too(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    from common.errors import SubmissionError

    asked = ids_of(laid(tmp_path, GOOD), FORM)
    with pytest.raises(SubmissionError, match=words):
        read_submission(laid(tmp_path, GOOD.replace(old, new, 1)), FORM, asked)
