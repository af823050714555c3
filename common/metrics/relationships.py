"""Visual relationships: triplets of subject, object and relation with two boxes, over images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import MetricError
from common.metrics.base import Metric, check_vectors

SUBJECT, OBJECT, RELATION = range(3)  # columns of `Relations.labels`
MIN_OVERLAP = 0.5
RECALL_AT = 50
WEIGHTS = (0.4, 0.2, 0.4)  # of the terms of `RelationshipTerms`
_SIZE = 12  # tokens of a triplet

Overlap = Callable[[np.ndarray, np.ndarray], np.ndarray]  # two (n, 2, 4) -> (n,)


@dataclass(frozen=True)
class Relations:
    """Triplets in any number of images.

    Args:
        images: (n,), the image's number.
        labels: (n, 3), numbers from 0 of subject, object and relation.
        boxes: (n, 2, 4), float32, of subject and object: x min, y min, x max, y max.
        scores: (n,), float64; those of the truth are not looked at.
    """

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> Relations:
        """Some of the triplets, by position or by mask."""
        return Relations(self.images[rows], self.labels[rows], self.boxes[rows], self.scores[rows])


@dataclass(frozen=True, eq=False)
class RelationshipTerms:
    """What the score is made of.

    Args:
        recall_at_50: in [0, 1].
        relations: (n,), the numbers of the relations that the truth holds, as they rise.
        counts: (n,), how many true triplets each has.
        precisions: (n, 2), each one's average precision over relations and over phrases.
    """

    recall_at_50: float
    relations: np.ndarray
    counts: np.ndarray
    precisions: np.ndarray

    @property
    def map_relation(self) -> float:
        return float(np.mean(self.precisions[:, 0]))

    @property
    def map_phrase(self) -> float:
        return float(np.mean(self.precisions[:, 1]))

    @property
    def score(self) -> float:
        terms = (self.map_relation, self.recall_at_50, self.map_phrase)
        return float(sum(weight * term for weight, term in zip(WEIGHTS, terms, strict=True)))


def relationship_terms(
    truth: Relations, verified: np.ndarray, predicted: Relations
) -> RelationshipTerms:
    """The three terms of the score, and the average precisions of each relation.

    Args:
        verified: (n, 2), image and label of each class that people looked for, present or not.

    Edge cases: see `relationship_score`.
    """
    if len(truth) == 0:
        raise MetricError("the truth holds no triplet; expected at least one")
    kept = predicted.take(_is_evaluated(truth, verified, predicted))
    # best first; equal scores stay in the order of images, and of triplets in an image
    kept = kept.take(np.lexsort((np.arange(len(kept)), kept.images, -kept.scores)))
    by_relation = _hits(truth, kept, _smaller_overlap)
    by_phrase = _hits(truth, kept, _enclosing_overlap)
    relations, counts = np.unique(truth.labels[:, RELATION], return_counts=True)
    of_relation = [kept.labels[:, RELATION] == relation for relation in relations]
    precisions = [
        [_average_precision(hits[rows], int(count)) for hits in (by_relation, by_phrase)]
        for rows, count in zip(of_relation, counts, strict=True)
    ]
    return RelationshipTerms(
        recall_at_50=float(by_relation[_ranks(kept.images) < RECALL_AT].sum() / len(truth)),
        relations=relations,
        counts=counts,
        precisions=np.array(precisions),
    )


def _is_evaluated(truth: Relations, verified: np.ndarray, predicted: Relations) -> np.ndarray:
    """Which predictions count: both classes are known in the image, or one is known to be absent.

    A class that was verified and is part of no triplet counts as absent, present or not.
    """
    labels = [array.reshape(-1) for array in (truth.labels, predicted.labels, verified[:, 1])]
    n_labels = 1 + max((int(array.max()) for array in labels if len(array)), default=0)
    used = (truth.images[:, None] * n_labels + truth.labels[:, :RELATION]).reshape(-1)
    looked_for = verified[:, 0] * n_labels + verified[:, 1]
    asked = predicted.images[:, None] * n_labels + predicted.labels[:, :RELATION]
    known = np.isin(asked, np.union1d(used, looked_for))
    absent = np.isin(asked, np.setdiff1d(looked_for, used))
    return np.asarray(known.all(axis=1) | absent.any(axis=1))


def _hits(truth: Relations, predicted: Relations, overlap: Overlap) -> np.ndarray:
    """Which predictions, given best first, hit a triplet of their image, classes and relation.

    Each looks only at the triplet that it overlaps most, and the first of them has it.
    """
    keys = np.column_stack([truth.images, truth.labels])
    asked = np.column_stack([predicted.images, predicted.labels])
    _, group = np.unique(np.concatenate([keys, asked]), axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group[: len(truth)], kind="stable")
    groups, own = group[: len(truth)][order], group[len(truth) :]
    start = np.searchsorted(groups, own, side="left")
    count = np.searchsorted(groups, own, side="right") - start
    asking = np.flatnonzero(count)
    hits = np.zeros(len(predicted), dtype=bool)
    if len(asking) == 0:
        return hits
    start, count = start[asking], count[asking]
    first = np.cumsum(count) - count  # of each prediction's pairs
    pairs = order[np.arange(count.sum()) + np.repeat(start - first, count)]
    shares = overlap(predicted.boxes[np.repeat(asking, count)], truth.boxes[pairs])
    shares[np.isnan(shares)] = np.inf  # taken for the largest, and no match
    best = np.maximum.reduceat(shares, first)
    is_best = np.flatnonzero(shares == np.repeat(best, count))
    match = pairs[is_best[np.searchsorted(is_best, first)]]
    enough = (best >= MIN_OVERLAP) & np.isfinite(best)
    _, winners = np.unique(match[enough], return_index=True)
    hits[asking[enough][winners]] = True
    return hits


def _smaller_overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smaller of the two boxes' intersection over union."""
    share: np.ndarray = np.minimum(_iou(one[:, 0], other[:, 0]), _iou(one[:, 1], other[:, 1]))
    return share


