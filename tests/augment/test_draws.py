"""What is drawn for a batch: by sample, apart by change, within its limits."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from common.augment import POLICIES, Draw, Draws, Policy, draw_batch, photographs
from common.augment.draws import MIRROR_X, MIRROR_Y

SAMPLES = np.arange(100, 400)
SIDE = (32, 32)
EVERYTHING = photographs().replace(
    flips="dihedral", shift=0.1, saturation=0.3, cutout=0.5, mixup=0.4, cutmix=1.0
)
BY_SAMPLE = ("matrix", "brightness", "contrast", "saturation", "hole")


def drawn(policy: Policy, samples: np.ndarray = SAMPLES, *, epoch: int = 0, seed: int = 0) -> Draws:
    return draw_batch(policy, Draw(seed, epoch, samples), SIDE)


def test_what_a_sample_draws_does_not_depend_on_its_batch() -> None:
    whole = drawn(EVERYTHING)
    rows = np.array([7, 3, 3, 250])
    part = drawn(EVERYTHING, SAMPLES[rows])
    for name in BY_SAMPLE:
        assert np.array_equal(getattr(part, name), getattr(whole, name)[rows]), name


@pytest.mark.parametrize("other", [{"epoch": 1}, {"seed": 1}])
def test_another_epoch_or_seed_draws_something_else(other: dict[str, int]) -> None:
    here, there = drawn(EVERYTHING), drawn(EVERYTHING, **other)
    for name in (*BY_SAMPLE, "partner", "weight", "patch"):
        assert not np.array_equal(getattr(here, name), getattr(there, name)), name


@pytest.mark.parametrize("change", ["flips", "warp", "brightness", "cutout", "mixup", "rotate"])
def test_switching_one_change_off_leaves_what_the_others_draw(change: str) -> None:
    neutral = {field.name: field.default for field in fields(Policy)}[change]
    policy = EVERYTHING.replace(cutmix=0.0)
    here, there = drawn(policy), drawn(policy.replace(**{change: neutral}))
    touched = {
        "flips": {"matrix"},
        "warp": {"matrix"},
        "rotate": {"matrix"},
        "cutout": {"hole"},
        "mixup": {"partner", "weight"},
    }.get(change, {change})
    for name in (*BY_SAMPLE, "partner", "weight"):
        same = np.array_equal(getattr(here, name), getattr(there, name))
        assert same is (name not in touched), name


def test_nothing_drawn_is_the_identity() -> None:
    none = drawn(Policy("p"))
    assert np.array_equal(none.matrix, np.tile(np.eye(3), (len(SAMPLES), 1, 1)))
    assert not none.brightness.any()
    assert (none.contrast == 1).all()
    assert (none.saturation == 1).all()
    assert not none.hole.any()
    assert (none.weight == 1).all()
    assert none.partner.tolist() == list(range(len(SAMPLES)))
    assert none.light_table[0].tolist() == list(range(256))


def test_each_of_the_eight_flips_and_turns_is_drawn_about_equally_often() -> None:
    samples = np.arange(8000)
    matrices = drawn(Policy("p", flips="dihedral"), samples).matrix
    kinds, counts = np.unique(matrices.reshape(-1, 9), axis=0, return_counts=True)
    assert len(kinds) == 8
    # 1,000 of each are expected, with a standard deviation of 30
    assert counts.min() > 850
    assert counts.max() < 1150
    assert np.allclose(np.abs(np.linalg.det(kinds.reshape(-1, 3, 3))), 1)


def test_a_picture_that_is_not_square_is_not_turned_by_a_quarter() -> None:
    matrices = draw_batch(Policy("p", flips="dihedral"), Draw(0, 0, SAMPLES), (20, 30)).matrix
    kinds = {tuple(np.diag(matrix)[:2]) for matrix in matrices}
    assert kinds == {(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)}


@pytest.mark.parametrize(
    ("flips", "signs"),
    [
        ("horizontal", {(1.0, 1.0), (-1.0, 1.0)}),
        ("vertical", {(1.0, 1.0), (1.0, -1.0)}),
        ("both", {(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)}),
    ],
)
def test_flips_mirror_the_axes_they_name(flips: str, signs: set[tuple[float, float]]) -> None:
    matrices = drawn(Policy("p", flips=flips)).matrix
    assert {tuple(np.diag(matrix)[:2]) for matrix in matrices} == signs
    assert MIRROR_X != MIRROR_Y


def test_a_warp_keeps_two_sides_in_place_and_makes_one_longer_than_the_other() -> None:
    # The half side is 16. With p for x alone, the left side stays at x = -16 and reaches
    # y = ±16 (1 + p); the right one stays at 16 and reaches ±16 (1 - p).
    matrices = drawn(Policy("p", warp=0.2)).matrix
    both = matrices[np.abs(matrices[:, 2, 1]).argmin()].copy()
    share = both[2, 0] * 16
    assert 0 < abs(share) < 0.2
    for x, factor in ((-16.0, 1 + share), (16.0, 1 - share)):
        corner = both @ (x, 16.0, 1.0)
        assert corner[:2] / corner[2] == pytest.approx((x, 16 * factor), rel=0.01)


def test_warps_go_to_either_side_and_stay_within_their_limit() -> None:
    shares = drawn(Policy("p", warp=0.2)).matrix[:, 2, 0] * 16
    assert np.abs(shares).max() <= 0.2
    assert shares.max() > 0.15
    assert shares.min() < -0.15


def test_brightness_moves_a_middle_grey_by_up_to_its_share() -> None:
    # 0.5 becomes 0.5 × (1 ± 0.2): 0.4 to 0.6, which is 102 to 153 of 255
    tables = drawn(Policy("p", brightness=0.2)).light_table
    middle = tables[:, 128]  # a little above 0.5
    assert 102 <= middle.min() <= 108
    assert 148 <= middle.max() <= 154
    assert (np.diff(tables.astype(int), axis=1) >= 0).all()
    assert (tables[:, 0] == 0).all()
    assert (tables[:, 255] == 255).all()


def test_contrast_leaves_the_middle_and_spreads_or_narrows_the_rest() -> None:
    batch = drawn(Policy("p", contrast=0.2))
    assert 0.8 <= batch.contrast.min() < 0.83
    assert 1.2 < batch.contrast.max() <= 1.25
    # a value of 51 is 0.2, its logit -ln 4; times 1.25 it is -1.733, which is 0.150 or 38.3
    strongest = batch.contrast.argmax()
    assert 38 <= batch.light_table[strongest, 51] <= 39
    assert np.abs(batch.light_table[:, 127].astype(int) - 127).max() <= 1


def test_holes_lie_in_the_picture_and_have_at_most_their_side() -> None:
    holes = drawn(Policy("p", cutout=0.5)).hole
    assert holes.min() >= 0
    assert holes.max() <= 32
    sides = holes[:, 2:] - holes[:, :2]
    assert sides.min() >= 0
    assert sides.max() in (15, 16)
    assert len(np.unique(holes, axis=0)) > 250


def test_partners_are_a_permutation_that_knows_only_the_set_of_samples() -> None:
    policy = Policy("p", mixup=0.4)
    here = drawn(policy)
    assert sorted(here.partner.tolist()) == list(range(len(SAMPLES)))
    order = np.random.default_rng(1).permutation(len(SAMPLES))
    there = drawn(policy, SAMPLES[order])
    pairs = dict(zip(SAMPLES.tolist(), SAMPLES[here.partner].tolist(), strict=True))
    assert {
        int(own): int(other)
        for own, other in zip(SAMPLES[order], SAMPLES[order][there.partner], strict=True)
    } == pairs
    assert drawn(policy, SAMPLES[:5]).partner.max() <= 4


def test_mixup_keeps_the_own_picture_the_stronger() -> None:
    weight = drawn(Policy("p", mixup=0.4)).weight
    assert weight.min() >= 0.5
    assert weight.max() <= 1
    # Beta(1, 1) is uniform, so its stronger half is uniform from 0.5 to 1: mean 0.75 ± 0.008
    assert drawn(Policy("p", mixup=1.0)).weight.mean() == pytest.approx(0.75, abs=0.035)


def test_cutmix_weighs_by_the_area_that_is_left() -> None:
    batch = drawn(Policy("p", cutmix=1.0))
    sides = batch.patch[:, 2:] - batch.patch[:, :2]
    assert batch.weight == pytest.approx(1 - sides[:, 0] * sides[:, 1] / (32 * 32))
    assert (batch.blend == np.where(sides.any(axis=1), 1.0, batch.weight)).all()
    assert batch.weight.min() < 0.2


def test_where_both_are_on_half_of_the_pictures_are_pasted() -> None:
    batch = drawn(Policy("p", mixup=0.4, cutmix=1.0), np.arange(2000))
    assert 0.4 < batch.patch.any(axis=1).mean() < 0.55


@pytest.mark.parametrize("name", POLICIES)
def test_no_named_policy_mixes(name: str) -> None:
    assert not POLICIES[name]().mixes
