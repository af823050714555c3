"""The budget of time: what it keeps, what it lets begin, and from when it counts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from common.budget import Budget, process_began, session_began


class Clock:
    """A clock that somebody else moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def hour(clock: Clock, **values: float) -> Budget:
    """A budget of an hour that begins now."""
    return Budget(1.0, clock.now, clock, **values)  # type: ignore[arg-type]


def test_without_hours_everything_fits() -> None:
    budget = Budget(clock=Clock(), epoch_seconds=1e12)
    assert budget.fits_epoch()
    assert budget.fits_fold()
    assert not budget.is_over()


def test_as_long_as_nothing_was_measured_a_tenth_is_kept() -> None:
    clock = Clock()
    budget = hour(clock)
    assert budget.left() == pytest.approx(3240)
    clock.now += 3239
    assert not budget.is_over()
    clock.now += 2
    assert budget.is_over()


def test_time_is_kept_to_predict_every_row_half_slower_than_it_was_measured() -> None:
    budget = hour(Clock(), rows_to_predict=1000)
    budget.saw_rows(500, 50.0)  # 10 a second; the slowest counts
    budget.saw_rows(500, 5.0)
    assert budget.reserve() == pytest.approx(0.03 * 3600 + 1.5 * 100)


def test_an_epoch_is_begun_only_where_the_longest_so_far_would_fit() -> None:
    clock = Clock()
    budget = hour(clock, rows_per_second=1e9)
    budget.saw_epoch(100.0)
    budget.saw_epoch(40.0)
    clock.now += 3600 * 0.97 - 101
    assert budget.fits_epoch()
    clock.now += 2
    assert not budget.fits_epoch()
    assert not budget.is_over()


def test_a_fold_without_epochs_is_begun_only_where_one_like_it_would_fit() -> None:
    clock = Clock()
    budget = hour(clock)
    assert budget.fits_fold()
    budget.saw_fold(3000.0)
    assert budget.fits_fold()
    clock.now += 300
    assert not budget.fits_fold()


def test_a_fold_with_epochs_is_begun_where_an_epoch_fits() -> None:
    clock = Clock()
    budget = hour(clock)
    budget.saw_epoch(10.0)
    budget.saw_fold(3000.0)
    clock.now += 3000
    assert budget.fits_fold()


def records(folder: Path, *, up: float, ticks: int) -> Path:
    """What Linux says of its first process, whose name has a blank and a bracket in it."""
    after_the_name = ["S", *["0"] * 18, str(ticks), "0"]
    (folder / "1").mkdir()
    (folder / "1/stat").write_text(f"1 (a) b) {' '.join(after_the_name)}\n")
    (folder / "uptime").write_text(f"{up} 0.0\n")
    return folder


def test_a_session_begins_with_its_first_process(tmp_path: Path) -> None:
    # the machine has run for 5,000 s, the process began 3,000 s after the machine
    ticks = 3000 * os.sysconf("SC_CLK_TCK")
    began = session_began(records(tmp_path, up=5000.0, ticks=ticks))
    assert time.time() - began == pytest.approx(2000, abs=60)


def test_where_linux_keeps_no_records_a_session_begins_now(tmp_path: Path) -> None:
    assert time.time() - session_began(tmp_path / "none") == pytest.approx(0, abs=60)


def test_a_process_began_before_now_and_after_its_machine() -> None:
    assert session_began() <= process_began() <= time.time()
