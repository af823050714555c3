"""True boxes and detections for tests, from one tuple per row, and a small tree of classes."""

from __future__ import annotations

import numpy as np

from common.metrics.detection import Detections, TrueBoxes

A, B, P = 1, 2, 0  # P stands first in the tree: A lies under it, B does not
FAMILY = {
    "LabelName": "all",
    "Subcategory": [
        {"LabelName": "P", "Subcategory": [{"LabelName": "A"}]},
        {"LabelName": "B"},
    ],
}
UNIT = (0.0, 0.0, 1.0, 1.0)

TrueRow = tuple[int, int, tuple[float, ...], bool]  # image, class, box, group
Pair = tuple[int, int, bool]  # image, class, present
Found = tuple[int, int, float, tuple[float, ...]]  # image, class, score, box


def truth_of(n_classes: int, rows: list[TrueRow], pairs: list[Pair] | None = None) -> TrueBoxes:
    pairs = [(row[0], row[1], True) for row in rows] if pairs is None else pairs
    return TrueBoxes(
        n_classes,
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4),
        np.array([row[3] for row in rows], dtype=bool),
        np.array([pair[0] for pair in pairs], dtype=np.int64),
        np.array([pair[1] for pair in pairs], dtype=np.int64),
        np.array([pair[2] for pair in pairs], dtype=bool),
    )


def found_of(rows: list[Found]) -> Detections:
    return Detections(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.float64).reshape(-1, 4),
    )
