"""Dark borders are cut off, and nothing else is."""

from __future__ import annotations

import numpy as np

from common.data.images.borders import without_dark_border


def framed(level: int) -> np.ndarray:
    """A grey block of 40×50 within a border of some level."""
    picture = np.full((80, 100, 3), level, np.uint8)
    picture[10:50, 30:80] = 90
    return picture


def test_what_is_left_is_the_lit_part() -> None:
    for level in (0, 10):  # sensors see some light everywhere
        cut = without_dark_border(framed(level))
        assert cut.shape == (40, 50, 3)
        assert (cut == 90).all()


def test_one_channel_is_enough() -> None:
    picture = framed(0)
    picture[:, :, 1:] = 0
    assert without_dark_border(picture).shape == (40, 50, 3)
    assert without_dark_border(picture[:, :, :1]).shape == (40, 50, 1)


def test_a_hot_pixel_is_no_picture() -> None:
    picture = framed(0)
    picture[75, 95] = 255
    assert without_dark_border(picture).shape == (40, 50, 3)


def test_dark_rows_inside_stay() -> None:
    picture = framed(0)
    picture[20:30] = 0
    assert without_dark_border(picture).shape == (40, 50, 3)


def test_a_dark_picture_stays_whole() -> None:
    black = np.zeros((1, 1, 3), np.uint8)
    assert without_dark_border(black) is black
