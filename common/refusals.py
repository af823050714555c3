"""Refusals: rows that cannot be scored though each of their cells is allowed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from common.csv_table import place, shown_key
from common.keys import Key
from common.metrics.probability import rows_without_a_sum


@dataclass(frozen=True)
class Refusal:
    """Rows that the metric cannot score, whatever their truth is.

    Args:
        what: what such rows do, "rows sum to 0".
        bad: which rows do it, bool (n_rows,), from the target columns.
        expected: what a row should be, for messages.
    """

    what: str
    bad: Callable[[dict[str, np.ndarray]], np.ndarray]
    expected: str


ROWS_WITHOUT_A_SUM = Refusal(
    "rows of probabilities sum to 0",
    rows_without_a_sum,
    "a sum of 1: a row is divided by its sum",
)


def row_faults(
    refusals: Sequence[Refusal],
    values: dict[str, np.ndarray],
    keys: Sequence[Key],
    unread: Collection[int] = (),
) -> list[str]:
    """One line for every kind of row that is refused, with the first such row.

    Args:
        values: the target columns, (n_rows,) each.
        unread: rows with a cell that is not allowed; what else is wrong with them is not known.
    """
    faults = []
    for refusal in refusals:
        bad = refusal.bad(values)
        bad[list(unread)] = False
        rows = np.flatnonzero(bad)
        if len(rows):
            first = int(rows[0])
            faults.append(
                f"{len(rows)} {refusal.what}, the first for id {shown_key(keys[first])} in "
                f"{place(first)}; expected {refusal.expected}"
            )
    return faults
