"""Mean average precision of boxes against a slow reading of the rules, on random images."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from common.metrics import detection, open_images_map
from common.metrics.class_tree import ClassTree
from common.metrics.detection import average_precisions, expanded, mean_average_precision_score
from tests.metrics.boxes import UNIT, Found, Pair, TrueRow, found_of, truth_of


def slow_expanded(
    rows: list[TrueRow], pairs: list[Pair], above: dict[int, set[int]]
) -> tuple[list[TrueRow], list[Pair]]:
    below = {c: {child for child in above if c in above[child]} for c in above}
    boxes = [(i, a, box, g) for i, c, box, g in rows for a in [c, *sorted(above[c])]]
    labels = []
    for image, c, present in pairs:
        for other in [c, *sorted(above[c] if present else below[c])]:
            labels.append((image, other, present))
    return boxes, labels


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    width = max(0.0, min(first[2], second[2]) - max(first[0], second[0]))
    return width * max(0.0, min(first[3], second[3]) - max(first[1], second[1]))


def size(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def iou(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    both = overlap(first, second)
    whole = size(first) + size(second) - both
    return both / whole if whole > 0 else 0.0


def slow_image(
    boxes: list[tuple[tuple[float, ...], bool]],
    found: list[tuple[float, int, tuple[float, ...]]],
    limit: int,
) -> list[tuple[float, int, bool]]:
    """One image, one class: (score, position in the file, hit) of all that count."""
    singles = [box for box, group in boxes if not group]
    groups = [box for box, group in boxes if group]
    taken: set[int] = set()
    absorbed: dict[int, list[tuple[float, int]]] = {}
    judged = []
    for value, position, box in sorted(found, key=lambda row: (-row[0], row[1]))[:limit]:
        overlaps = [iou(box, single) for single in singles]
        best = overlaps.index(max(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= 0.5 and best not in taken:
            taken.add(best)
            judged.append((value, position, True))
            continue
        shares = [overlap(box, group) / size(box) for group in groups]
        best = shares.index(max(shares)) if shares else -1
        if best >= 0 and shares[best] >= 0.5:
            absorbed.setdefault(best, []).append((value, position))
        else:
            judged.append((value, position, False))
    for inside in absorbed.values():
        value, position = inside[0]
        if value > 0:
            judged.append((value, position, True))
    return judged


def slow_area(judged: list[tuple[float, int, bool]], n_true: int) -> float:
    precisions, recalls, hits = [0.0], [0.0], 0
    for rank, (_, _, hit) in enumerate(sorted(judged, key=lambda row: (-row[0], row[1])), 1):
        hits += hit
        precisions.append(hits / rank)
        recalls.append(hits / n_true)
    for k in range(len(precisions) - 2, -1, -1):
        precisions[k] = max(precisions[k], precisions[k + 1])
    steps = zip(pairwise(recalls), precisions[1:], strict=True)
    return sum((after - before) * precision for (before, after), precision in steps)


def slow_score(
    n_classes: int, rows: list[TrueRow], pairs: list[Pair], found: list[Found], limit: int = 10_000
) -> list[float]:
    known = {(i, c) for i, c, _ in pairs} | {(i, c) for i, c, _, _ in rows}
    areas = []
    for c in range(n_classes):
        n_true = sum(row[1] == c for row in rows)
        judged: list[tuple[float, int, bool]] = []
        for image in sorted({i for i, _ in known}):
            if (image, c) not in known:
                continue
            boxes = [(box, group) for i, k, box, group in rows if (i, k) == (image, c)]
            seen = [
                (value, position, box)
                for position, (i, k, value, box) in enumerate(found)
                if (i, k) == (image, c) and box[0] < box[2] and box[1] < box[3]
            ]
            judged += slow_image(boxes, seen, limit)
        areas.append(slow_area(judged, n_true) if n_true else math.nan)
    return areas


def tree_of(above: dict[int, set[int]]) -> ClassTree:
    ancestors = np.zeros((len(above), len(above)), dtype=bool)
    for c, over in above.items():
        ancestors[c, list(over)] = True
    return ClassTree(tuple(str(c) for c in above), ancestors)


SHAPES: dict[str, dict[int, set[int]]] = {
    "flat": {0: set(), 1: set(), 2: set()},
    "chain": {0: set(), 1: {0}, 2: {0, 1}},
    "two levels": {0: set(), 1: {0}, 2: {0}, 3: set(), 4: {3}},
    "two parents": {0: set(), 1: set(), 2: {0, 1}, 3: {0, 1, 2}},
    "one": {0: set()},
}


def random_case(seed: int, n_classes: int) -> tuple[list[TrueRow], list[Pair], list[Found]]:
    """A few images on a coarse grid: equal overlaps, equal scores, copies and empty boxes occur."""
    generator = np.random.default_rng(seed)
    n_images = int(generator.integers(1, 5))

    def box(low: int) -> tuple[float, ...]:
        x, y = generator.integers(0, 4, 2)
        width, height = generator.integers(low, 4, 2)
        return (x / 8, y / 8, (x + width) / 8, (y + height) / 8)

    def of() -> tuple[int, int]:
        return int(generator.integers(n_images)), int(generator.integers(n_classes))

    rows = [
        (*of(), box(0), bool(generator.random() < 0.3)) for _ in range(generator.integers(1, 9))
    ]
    pairs = [(*of(), bool(generator.random() < 0.5)) for _ in range(generator.integers(0, 7))]
    found: list[Found] = []
    for _ in range(generator.integers(0, 40)):
        if rows and generator.random() < 0.6:
            image, c, near, _ = rows[generator.integers(len(rows))]
            shown = near if generator.random() < 0.5 else box(0)
            found.append((image, c, generator.integers(0, 6) / 5, shown))
        else:
            found.append((*of(), generator.integers(0, 6) / 5, box(0)))
    return rows, pairs, found


# ---- the metric against it ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("block", range(4))
def test_all_classes_agree_with_the_slow_reading(shape: str, block: int) -> None:
    above = SHAPES[shape]
    for seed in range(block * 60, block * 60 + 60):
        rows, pairs, found = random_case(seed, len(above))
        boxes, labels = slow_expanded(rows, pairs, above)
        expected = slow_score(len(above), boxes, labels, found)
        truth = expanded(truth_of(len(above), rows, pairs), tree_of(above))
        result = average_precisions(truth, found_of(found))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12, err_msg=str(seed))
        mean = mean_average_precision_score(y_true=truth, y_pred=found_of(found))
        assert mean == pytest.approx(np.nanmean(expected), abs=1e-12)


def assert_agreement(n_classes: int, limit: int = 10_000) -> None:
    for seed in range(40):
        rows, pairs, found = random_case(seed, n_classes)
        expected = slow_score(n_classes, rows, pairs, found, limit)
        result = average_precisions(truth_of(n_classes, rows, pairs), found_of(found))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12, err_msg=str(seed))


@pytest.mark.parametrize("pairs_at_a_time", [1, 3])
def test_boxes_compared_in_small_parts_give_the_same(
    pairs_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_N_PAIRS", pairs_at_a_time)
    assert_agreement(n_classes=3)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_only_the_surest_of_an_image_and_class_count(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "MAX_DETECTIONS", limit)
    assert_agreement(n_classes=2, limit=limit)


# ---- what holds for any image --------------------------------------------------------------------


def test_a_perfect_prediction_gives_the_best_value() -> None:
    for seed in range(20):
        rows, pairs, _ = random_case(seed, 3)
        rows = [row for row in rows if size(row[2]) > 0] or [(0, 0, UNIT, False)]
        rows = list({row[:3]: row for row in rows}.values())  # two true boxes in one place share
        found: list[Found] = [(i, c, 1.0, box) for i, c, box, _ in rows]
        truth = truth_of(3, [(i, c, box, False) for i, c, box, _ in rows], pairs)
        assert mean_average_precision_score(truth, found_of(found)) == open_images_map.best == 1.0


def test_the_order_of_rows_does_not_matter_where_no_scores_are_equal() -> None:
    generator = np.random.default_rng(7)
    for seed in range(30):
        rows, pairs, found = random_case(seed, 3)
        rows = list({row[:2]: row for row in rows}.values())  # no two boxes overlap equally
        found = [(i, c, generator.random(), box) for i, c, _, box in found]
        plain = mean_average_precision_score(truth_of(3, rows, pairs), found_of(found))
        order = generator.permutation(len(found))
        shuffled = found_of([found[k] for k in order])
        turned = truth_of(3, rows[::-1], pairs[::-1])
        assert mean_average_precision_score(turned, shuffled) == pytest.approx(plain, abs=1e-15)


def test_scores_count_by_their_order_only() -> None:
    for seed in range(20):
        rows, pairs, found = random_case(seed, 2)
        truth, given = truth_of(2, rows, pairs), found_of(found)
        given = replace(given, score=given.score + 1)
        raised = replace(given, score=given.score * 1000)
        assert mean_average_precision_score(truth, given) == mean_average_precision_score(
            truth, raised
        )
