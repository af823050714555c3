"""How much boxes cover each other, row by row. Boxes are (n, 4): x_min, y_min, x_max, y_max."""

from __future__ import annotations

import numpy as np


def area(box: np.ndarray) -> np.ndarray:
    """The area of each box, (n,)."""
    return np.asarray((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))


def intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The area that each two boxes share, (n,)."""
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    return np.asarray(np.maximum(width, 0.0) * np.maximum(height, 0.0))


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The share of the common area in what two boxes cover together, (n,), in [0, 1].

    Edge cases: two boxes without area share nothing.

    >>> intersection_over_union(np.array([[0, 0, 2, 1]]), np.array([[1, 0, 2, 1]]))
    array([0.5])
    """
    both = intersection(first, second)
    return _share(both, area(first) + area(second) - both)


def intersection_over_own(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The share of the first box that lies in the second, (n,), in [0, 1].

    Edge cases: a first box without area has no share.

    >>> intersection_over_own(np.array([[0, 0, 2, 1]]), np.array([[1, 0, 9, 9]]))
    array([0.5])
    """
    return _share(intersection(first, second), area(first))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))
