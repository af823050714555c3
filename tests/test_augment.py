"""Augmentation policies: values whose draws depend on seed, epoch and sample alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from common.augment import Draw, Policy, draws, light_geometry, unchanged

BATCH = torch.from_numpy(
    np.random.default_rng(0).integers(0, 256, size=(6, 1, 8, 8), dtype=np.uint8)
)
SAMPLES = np.array([10, 11, 12, 13, 14, 15])


def draw(epoch: int = 0, seed: int = 0, samples: np.ndarray = SAMPLES) -> Draw:
    return Draw(seed, epoch, samples)


@pytest.fixture
def full_swing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw is the largest there is: the full turn, zoom and shift to the positive side."""
    ones = lambda samples, n_draws, *parts: np.ones((len(samples), n_draws))  # noqa: E731
    monkeypatch.setattr(draws, "uniform", ones)


def dot(row: int, column: int, height: int = 8, width: int = 8) -> torch.Tensor:
    """A black picture with one white pixel."""
    image = torch.zeros(1, 1, height, width, dtype=torch.uint8)
    image[0, 0, row, column] = 255
    return image


def moved(policy: Policy, image: torch.Tensor) -> torch.Tensor:
    return policy(image, Draw(0, 0, np.array([0])))[0, 0]


def white_at(image: torch.Tensor) -> list[tuple[int, int]]:
    """The pixels above a half, as (row, column); what is left must be black."""
    assert torch.allclose(image.round(), image, atol=1e-3)
    return [(int(row), int(column)) for row, column in (image > 0.5).nonzero()]


def test_the_eval_policy_divides_by_255_and_nothing_else() -> None:
    image = torch.tensor([[[[0, 1, 51], [128, 254, 255]]]], dtype=torch.uint8)
    seen = unchanged()(image, draw(samples=np.array([3])))
    assert seen.dtype == torch.float32
    expected = [0.0, 1 / 255, 0.2, 128 / 255, 254 / 255, 1.0]
    assert seen.flatten().tolist() == torch.tensor(expected, dtype=torch.float32).tolist()


def test_the_eval_policy_is_the_same_in_every_epoch_and_for_every_seed() -> None:
    first = unchanged()(BATCH, draw())
    for epoch, seed in ((1, 0), (0, 1), (7, 9)):
        assert torch.equal(unchanged()(BATCH, draw(epoch, seed)), first)


def test_a_float_batch_is_taken_as_it_is() -> None:
    batch = torch.linspace(-3, 3, 64).reshape(1, 1, 8, 8)
    assert torch.equal(unchanged()(batch, draw(samples=np.array([0]))), batch)


def test_the_batch_given_is_left_as_it_was() -> None:
    before = BATCH.clone()
    light_geometry()(BATCH, draw())
    assert torch.equal(BATCH, before)


def test_the_same_key_gives_the_same_picture_alone_and_in_any_batch() -> None:
    policy = light_geometry()
    whole = policy(BATCH, draw())
    for order in ([5, 4, 3, 2, 1, 0], [2], [0, 3], [1, 1]):
        part = policy(BATCH[order], draw(samples=SAMPLES[order]))
        assert torch.equal(part, whole[order])


@pytest.mark.parametrize("other", [draw(epoch=1), draw(seed=1), draw(samples=SAMPLES + 1)])
def test_another_epoch_seed_or_sample_gives_another_picture(other: Draw) -> None:
    policy = light_geometry()
    here, there = policy(BATCH, draw()), policy(BATCH, other)
    for left, right in zip(here, there, strict=True):
        assert not torch.equal(left, right)


def test_samples_of_one_batch_are_moved_differently() -> None:
    same = dot(3, 3).repeat(6, 1, 1, 1)
    pictures = light_geometry()(same, draw())
    assert len({tuple(picture.flatten().tolist()) for picture in pictures}) == 6


def test_the_train_policy_keeps_shape_type_and_range() -> None:
    seen = light_geometry()(BATCH, draw())
    assert seen.shape == BATCH.shape
    assert seen.dtype == torch.float32
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert not torch.equal(seen, unchanged()(BATCH, draw()))


@pytest.mark.usefixtures("full_swing")
def test_a_shift_moves_a_dot_along_both_axes_by_its_share_of_the_side() -> None:
    # a quarter of 8 is two pixels, to the left and up
    assert white_at(moved(Policy("p", shift=0.25), dot(4, 5))) == [(2, 3)]


@pytest.mark.usefixtures("full_swing")
def test_a_shift_counts_each_axis_by_its_own_side() -> None:
    # a quarter of 4 rows is one pixel, a quarter of 8 columns are two
    policy = Policy("p", shift=0.25)
    assert white_at(moved(policy, dot(3, 5, height=4, width=8))) == [(2, 3)]


@pytest.mark.usefixtures("full_swing")
def test_what_is_shifted_out_is_gone_and_black_comes_in() -> None:
    assert white_at(moved(Policy("p", shift=0.25), dot(1, 5))) == []


