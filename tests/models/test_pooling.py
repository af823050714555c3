"""Pooling by numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from common.models import GeM


def test_gem_of_two_places_by_hand() -> None:
    # p = 3 over 1 and 3: ((1 + 27) / 2)^(1/3) = 14^(1/3) = 2.41014
    maps = torch.tensor([[[[1.0, 3.0]]]])
    assert GeM(p=3.0)(maps).item() == pytest.approx(2.41014, abs=1e-5)


def test_gem_raises_what_is_below_eps() -> None:
    # p = 2, eps = 1: -5 counts as 1; ((1 + 49) / 2)^(1/2) = 5
    maps = torch.tensor([[[[-5.0], [7.0]]]])
    assert GeM(p=2.0, eps=1.0)(maps).item() == pytest.approx(5.0)


def test_gem_of_one_is_the_average() -> None:
    maps = torch.rand(2, 3, 4, 5)
    assert torch.allclose(GeM(p=1.0)(maps), maps.mean(dim=(2, 3)))


def test_gem_learns_its_exponent_even_where_maps_are_zero() -> None:
    pool = GeM()
    pool(torch.zeros(2, 3, 4, 4)).sum().backward()
    assert pool.p.grad is not None
    assert torch.isfinite(pool.p.grad).all()


def test_gem_does_not_overflow_in_half_precision() -> None:
    # 100 cubed is above 65,504, the largest float16
    pooled = GeM()(torch.full((1, 1, 2, 2), 100.0, dtype=torch.float16))
    assert pooled.dtype == torch.float16
    assert pooled.item() == pytest.approx(100, rel=1e-3)
