"""Folds for rows with several labels."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import DataError
from common.folds import stratified
from common.multilabel_folds import multilabel_stratified

SHARES = np.array([0.93, 0.7, 0.3, 0.1, 0.02, 0.01, 0.005])


def drawn(seed: int, n_rows: int = 2_000) -> np.ndarray:
    return np.random.default_rng(seed).random((n_rows, len(SHARES))) < SHARES


@pytest.mark.parametrize("n_folds", [2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_every_label_is_spread_evenly_the_rarest_within_one_row(n_folds: int, seed: int) -> None:
    marks = drawn(seed)
    folds = multilabel_stratified(marks, n_folds, seed)
    assert folds.shape == (2_000,)
    assert folds.dtype == np.int64
    spread = [np.ptp(np.bincount(folds[own], minlength=n_folds)) for own in marks.T]
    assert spread[int(marks.sum(axis=0).argmin())] <= 1
    assert max(spread) <= 3
    assert np.bincount(folds).min() > 0.95 * 2_000 / n_folds


def test_rare_labels_are_spread_better_than_by_the_commonest_alone() -> None:
    marks = drawn(0)
    ours = multilabel_stratified(marks, 5, 0)
    theirs = stratified(marks[:, 1].astype(int), 5, 0)
    uneven = [
        sum(np.ptp(np.bincount(folds[own], minlength=5)) for own in marks.T[4:])
        for folds in (ours, theirs)
    ]
    assert uneven[0] < uneven[1]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    marks = drawn(1)
    first = multilabel_stratified(marks, 5, 3).tolist()
    assert first == multilabel_stratified(marks, 5, 3).tolist()
    assert first != multilabel_stratified(marks, 5, 4).tolist()


def test_a_label_of_one_and_of_two_rows_is_in_as_many_of_five_folds() -> None:
    marks = np.zeros((20, 3), bool)
    marks[:, 0] = True
    marks[7, 1] = marks[[3, 11], 2] = True
    folds = multilabel_stratified(marks, 5, 0)
    assert folds[3] != folds[11]
    assert np.bincount(folds).tolist() == [4] * 5


def test_rows_without_labels_even_out_the_folds() -> None:
    marks = np.zeros((12, 2), bool)
    marks[:3, 0] = True
    folds = multilabel_stratified(marks, 3, 0)
    assert sorted(folds[:3].tolist()) == [0, 1, 2]
    assert np.bincount(folds).tolist() == [4, 4, 4]


@pytest.mark.parametrize("seed", range(3))
def test_groups_stay_together_and_labels_are_spread_all_the_same(seed: int) -> None:
    marks = drawn(seed)
    groups = np.arange(2_000)
    groups[1_000:1_100] = groups[:100]  # pairs
    groups[1_200:1_240] = 5  # and one group of forty-two
    folds = multilabel_stratified(marks, 5, seed, groups=groups)
    assert (folds[1_000:1_100] == folds[:100]).all()
    assert len(set(folds[groups == 5].tolist())) == 1
    for own in marks.T:
        assert np.ptp(np.bincount(folds[own], minlength=5)) <= 4


def test_groups_may_be_text() -> None:
    folds = multilabel_stratified(np.ones((4, 1), bool), 2, 0, groups=np.array([*"abab"]))
    assert folds[0] == folds[2] != folds[1] == folds[3]


def test_too_few_rows_or_groups_say_how_many_there_are() -> None:
    with pytest.raises(DataError, match="2 rows for 3 folds; expected at least one row per fold"):
        multilabel_stratified(np.ones((2, 1), bool), 3, 0)
    with pytest.raises(DataError, match=r"1 groups for 2 folds.*--set folds=N"):
        multilabel_stratified(np.ones((4, 1), bool), 2, 0, groups=np.zeros(4))
