"""The rule that makes masks of maps: by hand, against the metric, and the search for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from common.mask_rule import (
    AREAS,
    STEPS,
    THRESHOLDS,
    MaskRule,
    enlarged,
    fit_rule,
    step_counts,
    step_of,
)
from common.metrics import mean_dice
from common.rle import RunLength

CODE = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
SIZE = (64, 96)
METRIC = mean_dice(CODE, SIZE)
START = MaskRule(top=0.75, min_area=8, bottom=0.3)


def blob(peak: int, row: int = 4, column: int = 6) -> np.ndarray:
    """A map (16, 24) with a bright spot that falls off."""
    rows, columns = np.mgrid[:16, :24]
    far = np.hypot(rows - row, columns - column)
    return np.asarray(np.clip(peak * (1.2 - far / 6), 0, peak), dtype=np.uint8)


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Maps, and true masks of which a third is empty and the rest lies near the spots."""
    rng = np.random.default_rng(seed)
    maps, truths = [], []
    for number in range(n):
        at = int(rng.integers(3, 13)), int(rng.integers(3, 21))
        is_empty = number % 3 == 0
        maps.append(blob(int(rng.integers(20, 140) if is_empty else rng.integers(90, 256)), *at))
        mask = np.zeros(SIZE, bool)
        if not is_empty:
            mask[4 * at[0] - 9 : 4 * at[0] + 9, 4 * at[1] - 9 : 4 * at[1] + 9] = True
        truths.append(CODE.encode(mask))
    return np.stack(maps), truths


# ---- a map to a mask ----------------------------------------------------------------------------


def test_thresholds_are_steps_that_are_reached() -> None:
    assert [step_of(value) for value in (0.0, 0.2, 0.5, 1.0)] == [0, 51, 128, 255]


def test_pixels_of_the_top_say_whether_and_those_of_the_bottom_which() -> None:
    steps = np.zeros((4, 4), np.uint8)
    steps[0], steps[1] = 200, 100  # 0.78 and 0.39
    rule = MaskRule(top=0.75, min_area=4, bottom=0.3)
    mask = rule.mask(steps, (4, 4))
    assert mask is not None
    assert mask.tolist() == [[True] * 4, [True] * 4, [False] * 4, [False] * 4]
    assert MaskRule(top=0.75, min_area=5, bottom=0.3).mask(steps, (4, 4)) is None
    assert MaskRule(top=0.8, min_area=1, bottom=0.3).mask(steps, (4, 4)) is None
    assert rule.text(steps, (4, 4), CODE) == "0 2 2 2 2 2 2 2"
    assert rule.text(np.zeros((4, 4), np.uint8), (4, 4), CODE) == "-1"


def test_maps_are_enlarged_before_they_are_cut() -> None:
    steps = np.array([[0, 255]], np.uint8)
    assert enlarged(steps, (1, 8)).tolist() == [[0, 0, 32, 96, 159, 223, 255, 255]]
    mask = MaskRule(top=0.5, min_area=4, bottom=0.25).mask(steps, (1, 8))
    assert mask is not None
    assert mask.tolist() == [[False, False, False, True, True, True, True, True]]


# ---- the counts ---------------------------------------------------------------------------------


def test_counts_are_pixels_of_each_step_in_all_and_in_the_mask() -> None:
    maps, truths = drawn(4)
    counts = step_counts(maps, truths, SIZE, CODE)
    assert counts.shape == (4, 2, STEPS)
    assert (counts[:, 0].sum(axis=1) == SIZE[0] * SIZE[1]).all()
    for own, steps, truth in zip(counts, maps, truths, strict=True):
        shown, mask = enlarged(steps, SIZE), CODE.decode(truth, SIZE)
        assert own[0].tolist() == [int((shown == step).sum()) for step in range(STEPS)]
        assert own[1].tolist() == [int((shown[mask] == step).sum()) for step in range(STEPS)]


# ---- the search ---------------------------------------------------------------------------------


def scored(rule: MaskRule, maps: np.ndarray, truths: list[str]) -> float:
    answers = [rule.text(steps, SIZE, CODE) for steps in maps]
    return METRIC.score(y_true=np.array(truths), y_pred=np.array(answers))


def test_the_rule_found_is_as_good_as_any_of_the_grid_nearly() -> None:
    maps, truths = drawn(24)
    found = fit_rule(step_counts(maps, truths, SIZE, CODE), SIZE, START)
    areas = [max(1, round(share * SIZE[0] * SIZE[1])) for share in AREAS[::4]]
    best = max(
        scored(MaskRule(float(top), area, float(bottom)), maps, truths)
        for top, area, bottom in itertools.product(THRESHOLDS[::3], areas, THRESHOLDS[::3])
        if bottom <= top
    )
    ours = scored(found, maps, truths)
    assert ours >= best - 0.03  # the middle of a plateau, and not its highest spike
    assert ours > scored(START, maps, truths)
    assert ours > scored(MaskRule(2.0, 1, 0.5), maps, truths) + 0.2  # nothing but empty answers


def test_a_wide_plateau_keeps_the_rule_that_there_was() -> None:
    truth = np.zeros(SIZE, bool)
    truth[16:48, 24:72] = True
    maps = np.stack([truth * np.uint8(255), np.zeros(SIZE, np.uint8)])
    truths = [CODE.encode(truth), "-1"]
    found = fit_rule(step_counts(maps, truths, SIZE, CODE), SIZE, MaskRule(0.75, 8, 0.5))
    assert (found.top, found.bottom) == (0.75, 0.5)
    assert found.min_area == pytest.approx(8, rel=0.25)  # the nearest of the grid


def test_maps_that_tell_nothing_are_answered_with_nothing() -> None:
    maps, _ = drawn(12)
    truths = ["-1"] * 12
    found = fit_rule(step_counts(maps, truths, SIZE, CODE), SIZE, START)
    assert scored(found, maps, truths) == 1.0


def test_masks_alone_are_all_answered() -> None:
    maps, truths = drawn(24)
    kept = [row for row, truth in enumerate(truths) if truth != "-1"]
    maps, truths = maps[kept], [truths[row] for row in kept]
    found = fit_rule(step_counts(maps, truths, SIZE, CODE), SIZE, START)
    assert all(found.mask(steps, SIZE) is not None for steps in maps)
