"""Orders with a share of marked rows: how often each comes, and that nothing but the key counts."""

from __future__ import annotations

import numpy as np
import pytest

from common.data.sampling import with_share

MARKED = np.arange(100) % 5 == 0  # 20 of 100


@pytest.mark.parametrize(("share", "n_marked"), [(0.8, 80), (0.6, 60), (0.05, 5), (0.0, 0)])
def test_an_epoch_is_as_long_as_ever_and_has_the_share(share: float, n_marked: int) -> None:
    order = with_share(MARKED, share, seed=0, epoch=3)
    assert len(order) == 100
    assert MARKED[order % 100].sum() == n_marked


def test_rows_of_a_kind_come_evenly_and_copies_are_numbered() -> None:
    order = with_share(MARKED, 0.5, seed=0, epoch=0)
    assert len(set(order.tolist())) == 100  # a second time is another position
    times = np.bincount(order % 100, minlength=100)
    assert set(times[MARKED]) == {2, 3}  # 50 draws of 20 rows
    assert set(times[~MARKED]) == {0, 1}  # 50 of 80
    assert {*(order[MARKED[order % 100]] // 100)} == {0, 1, 2}


def test_orders_depend_on_seed_and_epoch_alone() -> None:
    again = [with_share(MARKED, 0.8, seed=1, epoch=2) for _ in range(2)]
    assert np.array_equal(*again)
    for seed, epoch in ((1, 3), (2, 2)):
        assert not np.array_equal(again[0], with_share(MARKED, 0.8, seed=seed, epoch=epoch))


@pytest.mark.parametrize("marked", [np.ones(7, bool), np.zeros(7, bool)])
def test_rows_of_one_kind_come_once_each(marked: np.ndarray) -> None:
    assert sorted(with_share(marked, 0.6, seed=0, epoch=0)) == list(range(7))
