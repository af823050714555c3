"""Mean average precision of boxes, against a slow reading of the rules and numbers by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from common.errors import DataError, MetricError
from common.metrics import detection, open_images_map
from common.metrics.class_tree import ClassTree, class_tree
from common.metrics.detection import (
    Detections,
    TrueBoxes,
    average_precisions,
    expanded,
    mean_average_precision_score,
)

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


def score(truth: list[TrueRow], found: list[Found], pairs: list[Pair] | None = None) -> float:
    """The score where all classes are 0."""
    return mean_average_precision_score(y_true=truth_of(1, truth, pairs), y_pred=found_of(found))


# ---- the slow reading -------------------------------------------------------------------------


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


@pytest.mark.parametrize("pairs_at_a_time", [1, 3])
def test_boxes_compared_in_small_parts_give_the_same(
    pairs_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_N_PAIRS", pairs_at_a_time)
    for seed in range(40):
        rows, pairs, found = random_case(seed, 3)
        expected = slow_score(3, rows, pairs, found)
        result = average_precisions(truth_of(3, rows, pairs), found_of(found))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_only_the_surest_of_an_image_and_class_count(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "MAX_DETECTIONS", limit)
    for seed in range(40):
        rows, pairs, found = random_case(seed, 2)
        expected = slow_score(2, rows, pairs, found, limit)
        result = average_precisions(truth_of(2, rows, pairs), found_of(found))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def test_the_limit_is_ten_thousand() -> None:
    assert detection.MAX_DETECTIONS == 10_000


# ---- numbers by hand --------------------------------------------------------------------------

FAMILY_TRUTH: list[TrueRow] = [
    (0, A, (0.1, 0.1, 0.5, 0.5), False),
    (1, A, UNIT, True),
    (2, B, (0.2, 0.2, 0.6, 0.6), False),
]
FAMILY_PAIRS: list[Pair] = [(0, A, True), (0, B, False), (1, A, True), (2, B, True)]
FAMILY_FOUND: list[Found] = [
    (0, A, 0.9, (0.1, 0.1, 0.5, 0.5)),
    (0, A, 0.8, (0.1, 0.1, 0.5, 0.5)),
    (0, B, 0.7, (0.0, 0.0, 0.3, 0.3)),
    (1, A, 0.6, (0.0, 0.0, 0.3, 0.3)),
    (1, A, 0.95, (0.5, 0.5, 0.8, 0.8)),
    (1, B, 0.99, (0.0, 0.0, 0.5, 0.5)),
    (2, B, 0.5, (0.2, 0.2, 0.6, 0.6)),
]


def test_the_family_by_hand() -> None:
    # A: .95 (the group) and .9 are hits, the copy at .8 comes after both: 1
    # B: .7 is wrong, as B was looked for in image 0; .99 vanishes, as it was not in image 1; .5 is
    # a hit at rank 2: 1/2. P has two true boxes by expansion and no detection: 0. Mean 1/2.
    truth = expanded(truth_of(3, FAMILY_TRUTH, FAMILY_PAIRS), class_tree(FAMILY))
    found = found_of(FAMILY_FOUND)
    assert average_precisions(truth, found).tolist() == [0.0, 1.0, 0.5]
    assert open_images_map.score(y_true=truth, y_pred=found) == 0.5


def test_the_family_with_every_detection_repeated_for_the_parent() -> None:
    # P now has A's detections and A's boxes: 1; (1 + 1/2 + 1) / 3
    truth = expanded(truth_of(3, FAMILY_TRUTH, FAMILY_PAIRS), class_tree(FAMILY))
    repeated = [(i, P, value, box) for i, c, value, box in FAMILY_FOUND if c == A]
    score_ = mean_average_precision_score(truth, found_of(FAMILY_FOUND + repeated))
    assert score_ == pytest.approx(2.5 / 3, abs=1e-15)


def test_the_family_without_expansion_would_leave_the_parent_out() -> None:
    # no true box of P: the mean is over A and B alone, (1 + 1/2) / 2
    truth = truth_of(3, FAMILY_TRUTH, FAMILY_PAIRS)
    assert mean_average_precision_score(truth, found_of(FAMILY_FOUND)) == 0.75


def test_precision_is_lifted_to_the_highest_that_follows() -> None:
    # hit, miss, hit, hit of 4 true boxes: precisions 1, 1/2, 2/3, 3/4, lifted 1, 3/4, 3/4, 3/4;
    # (1 + 3/4 + 3/4) / 4
    truth = [(image, 0, UNIT, False) for image in range(4)]
    far = (2.0, 2.0, 3.0, 3.0)
    found = [(0, 0, 0.9, UNIT), (0, 0, 0.8, far), (1, 0, 0.7, UNIT), (2, 0, 0.6, UNIT)]
    assert score(truth, found) == pytest.approx(0.625, abs=1e-15)


def test_a_perfect_prediction_gives_the_best_value() -> None:
    for seed in range(20):
        rows, pairs, _ = random_case(seed, 3)
        rows = [row for row in rows if size(row[2]) > 0] or [(0, 0, UNIT, False)]
        rows = list({row[:3]: row for row in rows}.values())  # two true boxes in one place share
        found: list[Found] = [(i, c, 1.0, box) for i, c, box, _ in rows]
        truth = truth_of(3, [(i, c, box, False) for i, c, box, _ in rows], pairs)
        assert mean_average_precision_score(truth, found_of(found)) == open_images_map.best == 1.0


# ---- edge cases by name -----------------------------------------------------------------------


def test_half_an_overlap_is_enough() -> None:
    # the lower half of the unit box: intersection 1/2, union 1
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.5, (0.0, 0.0, 1.0, 0.5))]) == 1.0


def test_less_than_half_an_overlap_is_wrong() -> None:
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.5, (0.0, 0.0, 1.0, 0.4999))]) == 0.0


def test_half_of_a_detection_in_a_group_is_enough() -> None:
    # half of the detection lies in the group's box; as a single its overlap would be 1/3
    beside = (0.5, 0.0, 1.5, 1.0)
    assert score([(0, 0, UNIT, True)], [(0, 0, 0.5, beside)]) == 1.0
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.5, beside)]) == 0.0


def test_less_than_half_of_a_detection_in_a_group_is_wrong() -> None:
    assert score([(0, 0, UNIT, True)], [(0, 0, 0.5, (0.51, 0.0, 1.51, 1.0))]) == 0.0


def test_a_detection_whose_best_box_is_taken_does_not_try_the_second_best() -> None:
    # both detections overlap the unit box best; the second would overlap the low box by 1/2 or more
    truth = [(0, 0, UNIT, False), (0, 0, (0.0, 0.0, 1.0, 0.6), False)]
    found = [(0, 0, 0.9, UNIT), (0, 0, 0.8, (0.0, 0.0, 1.0, 0.9))]
    # one hit of two boxes, at rank 1
    assert score(truth, found) == 0.5


def test_a_second_detection_of_a_box_is_wrong() -> None:
    # the copy stands between two hits: 1/2 * 1 + 1/2 * 2/3
    truth = [(0, 0, UNIT, False), (1, 0, UNIT, False)]
    found = [(0, 0, 0.9, UNIT), (0, 0, 0.8, UNIT), (1, 0, 0.7, UNIT)]
    assert score(truth, found) == pytest.approx(0.5 + 1 / 3, abs=1e-15)


def test_a_second_detection_of_a_box_inside_a_group_is_no_fault() -> None:
    # the copy is absorbed and is the group's hit: both of two are found
    truth = [(0, 0, (0.0, 0.0, 0.5, 0.5), False), (0, 0, UNIT, True)]
    small = (0.0, 0.0, 0.5, 0.5)
    assert score(truth, [(0, 0, 0.9, small), (0, 0, 0.8, small)]) == 1.0


def test_all_detections_in_a_group_are_one_hit_with_the_highest_score() -> None:
    # group: one hit at .9, two vanish; the far one at .8 is wrong, the single at .7 is a hit:
    # precisions 1 and 2/3 of two true boxes
    truth = [(0, 0, UNIT, True), (1, 0, UNIT, False)]
    inside = (0.1, 0.1, 0.2, 0.2)
    found = [
        (0, 0, 0.1, inside),
        (0, 0, 0.9, inside),
        (0, 0, 0.85, inside),
        (1, 0, 0.8, (3.0, 3.0, 4.0, 4.0)),
        (1, 0, 0.7, UNIT),
    ]
    assert score(truth, found) == pytest.approx(0.5 + 1 / 3, abs=1e-15)


def test_a_group_that_nothing_lies_in_is_a_miss() -> None:
    truth = [(0, 0, UNIT, True), (1, 0, UNIT, False)]
    assert score(truth, [(1, 0, 0.9, UNIT)]) == 0.5


def test_a_detection_goes_to_the_group_that_holds_most_of_it() -> None:
    # both detections lie wholly in the left group and 60 % in the right one: one hit of two
    truth = [(0, 0, UNIT, True), (0, 0, (0.4, 0.0, 2.0, 1.0), True)]
    found = [(0, 0, 0.9, UNIT), (0, 0, 0.8, UNIT)]
    assert score(truth, found) == 0.5


def test_a_group_is_lost_where_its_best_score_is_zero() -> None:
    truth = [(0, 0, UNIT, True)]
    assert score(truth, [(0, 0, 0.0, UNIT), (0, 0, 0.0, UNIT)]) == 0.0
    assert score(truth, [(0, 0, 1e-9, UNIT)]) == 1.0


def test_a_single_is_found_with_a_score_of_zero() -> None:
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.0, UNIT)]) == 1.0


def test_a_class_that_was_not_looked_for_is_not_judged() -> None:
    truth = [(0, 0, UNIT, False)]
    found = [(1, 0, 0.9, UNIT), (0, 0, 0.5, UNIT)]
    assert score(truth, found, pairs=[]) == 1.0


def test_a_class_that_is_verified_absent_is_wrong_everywhere() -> None:
    # the wrong one comes first: a hit at rank 2
    truth = [(0, 0, UNIT, False)]
    found = [(1, 0, 0.9, UNIT), (0, 0, 0.5, UNIT)]
    assert score(truth, found, pairs=[(1, 0, False)]) == 0.5


def test_a_box_makes_its_class_known_without_a_label() -> None:
    # the far box is judged although no label names the class: a hit at rank 2
    far = (3.0, 3.0, 4.0, 4.0)
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.9, far), (0, 0, 0.5, UNIT)], pairs=[]) == 0.5


@pytest.mark.parametrize("flat", [(0.2, 0.1, 0.2, 0.5), (0.5, 0.1, 0.2, 0.5), (0.1, 0.5, 0.2, 0.5)])
def test_detections_without_area_vanish(flat: tuple[float, ...]) -> None:
    assert score([(0, 0, UNIT, False)], [(0, 0, 0.9, flat), (0, 0, 0.5, UNIT)]) == 1.0


def test_a_true_box_without_area_is_a_miss() -> None:
    truth = [(0, 0, UNIT, False), (0, 0, (0.5, 0.5, 0.5, 0.9), False)]
    assert score(truth, [(0, 0, 0.9, UNIT)]) == 0.5


def test_boxes_so_small_that_their_area_is_zero_are_no_hit() -> None:
    tiny = (0.0, 0.0, 1e-200, 1e-200)
    assert score([(0, 0, tiny, False), (0, 0, tiny, True)], [(0, 0, 0.9, tiny)]) == 0.0


def test_boxes_need_no_unit_square() -> None:
    pixels = (100.0, 40.0, 900.0, 640.0)
    assert score([(0, 0, pixels, False)], [(0, 0, 0.9, pixels)]) == 1.0


def test_of_equal_scores_the_first_row_comes_first() -> None:
    truth = [(0, 0, UNIT, False)]
    wrong, right = (0, 0, 0.5, (3.0, 3.0, 4.0, 4.0)), (0, 0, 0.5, UNIT)
    assert score(truth, [right, wrong]) == 1.0
    assert score(truth, [wrong, right]) == 0.5


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


def test_a_class_with_boxes_and_no_detections_counts_zero() -> None:
    truth = truth_of(2, [(0, 0, UNIT, False), (0, 1, UNIT, False)])
    assert mean_average_precision_score(truth, found_of([(0, 0, 0.9, UNIT)])) == 0.5


def test_a_class_without_boxes_is_left_out() -> None:
    truth = truth_of(2, [(0, 0, UNIT, False)], [(0, 1, False)])
    found = found_of([(0, 0, 0.9, UNIT), (0, 1, 0.9, UNIT)])
    assert np.isnan(average_precisions(truth, found)[1])
    assert mean_average_precision_score(truth, found) == 1.0


def test_no_detections_at_all_score_zero() -> None:
    assert score([(0, 0, UNIT, False)], []) == 0.0


def test_the_score_is_a_plain_finite_float() -> None:
    value = score([(0, 0, UNIT, False)], [(0, 0, 0.9, UNIT)])
    assert type(value) is float


def test_inputs_are_left_as_they_were() -> None:
    truth, found = truth_of(3, FAMILY_TRUTH, FAMILY_PAIRS), found_of(FAMILY_FOUND)
    before = [np.copy(column) for column in (*vars(found).values(), truth.box, truth.label)]
    mean_average_precision_score(expanded(truth, class_tree(FAMILY)), found)
    after = [*vars(found).values(), truth.box, truth.label]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_truth_without_any_box_is_refused_in_words() -> None:
    with pytest.raises(MetricError, match="no true boxes, so no class can be scored"):
        score([], [(0, 0, 0.9, UNIT)], pairs=[(0, 0, False)])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("score", np.array([math.nan]), "a score is not finite"),
        ("score", np.array([math.inf]), "a score is not finite"),
        ("score", np.array([0.5, 0.5]), "y_pred has columns of the shapes"),
        ("box", np.array([[0.0, 0.0, 1.0, math.nan]]), "a box is not finite"),
        ("box", np.array([[0.0, 0.0, 1.0]]), r"expected \(n,\) and \(n, 4\)"),
        ("label", np.array([1]), "classes from 1 to 1; expected 0 to 0"),
        ("label", np.array([-1]), "classes from -1 to -1; expected 0 to 0"),
    ],
)
def test_arrays_that_hold_no_detections_are_refused(
    name: str, value: np.ndarray, words: str
) -> None:
    found = replace(found_of([(0, 0, 0.9, UNIT)]), **{name: value})
    with pytest.raises(MetricError, match=words):
        mean_average_precision_score(truth_of(1, [(0, 0, UNIT, False)]), found)


def test_verified_pairs_of_unequal_lengths_are_refused() -> None:
    truth = replace(truth_of(1, [(0, 0, UNIT, False)]), present=np.array([], dtype=bool))
    with pytest.raises(MetricError, match="verified pairs of y_true have unequal lengths"):
        mean_average_precision_score(truth, found_of([]))


# ---- expansion and the tree -------------------------------------------------------------------


def test_boxes_and_found_labels_rise_and_lost_labels_sink() -> None:
    truth = truth_of(3, [(0, A, UNIT, True)], [(0, A, True), (1, P, False), (2, B, False)])
    wide = expanded(truth, class_tree(FAMILY))
    assert sorted(wide.label.tolist()) == [P, A]
    assert wide.group.all()
    pairs = zip(wide.verified_image, wide.verified_label, wide.present, strict=True)
    assert sorted((int(i), int(c), bool(p)) for i, c, p in pairs) == [
        (0, P, True),
        (0, A, True),
        (1, P, False),
        (1, A, False),
        (2, B, False),
    ]


def test_a_box_rises_once_to_an_ancestor_with_two_ways_up() -> None:
    child = {"LabelName": "child"}
    tree = class_tree(
        {
            "LabelName": "all",
            "Subcategory": [
                {
                    "LabelName": "top",
                    "Subcategory": [
                        {"LabelName": "left", "Subcategory": [child]},
                        {"LabelName": "right", "Subcategory": [child]},
                    ],
                }
            ],
        }
    )
    assert tree.names == ("top", "left", "child", "right")
    wide = expanded(truth_of(4, [(0, 2, UNIT, False)]), tree)
    assert sorted(wide.label.tolist()) == [0, 1, 2, 3]


def test_the_root_is_no_class_and_leaves_have_nothing_below() -> None:
    tree = class_tree(FAMILY)
    assert tree.names == ("P", "A", "B")
    assert tree.leaves.tolist() == [False, True, True]
    assert tree.ancestors.tolist() == [[False] * 3, [True, False, False], [False] * 3]


def test_a_class_is_above_all_that_lies_five_levels_below() -> None:
    node: dict[str, Any] = {"LabelName": "4"}
    for level in (3, 2, 1, 0):
        node = {"LabelName": str(level), "Subcategory": [node]}
    tree = class_tree({"LabelName": "all", "Subcategory": [node]})
    assert tree.ancestors.tolist() == np.tril(np.ones((5, 5), dtype=bool), -1).tolist()


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ({"LabelName": "all"}, "no Subcategory"),
        ([], "no list as Subcategory"),
        ({"LabelName": "all", "Subcategory": "A"}, "no list as Subcategory"),
        ({"LabelName": "all", "Subcategory": [{"Name": "A"}]}, "has no LabelName"),
        ({"LabelName": "all", "Subcategory": ["A"]}, "has no LabelName"),
        (
            {
                "LabelName": "all",
                "Subcategory": [{"LabelName": "A", "Subcategory": [{"LabelName": "A"}]}],
            },
            "lies under itself",
        ),
        (
            {
                "LabelName": "all",
                "Subcategory": [
                    {"LabelName": "A", "Subcategory": [{"LabelName": "B"}]},
                    {"LabelName": "B", "Subcategory": [{"LabelName": "A"}]},
                ],
            },
            "lies under a class that lies under it",
        ),
    ],
)
def test_what_is_no_tree_is_refused_in_words(root: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        class_tree(root)
