"""The feature table: numbers worked out by hand, and the same as pandas makes them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.signals import by_pandas
from competitions.lanl_earthquake_prediction import features
from competitions.lanl_earthquake_prediction.net import CHANNELS, STEPS, summary

N_ROWS = 1_200


def described(samples: np.ndarray) -> dict[str, float]:
    (row,) = features.describe(samples.astype(np.int16)[None])
    return dict(zip(features.NAMES, row.tolist(), strict=True))


def drawn(n_segments: int, n_rows: int = N_ROWS) -> np.ndarray:
    """Noise with bursts, int16 (n_segments, n_rows)."""
    generator = np.random.default_rng(0)
    spread = 4 + 60 * (generator.random((n_segments, n_rows)) < 0.01)
    return np.rint(4.5 + spread * generator.normal(size=spread.shape)).astype(np.int16)


def test_a_ramp_by_hand() -> None:
    row = described(np.arange(N_ROWS))
    # the median is 599.5, taken as 599, so the signal runs from -599 to 600
    assert (row["mean"], row["median"]) == (599.5, 599)
    assert (row["min"], row["max"], row["abs_max"]) == (-599, 600, 600)
    # n whole numbers in a row have the variance n (n + 1) / 12
    assert row["std"] == pytest.approx((1200 * 1201 / 12) ** 0.5)
    assert row["std_10_mean"] == pytest.approx((110 / 12) ** 0.5)
    assert row["std_1000_q0.05"] == pytest.approx((1000 * 1001 / 12) ** 0.5)
    assert row["std_10_std"] == pytest.approx(0, abs=1e-5)
    assert row["first_3_std"] == pytest.approx((400 * 401 / 12) ** 0.5)
    assert (row["first_15_abs_max"], row["last_15_abs_max"]) == (599, 600)
    # means of ten in a row: of -599 to -590, and of 591 to 600
    assert (row["mean_10_min"], row["mean_10_max"]) == (-594.5, 595.5)
    assert row["mean_100_change"] == pytest.approx(1)
    assert (row["change_mean"], row["change_std"], row["change_max"]) == (1, 0, 1)
    assert row["trend"] == pytest.approx(1)
    assert row["iqr"] == pytest.approx(0.5 * 1199)
    assert row["q0.1"] == pytest.approx(-599 + 0.1 * 1199)
    # farther than 100 from 0: 499 below, 500 above
    assert row["louder_100"] == pytest.approx(999 / 1200)
    assert (row["crossings"], row["peaks"]) == (pytest.approx(1 / 1199), 0)
    assert row["skew"] == pytest.approx(0, abs=1e-6)
    # -6 (n² + 1) / (5 (n² - 1)), the excess of n equal steps
    assert row["kurtosis"] == pytest.approx(-1.2, abs=1e-5)


def test_squares_do_not_overflow() -> None:
    row = described(np.tile([32767, -32767], N_ROWS // 2))
    assert row["median"] == 0
    assert row["abs_mean"] == 32767
    # every window of ten holds five of each: variance 10 / 9 × 32767²
    assert row["std_10_min"] == pytest.approx(32767 * (10 / 9) ** 0.5)
    assert row["std_1000_max"] == pytest.approx(32767 * (1000 / 999) ** 0.5)
    assert row["change_max"] == 65534
    # all power at the highest frequency: n² 32767² by n, one of the last band's 40 lines
    assert row["power_14"] == pytest.approx(np.log10(N_ROWS * 32767.0**2 / 40), abs=1e-4)


def test_the_lowest_and_the_highest_sample_stand_65535_apart() -> None:
    samples = np.full(N_ROWS, 32767)
    samples[100] = -32768
    row = described(samples)
    assert (row["min"], row["abs_max"], row["change_max"]) == (-65535, 65535, 65535)
    # one of ten is off by d: variance d² (1/10 - 1/100) × 10/9 = d² / 10
    assert row["std_10_max"] == pytest.approx(65535 / 10**0.5)


def test_a_dead_signal_gives_zeros() -> None:
    row = described(np.full(N_ROWS, 7))
    assert (row.pop("mean"), row.pop("median")) == (7, 7)
    assert set(row.values()) == {0.0}


def test_peaks_stand_above_two_neighbours_on_either_side() -> None:
    samples = np.zeros(N_ROWS)
    samples[[100, 300, 500]] = 20, 5, 20  # two high peaks, one low
    samples[[700, 701]] = 20  # a plateau is none
    samples[[900, 902]] = 20, 30  # of two so near only the higher
    row = described(samples)
    n_places = N_ROWS - 4
    assert row["peaks"] == pytest.approx(4 / n_places)
    assert row["high_peaks"] == pytest.approx(3 / n_places)


def test_a_drift_of_the_mean_moves_only_what_is_said_to_drift() -> None:
    samples = drawn(3)
    before, after = features.describe(samples), features.describe(samples + np.int16(7))
    moved = {
        name
        for name, change in zip(features.NAMES, (after - before).T, strict=True)
        if change.any()
    }
    assert moved == {*features.DRIFTING}
    assert np.array_equal(summary(samples), summary(samples + np.int16(7)))


@pytest.mark.parametrize("n_rows", [1_500, 1_501, 6_000])
def test_features_equal_those_of_pandas(n_rows: int) -> None:
    samples = drawn(2, n_rows)
    ours = features.describe(samples)
    theirs = np.stack([by_pandas(one) for one in samples])
    assert ours == pytest.approx(theirs, rel=2e-4, abs=1e-6)


def test_segments_together_are_described_as_one_by_one() -> None:
    samples = drawn(5)
    together = features.table([samples[:4], samples[4:]])
    assert together.shape == (5, len(features.NAMES))
    apart = np.concatenate([features.describe(one[None]) for one in samples])
    assert together == pytest.approx(apart, rel=1e-5, abs=1e-6)
    assert features.table([]).shape == (0, len(features.NAMES))


def test_there_are_120_names_and_none_twice() -> None:
    assert len(features.NAMES) == len(set(features.NAMES)) == 120


def test_steps_by_hand() -> None:
    samples = np.zeros((1, 1_500), np.int16)
    samples[0, 20:30] = [0, 8, 0, 8, 0, 8, 0, 8, 0, 8]  # the third step; the median stays 0
    steps = summary(samples)
    assert steps.shape == (1, CHANNELS, STEPS)
    # spread 4, mean size 4, highest 8, lowest 0, mean change 8, mean 4
    expected = [np.log(5), np.log(5), np.log(9), 0, np.log(9), 2]
    assert steps[0, :, 2] == pytest.approx(expected)
    assert not steps[0, :, [0, 1, 3, 149]].any()
