"""Open Images' mean average precision: 20,000 images, 500 classes, 400,000 detections."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.runner import Case, Function
from common.metrics.detection import Detections, TrueBoxes, mean_average_precision_score

N_IMAGES = 20_000
N_CLASSES = 500
N_BOXES, N_DETECTIONS = 160_000, 400_000
MIN_OVERLAP = 0.5


def cases(work: Path) -> list[Case]:
    """Arrays in memory on both sides; the classes are leaves, nothing is expanded."""
    truth, given = _data()

    def close(ours: float, theirs: float) -> bool:
        return math.isclose(ours, theirs, abs_tol=1e-9)

    return [
        Case(
            "open_images_map",
            Function(lambda: mean_average_precision_score(truth, given)),
            {"per-class Python": Function(lambda: per_class(truth, given))},
            equal=close,
        )
    ]


def per_class(truth: TrueBoxes, given: Detections) -> float:
    """The score class after class, image after image, as evaluators are usually written."""
    precisions = []
    for label in np.unique(truth.label):
        boxes = _by_image(truth.image, np.flatnonzero(truth.label == label))
        found = _by_image(given.image, np.flatnonzero(given.label == label))
        known = set(truth.verified_image[truth.verified_label == label].tolist()) | set(boxes)
        scores, hits = [], []
        for image in known & set(found):
            rows = found[image][np.argsort(-given.score[found[image]], kind="stable")]
            score, hit = _in_image(truth, given, rows, boxes.get(image, np.empty(0, dtype=int)))
            scores.append(score)
            hits.append(hit)
        n_true = sum(map(len, boxes.values()))
        precisions.append(_area(np.concatenate(scores), np.concatenate(hits), n_true))
    return float(np.mean(precisions))


def _by_image(images: np.ndarray, rows: np.ndarray) -> dict[int, np.ndarray]:
    """Rows by their image."""
    lists: dict[int, list[int]] = {}
    for row, image in zip(rows.tolist(), images[rows].tolist(), strict=True):
        lists.setdefault(image, []).append(row)
    return {image: np.array(own) for image, own in lists.items()}


def _in_image(
    truth: TrueBoxes, given: Detections, rows: np.ndarray, boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The scores of one image's detections of one class that count, and which are hits."""
    hit, void = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    singles, groups = boxes[~truth.group[boxes]], boxes[truth.group[boxes]]
    if len(singles):
        overlap = _overlaps(given.box[rows], truth.box[singles], own=False)
        best = overlap.argmax(axis=1)
        taken = np.zeros(len(singles), dtype=bool)
        for place, box in enumerate(best):
            if overlap[place, box] >= MIN_OVERLAP and not taken[box]:
                hit[place] = taken[box] = True
    if len(groups):
        overlap = _overlaps(given.box[rows], truth.box[groups], own=True)
        best, taken = overlap.argmax(axis=1), np.zeros(len(groups), dtype=bool)
        for place, box in enumerate(best):
            if not hit[place] and overlap[place, box] >= MIN_OVERLAP:
                hit[place], void[place] = not taken[box], taken[box]
                taken[box] = True
    return given.score[rows[~void]], hit[~void]


def _overlaps(first: np.ndarray, second: np.ndarray, *, own: bool) -> np.ndarray:
    """Intersection over union, or over the first box's own area, (n_first, n_second)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0.0), axis=2)
    area_first, area_second = (np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (first, second))
    whole = area_first[:, None] + (0.0 if own else area_second[None] - both)
    return np.asarray(both / whole)


def _area(scores: np.ndarray, hits: np.ndarray, n_true: int) -> float:
    """The exact area under the envelope of precision over recall."""
    hits = hits[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[hits].sum() / n_true)


def _data() -> tuple[TrueBoxes, Detections]:
    """Boxes of frequent and rare classes; half of the detections lie near a true box."""
    own = np.random.default_rng(0)
    share = 1 / np.arange(1, N_CLASSES + 1)
    share /= share.sum()
    n_rest = N_BOXES - N_CLASSES  # every class has a box
    label = np.concatenate([np.arange(N_CLASSES), own.choice(N_CLASSES, n_rest, p=share)])
    image = own.integers(0, N_IMAGES, N_BOXES)
    box = _boxes(own, N_BOXES)
    none_image = own.integers(0, N_IMAGES, N_BOXES // 2)  # looked for and mostly not there
    none_label = own.choice(N_CLASSES, len(none_image), p=share)
    verified_image, verified_label = np.append(image, none_image), np.append(label, none_label)
    present = np.arange(len(verified_image)) < N_BOXES
    group = own.random(N_BOXES) < 0.06
    truth = TrueBoxes(N_CLASSES, image, label, box, group, verified_image, verified_label, present)
    near = own.integers(0, N_BOXES, N_DETECTIONS // 2)
    at = own.integers(0, len(verified_image), N_DETECTIONS - len(near))
    moved = box[near] + own.normal(0, 0.02, (len(near), 4))
    moved = np.concatenate([np.minimum(moved[:, :2], moved[:, 2:] - 0.01), moved[:, 2:]], axis=1)
    return truth, Detections(
        np.append(image[near], verified_image[at]),
        np.append(label[near], verified_label[at]),
        own.permutation(N_DETECTIONS) / N_DETECTIONS + 1e-6,  # no two are equal
        np.concatenate([moved, _boxes(own, len(at))]),
    )


def _boxes(own: np.random.Generator, n: int) -> np.ndarray:
    low = own.random((n, 2)) * 0.7
    return np.concatenate([low, low + 0.05 + own.random((n, 2)) * 0.25], axis=1)
