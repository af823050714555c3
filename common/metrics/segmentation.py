"""Metrics of one mask per image."""

from __future__ import annotations

import math
import numbers
from functools import partial

import numpy as np

from common.errors import DataError, MetricError
from common.metrics.base import Metric, check_rows, check_vectors
from common.rle import RunLength, Runs, dice_of_runs


def mean_dice_score(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    *,
    code: RunLength,
    shape: tuple[int, int],
    both_empty: float = 1.0,
) -> float:
    """The mean over images of twice the shared pixels by the sum of both sizes, in [0, 1].

    Counted on the runs: no pixel is drawn.

    Args:
        y_true: run lengths as text, (n_images,).
        y_pred: run lengths as text, (n_images,).
        code: how the texts are to be read.
        shape: (height, width) of every image, in pixels.
        both_empty: the score of an image without a mask that is predicted to have none.

    Edge cases: one mask empty and the other not is 0; a mean over images, not over all pixels; no
    rows, arrays of another shape, and a text that is no mask of the image raise MetricError.

    Source: https://www.kaggle.com/competitions/siim-acr-pneumothorax-segmentation/overview/evaluation

    >>> code = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
    >>> y_true, y_pred = np.array(["0 2 4 1", "-1"]), np.array(["0 1", "-1"])
    >>> mean_dice_score(y_true=y_true, y_pred=y_pred, code=code, shape=(4, 4))
    0.75
    """
    check_vectors(y_true, y_pred)
    truth = _all_runs("y_true", y_true, code, shape)
    given = _all_runs("y_pred", y_pred, code, shape)
    pairs = zip(truth, given, strict=True)
    return math.fsum(dice_of_runs(*pair, both_empty=both_empty) for pair in pairs) / len(truth)


def mean_dice(code: RunLength, shape: tuple[int, int], *, both_empty: float = 1.0) -> Metric:
    """Mean Dice of masks that are written as `code` has it, of images (height, width) in size."""
    score = partial(mean_dice_score, code=code, shape=shape, both_empty=both_empty)
    return Metric("mean Dice", higher_is_better=True, score=score, best=1.0)


def mean_dice_of_masks_score(
    y_true: np.ndarray, y_pred: np.ndarray, *, both_empty: float = 1.0
) -> float:
    """Mean Dice of masks that lie in memory as pixels, in [0, 1].

    Args:
        y_true: bool, (n_images, H, W).
        y_pred: bool, (n_images, H, W).
        both_empty: as for `mean_dice_score`.

    Edge cases: those of `mean_dice_score`; arrays of another type raise MetricError.

    Source: https://www.kaggle.com/competitions/siim-acr-pneumothorax-segmentation/overview/evaluation

    >>> y_true = np.array([[[True, False]], [[False, False]]])
    >>> mean_dice_of_masks_score(y_true=y_true, y_pred=np.ones((2, 1, 2), dtype=bool))
    0.3333333333333333
    """
    check_rows(y_true, y_pred)
    for name, masks in (("y_true", y_true), ("y_pred", y_pred)):
        if masks.ndim != 3 or masks.dtype != np.bool_ or masks.shape != y_true.shape:
            raise MetricError(
                f"{name} has the shape {masks.shape} and the type {masks.dtype}; expected bool "
                "(n_images, height, width), alike in both: compare with a threshold first"
            )
    scores = []
    for truth, given in zip(y_true, y_pred, strict=True):  # one image at a time stays in the cache
        size = int(np.count_nonzero(truth)) + int(np.count_nonzero(given))
        shared = int(np.count_nonzero(truth & given))
        scores.append(2.0 * shared / size if size else both_empty)
    return math.fsum(scores) / len(scores)


def _all_runs(name: str, cells: np.ndarray, code: RunLength, shape: tuple[int, int]) -> list[Runs]:
    """The runs of every cell; the first that is no mask is named with its row."""
    runs = []
    for row, cell in enumerate(np.asarray(cells, dtype=object).tolist(), start=1):
        # a table that holds nothing but -1 comes as numbers
        if not isinstance(cell, str | numbers.Integral):
            raise MetricError(f"row {row} of {name} holds {cell!r}; expected run lengths as text")
        try:
            runs.append(code.runs(str(cell), shape))
        except DataError as error:
            raise MetricError(f"row {row} of {name} holds no mask: {error}") from None
    return runs
