"""Policies: values that are checked when they are made, and that name what they rely on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import common.augment
from common import registry
from common.augment import POLICIES, Draw, Policy, named, overhead, photographs, strokes, unchanged
from common.augment.policy import FLIPS
from common.errors import SettingsError


def test_the_package_has_every_name_that_it_lists() -> None:
    listed = common.augment.__all__
    assert len(set(listed)) == len(listed)
    for name in listed:
        assert hasattr(common.augment, name)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_found_by_its_name(name: str) -> None:
    assert named(name).name == name
    assert named(name) == named(name)


def test_an_unknown_policy_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'photographs'"):
        named("photograph")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flips": "diagonal"}, "no kind of flips named 'diagonal'"),
        ({"padding": "white"}, "no padding named 'white'"),
        ({"warp": 1.0}, "warp=1.0; expected a share from 0 to below 1"),
        ({"brightness": -0.1}, "brightness=-0.1"),
        ({"contrast": 1.5}, "contrast=1.5"),
        ({"saturation": 1.0}, "saturation=1.0"),
        ({"cutout": 1.1}, "cutout=1.1; expected a share from 0 to 1"),
        ({"mixup": -1.0}, "mixup=-1.0; expected 0 or more"),
        ({"mean": (0.5,)}, "expected 1 numbers, as mean"),
        ({"mean": (0.5,), "std": (0.0,)}, "expected numbers above 0"),
    ],
)
def test_a_value_out_of_range_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        unchanged().replace(**changes)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("policy", "symmetries"),
    [
        (unchanged(), set()),
        (strokes(), set()),
        (photographs(), {"horizontal"}),
        (overhead(), {"horizontal", "vertical", "turns"}),
        (Policy("p", flips="both"), {"horizontal", "vertical"}),
        (Policy("p", flips="vertical"), {"vertical"}),
    ],
)
def test_a_policy_tells_which_symmetries_it_uses(policy: Policy, symmetries: set[str]) -> None:
    assert policy.symmetries == symmetries
    assert policy.check(symmetries) is policy
    assert policy.check(None) is policy


def test_a_policy_that_uses_a_symmetry_the_data_lack_is_refused() -> None:
    with pytest.raises(SettingsError, match="use horizontal; the data allow none"):
        photographs().check(())
    with pytest.raises(SettingsError, match="use turns, vertical; the data allow horizontal"):
        overhead().check({"horizontal"})


def test_only_keeps_the_changes_named_with_padding_and_normalisation() -> None:
    kept = photographs().only("flips", "rotate")
    assert (kept.flips, kept.rotate) == ("horizontal", 10.0)
    assert (kept.zoom, kept.warp, kept.brightness, kept.contrast) == (0.0, 0.0, 0.0, 0.0)
    assert (kept.padding, kept.mean) == ("mirror", photographs().mean)
    assert not photographs().only().moves
    assert not photographs().only().lights


def test_a_change_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="did you mean 'rotate'"):
        photographs().only("rotation")
    with pytest.raises(SettingsError, match="did you mean 'cutmix'"):
        photographs().replace(cutmx=1.0)


def test_pictures_are_not_mixed_where_their_targets_would_stay_behind() -> None:
    draw = Draw(0, 0, np.arange(2))
    with pytest.raises(SettingsError, match="mixes pictures, and this loader would leave"):
        Policy("p", mixup=0.4)(torch.zeros(2, 1, 4, 4), draw)


def test_a_policy_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        photographs().rotate = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("folder", registry.folders())
def test_every_competition_names_flips_that_exist(folder: str) -> None:
    flips = registry.load_spec(folder).flips
    assert flips is None or set(flips) <= FLIPS["dihedral"]
    assert flips is None or len(set(flips)) == len(flips)


def test_digits_are_never_mirrored_and_pictures_from_above_always_may_be() -> None:
    digits, amazon = (
        registry.load_spec(folder).flips
        for folder in ("digit_recognizer", "planet_understanding_the_amazon_from_space")
    )
    assert overhead().check(amazon) == overhead()
    with pytest.raises(SettingsError):
        photographs().check(digits)