def _enclosing_overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The intersection over union of the boxes round both boxes."""
    return _iou(_enclosing(one), _enclosing(other))


def _enclosing(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :, :2].min(axis=1), boxes[:, :, 2:].max(axis=1)], axis=1)


def _iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row by row, (n, 4) each; nan where both boxes are without area.

    The steps and their precision are those of the host's evaluator: it decides at exactly 0.5.
    """
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    widths = np.maximum(sides, 0.0).astype(np.float64)
    shared = widths[:, 0] * widths[:, 1]
    areas = [(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (one, other)]
    with np.errstate(divide="ignore", invalid="ignore"):
        share: np.ndarray = shared / ((areas[0] + areas[1]) - shared)
    return share


def _average_precision(hits: np.ndarray, n_truth: int) -> float:
    """The area under precision over recall, precision made falling: VOC 2010, all points."""
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[hits].sum() / n_truth)


def _ranks(groups: np.ndarray) -> np.ndarray:
    """Each row's position, from 0, among the rows of its group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - starts
    return ranks


def relationship_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """0.4 mAP of relations + 0.2 recall at 50 + 0.4 mAP of phrases, in [0, 1].

    Args:
        y_true: (n_images,), text: triplets in the form of the submission, whose scores are not
            looked at; after a `|` the labels that people looked for in the image.
        y_pred: (n_images,), text: groups of twelve, `score label1 x1 y1 x2 y2 label2 x1 y1 x2 y2
            relation`, x1 < x2, y1 < y2.

    Edge cases: relations without truth are left out, those without predictions count 0; a triplet
    with a class that nobody looked for is passed over, unless its other class is known to be
    absent; a prediction whose best triplet is taken is wrong; equal scores stay in their order; two
    boxes without area have no overlap, and spoil their prediction; no triplet in the truth raises
    MetricError.

    Source: https://storage.googleapis.com/openimages/web/evaluation.html

    >>> truth = "1 Dog .0 .0 .5 1 Car .2 .2 .9 .9 inside_of | Dog Car"
    >>> relationship_score(y_true=np.array([truth]), y_pred=np.array([truth.split(" |")[0]]))
    1.0
    """
    check_vectors(y_true, y_pred)
    codes: dict[str, int] = {}
    triplets, _, verified = zip(*(str(cell).partition("|") for cell in y_true), strict=True)
    truth, predicted = _parsed(triplets, codes), _parsed([str(cell) for cell in y_pred], codes)
    pairs = [
        (image, codes.setdefault(label, len(codes)))
        for image, labels in enumerate(verified)
        for label in labels.split()
    ]
    looked_for = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return relationship_terms(truth, looked_for, predicted).score


def _parsed(cells: Sequence[str], codes: dict[str, int]) -> Relations:
    """The triplets of one cell per image; new labels are entered into `codes`."""
    rows = list(_groups(cells))
    labels = [[codes.setdefault(group[k], len(codes)) for k in (1, 6, 11)] for _, group in rows]
    numbers = [[float(group[k]) for k in (0, 2, 3, 4, 5, 7, 8, 9, 10)] for _, group in rows]
    table = np.array(numbers, dtype=np.float64).reshape(-1, 9)
    return Relations(
        images=np.array([image for image, _ in rows], dtype=np.int64),
        labels=np.array(labels, dtype=np.int64).reshape(-1, 3),
        boxes=table[:, 1:].astype(np.float32).reshape(-1, 2, 4),
        scores=table[:, 0],
    )


def _groups(cells: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for image, cell in enumerate(cells):
        tokens = cell.split()
        if len(tokens) % _SIZE:
            raise MetricError(f"a cell has {len(tokens)} tokens; expected a multiple of {_SIZE}")
        for at in range(0, len(tokens), _SIZE):
            yield image, tokens[at : at + _SIZE]


relationship_mix = Metric(
    "0.4 mAP of relations + 0.2 recall@50 + 0.4 mAP of phrases",
    higher_is_better=True,
    score=relationship_score,
    best=1.0,
)
