"""Masks, boxes, points and classes: they go where their pictures go."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from common.augment import Draw, Draws, Policy, draw_batch, warp_cpu, warp_gpu
from common.augment.targets import boxes, classes, points
from common.errors import SettingsError

WILD = Policy("wild", rotate=25.0, zoom=0.2, shift=0.1, flips="horizontal", warp=0.2)
MIRROR = np.diag([-1.0, 1.0, 1.0])
TURN = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])  # what is at the top goes to the right


def given(matrix: np.ndarray, size: tuple[int, int]) -> Draws:
    drawn = draw_batch(Policy("p", flips="both"), Draw(0, 0, np.array([0])), size)
    drawn.matrix[0] = matrix
    return drawn


def wild(n: int, size: tuple[int, int] = (64, 64), **changes: float) -> Draws:
    return draw_batch(WILD.replace(**changes), Draw(0, 5, np.arange(n)), size)


def test_a_flip_mirrors_a_box() -> None:
    # 10 pixels wide: 1 to 4 from the left becomes 10 - 4 to 10 - 1
    moved, left = boxes([np.array([[1, 2, 4, 5]])], given(MIRROR, (8, 10)))
    assert moved[0].tolist() == [[6, 2, 9, 5]]
    assert left[0].tolist() == [0]


def test_a_flip_mirrors_a_point() -> None:
    moved, inside = points(np.array([[[1.0, 3.0], [10.0, 8.0]]]), given(MIRROR, (8, 10)))
    assert moved[0].tolist() == [[9, 3], [0, 8]]
    assert inside.tolist() == [[True, True]]


def test_a_quarter_turn_takes_a_box_and_a_point_along() -> None:
    # 10×10, clockwise: (x, y) goes to (10 - y, x)
    draws = given(TURN, (10, 10))
    assert points(np.array([[[1.0, 3.0]]]), draws)[0].tolist() == [[[7, 1]]]
    assert boxes([np.array([[1, 2, 4, 9]])], draws)[0][0].tolist() == [[1, 1, 8, 4]]


def test_a_box_that_leaves_the_picture_is_clipped_and_then_dropped() -> None:
    # everything moves 6 pixels to the left in a picture of 10×10
    shift = np.eye(3)
    shift[0, 2] = 6
    own = np.array([[5, 0, 9, 4], [0, 0, 5, 4], [2, 0, 7, 4], [0, 0, 7, 4]])
    moved, left = boxes([own], given(shift, (10, 10)), least=0.2)
    # the first keeps 3 of 4 columns; the second none; the third 1 of 5; the fourth 1 of 7
    assert left[0].tolist() == [0, 2]
    assert moved[0].tolist() == [[0, 0, 3, 4], [0, 0, 1, 4]]


def test_a_point_that_leaves_the_picture_is_marked_and_keeps_its_place() -> None:
    shift = np.eye(3)
    shift[1, 2] = 6
    moved, inside = points(np.array([[[5.0, 5.0], [5.0, 7.0]]]), given(shift, (10, 10)))
    assert moved[0].tolist() == [[5, -1], [5, 1]]
    assert inside.tolist() == [[False, True]]


def test_paired_points_change_names_in_a_mirror_only() -> None:
    eyes = np.array([[[2.0, 4.0], [7.0, 5.0], [5.0, 8.0]]])
    mirrored, _ = points(eyes, given(MIRROR, (10, 10)), swaps=[(0, 1)])
    assert mirrored[0].tolist() == [[3, 5], [8, 4], [5, 8]]
    turned, _ = points(eyes, given(np.diag([-1.0, -1.0, 1.0]), (10, 10)), swaps=[(0, 1)])
    assert turned[0].tolist() == [[8, 6], [3, 5], [5, 2]]


def test_boxes_of_a_batch_are_ragged_and_may_be_none() -> None:
    draws = draw_batch(Policy("p"), Draw(0, 0, np.arange(3)), (10, 10))
    own = [np.array([[1, 1, 2, 2], [3, 3, 5, 5]]), np.zeros((0, 4)), np.array([[0, 0, 10, 10]])]
    moved, left = boxes(own, draws)
    assert [len(one) for one in moved] == [2, 0, 1]
    assert [one.tolist() for one in left] == [[0, 1], [], [0]]


@pytest.mark.parametrize("out", [None, (48, 48)])
def test_points_lie_where_the_picture_shows_them(out: tuple[int, int] | None) -> None:
    # a bright spot of 5×5 pixels round (20.5, 30.5), found again by its centre of light
    images = np.zeros((32, 64, 64, 1), dtype=np.uint8)
    images[:, 28:33, 18:23] = 255
    draws = draw_batch(WILD, Draw(0, 5, np.arange(32)), (64, 64), out)
    moved, inside = points(np.full((32, 1, 2), (20.5, 30.5)), draws)
    seen = warp_cpu.augment(images, draws)[..., 0].astype(np.float64)
    height, width = draws.out_size
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    for row in range(32):
        if not (inside[row, 0] and (moved[row, 0] > 6).all() and (moved[row, 0] < width - 6).all()):
            continue
        light = seen[row].sum()
        centre = (seen[row].sum(axis=0) @ x / light, seen[row].sum(axis=1) @ y / light)
        assert centre == pytest.approx(tuple(moved[row, 0]), abs=0.15)
    assert inside.sum() > 20


def test_boxes_hold_the_thing_that_the_picture_shows() -> None:
    images = np.zeros((32, 64, 64, 1), dtype=np.uint8)
    images[:, 20:36, 24:44] = 255
    draws = wild(32)
    moved, left = boxes([np.array([[24, 20, 44, 36]])] * 32, draws, least=0.0)
    seen = warp_cpu.augment(images, draws)[..., 0]
    for row in range(32):
        assert left[row].tolist() == [0]
        found = np.argwhere(seen[row] > 127)
        shown = [*found.min(axis=0)[::-1], *(found.max(axis=0)[::-1] + 1)]
        assert moved[row][0] == pytest.approx(shown, abs=1.1)


@pytest.mark.parametrize("padding", ["black", "edge", "mirror"])
def test_a_mask_moves_with_its_picture(padding: str) -> None:
    images = np.zeros((16, 64, 64, 1), dtype=np.uint8)
    images[:, 10:50, 15:40] = 255
    draws = draw_batch(WILD.replace(padding=padding), Draw(0, 5, np.arange(16)), (64, 64))
    seen = warp_cpu.augment(images, draws)[..., 0] > 127
    moved = warp_cpu.masks((images[..., 0] > 0).astype(np.uint8), draws)
    assert set(np.unique(moved)) == {0, 1}
    # the nearest pixel and half of the light differ along the outline only
    assert (moved != seen).mean() < 0.012


def test_both_back_ends_move_masks_alike() -> None:
    own = np.random.default_rng(0).integers(0, 12, (8, 16, 16), dtype=np.uint8)
    own = own.repeat(4, axis=1).repeat(4, axis=2)
    draws = wild(8, cutmix=1.0)
    here = warp_cpu.masks(own, draws, outside=255)
    there = warp_gpu.masks(torch.from_numpy(own), draws, outside=255)
    assert there.dtype == torch.uint8
    assert set(np.unique(here)) <= {*range(12), 255}
    assert (here == 255).any()
    assert (here != there.numpy()).mean() < 0.01


def test_a_quarter_turn_takes_a_marked_pixel_of_a_mask_along() -> None:
    own = np.zeros((1, 6, 6), dtype=np.int16)
    own[0, 1, 0] = 300
    draws = given(TURN, (6, 6))
    assert np.argwhere(warp_cpu.masks(own, draws)[0]).tolist() == [[0, 4]]
    assert warp_gpu.masks(torch.from_numpy(own), draws)[0, 0, 4] == 300


def test_cutmix_pastes_the_partners_mask() -> None:
    draws = draw_batch(Policy("p", cutmix=1.0), Draw(0, 0, np.arange(4)), (16, 16))
    own = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), dtype=np.uint8)
    moved = warp_cpu.masks(own, draws)
    for row, (top, left, bottom, right) in enumerate(draws.patch):
        expected = own[row].copy()
        expected[top:bottom, left:right] = draws.partner[row]
        assert np.array_equal(moved[row], expected)
    assert np.array_equal(moved, warp_gpu.masks(torch.from_numpy(own), draws).numpy())


def test_a_mask_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="masks of int64; expected uint8"):
        warp_cpu.masks(np.zeros((1, 4, 4), dtype=np.int64), given(MIRROR, (4, 4)))


def test_classes_of_mixed_pictures_are_shares() -> None:
    draws = draw_batch(Policy("p", mixup=1.0), Draw(0, 0, np.arange(4)), (8, 8))
    shares = classes(torch.tensor([0, 1, 2, 2]), draws, n_classes=3)
    assert shares.sum(dim=1).tolist() == pytest.approx([1.0] * 4)
    for row, label in enumerate((0, 1, 2, 2)):
        partner = (0, 1, 2, 2)[int(draws.partner[row])]
        weight = float(draws.weight[row])
        assert shares[row, label] == pytest.approx(1.0 if partner == label else weight)
        assert shares[row, partner] == pytest.approx(1.0 if partner == label else 1 - weight)


def test_marks_of_several_classes_are_mixed_too() -> None:
    draws = draw_batch(Policy("p", cutmix=1.0), Draw(0, 0, np.arange(2)), (8, 8))
    draws.partner[:], draws.weight[:] = (1, 0), (0.75, 0.5)
    shares = classes(torch.tensor([[1, 1, 0], [0, 1, 1]]), draws)
    assert shares.tolist() == [[0.75, 1.0, 0.25], [0.5, 1.0, 0.5]]


def test_classes_stay_positions_where_nothing_is_mixed() -> None:
    labels = torch.tensor([0, 1])
    assert classes(labels, wild(2), n_classes=3) is labels


def test_boxes_and_points_refuse_a_policy_that_mixes() -> None:
    mixed = wild(1, mixup=0.4)
    with pytest.raises(SettingsError, match="mixes pictures, which boxes cannot follow"):
        boxes([np.zeros((0, 4))], mixed)
    with pytest.raises(SettingsError, match="which points cannot follow"):
        points(np.zeros((1, 1, 2)), mixed)
