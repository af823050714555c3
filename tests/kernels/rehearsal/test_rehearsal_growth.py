"""Time may grow in proportion to the test set, memory hardly at all."""

from __future__ import annotations

import pytest

from common.kernels.rehearsal.growth import Measured, shown, trouble

MIB = 2**20


def three(few: float, usual: float, many: float, memory: int = 800) -> tuple[Measured, ...]:
    """A start of about 5 s; 1, 1,000 and 3,000 rows."""
    return (
        Measured(1, few, 800 * MIB),
        Measured(1_000, usual, 800 * MIB),
        Measured(3_000, many, memory * MIB),
    )


@pytest.mark.parametrize(
    ("few", "usual", "many"),
    [
        (5, 15, 35),  # 10 ms a row
        (5, 5, 5),
        (5, 15, 79),  # 3 times as much a row, and what a start may differ by
        (6, 5, 9),  # the start that was measured took longer than all of the usual run
    ],
)
def test_time_in_proportion_is_no_trouble(few: float, usual: float, many: float) -> None:
    assert trouble(*three(few, usual, many)) == ""


def test_time_that_grows_with_the_square_is_told() -> None:
    # 10 s for 1,000 rows would be 90 s for 3,000 rows
    assert trouble(*three(5, 15, 95)) == (
        "time does not grow in proportion: 1,000 rows took 15.0 s of the CPU, 3,000 rows 95.0 s; "
        "expected at most 80.1 s"
    )


def test_memory_that_holds_the_whole_test_set_is_told() -> None:
    # 800 MiB, a quarter more and 256 MiB
    assert trouble(*three(5, 15, 35, memory=1_257)) == (
        "memory grows with the test set: 1,000 rows held 800 MiB, 3,000 rows 1,257 MiB; expected "
        "at most 1,256 MiB"
    )
    assert trouble(*three(5, 15, 35, memory=1_255)) == ""


def test_a_test_set_of_one_row_divides_by_nothing() -> None:
    one = Measured(1, 5, 800 * MIB)
    assert trouble(one, one, Measured(3, 5, 800 * MIB)) == ""
    assert shown(one, one, one).startswith("0.00 ms of the CPU a row, 5.0 s to start")


def test_the_growth_is_shown_per_row() -> None:
    # 30 s over 2,999 rows
    assert shown(*three(5, 15, 35, memory=822)) == (
        "10.00 ms of the CPU a row, 5.0 s to start; memory +22 MiB from 1,000 to 3,000 rows"
    )
