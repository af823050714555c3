"""Dark borders around a picture, as cameras with a round field of view leave them."""

from __future__ import annotations

import numpy as np

DARK = 12  # grey levels of 255: sensors and compression leave black a little above 0
LIT = 0.02  # share of a row or column that must be brighter: single hot pixels do not count


def without_dark_border(picture: np.ndarray) -> np.ndarray:
    """The part of a picture between its first and last row and column that are lit: a view.

    Args:
        picture: (H, W, C), uint8.

    Edge cases: a picture without any lit row is given back whole; dark rows inside stay.
    """
    lit = (picture > DARK).any(axis=2)
    rows = np.flatnonzero(lit.mean(axis=1) >= LIT)
    columns = np.flatnonzero(lit.mean(axis=0) >= LIT)
    if not (len(rows) and len(columns)):
        return picture
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
