"""The rows of train: pictures that have labels, and what is wrong with either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from common import paths
from common.data.images.unreadable import tell
from common.errors import DataError
from common.rle import count_pixels
from competitions.siim_acr_pneumothorax_segmentation.labels import CODE
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS
from competitions.siim_acr_pneumothorax_segmentation.tree import Tree, no_train_pictures

MOST_BINS = 4  # of mask areas, over which folds are spread
SHOWN = 5  # names in the log

Say = Callable[[str], None]


def labelled_rows(
    tree: Tree, table: Path, labels: dict[str, str], root: Path, *, skips: bool, say: Say
) -> pd.DataFrame:
    """A row for each picture that has a label: sample, id, path, the mask and its pixels.

    Args:
        labels: the masks by picture, out of `table`.
        skips: leave labels without a picture out, and list them.

    Raises: DataError for a label without a picture where that was not asked for, and where there is
    no picture at all.
    """
    missing = {row: name for row, name in enumerate(labels) if name not in tree.pictures}
    if len(missing) == len(labels):
        raise no_train_pictures(root, table)
    lines = {
        row: f"{name} of {table.name}: no such picture below {paths.shown(root)}"
        for row, name in missing.items()
    }
    tell(lines, len(labels), "labelled train", skip="left out" if skips else "", say=say)
    known = [name for name in labels if name in tree.pictures]
    codes = [labels[name] for name in known]
    return pd.DataFrame(
        {
            "sample": known,
            "id": known,
            "path": [str(tree.pictures[name]) for name in known],
            CODE: codes,
            "area": [count_pixels(MASKS.runs(code)) for code in codes],
        }
    )


def area_bins(areas: np.ndarray, n_folds: int) -> np.ndarray:
    """0 for no mask, then bins of about equal numbers by area, each of at least `n_folds` masks,
    int64 (n,)."""
    positive = np.flatnonzero(areas > 0)
    n_bins = max(1, min(MOST_BINS, len(positive) // (2 * n_folds)))
    ranks = np.empty(len(positive), dtype=np.int64)
    ranks[np.argsort(areas[positive], kind="stable")] = np.arange(len(positive))
    bins = np.zeros(len(areas), dtype=np.int64)
    bins[positive] = 1 + ranks * n_bins // max(1, len(positive))
    # a handful of empty ones cannot be spread: they go with the smallest masks
    return bins if (bins == 0).sum() >= n_folds else np.maximum(bins, 1)


def check_both_kinds(items: pd.DataFrame, table: Path, n_folds: int) -> None:
    """Raises DataError where masks cannot be learned, or not in every fold."""
    n_masks = int((items["area"] > 0).sum())
    if n_masks == 0:
        raise DataError(
            f"none of {len(items):,} train pictures has a mask in {paths.shown(table)}; expected "
            "about every fifth: is it a sample submission?"
        )
    if n_masks < n_folds:
        raise DataError(
            f"{n_masks:,} of {len(items):,} train pictures have a mask in {paths.shown(table)}; "
            f"expected at least {n_folds}, one per fold: lower folds with --set folds=N, or get "
            "more pictures"
        )


def tell_unlabelled(tree: Tree, table: Path, known: set[str], say: Say) -> None:
    """Says which pictures the table does not name: they are not used."""
    others = sorted(name for name in tree.pictures if name not in known)
    if others:
        named = ", ".join(others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
        have = "1 picture has" if len(others) == 1 else f"{len(others):,} pictures have"
        say(f"{have} no row in {table.name}, and training goes without: {named}")
