"""Predictions as a run folder holds them, whatever collector made them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from common.collect.base import Predictions
from common.collect.dense import Dense
from common.collect.maps import MapStack
from common.collect.ragged import Ragged


def load_predictions(folder: Path, stem: str, index: Collection[str]) -> Predictions:
    """What `Predictions.save` wrote under a stem.

    Args:
        index: the columns of the table that are no predictions.

    Raises: RunError where a file is missing or cut.
    """
    if (folder / f"{stem}_maps.npz").is_file():
        return MapStack.load(folder, stem)
    if (folder / f"{stem}_rows.npz").is_file():
        return Ragged.load(folder, stem)
    return Dense.load(folder, stem, index)
