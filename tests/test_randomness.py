"""Draws are functions of their key."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from common import randomness
from common.randomness import generators_restored, key, permutation, seed_generators, uniform

SAMPLES = np.arange(1000)


def test_a_key_is_the_same_on_every_machine_and_in_every_version() -> None:
    # noted once; another number would make every stored run draw anew
    assert key("order", 3, 7) == 11699795506952650118
    assert permutation(8, 0, "order", 0).tolist() == [6, 4, 3, 2, 1, 5, 0, 7]


def test_draws_are_the_published_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    # the first five numbers of splitmix64 with the seed 1234567, as Rosetta Code lists them;
    # a draw is the upper 53 of the 64 bits
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    monkeypatch.setattr(randomness, "key", lambda *parts: 1234567)
    expected = [(number >> 11) / 2**53 for number in published]
    assert uniform(np.array([0]), 5).tolist() == [expected]
    # two draws for each sample go through the same sequence
    assert uniform(np.array([0, 1]), 2).tolist() == [expected[0:2], expected[2:4]]


def test_keys_fill_64_bits_and_differ() -> None:
    keys = {key(seed, word, epoch) for seed in range(10) for word in "ab" for epoch in range(10)}
    assert len(keys) == 200
    assert all(0 <= value < 2**64 for value in keys)
    assert max(keys) > 2**63


def test_the_order_of_a_keys_parts_matters() -> None:
    assert len({key(1, 2), key(2, 1), key(12), key(1, 2, 0)}) == 4


@pytest.mark.parametrize("n", [0, 1, 2, 17, 1000])
def test_a_permutation_holds_every_position_once(n: int) -> None:
    order = permutation(n, 0, "order", 0)
    assert sorted(order.tolist()) == list(range(n))
    assert order.dtype == np.int64


def test_a_permutation_depends_on_seed_and_epoch_alone() -> None:
    first = permutation(100, 0, "order", 0).tolist()
    permutation(7, 5)
    assert permutation(100, 0, "order", 0).tolist() == first
    assert permutation(100, 0, "order", 1).tolist() != first
    assert permutation(100, 1, "order", 0).tolist() != first


def test_positions_of_a_permutation_are_even() -> None:
    # The first place of 3,000 permutations of 10: 300 of each on average, standard deviation
    # √(3000 × 0.1 × 0.9) = 16.4; five of them are 82.
    firsts = [int(permutation(10, 0, "order", epoch)[0]) for epoch in range(3000)]
    assert np.abs(np.bincount(firsts, minlength=10) - 300).max() < 82


def test_a_draw_does_not_depend_on_the_rest_of_the_batch() -> None:
    whole = uniform(SAMPLES, 4, 0, "augment", 3)
    for rows in (SAMPLES[::-1], SAMPLES[5:6], np.array([3, 900, 3]), SAMPLES[:0]):
        assert uniform(rows, 4, 0, "augment", 3).tolist() == whole[rows].tolist()


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_a_draw_does_not_depend_on_the_type_of_the_sample_numbers(dtype: str) -> None:
    numbers = np.array([0, 3, 200]).astype(dtype)
    assert uniform(numbers, 2, 5).tolist() == uniform(np.array([0, 3, 200]), 2, 5).tolist()


def test_large_and_negative_sample_numbers_draw_too() -> None:
    draws = uniform(np.array([-1, 0, 2**62, -(2**63)]), 3, 0)
    assert len(np.unique(draws)) == 12


def test_draws_lie_from_0_to_below_1() -> None:
    draws = uniform(np.arange(100_000), 2, 0)
    assert draws.shape == (100_000, 2)
    assert draws.dtype == np.float64
    assert draws.min() >= 0
    assert draws.max() < 1


@pytest.mark.parametrize("parts", [(0,), (1, "augment", 2), ("x",)])
def test_draws_are_even(parts: tuple[int | str, ...]) -> None:
    # 40,000 draws in 20 boxes: 2,000 in each, standard deviation √(2000 × 0.95) = 43.6; five of
    # them are 218. The mean is 0.5, its standard deviation 0.2887 / √40000 = 0.00144.
    draws = uniform(np.arange(10_000), 4, *parts).ravel()
    assert np.abs(np.histogram(draws, bins=20, range=(0, 1))[0] - 2000).max() < 218
    assert abs(draws.mean() - 0.5) < 5 * 0.00144


def test_draws_of_neighbours_columns_and_epochs_are_unrelated() -> None:
    # the correlation of 10,000 independent pairs has a standard deviation of 0.01
    here, there = (uniform(np.arange(10_001), 3, 0, "augment", epoch) for epoch in (0, 1))
    pairs = [
        (here[:-1, 0], here[1:, 0]),
        (here[:, 0], here[:, 1]),
        (here[:-1, 2], here[1:, 0]),
        (here[:, 0], there[:, 0]),
    ]
    for left, right in pairs:
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.05


def test_no_draw_is_repeated() -> None:
    draws = np.concatenate([uniform(SAMPLES, 4, 0, "augment", epoch) for epoch in range(20)])
    assert len(np.unique(draws)) == draws.size


def drawn() -> list[float]:
    """One number of each global generator."""
    return [random.random(), float(np.random.random()), float(torch.rand(()))]  # noqa: NPY002 - the global one is what is watched


def test_seeding_sets_the_three_generators_from_the_key() -> None:
    with generators_restored():
        seed_generators(0, "weights", "1")
        first = drawn()
        seed_generators(0, "weights", "1")
        again = drawn()
        seed_generators(0, "weights", "2")
        other = drawn()
    assert first == again
    assert all(left != right for left, right in zip(first, other, strict=True))


def test_the_generators_are_left_as_they_were() -> None:
    with generators_restored():
        seed_generators("outer")
        expected = drawn()
        seed_generators("outer")
        with generators_restored():
            seed_generators("inner")
            drawn()
        assert drawn() == expected


def draw_and_raise() -> None:
    with generators_restored():
        drawn()
        raise ZeroDivisionError


def test_the_generators_are_left_as_they_were_by_a_block_that_raises() -> None:
    with generators_restored():
        seed_generators("outer")
        expected = drawn()
        seed_generators("outer")
        with pytest.raises(ZeroDivisionError):
            draw_and_raise()
        assert drawn() == expected


def test_keyed_draws_leave_the_global_generators_alone() -> None:
    with generators_restored():
        seed_generators("outer")
        expected = drawn()
        seed_generators("outer")
        uniform(SAMPLES, 4, 0)
        permutation(100, 0)
        assert drawn() == expected
