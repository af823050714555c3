"""Orders of an epoch in which some rows come more often than they are there."""

from __future__ import annotations

import numpy as np

from common.randomness import permutation


def with_share(marked: np.ndarray, share: float, seed: int, epoch: int) -> np.ndarray:
    """Positions of an epoch, int64 (n_rows,), in a drawn order, about `share` of them of marked
    rows.

    As many positions as there are rows, so an epoch is as long as ever. Rows of a kind come evenly:
    each once before one comes a second time. Of n rows, position k + n is a second copy of row k,
    as ArrayLoader counts them. It depends on the arguments alone.

    Args:
        marked: which rows are of the kind whose share is given, bool (n_rows,).
        share: from 0 to 1.

    Edge cases: where all rows are of one kind, each comes once.
    """
    n_rows, rows = len(marked), np.flatnonzero(marked)
    if len(rows) in (0, n_rows):
        return permutation(n_rows, seed, "order", epoch)
    n_marked = round(share * n_rows)
    chosen = np.concatenate(
        [
            _drawn(rows, n_marked, n_rows, seed, "marked", epoch),
            _drawn(np.flatnonzero(~marked), n_rows - n_marked, n_rows, seed, "others", epoch),
        ]
    )
    order: np.ndarray = chosen[permutation(n_rows, seed, "order", epoch)]
    return order


def _drawn(rows: np.ndarray, n: int, n_rows: int, seed: int, kind: str, epoch: int) -> np.ndarray:
    """n positions of some rows: round by round, each round all of them in an order of its own."""
    rounds = [
        rows[permutation(len(rows), seed, "order", epoch, kind, number)] + number * n_rows
        for number in range(-(-n // len(rows)))
    ]
    return np.concatenate([np.empty(0, np.int64), *rounds])[:n]
