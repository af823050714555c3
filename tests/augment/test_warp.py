"""Pictures from draws: OpenCV's and torch's, and that both draw the same one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from common.augment import (
    POLICIES,
    Draw,
    Draws,
    Policy,
    draw_batch,
    photographs,
    unchanged,
    warp_cpu,
    warp_gpu,
)
from common.errors import SettingsError

POLICY_LIST = [make() for make in POLICIES.values()]
POLICY_LIST += [
    photographs().replace(name="coloured", saturation=0.4),
    photographs().replace(name="mixed", cutout=0.5, mixup=0.4, cutmix=1.0),
]
BORDER = 3  # pixels at the edges, where the two libraries treat the outside differently
TURN = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])  # what is at the top goes to the right


def photos(n: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Soft shapes with some noise, uint8 (n, height, width, channels)."""
    own = np.random.default_rng(0)
    coarse = own.normal(128, 60, (n, height // 8 + 2, width // 8 + 2, channels))
    soft = np.stack(
        [cv2.resize(one, (width, height), None, 0, 0, cv2.INTER_CUBIC) for one in coarse]
    )
    soft = soft.reshape(n, height, width, channels)
    return np.clip(soft + own.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


def draws_of(
    policy: Policy, n: int, size: tuple[int, int], out: tuple[int, int] | None = None
) -> Draws:
    return draw_batch(policy, Draw(0, 3, np.arange(n)), size, out)


def given(matrix: np.ndarray, policy: Policy, size: tuple[int, int]) -> Draws:
    """Draws whose one picture is moved by a matrix known in advance."""
    drawn = draws_of(policy, 1, size)
    drawn.matrix[0] = matrix
    return drawn


def first(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def by_opencv(images: np.ndarray, draws: Draws) -> torch.Tensor:
    return warp_cpu.to_model(warp_cpu.augment(images, draws), draws)


def by_torch(images: np.ndarray, draws: Draws) -> torch.Tensor:
    return warp_gpu.augment(first(images), draws)


BOTH = pytest.mark.parametrize("make", [by_opencv, by_torch])
Make = Callable[[np.ndarray, Draws], torch.Tensor]


def grey_levels(here: torch.Tensor, there: torch.Tensor, policy: Policy) -> torch.Tensor:
    """How far two batches lie apart away from the border, in grey levels."""
    std = torch.tensor(policy.std or (1.0,))[:, None, None]
    apart = (255 * std * (here.float() - there.float())).abs()
    return apart[..., BORDER:-BORDER, BORDER:-BORDER]


@pytest.mark.parametrize("policy", POLICY_LIST, ids=lambda policy: policy.name)
@pytest.mark.parametrize(
    ("size", "out"),
    [((64, 64), None), ((48, 80), None), ((80, 80), (64, 64)), ((64, 64), (32, 48))],
)
def test_both_back_ends_draw_the_same_picture(
    policy: Policy, size: tuple[int, int], out: tuple[int, int] | None
) -> None:
    images = photos(8, *size)
    draws = draws_of(policy, 8, size, out)
    here, there = by_opencv(images, draws), by_torch(images, draws)
    assert here.shape == there.shape == (8, 3, *(out or size))
    assert here.dtype == there.dtype == torch.float32
    apart = grey_levels(here, there, policy)
    assert float(apart.mean()) <= 1.5
    assert float(apart.mean(dim=(1, 2, 3)).max()) <= 1.5


@pytest.mark.parametrize("policy", POLICY_LIST, ids=lambda policy: policy.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_draws_the_same_picture(policy: Policy, dtype: torch.dtype) -> None:
    # on the CPU the sampling itself is done in float32, at places rounded to float16
    images = photos(4, 224, 224)
    draws = draws_of(policy, 4, (224, 224))
    here = warp_gpu.augment(first(images), draws, dtype)
    assert here.dtype == dtype
    assert here.is_contiguous(memory_format=torch.channels_last)
    assert float(grey_levels(here, by_torch(images, draws), policy).mean()) <= 1.0


@pytest.mark.parametrize("change", ["flips", "rotate", "warp", "brightness", "contrast"])
def test_each_change_alone_changes_pictures_and_is_the_same_on_both(change: str) -> None:
    policy = photographs().only(change)
    images = photos(8, 48, 48)
    draws = draws_of(policy, 8, (48, 48))
    here = by_opencv(images, draws)
    assert float(grey_levels(here, by_torch(images, draws), policy).mean()) <= 1.5
    same = by_opencv(images, draws_of(policy.only(), 8, (48, 48)))
    assert float(grey_levels(here, same, policy).mean()) > 2


@BOTH
def test_a_quarter_turn_carries_a_marked_pixel_round_the_corner(make: Make) -> None:
    # In a 6×6 picture the pixel of row 1, column 0 lies left and above: after a quarter turn
    # clockwise it lies above and to the right: row 0, column 4.
    image = np.zeros((1, 6, 6, 1), dtype=np.uint8)
    image[0, 1, 0] = 255
    seen = make(image, given(TURN, Policy("p", flips="dihedral"), (6, 6)))[0, 0]
    assert (seen > 0.999).nonzero().tolist() == [[0, 4]]
    assert float(seen.sum()) == pytest.approx(1, abs=1e-4)


@BOTH
def test_a_quarter_turn_goes_the_same_way_in_pictures_and_masks(make: Make) -> None:
    policy = Policy("p", flips="dihedral")
    images = np.repeat(np.arange(36, dtype=np.uint8).reshape(1, 6, 6, 1), 32, axis=0)
    draws = draws_of(policy, 32, (6, 6))
    seen = (255 * make(images, draws)[:, 0]).round().to(torch.uint8).numpy()
    assert np.array_equal(seen, warp_cpu.masks(images[..., 0], draws))
    assert np.array_equal(seen, warp_gpu.masks(torch.from_numpy(images[..., 0]), draws).numpy())


@BOTH
@pytest.mark.parametrize("size", [(5, 5), (6, 6)])
def test_the_eight_flips_and_turns_move_whole_pixels(make: Make, size: tuple[int, int]) -> None:
    policy = Policy("p", flips="dihedral")
    image = np.arange(size[0] * size[1], dtype=np.uint8).reshape(1, *size, 1)
    draws = draws_of(policy, 64, size)
    seen = make(np.repeat(image, 64, axis=0), draws)[:, 0] * 255
    turned = [np.rot90(image[0, ..., 0], quarter) for quarter in range(4)]
    expected = [*turned, *(one.T for one in turned)]
    found = set()
    for one in seen.round().to(torch.uint8).numpy():
        found.add(next(k for k, other in enumerate(expected) if np.array_equal(one, other)))
    assert found == set(range(8))


@BOTH
@pytest.mark.parametrize(
    ("padding", "expected"),
    # one row of 10, 20, 30, 40, read two pixels further to the left
    [("black", [0, 0, 10, 20]), ("edge", [10, 10, 10, 20]), ("mirror", [20, 10, 10, 20])],
)
def test_what_comes_in_from_outside_is_as_the_padding_says(
    make: Make, padding: str, expected: list[int]
) -> None:
    image = np.array([10, 20, 30, 40], dtype=np.uint8).reshape(1, 1, 4, 1).repeat(4, axis=1)
    shift = np.eye(3)
    shift[0, 2] = -2
    seen = make(image, given(shift, Policy("p", shift=0.5, padding=padding), (4, 4)))
    assert (255 * seen[0, 0, 1]).round().tolist() == expected


@BOTH
def test_of_a_larger_picture_the_middle_is_taken(make: Make) -> None:
    # 4×8 to 2×2: the middle 4×4, each value between four pixels: columns 2, 3 and 4, 5
    image = np.arange(0, 80, 10, dtype=np.uint8).reshape(1, 1, 8, 1).repeat(4, axis=1)
    seen = make(image, draws_of(unchanged(), 1, (4, 8), (2, 2)))
    assert (255 * seen[0, 0]).round().tolist() == [[25, 45], [25, 45]]


@BOTH
def test_normalisation_is_what_the_model_sees(make: Make) -> None:
    # 51 / 255 is 0.2: (0.2 - 0.1) / 0.5, (0.2 - 0.2) / 0.5, (0.2 - 0.4) / 0.25
    policy = Policy("p", mean=(0.1, 0.2, 0.4), std=(0.5, 0.5, 0.25))
    seen = make(np.full((1, 2, 2, 3), 51, dtype=np.uint8), draws_of(policy, 1, (2, 2)))
    assert seen[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.0, -0.8], abs=1e-6)


@BOTH
def test_saturation_leaves_greys_and_moves_colours_about_their_grey(make: Make) -> None:
    policy = Policy("p", saturation=0.5)
    images = np.zeros((8, 1, 2, 3), dtype=np.uint8)
    images[:, 0, 0] = 90
    images[:, 0, 1] = (200, 100, 50)  # its grey: 0.299 × 200 + 0.587 × 100 + 0.114 × 50 = 124.2
    draws = draws_of(policy, 8, (1, 2))
    seen = 255 * make(images, draws)
    assert (seen[:, :, 0, 0] - 90).abs().max() <= 1
    for row in range(8):
        factor = float(draws.saturation[row])
        wanted = [124.2 + factor * away for away in (75.8, -24.2, -74.2)]
        expected = np.clip(wanted, 0, 255)
        assert seen[row, :, 0, 1].tolist() == pytest.approx(expected, abs=1)


@BOTH
def test_a_hole_holds_the_mean_and_nothing_else_changes(make: Make) -> None:
    policy = Policy("p", cutout=1.0, mean=(0.2,), std=(0.5,))
    images = np.full((4, 8, 8, 1), 255, dtype=np.uint8)
    draws = draws_of(policy, 4, (8, 8))
    seen = make(images, draws)
    assert draws.hole.any()
    for row, (top, left, bottom, right) in enumerate(draws.hole):
        expected = torch.full((8, 8), (1 - 0.2) / 0.5)
        expected[top:bottom, left:right] = 0  # 0.2 × 255 is a whole number: 51
        assert torch.allclose(seen[row, 0], expected, atol=1e-6)


@BOTH
def test_mixup_blends_each_picture_with_its_partner(make: Make) -> None:
    images = np.array([0, 80, 160, 240], dtype=np.uint8).reshape(4, 1, 1, 1).repeat(4, axis=2)
    draws = draws_of(Policy("p", mixup=1.0), 4, (1, 4))
    seen = 255 * make(images, draws)[:, 0, 0, 0]
    assert draws.partner.tolist() != [0, 1, 2, 3]
    for row in range(4):
        share, partner = float(draws.weight[row]), int(draws.partner[row])
        assert float(seen[row]) == pytest.approx(80 * (share * row + (1 - share) * partner), abs=1)


@BOTH
def test_cutmix_pastes_the_partners_patch(make: Make) -> None:
    images = np.array([10, 20, 30, 40], dtype=np.uint8).reshape(4, 1, 1, 1)
    images = images.repeat(16, axis=1).repeat(16, axis=2)
    draws = draws_of(Policy("p", cutmix=1.0), 4, (16, 16))
    seen = (255 * make(images, draws)[:, 0]).round()
    for row, (top, left, bottom, right) in enumerate(draws.patch):
        expected = torch.full((16, 16), 10.0 * (row + 1))
        expected[top:bottom, left:right] = 10.0 * (int(draws.partner[row]) + 1)
        assert torch.equal(seen[row], expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_any_number_of_channels_moves_alike(channels: int) -> None:
    policy = Policy("p", rotate=20.0, warp=0.1, brightness=0.2, padding="mirror")
    images = np.repeat(photos(2, 32, 32, 1), channels, axis=3)
    draws = draws_of(policy, 2, (32, 32))
    for make in (by_opencv, by_torch):
        seen = make(images, draws)
        assert seen.shape == (2, channels, 32, 32)
        for channel in range(1, channels):
            apart = (seen[:, channel] - seen[:, 0]).abs().max()
            # groups of four and of two may round a value apart, and brightness doubles it
            assert float(apart) < 2.01 / 255


def test_a_slot_is_filled_and_the_pictures_given_stay() -> None:
    images = photos(3, 32, 32)
    before = images.copy()
    ring = np.zeros((2, 3, 32, 32, 3), dtype=np.uint8)
    draws = draws_of(photographs(), 3, (32, 32))
    assert warp_cpu.augment(images, draws, ring[1]) is not None
    assert np.array_equal(ring[1], warp_cpu.augment(images, draws))
    assert not ring[0].any()
    assert np.array_equal(images, before)


@pytest.mark.parametrize("policy", POLICY_LIST, ids=lambda policy: policy.name)
def test_a_batch_may_be_changed_in_place(policy: Policy) -> None:
    images = photos(3, 32, 32)
    draws = draws_of(policy, 3, (32, 32))
    expected = warp_cpu.augment(images, draws)
    warp_cpu.augment(images, draws, images)
    assert np.array_equal(images, expected)


def test_pictures_may_be_made_one_by_one_in_any_order() -> None:
    policy = photographs().replace(mixup=0.4, cutmix=1.0, cutout=0.3)
    images = photos(4, 32, 32)
    draws = draws_of(policy, 4, (32, 32))
    slots = np.empty_like(images)
    for row in (2, 0, 3, 1):
        warp_cpu.picture(images[row], draws, row, slots[row])
    warp_cpu.mix(slots, draws)
    assert np.array_equal(slots, warp_cpu.augment(images, draws))


def test_a_slot_that_is_not_contiguous_is_refused() -> None:
    images = photos(1, 32, 32)
    slot = np.empty((32, 64, 3), dtype=np.uint8)[:, ::2]
    with pytest.raises(ValueError, match="not contiguous"):
        warp_cpu.picture(images[0], draws_of(photographs(), 1, (32, 32)), 0, slot)


def test_sixteen_bits_are_read_by_torch() -> None:
    images = torch.tensor([0, 13107, 65535], dtype=torch.int32).to(torch.uint16)
    seen = warp_gpu.augment(images.reshape(1, 1, 1, 3), draws_of(unchanged(), 1, (1, 3)))
    assert seen.flatten().tolist() == pytest.approx([0.0, 0.2, 1.0])


def test_the_precision_of_a_device_is_half_on_cuda_alone() -> None:
    assert warp_gpu.device_dtype("cuda:0") == torch.float16
    assert warp_gpu.device_dtype("cpu") == torch.float32


@BOTH
def test_a_normalisation_for_other_channels_is_refused(make: Make) -> None:
    with pytest.raises(SettingsError, match="normalises 3 channels; the pictures have 1"):
        make(photos(1, 8, 8, 1), draws_of(photographs(), 1, (8, 8)))
