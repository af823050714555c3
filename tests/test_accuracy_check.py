"""What the accuracy check reads, and what it concludes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import BLURRED, DEFAULTS, FULL, JPEG, RAW, SCALED, Row
from common.data.images import Target, read_image
from common.interval import Interval


def some_row(name: str, score: float, gain: float, apart: float = 0.01) -> Row:
    around = Interval(score - 0.02, score + 0.02, 100)
    return Row(name, [score], around, gain, Interval(gain - apart, gain + apart, 100))


def rows(*, blurred: float = -0.3, scaled: float = 0.0) -> dict[str, Row]:
    gains = {FULL: 0.0, SCALED: scaled, RAW: 0.0, JPEG: 0.0, BLURRED: blurred}
    return {name: some_row(name, 0.9 + gain, gain) for name, gain in gains.items()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], dict[str, np.ndarray]]:
    """Eight pictures, read in every way."""
    folder = tmp_path_factory.mktemp("accuracy")
    paths, truth = accuracy.write_pictures(folder / "pictures", 8, 112)
    assert truth.tolist() == [0, 1, 2, 3] * 2
    return paths, accuracy.readings(paths, 112, folder / "cache")


def test_the_raw_cache_gives_byte_for_byte_what_is_read(
    small: tuple[list[Path], dict[str, np.ndarray]],
) -> None:
    paths, ways = small
    target = Target(112, 112, method="crop")
    for path, cached, uncached in zip(paths, ways[RAW], ways[SCALED], strict=True):
        assert np.array_equal(cached, uncached)
        assert np.array_equal(cached.transpose(1, 2, 0), read_image(path, target))


def test_every_other_way_gives_its_own_pictures(
    small: tuple[list[Path], dict[str, np.ndarray]],
) -> None:
    _, ways = small
    full = ways[FULL].astype(int)
    for name in (SCALED, JPEG, BLURRED):
        apart = np.abs(ways[name] - full).mean()
        assert 0 < apart < 8, name


def test_a_row_compares_on_the_same_pictures() -> None:
    truth = np.array([9, 9, 0, 1, 2, 3])  # the first two trained
    full = np.array([[0, 1, 2, 0], [0, 1, 0, 0]])  # right: 3 and 2 of 4
    answers = np.array([[0, 1, 2, 3], [0, 1, 2, 0]])  # 4 and 3 of 4
    own = accuracy.row(SCALED, answers, full, truth)
    assert own.scores == [1.0, 0.75]
    assert own.gain == pytest.approx(7 / 8 - 5 / 8)
    assert own.gain_around.low <= own.gain <= own.gain_around.high


def test_nothing_is_shown_where_blurring_costs_no_more_than_the_interval() -> None:
    ok, lines = accuracy.verdict(rows(blurred=-0.04))
    assert not ok
    assert lines == ["nothing was shown: blurring costs 0.040, no more than the interval's 0.040"]


def test_no_loss_is_seen_where_the_intervals_hold_zero() -> None:
    ok, lines = accuracy.verdict(rows())
    assert ok
    assert lines[0] == "shown: blurring costs 0.300, more than the interval's 0.040"
    assert len(lines) == 1 + len(DEFAULTS)
    assert lines[1] == "scaled: no loss was seen, by the interval at most 0.010"


def test_an_interval_above_zero_holds_no_loss() -> None:
    _, lines = accuracy.verdict(rows(scaled=0.02))
    assert lines[1] == "scaled: no loss was seen, nor does the interval hold one"


def test_a_loss_is_named() -> None:
    ok, lines = accuracy.verdict(rows(scaled=-0.05))
    assert not ok
    assert "scaled loses 0.050: it should not be on by default" in lines


def test_the_table_has_a_row_for_each_way() -> None:
    lines = accuracy.table(rows())
    assert [line.split("  ")[0] for line in lines[1:]] == [FULL, *DEFAULTS, BLURRED]
