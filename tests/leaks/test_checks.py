"""Each check of the leak report, on a table in which its leak was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from common.folds import TRAIN_ONLY
from common.leaks import LEAK, NOTE, WARNING
from tests.leaks.toy import N_TEST, N_TRAIN, Past, Toy, alarms, one_alarm, report_of, tables


@pytest.fixture(autouse=True)
def _nothing_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what takes longest, and is tested by itself."""
    monkeypatch.setattr("common.leaks.report.adversarial_findings", lambda *_: [])


# ---- both sides of a split -----------------------------------------------------------------------


def test_a_group_on_both_sides_is_found_and_named() -> None:
    train, test = tables()
    groups = np.arange(N_TRAIN)
    groups[[5, 6, 7, 8]] = 5
    found = one_alarm(train.assign(group=[f"p{group}" for group in groups]), test)
    assert (found.level, found.check, found.facts["found"]) == (LEAK, "groups", ["p5"])
    assert "1 group of 197 on both sides of a split, such as p5 in fold " in found.text


def test_rows_without_a_group_are_no_group() -> None:
    train, test = tables()
    assert alarms(report_of(train.assign(group=None), test)) == []


def test_rows_that_train_every_fold_may_leak_a_group_too() -> None:
    train, test = tables()
    train = train.assign(fold=Toy().folds(train, 0), group=np.arange(N_TRAIN))
    train.loc[[0, 1], "group"] = 0
    train.loc[0, "fold"] = TRAIN_ONLY
    report = report_of(train, test)
    assert [one.check for one in alarms(report)] == ["groups"]
    assert "1 row of train without a fold" in report.of(NOTE)[-1].text


def test_samples_of_one_id_on_both_sides_are_found() -> None:
    train, test = tables()
    train.loc[:3, "id"] = "well 7"
    found = one_alarm(train, test)
    assert (found.level, found.check, found.facts["found"]) == (LEAK, "ids", ["well 7"])


def test_ids_of_several_parts_are_compared() -> None:
    train, test = tables()
    train["id"] = [("s", name) for name in train["id"]]
    test["id"] = [("s", name) for name in test["id"]]
    assert alarms(report_of(train, test)) == []
    train.at[3, "id"] = test.at[4, "id"]
    assert one_alarm(train, test).facts["found"] == ["('s', 'b4')"]


def test_time_folds_that_train_on_the_past_are_clean_and_others_are_not() -> None:
    train, test = tables()
    train, test = train.assign(day=np.arange(N_TRAIN)), test.assign(day=N_TRAIN + np.arange(N_TEST))
    assert alarms(report_of(train, test, Past())) == []

    class Shuffled(Past):
        splits = Toy.splits

    found = one_alarm(train, test, Shuffled())
    assert (found.level, found.check) == (LEAK, "future")
    # fold 0 validates days 40 to 79: days 80 to 199 train it; the last fold has no later days
    assert found.facts["rows_by_fold"] == {"0": 120, "1": 80, "2": 40}


# ---- train and test ------------------------------------------------------------------------------


def test_ids_in_train_and_test_are_found_unless_they_are_counted_anew() -> None:
    train, test = tables()
    train.loc[9, "id"] = test.loc[2, "id"]
    found = one_alarm(train, test)
    assert (found.level, found.facts["found"]) == (LEAK, ["b2"])

    class Anew(Toy):
        counts_ids_anew = True

    assert alarms(report_of(train, test, Anew())) == []


@pytest.mark.parametrize("start", [0, 1])
def test_ids_that_count_the_rows_name_nothing(start: int) -> None:
    train, test = tables()
    for table in (train, test):
        table["id"] = [str(start + row) for row in range(len(table))]
    assert alarms(report_of(train, test)) == []
    test["id"] = test["id"].to_numpy()[::-1]  # these are names
    train["id"] = [str(start + 7 * row) for row in range(N_TRAIN)]
    assert one_alarm(train, test).check == "ids in train and test"


def test_test_rows_that_stand_in_train_are_a_warning() -> None:
    train, test = tables()
    columns = ["width", "weight", "height", "colour"]
    test.loc[[4, 8], columns] = train.loc[[0, 100], columns].to_numpy()
    found = one_alarm(train, test)
    assert (found.level, found.check) == (WARNING, "duplicates in train and test")
    assert found.text.startswith("2 of 60 test items are in train, too (2 equal, 0 nearly so)")
    assert found.facts["groups"] == [["a0", "b4"], ["a100", "b8"]]


# ---- duplicates ----------------------------------------------------------------------------------


def repeated(*pairs: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables where rows of train are repeated, with folds of 50 rows each."""
    train, test = tables()
    columns = ["width", "weight", "height", "colour", "value"]
    for one, other in pairs:
        train.loc[other, columns] = train.loc[one, columns].to_numpy()
    return train.assign(fold=np.arange(N_TRAIN) // 50), test


def test_duplicates_within_a_fold_are_a_note_and_across_folds_a_leak() -> None:
    report = report_of(*repeated((0, 2), (0, 4)))
    assert alarms(report) == []
    assert report.findings[0].text == (
        "1 group of 3 equal items (1 equal, 0 nearly so) of train, each within one fold"
    )
    train, test = repeated((0, 2), (10, 190), (60, 130))
    report = report_of(train, test)
    (found,) = alarms(report)
    assert (found.level, found.check) == (LEAK, "duplicates")
    assert found.facts["groups"] == [["a10", "a190"], ["a60", "a130"]]
    assert "a190, which trains fold 0, and a10, which it validates" in found.text
    assert report.of(NOTE)[0].facts["groups"] == [["a0", "a2"]]


def test_equal_rows_with_other_targets_are_named() -> None:
    train, test = repeated((0, 2))
    train.loc[2, "value"] = 1
    found = one_alarm(train, test)
    assert (found.level, found.check) == (WARNING, "targets")
    assert "a0 is 0, a2 is 1" in found.text


def test_rows_that_are_equal_by_chance_are_not_called_duplicates() -> None:
    train, test = (table.drop(columns=["width", "weight", "height"]) for table in tables())
    report = report_of(train, test)
    assert alarms(report) == []
    assert "equal by chance" in report.findings[0].text


# ---- the folds -----------------------------------------------------------------------------------


def test_a_class_with_fewer_rows_than_folds_and_folds_of_one_class_are_warnings() -> None:
    train, test = tables()
    train["value"] = 0
    train.loc[[0, 1, 100], "value"] = 1
    report = report_of(train.assign(fold=np.arange(N_TRAIN) // 50), test)
    texts = [one.text for one in alarms(report)]
    assert texts[0].startswith("2 folds of one class only, such as fold 1 of 0")
    assert texts[1].startswith("1 class has fewer rows than there are folds (4)")
    assert "1 (3)" in texts[1]


def test_a_fold_that_validates_nothing_is_a_warning() -> None:
    train, test = tables()
    found = one_alarm(train.assign(fold=np.arange(N_TRAIN) % 3), test)
    assert found.text.startswith("1 fold of 4 validates nothing: 3")


def test_the_table_has_shares_of_classes_or_the_mean_of_a_number() -> None:
    train, test = tables()
    train["fold"] = np.arange(N_TRAIN) // 50
    lines = list(report_of(train, test).lines())
    assert lines[2].split() == ["fold", "train", "validate", "0", "1"]
    assert lines[3].split() == ["0", "150", "50", "50.0%", "50.0%"]
    numbers = list(report_of(train.assign(value=np.arange(N_TRAIN)), test).lines())
    # the mean of 0 to 49 is 24.5
    assert numbers[3].split()[:4] == ["0", "150", "50", "24.5"]
