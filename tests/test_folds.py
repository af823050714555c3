"""Folds as a column."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import DataError
from common.folds import grouped, periods, shared_groups, stratified, stratified_grouped

LABELS = np.random.default_rng(0).integers(0, 4, size=203)
GROUPS = np.random.default_rng(1).integers(0, 23, size=203)


@pytest.mark.parametrize("n_folds", [2, 3, 5, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_class_is_spread_evenly_within_one_row(n_folds: int, seed: int) -> None:
    folds = stratified(LABELS, n_folds, seed)
    assert folds.shape == LABELS.shape
    assert folds.dtype == np.int64
    assert set(folds.tolist()) == set(range(n_folds))
    for label in np.unique(LABELS):
        counts = np.bincount(folds[label == LABELS], minlength=n_folds)
        assert counts.max() - counts.min() <= 1


def test_labels_may_be_text() -> None:
    text = np.array(["oak", "elm", "oak", "elm"])
    folds = stratified(text, 2, 0)
    assert sorted(folds[text == "oak"].tolist()) == [0, 1]
    assert sorted(folds[text == "elm"].tolist()) == [0, 1]


@pytest.mark.parametrize("make", [stratified, grouped])
def test_the_same_seed_gives_the_same_folds(make) -> None:  # type: ignore[no-untyped-def]
    column = LABELS if make is stratified else GROUPS
    assert make(column, 5, 3).tolist() == make(column, 5, 3).tolist()
    assert make(column, 5, 3).tolist() != make(column, 5, 4).tolist()


def test_rows_are_shuffled_before_they_are_split() -> None:
    # 100 rows of one class: unshuffled, fold 0 would be rows 0 to 19
    folds = stratified(np.zeros(100, dtype=np.int64), 5, 0)
    assert np.bincount(folds).tolist() == [20] * 5
    assert folds[:20].tolist() != [0] * 20


@pytest.mark.parametrize("n_folds", [2, 5, 23])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_group_stands_on_both_sides(n_folds: int, seed: int) -> None:
    folds = grouped(GROUPS, n_folds, seed)
    assert set(folds.tolist()) == set(range(n_folds))
    for fold in range(n_folds):
        train, valid = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        assert shared_groups(GROUPS, train, valid) == []
    # the same in other words: a group has one fold
    for group in np.unique(GROUPS):
        assert len(set(folds[group == GROUPS].tolist())) == 1


@pytest.mark.parametrize("seed", range(4))
def test_grades_are_spread_over_folds_that_keep_groups_together(seed: int) -> None:
    # like duplicates: most rows alone, forty pairs
    groups = np.concatenate([np.arange(200), np.arange(40)])
    labels = np.random.default_rng(seed).choice(5, size=240, p=[0.5, 0.1, 0.27, 0.05, 0.08])
    folds = stratified_grouped(labels, groups, 5, seed)
    assert (folds[:40] == folds[200:]).all()
    for label in range(5):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 4
    assert folds.tolist() == stratified_grouped(labels, groups, 5, seed).tolist()
    assert folds.tolist() != stratified_grouped(labels, groups, 5, seed + 1).tolist()


def test_stratified_groups_say_what_is_too_small() -> None:
    with pytest.raises(DataError, match="2 groups for 3 folds"):
        stratified_grouped(np.zeros(6, int), np.array([0, 0, 0, 1, 1, 1]), 3, 0)
    with pytest.raises(DataError, match=r"largest class has 2 rows.*--set folds=2"):
        stratified_grouped(np.array([0, 0, 1, 1]), np.arange(4), 3, 0)


def test_groups_may_be_text() -> None:
    folds = grouped(np.array(["a", "b", "a", "b", "c"]), 3, 0)
    assert folds[0] == folds[2]
    assert folds[1] == folds[3]
    assert len({folds[0], folds[1], folds[4]}) == 3


def test_shared_groups_are_named_in_order() -> None:
    groups = np.array(["b", "a", "b", "c", "a"])
    # train holds b, a and c, valid holds b and a
    assert shared_groups(groups, np.array([0, 1, 3]), np.array([2, 4])) == ["a", "b"]
    assert shared_groups(groups, np.array([0, 2]), np.array([1, 3, 4])) == []


def test_too_few_rows_say_how_many_there_are_and_what_to_do() -> None:
    with pytest.raises(DataError, match="3 rows for 5 folds; expected at least one row per") as e:
        stratified(np.array([0, 1, 0]), 5, 0)
    assert "lower folds with --set folds=" in str(e.value)


def test_too_few_groups_say_how_many_there_are_and_what_to_do() -> None:
    # six rows, but two groups
    with pytest.raises(DataError, match="2 groups for 3 folds; expected at least one group") as e:
        grouped(np.array([0, 0, 0, 1, 1, 1]), 3, 0)
    assert "lower folds with --set folds=" in str(e.value)


def test_classes_that_are_all_too_small_offer_a_number_of_folds_that_works() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 3])
    with pytest.raises(DataError, match=r"largest class has 3 rows.*--set folds=3"):
        stratified(labels, 5, 0)


def test_classes_of_one_row_each_are_not_told_to_lower_folds() -> None:
    with pytest.raises(DataError, match=r"largest class has 1 row; .*: get more rows"):
        stratified(np.arange(4), 2, 0)


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="0 rows for 2 folds"):
        stratified(np.array([], dtype=np.int64), 2, 0)
    with pytest.raises(DataError, match="0 groups for 2 folds"):
        grouped(np.array([], dtype=np.int64), 2, 0)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_rare_class_is_still_validated_once() -> None:
    labels = np.array([0] * 20 + [1])
    folds = stratified(labels, 5, 0)
    assert folds[-1] in range(5)
    assert np.bincount(folds[:20]).tolist() == [4] * 5


def test_periods_hold_what_lies_between_their_ends_and_leave_the_rest_to_training() -> None:
    days = np.array(["2015-06-01", "2015-06-30", "2015-07-01", "2015-07-31", "2015-08-01"], "M8[D]")
    july = (np.datetime64("2015-07-01"), np.datetime64("2015-07-31"))
    june = (np.datetime64("2015-06-02"), np.datetime64("2015-06-30"))
    assert periods(days, [july, june]).tolist() == [-1, 1, 0, 0, -1]
    with pytest.raises(DataError, match="no row lies in the period of fold 1, 7 to 9"):
        periods(np.arange(5), [(1, 2), (7, 9)])
    with pytest.raises(DataError, match="no row lies before the period of fold 0, 0 to 2"):
        periods(np.arange(5), [(0, 2)])
