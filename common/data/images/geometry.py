"""Turning a decoded picture upright."""

from __future__ import annotations

import cv2
import numpy as np

# What brings each EXIF orientation upright; 5 and 7 are mirrored at a diagonal.
_TURNS = {
    3: cv2.ROTATE_180,
    6: cv2.ROTATE_90_CLOCKWISE,
    8: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """A picture (H, W, C) as it is meant to be seen; EXIF orientation 1 to 8.

    Source: Exif 2.32, tag 0x0112.
    """
    if orientation == 1:
        return picture
    if orientation in _TURNS:
        turned = cv2.rotate(picture, _TURNS[orientation])
    elif orientation in (2, 4):
        turned = cv2.flip(picture, 1 if orientation == 2 else 0)
    else:
        turned = cv2.transpose(picture)
        if orientation == 7:
            turned = cv2.rotate(turned, cv2.ROTATE_180)
    return turned.reshape(*turned.shape[:2], picture.shape[2])
