"""Mean average precision of boxes where only some classes were looked for in each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric
from common.metrics.box_overlap import intersection_over_own, intersection_over_union
from common.metrics.class_tree import ClassTree

MIN_OVERLAP = 0.5  # a box is found from this overlap on, the bound included
MAX_DETECTIONS = 10_000  # per image and class, the highest scores
_N_PAIRS = 2**18  # boxes that are compared at a time: what fits into the processor's cache


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """The boxes of some images, and the classes that were looked for in each.

    Args:
        n_classes: classes are numbers from 0 to n_classes - 1.
        image: (n_boxes,), whole numbers from 0.
        label: (n_boxes,), each box's class.
        box: (n_boxes, 4), float64: x_min, y_min, x_max, y_max in any one unit.
        group: (n_boxes,), bool: one box around many instances that touch.
        verified_image, verified_label: (n_pairs,): this class was looked for in this image.
        present: (n_pairs,), bool: and was it there?
    """

    n_classes: int
    image: np.ndarray
    label: np.ndarray
    box: np.ndarray
    group: np.ndarray
    verified_image: np.ndarray
    verified_label: np.ndarray
    present: np.ndarray


@dataclass(frozen=True, eq=False)
class Detections:
    """Predicted boxes, in any order; where scores are equal, the one that stands first counts
    first.

    Args:
        image: (n_detections,), numbered as in the truth.
        label: (n_detections,), classes.
        score: (n_detections,), finite, higher is surer.
        box: (n_detections, 4), float64: x_min, y_min, x_max, y_max in the truth's unit.
    """

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    box: np.ndarray


def expanded(truth: TrueBoxes, tree: ClassTree) -> TrueBoxes:
    """The truth with all that follows from the tree of classes.

    A box is one of every class above its own as well, and so is a class that was found in an
    image; below a class that was not found nothing was found either.
    """
    own = np.eye(truth.n_classes, dtype=bool)
    rows, label = _spread(truth.label, tree.ancestors | own)
    found, lost = np.flatnonzero(truth.present), np.flatnonzero(~truth.present)
    up, label_up = _spread(truth.verified_label[found], tree.ancestors | own)
    down, label_down = _spread(truth.verified_label[lost], tree.ancestors.T | own)
    pairs = np.concatenate([found[up], lost[down]])
    return replace(
        truth,
        image=truth.image[rows],
        label=label,
        box=truth.box[rows],
        group=truth.group[rows],
        verified_image=truth.verified_image[pairs],
        verified_label=np.concatenate([label_up, label_down]),
        present=truth.present[pairs],
    )


def _spread(labels: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every label as all the classes it reaches: the label's position, and the class."""
    targets = np.nonzero(reach)[1]
    n_targets = reach.sum(axis=1)
    rows, at = _ranges((np.cumsum(n_targets) - n_targets)[labels], n_targets[labels])
    return rows, targets[at]


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of many ranges one after the other, and which range each is of."""
    rows = np.repeat(np.arange(len(starts)), lengths)
    before = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) + (starts - before)[rows]


def average_precisions(y_true: TrueBoxes, y_pred: Detections) -> np.ndarray:
    """The average precision of each class, (n_classes,), nan for classes without a true box.

    The rules are those of `mean_average_precision_score`.
    """
    _check(y_true, y_pred)
    n_true = np.bincount(y_true.label, minlength=y_true.n_classes)
    label, hit = _judged(y_true, y_pred)
    order = np.argsort(label.astype(np.int16 if y_true.n_classes < 2**15 else int), kind="stable")
    label, hit = label[order], hit[order]
    # precision falls between two hits, so its envelope is known from the hits alone
    at = np.flatnonzero(hit)
    classes, first = np.unique(label[at], return_index=True)
    starts = np.searchsorted(label, classes)
    precisions = np.where(n_true > 0, 0.0, np.nan)
    for c, start, hits in zip(classes, starts, np.split(at, first[1:]), strict=False):
        precision = np.arange(1, len(hits) + 1) / (hits - start + 1)
        envelope = np.maximum.accumulate(precision[::-1])
        precisions[c] = envelope.sum() / n_true[c]
    return precisions


def mean_average_precision_score(y_true: TrueBoxes, y_pred: Detections) -> float:
    """The mean over classes of the area under precision and recall at an overlap of 0.5, [0, 1].

    A detection looks at the one true box of its image and class that it overlaps most
    (intersection over union). From 0.5 on it finds the box, if no surer detection has found it.
    All others that lie in a group's box with half of their own area or more are one hit together,
    with the highest of their scores; what is left is wrong. The area is exact: the sum over hits
    of the highest precision from there on, over the number of true boxes, groups among them.

    Args:
        y_true: what is known of the images, after `expanded` where classes lie under others.
        y_pred: the detections; they are not expanded here, as the host does not do it.

    Edge cases: detections of a class that was neither looked for nor boxed in the image, and those
    without area, vanish; of one image and class the 10,000 surest count; a detection whose best
    box is taken does not try the second-best; a group's hit needs a score over 0; of two boxes
    that overlap equally the first is looked at, of two equal scores the first detection comes
    first; a class with true boxes and no detections counts 0, one without true boxes is left out;
    no true boxes at all, unequal lengths and numbers that are not finite raise MetricError.

    Source: https://storage.googleapis.com/openimages/web/evaluation.html

    >>> box = np.array([[0.0, 0.0, 1.0, 1.0]])
    >>> one, yes = np.array([0]), np.array([True])
    >>> truth = TrueBoxes(1, one, one, box, ~yes, one, one, yes)
    >>> half = np.array([[0.0, 0.0, 1.0, 0.5]])
    >>> mean_average_precision_score(truth, Detections(one, one, np.array([0.9]), half))
    1.0
    """
    precisions = average_precisions(y_true, y_pred)
    return float(np.mean(precisions[~np.isnan(precisions)]))


open_images_map = Metric(
    "mAP@0.5", higher_is_better=True, score=mean_average_precision_score, best=1.0
)


def _judged(y_true: TrueBoxes, y_pred: Detections) -> tuple[np.ndarray, np.ndarray]:
    """The detections that count, the surest first: their classes, and which are hits."""
    keys = y_pred.image.astype(np.int64) * y_true.n_classes + y_pred.label
    rows = _surest_first(_counted(y_true, y_pred, keys), y_pred.score)
    by_key = np.argsort(keys[rows], kind="stable")
    grouped = rows[by_key]
    hit, void = np.zeros(len(rows), dtype=bool), _over_limit(keys[grouped])
    _find_singles(y_true, y_pred, keys, grouped, hit, void)
    _find_groups(y_true, y_pred, keys, grouped, hit, void)
    hit_by_score, void_by_score = np.empty_like(hit), np.empty_like(void)
    hit_by_score[by_key], void_by_score[by_key] = hit, void
    return y_pred.label[rows[~void_by_score]], hit_by_score[~void_by_score]


def _surest_first(rows: np.ndarray, score: np.ndarray) -> np.ndarray:
    return rows[np.argsort(-score[rows], kind="stable")]


def _counted(y_true: TrueBoxes, y_pred: Detections, keys: np.ndarray) -> np.ndarray:
    """The rows of detections with an area, of classes that are known in their image."""
    known = np.concatenate(
        [
            y_true.image.astype(np.int64) * y_true.n_classes + y_true.label,
            y_true.verified_image.astype(np.int64) * y_true.n_classes + y_true.verified_label,
        ]
    )
    known.sort()
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    box = y_pred.box
    return np.flatnonzero((known[at] == keys) & (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3]))


def _over_limit(keys: np.ndarray) -> np.ndarray:
    """Which of the sorted keys come after the first 10,000 of their kind."""
    over = np.zeros(len(keys), dtype=bool)
    over[MAX_DETECTIONS:] = keys[MAX_DETECTIONS:] == keys[:-MAX_DETECTIONS]
    return over


def _find_singles(
    y_true: TrueBoxes,
    y_pred: Detections,
    keys: np.ndarray,
    grouped: np.ndarray,
    hit: np.ndarray,
    void: np.ndarray,
) -> None:
    """Marks in `hit` the detections that find a box around one instance."""
    boxes, box_keys = _sorted_boxes(y_true, ~y_true.group)
    at = np.flatnonzero(~void)
    near, which = _best(y_pred.box, keys, grouped[at], boxes, box_keys, intersection_over_union)
    hit[at[near][_first_of_each(which, len(boxes))]] = True


def _find_groups(
    y_true: TrueBoxes,
    y_pred: Detections,
    keys: np.ndarray,
    grouped: np.ndarray,
    hit: np.ndarray,
    void: np.ndarray,
) -> None:
    """Marks in `hit` the surest detection in each group's box, and in `void` the others there."""
    boxes, box_keys = _sorted_boxes(y_true, y_true.group)
    at = np.flatnonzero(~void & ~hit)
    near, which = _best(y_pred.box, keys, grouped[at], boxes, box_keys, intersection_over_own)
    inside = at[near]
    surest = inside[_first_of_each(which, len(boxes))]
    surest = surest[y_pred.score[grouped[surest]] > 0]
    void[inside] = True
    void[surest], hit[surest] = False, True


