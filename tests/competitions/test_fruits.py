"""Fruits-360: ids that hold blanks and slashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from competitions.fruits.spec import SPEC
from tests.competitions.judged import Judged

# one file name in three folders; three of four are right
SOLUTION = (
    "id,label\nApple Red 1/321_100.jpg,Apple Red 1\nBanana Lady Finger/321_100.jpg,"
    "Banana Lady Finger\nzucchini_1/321_100.jpg,zucchini_1\nApple Red 1/r2_5_100.jpg,Apple Red 1\n"
)
GOOD = SOLUTION.replace("zucchini_1\n", "Apple Red 1\n")


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    return Judged("fruits", tmp_path, capsys)


@pytest.mark.parametrize("file", ["321_100.jpg", "r_0_100.jpg", "r2_17_100.jpg"])
def test_ids_are_class_folders_and_files(file: str) -> None:
    assert re.fullmatch(SPEC.id_pattern, f"Apple Red 1/{file}")
    assert not re.fullmatch(SPEC.id_pattern, file)


def test_one_file_name_in_several_folders_is_several_ids(judged: Judged) -> None:
    assert judged.scored(GOOD, SOLUTION)["score"] == 0.75


def test_quoted_fields_are_the_same_fields(judged: Judged) -> None:
    quoted = "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\r\n" for line in GOOD.splitlines()
    )
    assert judged.scored(quoted, SOLUTION)["score"] == 0.75
    assert judged.check(quoted, SOLUTION)[0] == 0


def test_a_label_with_a_comma_in_quotes_is_one_label(judged: Judged) -> None:
    table = 'id,label\n"Pepper, red/1_100.jpg","Pepper, red"\n"Nut ""x""/1_100.jpg","Nut ""x"""\n'
    assert judged.scored(table, table)["score"] == 1.0


def test_a_blank_too_many_makes_another_id(judged: Judged) -> None:
    faults = judged.refused(GOOD.replace("Banana Lady Finger/", "Banana Lady  Finger/"), SOLUTION)
    assert "1 of 4 ids are missing, the first is 'Banana Lady Finger/321_100.jpg'" in faults[0]
    assert "1 ids were not asked for, the first is 'Banana Lady  Finger/321_100.jpg'" in faults[1]


def test_ids_without_the_class_folder_are_refused(judged: Judged) -> None:
    bare = "".join(line.split("/")[-1] + "\n" for line in GOOD.splitlines())
    faults = judged.refused(bare, SOLUTION)
    assert [fault.split(",")[0] for fault in faults] == [
        "4 of 4 ids are missing",
        "4 ids were not asked for",
        "2 ids are repeated",
    ]
