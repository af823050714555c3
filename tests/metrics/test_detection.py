"""Mean average precision of boxes: numbers by hand, and each edge case by name."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from common.errors import MetricError
from common.metrics import detection, open_images_map
from common.metrics.class_tree import class_tree
from common.metrics.detection import average_precisions, expanded, mean_average_precision_score
from tests.metrics.boxes import FAMILY, UNIT, A, B, Found, P, Pair, TrueRow, found_of, truth_of


def score(truth: list[TrueRow], found: list[Found], pairs: list[Pair] | None = None) -> float:
    """The score where all classes are 0."""
    return mean_average_precision_score(y_true=truth_of(1, truth, pairs), y_pred=found_of(found))


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


def test_the_limit_is_ten_thousand() -> None:
    assert detection.MAX_DETECTIONS == 10_000


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
