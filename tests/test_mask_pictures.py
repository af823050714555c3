"""Masks over pictures."""

from __future__ import annotations

import numpy as np

from common.mask_pictures import TRUTH, tinted


def test_what_the_mask_covers_is_tinted_and_the_rest_stays() -> None:
    grey = np.full((8, 8), 100, np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[:16, :16] = True
    shown = tinted(grey, mask, TRUTH)
    assert shown.shape == (8, 8, 3)
    assert (shown[4:] == 100).all()
    assert (shown[:, 4:] == 100).all()
    assert shown[0, 0].tolist() == list(TRUTH)  # the border
    # 100 + 0.45 · (38, 166, 154 less 100), to the nearest
    assert shown[1, 1].tolist() == [72, 130, 124]


def test_a_mask_of_one_pixel_is_seen() -> None:
    mask = np.zeros((1024, 1024), bool)
    mask[500, 300] = True
    shown = tinted(np.zeros((64, 64, 3), np.uint8), mask, TRUTH)
    assert shown[31, 18].tolist() == list(TRUTH)
    assert np.count_nonzero(shown.any(axis=2)) == 1
