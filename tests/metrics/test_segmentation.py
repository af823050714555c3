"""Metrics of one mask per image."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import MetricError
from common.metrics import mean_dice
from common.metrics.segmentation import mean_dice_of_masks_score, mean_dice_score
from common.rle import RunLength

CODE = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
SHAPE = (4, 4)


def dice(y_true: list[str], y_pred: list[str], both_empty: float = 1.0) -> float:
    return mean_dice_score(
        y_true=np.array(y_true, dtype=object),
        y_pred=np.array(y_pred, dtype=object),
        code=CODE,
        shape=SHAPE,
        both_empty=both_empty,
    )


def test_mean_dice_of_three_images() -> None:
    # 3 pixels against 1, one shared: 2·1 / (3 + 1) = 0.5; both empty: 1; one sided: 0; mean 0.5
    assert dice(["0 2 4 1", "-1", "3 5"], ["0 1", "-1", "-1"]) == 0.5


def test_mean_dice_counts_shared_pixels_across_runs() -> None:
    # pixels 0 to 5 against 0, 1 and 4 to 7: 4 shared of 6 and 6, 8 / 12
    assert dice(["0 6"], ["0 2 2 4"]) == 8 / 12


def test_mean_dice_is_one_when_both_masks_are_empty() -> None:
    assert dice(["-1"], ["-1"]) == 1.0


def test_mean_dice_of_two_empty_masks_is_an_argument() -> None:
    assert dice(["-1", "0 1"], ["-1", "0 1"], both_empty=0.0) == 0.5


@pytest.mark.parametrize(("truth", "given"), [("-1", "0 1"), ("0 1", "-1"), ("-1", "0 16")])
def test_mean_dice_is_zero_when_one_mask_is_empty(truth: str, given: str) -> None:
    assert dice([truth], [given]) == 0.0


def test_mean_dice_of_nothing_but_empty_is_the_share_of_empty_truths() -> None:
    assert dice(["-1", "-1", "-1", "0 3"], ["-1"] * 4) == 0.75


def test_mean_dice_is_a_mean_over_images_and_not_over_all_pixels() -> None:
    # 1 and 2·1 / (1 + 15) = 0.125: 0.5625; over all pixels it would be 2·2 / (2 + 16)
    assert dice(["0 1", "0 1"], ["0 1", "0 15"]) == 0.5625


def test_mean_dice_reads_a_table_that_holds_nothing_but_minus_one() -> None:
    metric = mean_dice(CODE, SHAPE)
    assert metric.score(y_true=np.array([-1, -1]), y_pred=np.array([-1, -1])) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_mean_dice_agrees_with_pixels_and_with_a_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shares = generator.choice([0.0, 0.02, 0.5], size=(2, 40, 1, 1))
    y_true, y_pred = generator.random((2, 40, 9, 13)) < shares
    expected = []
    for truth, given in zip(y_true.tolist(), y_pred.tolist(), strict=True):
        first = {(r, c) for r, row in enumerate(truth) for c, on in enumerate(row) if on}
        second = {(r, c) for r, row in enumerate(given) for c, on in enumerate(row) if on}
        size = len(first) + len(second)
        expected.append(2 * len(first & second) / size if size else 1.0)
    texts = [np.array([CODE.encode(m) for m in side], dtype=object) for side in (y_true, y_pred)]
    on_runs = mean_dice(CODE, (9, 13)).score(y_true=texts[0], y_pred=texts[1])
    assert on_runs == pytest.approx(np.mean(expected), abs=1e-12)
    on_pixels = mean_dice_of_masks_score(y_true=y_true, y_pred=y_pred)
    assert on_pixels == on_runs


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("0 2 4", "row 2 of y_pred holds no mask: 3 numbers"),
        ("", "row 2 of y_pred holds no mask: the text is empty"),
        ("0 17", "row 2 of y_pred holds no mask: the last run ends behind pixel 16"),
        (None, "row 2 of y_pred holds None; expected run lengths as text"),
        (float("nan"), "row 2 of y_pred holds nan; expected run lengths as text"),
    ],
)
def test_mean_dice_refuses_what_is_no_mask(cell: str, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        dice(["-1", "-1"], ["-1", cell])


def test_mean_dice_of_masks_is_one_when_both_are_empty() -> None:
    empty = np.zeros((3, 2, 2), dtype=bool)
    assert mean_dice_of_masks_score(y_true=empty, y_pred=empty) == 1.0
    assert mean_dice_of_masks_score(y_true=empty, y_pred=empty, both_empty=0.0) == 0.0


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (np.zeros((2, 4, 4)), np.zeros((2, 4, 4))),
        (np.zeros((2, 4, 4), dtype=bool), np.zeros((2, 4, 5), dtype=bool)),
        (np.zeros((2, 4), dtype=bool), np.zeros((2, 4), dtype=bool)),
        (np.zeros((2, 4, 4), dtype=bool), np.zeros((2, 4, 4), dtype=np.uint8)),
    ],
)
def test_mean_dice_of_masks_refuses_other_shapes_and_types(
    y_true: np.ndarray, y_pred: np.ndarray
) -> None:
    with pytest.raises(MetricError, match="expected bool"):
        mean_dice_of_masks_score(y_true=y_true, y_pred=y_pred)


def test_mean_dice_of_masks_refuses_no_images() -> None:
    empty = np.zeros((0, 2, 2), dtype=bool)
    with pytest.raises(MetricError, match="no rows to score"):
        mean_dice_of_masks_score(y_true=empty, y_pred=empty)