@pytest.mark.usefixtures("full_swing")
def test_a_quarter_turn_moves_a_dot_round_the_centre() -> None:
    # The centre of 8×8 lies between the pixels 3 and 4. A dot in row 0, column 2 lies 3.5 above
    # it and 1.5 to its left; a quarter turn counter-clockwise brings "above" to the left and
    # "left" below: 1.5 below and 3.5 to the left is row 5, column 0.
    assert white_at(moved(Policy("p", rotate=90.0), dot(0, 2))) == [(5, 0)]


@pytest.mark.usefixtures("full_swing")
def test_a_quarter_turn_is_taken_in_pixels_where_the_picture_is_not_square() -> None:
    # The centre of 4×8 lies between rows 1, 2 and columns 3, 4. A dot 0.5 above it and 1.5 to
    # its right: after the quarter turn it lies 1.5 above and 0.5 to the left: row 0, column 3.
    policy = Policy("p", rotate=90.0)
    assert white_at(moved(policy, dot(1, 5, height=4, width=8))) == [(0, 3)]


@pytest.mark.usefixtures("full_swing")
def test_a_half_turn_and_a_half_turn_again_is_the_picture() -> None:
    policy = Policy("p", rotate=180.0)
    picture = BATCH[:1].float() / 255
    once = policy(picture, Draw(0, 0, np.array([0])))
    assert torch.allclose(once, picture.flip(-1, -2), atol=1e-4)
    assert torch.allclose(policy(once, Draw(0, 0, np.array([0]))), picture, atol=1e-4)


@pytest.mark.usefixtures("full_swing")
def test_a_zoom_keeps_the_centre_and_makes_things_larger() -> None:
    # the four pixels round the centre, twice as large, fill the 4×4 round the centre: the light
    # is four times as much (4 pixels become about 16), and what lay outside is pushed out
    image = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    image[0, 0, 3:5, 3:5] = 255
    seen = moved(Policy("p", zoom=1.0), image)
    assert float(seen.sum()) == pytest.approx(16.0, rel=1e-3)
    assert torch.allclose(seen[3:5, 3:5], torch.ones(2, 2), atol=1e-4)
    assert torch.allclose(seen, seen.flip(-1), atol=1e-4)
    assert torch.allclose(seen, seen.T, atol=1e-4)
    assert float(seen[0].sum()) == 0.0


def test_turns_go_to_either_side_and_stay_within_their_limit() -> None:
    # A dot 8 pixels above the centre of 17×17, turned by at most 20 degrees: it moves at most
    # 8 × sin 20° = 2.74 pixels to the side, and both sides are reached.
    images = dot(0, 8, height=17, width=17).repeat(200, 1, 1, 1)
    seen = Policy("p", rotate=20.0)(images, Draw(0, 0, np.arange(200)))[:, 0]
    columns = torch.arange(17.0)
    centres = (seen.sum(dim=1) * columns).sum(dim=1) / seen.sum(dim=(1, 2)) - 8
    limit = 8 * math.sin(math.radians(20)) + 0.5
    assert float(centres.abs().max()) < limit
    assert float(centres.max()) > 2
    assert float(centres.min()) < -2


def test_shifts_go_to_either_side_and_stay_within_their_limit() -> None:
    # a tenth of 20 is two pixels
    images = dot(10, 10, height=20, width=20).repeat(200, 1, 1, 1)
    seen = Policy("p", shift=0.1)(images, Draw(0, 0, np.arange(200)))[:, 0]
    places = torch.arange(20.0)
    centres = [(seen.sum(dim=axis) * places).sum(dim=1) - 10 for axis in (1, 2)]
    for centre in centres:
        assert float(centre.abs().max()) <= 2.001
        assert float(centre.max()) > 1.5
        assert float(centre.min()) < -1.5
    # the two directions are drawn apart: of 200 pairs, the correlation is 0 ± 0.07
    assert abs(np.corrcoef(torch.stack(centres).numpy())[0, 1]) < 0.35


@pytest.mark.parametrize(
    ("policy", "moves"),
    [
        (unchanged(), False),
        (light_geometry(), True),
        (light_geometry(0, 0, 0), False),
        (Policy("p", rotate=1.0), True),
        (Policy("p", zoom=0.1), True),
        (Policy("p", shift=0.1), True),
    ],
)
def test_a_policy_knows_whether_it_moves_anything(policy: Policy, moves: bool) -> None:
    assert policy.moves is moves
    assert torch.equal(policy(BATCH, draw()), unchanged()(BATCH, draw())) is not moves


def test_policies_are_values() -> None:
    assert light_geometry() == light_geometry()
    assert light_geometry() != light_geometry(rotate=5.0)


def test_all_channels_of_a_picture_move_together() -> None:
    colour = BATCH[:2].repeat(1, 3, 1, 1)
    seen = light_geometry()(colour, draw(samples=SAMPLES[:2]))
    assert torch.equal(seen[:, 0], seen[:, 1])
    assert torch.equal(seen[:, 0], seen[:, 2])


def test_torchs_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    light_geometry()(BATCH, draw())
    assert torch.equal(torch.random.get_rng_state(), before)
