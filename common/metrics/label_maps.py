"""Metrics of one class per pixel, over one count of (true class, predicted class) for all pixels.

Counts of several pictures add up, so that pictures can be scored one after the other:
a mean of the pictures' own scores would be another number.
"""

from __future__ import annotations

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_rows

N_CLASSES = 11
VOID = 11  # "unlabelled": comes after the classes


def confusion_counts(
    y_true: np.ndarray, y_pred: np.ndarray, *, n_classes: int = N_CLASSES
) -> np.ndarray:
    """How many labelled pixels have each true class (row) and each predicted class (column).

    The last column, `n_classes`, counts labelled pixels that are predicted as void. The shape is
    (n_classes, n_classes + 1), int64. Pixels whose truth is void are left out.

    Args:
        y_true: whole numbers from 0 to `n_classes`, which is void, of any shape.
        y_pred: the same, in the same shape.

    Raises: MetricError for arrays of another shape, without pixels, or with other values.

    >>> confusion_counts(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), n_classes=2).tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    _check_maps(y_true, y_pred, n_classes)
    side = n_classes + 1
    narrow = np.min_scalar_type(side * side - 1)  # a byte per pixel in place of eight
    cells = y_true.ravel().astype(narrow) * side + y_pred.ravel().astype(narrow)
    counts = np.bincount(cells, minlength=side * side).reshape(side, side)
    return counts[:n_classes].astype(np.int64)


def _check_maps(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> None:
    check_rows(np.atleast_1d(y_true), np.atleast_1d(y_pred))
    if y_true.shape != y_pred.shape or y_true.size == 0:
        raise MetricError(
            f"y_true has the shape {y_true.shape} and y_pred {y_pred.shape}; expected one shape "
            "with at least one pixel"
        )
    for name, labels in (("y_true", y_true), ("y_pred", y_pred)):
        if labels.dtype.kind not in "biu":
            raise MetricError(f"{name} holds {labels.dtype} values; expected whole numbers")
        if labels.min() < 0 or labels.max() > n_classes:
            outside = labels.max() if labels.max() > n_classes else labels.min()
            raise MetricError(
                f"{name} holds {outside}; expected classes from 0 to {n_classes - 1}, or "
                f"{n_classes} for void"
            )


def class_ious(counts: np.ndarray) -> np.ndarray:
    """The intersection over union of each class, in [0, 1]; nan for a class that neither truth
    nor prediction holds on a labelled pixel.

    Args:
        counts: the sum of `confusion_counts`, (n_classes, n_classes + 1).
    """
    right = np.diagonal(counts)
    either = counts.sum(axis=1) + counts[:, :-1].sum(axis=0) - right
    absent = either == 0
    return np.where(absent, np.nan, right / np.where(absent, 1, either))


def mean_iou_of(counts: np.ndarray) -> float:
    """The mean of `class_ious` over the classes that truth or prediction holds.

    Raises: MetricError where no pixel is labelled.
    """
    _check_labelled(counts)
    return float(np.nanmean(class_ious(counts)))


def pixel_accuracy_of(counts: np.ndarray) -> float:
    """The share of labelled pixels with the right class, in [0, 1].

    Raises: MetricError where no pixel is labelled.
    """
    _check_labelled(counts)
    return float(np.diagonal(counts).sum() / counts.sum())


def _check_labelled(counts: np.ndarray) -> None:
    if counts.sum() == 0:
        raise MetricError(
            "every pixel of the truth is void, so no score is defined; expected labelled pixels"
        )


def mean_iou_score(y_true: np.ndarray, y_pred: np.ndarray, *, n_classes: int = N_CLASSES) -> float:
    """The intersection over union of all pixels together, averaged over the classes, in [0, 1].

    Args:
        y_true: class numbers, `n_classes` for void, of any shape such as (N, H, W).
        y_pred: the same, in the same shape.

    Edge cases: pixels whose truth is void are left out, whatever is predicted there; void
    predicted on a labelled pixel is wrong, and takes from the true class only; a class that is
    absent from truth and prediction is left out of the mean (the reference script counts it as 0);
    truth without a labelled pixel, no pixels, other values and other shapes raise MetricError.

    Source: https://github.com/alexgkendall/SegNet-Tutorial/blob/master/Scripts/compute_test_results.m

    >>> mean_iou_score(y_true=np.array([[3, 3], [5, 11]]), y_pred=np.array([[3, 5], [5, 0]]))
    0.5
    """
    return mean_iou_of(confusion_counts(y_true, y_pred, n_classes=n_classes))


def pixel_accuracy_score(
    y_true: np.ndarray, y_pred: np.ndarray, *, n_classes: int = N_CLASSES
) -> float:
    """The share of labelled pixels with the right class, in [0, 1].

    Args:
        y_true: class numbers, `n_classes` for void, of any shape such as (N, H, W).
        y_pred: the same, in the same shape.

    Edge cases: as in `mean_iou_score`. It is taken over all pixels together; fastai's
    `acc_camvid` is averaged over batches and differs a little.

    Source: https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson3-camvid.ipynb

    >>> pixel_accuracy_score(y_true=np.array([3, 3, 5, 11]), y_pred=np.array([3, 5, 5, 0]))
    0.6666666666666666
    """
    return pixel_accuracy_of(confusion_counts(y_true, y_pred, n_classes=n_classes))


mean_iou = Metric("mean IoU", higher_is_better=True, score=mean_iou_score, best=1.0)
