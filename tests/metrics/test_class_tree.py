"""The tree of classes, and the boxes and labels that rise and sink in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.errors import DataError
from common.metrics.class_tree import class_tree
from common.metrics.detection import expanded
from tests.metrics.boxes import FAMILY, UNIT, A, B, P, truth_of


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
