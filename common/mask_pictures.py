"""Masks laid over pictures, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np

TRUTH, ANSWER = (38, 166, 154), (255, 138, 38)  # red, green, blue
OPACITY = 0.45


def tinted(picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A picture with the pixels of a mask tinted and its border drawn, uint8 (H, W, 3).

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        mask: bool, of any size; brought to the picture's. What vanishes there is drawn as a dot.
    """
    height, width = picture.shape[:2]
    shown = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
    shares = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    inside = (shares > 0).astype(np.uint8)
    painted = shown.astype(np.float32)
    painted[inside > 0] += OPACITY * (np.array(colour) - painted[inside > 0])
    drawn = np.ascontiguousarray(np.rint(painted).astype(np.uint8))
    border, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, border, -1, colour, 1)
    return drawn
