"""Whether time grows in proportion to the test set, and memory hardly at all."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TIMES = 3.0  # more seconds a row in the larger set than in the smaller one
SLACK_SECONDS = 5.0  # what a start may differ by
MOST_MEMORY = 0.25  # more memory for the larger set, as a share
SLACK_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Measured:
    """An infer run: rows of its test set, seconds of the CPU, and bytes at most.

    Seconds on the clock would tell as much about what else the machine does.
    """

    rows: int
    seconds: float
    peak_bytes: int


def trouble(few: Measured, usual: Measured, many: Measured) -> str:
    """One line where cost grows faster than the test set; "" where it does not.

    Args:
        few: the placeholder; its time is what every start costs.
    """
    a_row = max(0.0, usual.seconds - few.seconds) / max(1, usual.rows - few.rows)
    allowed = usual.seconds + MOST_TIMES * a_row * (many.rows - usual.rows) + SLACK_SECONDS
    if many.seconds > allowed:
        return (
            f"time does not grow in proportion: {usual.rows:,} rows took {usual.seconds:.1f} s "
            f"of the CPU, {many.rows:,} rows {many.seconds:.1f} s; expected at most {allowed:.1f} s"
        )
    most = usual.peak_bytes * (1 + MOST_MEMORY) + SLACK_BYTES
    if many.peak_bytes > most:
        return (
            f"memory grows with the test set: {usual.rows:,} rows held "
            f"{usual.peak_bytes / 2**20:,.0f} MiB, {many.rows:,} rows "
            f"{many.peak_bytes / 2**20:,.0f} MiB; expected at most {most / 2**20:,.0f} MiB"
        )
    return ""


def shown(few: Measured, usual: Measured, many: Measured) -> str:
    """The growth in a line."""
    seconds = (many.seconds - few.seconds) / max(1, many.rows - few.rows)
    more = (many.peak_bytes - usual.peak_bytes) / 2**20
    return (
        f"{max(0.0, seconds) * 1000:.2f} ms of the CPU a row, {few.seconds:.1f} s to start; memory "
        f"{more:+,.0f} MiB from {usual.rows:,} to {many.rows:,} rows"
    )
