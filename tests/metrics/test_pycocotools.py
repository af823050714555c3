"""Run lengths and overlaps of boxes agree with pycocotools.

Its mean average precision is another one (101 points of recall, other boxes when the best is taken)
and is not compared.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from common.metrics.box_overlap import intersection_over_own, intersection_over_union
from common.rle import RunLength, count_pixels

# its own, where it gives a mask to numpy: nothing of ours can change it
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

CODES = [
    RunLength(relative, column_major, first_pixel)
    for relative, column_major, first_pixel in itertools.product(
        (False, True), (False, True), (0, 1)
    )
]


def masks() -> dict[str, np.ndarray]:
    """Masks with every kind of edge, bool (H, W)."""
    own = np.random.default_rng(0)
    empty = np.zeros((7, 5), dtype=bool)
    first, last = empty.copy(), empty.copy()
    first[0, 0] = last[-1, -1] = True
    return {
        "empty": empty,
        "full": ~empty,
        "first pixel": first,
        "last pixel": last,
        "one row": own.random((1, 40)) < 0.5,
        "one column": own.random((40, 1)) < 0.5,
        "few pixels": own.random((31, 17)) < 0.02,
        "half of them": own.random((64, 48)) < 0.5,
        "blob": np.hypot(*np.ogrid[-20:44, -30:66]) < 25,
    }


MASKS = masks()
every_code = pytest.mark.parametrize("code", CODES, ids=str)
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


def packed(mask: np.ndarray) -> Any:
    return coco.encode(np.asfortranarray(mask, dtype=np.uint8))


def from_runs(starts: np.ndarray, stops: np.ndarray, shape: tuple[int, int]) -> Any:
    """Runs down the columns as pycocotools takes them: background, mask, background, …"""
    edges = np.concatenate([[0], np.column_stack([starts, stops]).ravel(), [shape[0] * shape[1]]])
    counts = np.diff(edges).tolist()
    # it writes no background of length 0 at the end
    counts = counts if counts[-1] else counts[:-1]
    return coco.frPyObjects({"counts": counts, "size": list(shape)}, *shape)


@every_code
@every_mask
def test_a_mask_that_we_write_is_the_mask_that_it_packs(code: RunLength, mask: np.ndarray) -> None:
    theirs = coco.decode(packed(mask)).astype(bool)
    assert np.array_equal(code.decode(code.encode(mask), mask.shape), theirs)


@every_mask
def test_runs_down_the_columns_are_its_runs(mask: np.ndarray) -> None:
    code = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
    starts, stops = code.runs(code.encode(mask), mask.shape)
    ours = from_runs(starts, stops, mask.shape)
    assert np.array_equal(coco.decode(ours).astype(bool), mask)
    assert ours["counts"] == packed(mask)["counts"]


@every_code
@every_mask
def test_the_area_is_its_area(code: RunLength, mask: np.ndarray) -> None:
    assert count_pixels(code.runs(code.encode(mask))) == int(coco.area(packed(mask)))


@every_code
@pytest.mark.parametrize("seed", range(5))
def test_a_union_is_its_union(code: RunLength, seed: int) -> None:
    own = np.random.default_rng(seed)
    parts = [own.random((23, 19)) < share for share in (0.1, 0.3, 0.02)]
    theirs = coco.decode(coco.merge([packed(part) for part in parts])).astype(bool)
    ours = code.merge([code.encode(part) for part in parts], (23, 19))
    assert np.array_equal(code.decode(ours, (23, 19)), theirs)


@every_code
@pytest.mark.parametrize("seed", range(5))
def test_dice_follows_from_its_overlap(code: RunLength, seed: int) -> None:
    own = np.random.default_rng(seed)
    one, other = own.random((2, 40, 30)) < 0.4
    ((overlap,),) = coco.iou([packed(one)], [packed(other)], [0])
    dice = code.dice(code.encode(one), code.encode(other), one.shape)
    assert dice == pytest.approx(2 * overlap / (1 + overlap), abs=1e-12)


def boxes(own: np.random.Generator, n: int) -> np.ndarray:
    """Boxes within the unit square, (n, 4), of which some touch and some are equal."""
    corners = np.sort(own.integers(0, 9, (n, 2, 2)), axis=1) / 8
    corners[:, 1] += np.where(corners[:, 1] == corners[:, 0], 0.125, 0)
    return corners.reshape(n, 4)


def as_coco(box: np.ndarray) -> np.ndarray:
    """x, y, width, height."""
    return np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_overlaps_of_boxes_are_its_overlaps(seed: int) -> None:
    own = np.random.default_rng(seed)
    found, true = boxes(own, 40), boxes(own, 30)
    pairs = found.repeat(30, axis=0), np.tile(true, (40, 1))
    theirs = coco.iou(as_coco(found), as_coco(true), [0] * 30)
    assert intersection_over_union(*pairs) == pytest.approx(theirs.ravel(), abs=1e-12)
    assert 0 < np.mean(theirs == 0) < 1


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_a_box_in_a_group_is_its_overlap_with_a_crowd(seed: int) -> None:
    own = np.random.default_rng(seed)
    found, groups = boxes(own, 40), boxes(own, 30)
    pairs = found.repeat(30, axis=0), np.tile(groups, (40, 1))
    theirs = coco.iou(as_coco(found), as_coco(groups), [1] * 30)
    assert intersection_over_own(*pairs) == pytest.approx(theirs.ravel(), abs=1e-12)
    assert (theirs == 1).any()