def _sorted_boxes(y_true: TrueBoxes, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some true boxes by image and class, else in their order, and their keys."""
    rows = np.flatnonzero(chosen)
    keys = y_true.image[rows].astype(np.int64) * y_true.n_classes + y_true.label[rows]
    order = np.argsort(keys, kind="stable")
    return y_true.box[rows[order]], keys[order]


def _first_of_each(values: np.ndarray, n_values: int) -> np.ndarray:
    """The positions at which each value stands for the first time."""
    first = np.full(n_values, -1)
    first[values[::-1]] = np.arange(len(values))[::-1]  # the last one written stays
    return first[first >= 0]


def _best(
    box: np.ndarray,
    keys: np.ndarray,
    rows: np.ndarray,
    boxes: np.ndarray,
    box_keys: np.ndarray,
    overlap: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows overlap their best box enough, by position in `rows`, and that box's position.

    Only boxes of the row's own key are looked at; `box_keys` are sorted.
    """
    low = np.searchsorted(box_keys, keys[rows], side="left")
    n_boxes = np.searchsorted(box_keys, keys[rows], side="right") - low
    near, which = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for part in _parts(n_boxes):
        of, candidate = _ranges(low[part], n_boxes[part])
        value = overlap(box[rows[part][of]], boxes[candidate])
        starts = np.cumsum(n_boxes[part]) - n_boxes[part]
        best = np.maximum.reduceat(value, starts)
        is_best = np.flatnonzero((value == best[of]) & (value >= MIN_OVERLAP))
        is_first = np.diff(of[is_best], prepend=-1) > 0
        near.append(part[of[is_best[is_first]]])
        which.append(candidate[is_best[is_first]])
    return np.concatenate(near), np.concatenate(which)


def _parts(n_boxes: np.ndarray) -> Iterator[np.ndarray]:
    """The positions with any box to look at, in parts of about as many pairs."""
    some = np.flatnonzero(n_boxes)
    if len(some):
        part = np.cumsum(n_boxes[some]) // _N_PAIRS
        yield from np.split(some, np.flatnonzero(np.diff(part)) + 1)


def _check(y_true: TrueBoxes, y_pred: Detections) -> None:
    """Raises MetricError for arrays that do not fit together or hold no numbers."""
    _check_columns("y_true", (y_true.image, y_true.label, y_true.group), y_true.box)
    pairs = (y_true.verified_image, y_true.verified_label, y_true.present)
    if len({len(column) for column in pairs}) > 1:
        raise MetricError("the verified pairs of y_true have unequal lengths; expected one")
    _check_columns("y_pred", (y_pred.image, y_pred.label, y_pred.score), y_pred.box)
    for name, label in (
        ("y_true", y_true.label),
        ("y_true", y_true.verified_label),
        ("y_pred", y_pred.label),
    ):
        if len(label) and not 0 <= label.min() <= label.max() < y_true.n_classes:
            raise MetricError(
                f"{name} has classes from {label.min()} to {label.max()}; expected 0 to "
                f"{y_true.n_classes - 1}"
            )
    if not (np.isfinite(y_true.box).all() and np.isfinite(y_pred.box).all()):
        raise MetricError("a box is not finite; expected four numbers each")
    if not np.isfinite(y_pred.score).all():
        raise MetricError("a score is not finite; expected a number each")
    if len(y_true.label) == 0:
        raise MetricError("there are no true boxes, so no class can be scored; expected one")


def _check_columns(name: str, columns: tuple[np.ndarray, ...], box: np.ndarray) -> None:
    if {column.shape for column in columns} != {(len(box),)} or box.shape[1:] != (4,):
        shapes = ", ".join(str(column.shape) for column in (*columns, box))
        raise MetricError(f"{name} has columns of the shapes {shapes}; expected (n,) and (n, 4)")
