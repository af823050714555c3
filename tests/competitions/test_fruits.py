"""Fruits-360: ids that hold blanks and slashes."""

from __future__ import annotations

import re

import pytest

from competitions.fruits.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import spellings_of

# one file name in three folders; three of four are right
SOLUTION = (
    "id,label\nApple Red 1/321_100.jpg,Apple Red 1\nBanana Lady Finger/321_100.jpg,"
    "Banana Lady Finger\nzucchini_1/321_100.jpg,zucchini_1\nApple Red 1/r2_5_100.jpg,Apple Red 1\n"
)
GOOD = SOLUTION.replace("zucchini_1\n", "Apple Red 1\n")

judged = judged_fixture("fruits")


@pytest.mark.parametrize("file", ["321_100.jpg", "r_0_100.jpg", "r2_17_100.jpg"])
def test_ids_are_class_folders_and_files(file: str) -> None:
    assert re.fullmatch(SPEC.id_pattern, f"Apple Red 1/{file}")
    assert not re.fullmatch(SPEC.id_pattern, file)


def test_one_file_name_in_several_folders_is_several_ids(judged: Judged) -> None:
    assert judged.scored(GOOD, SOLUTION)["score"] == 0.75


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == 0.75
    assert judged.checked(content, SOLUTION)


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
