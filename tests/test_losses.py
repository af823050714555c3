"""The loss of masks: its terms by hand, and what an empty mask does to them."""

from __future__ import annotations

import math

import pytest
import torch

from common.losses import MaskLoss

LOGIT = math.log(3)  # of the probability 3/4
ONE_OF_FOUR = torch.tensor([[[1, 0], [0, 0]]])
LOGITS = torch.tensor([[[[LOGIT, -LOGIT], [-LOGIT, -LOGIT]]]])  # 3/4 there, 1/4 elsewhere


def test_cross_entropy_is_the_mean_over_pixels() -> None:
    # every pixel was given 3/4 of what is there
    assert float(MaskLoss(1, 0)(LOGITS, ONE_OF_FOUR)) == pytest.approx(-math.log(0.75))


def test_focal_loss_minds_nearly_right_pixels_less() -> None:
    assert float(MaskLoss(0, 0, 1)(LOGITS, ONE_OF_FOUR)) == pytest.approx(0.25**2 * -math.log(0.75))


def test_dice_compares_shared_with_both_sizes() -> None:
    # shared 3/4, sizes 3/4 + 3 · 1/4 and 1, one pixel of smoothing: 1 - 2.5 / 3.5
    assert float(MaskLoss(0, 1)(LOGITS, ONE_OF_FOUR)) == pytest.approx(1 - 2.5 / 3.5)


def test_terms_are_weighted_and_added() -> None:
    parts = [MaskLoss(*weights)(LOGITS, ONE_OF_FOUR) for weights in ((1, 0), (0, 1), (0, 0, 1))]
    whole = MaskLoss(3, 1, 4)(LOGITS, ONE_OF_FOUR)
    assert float(whole) == pytest.approx(3 * parts[0] + parts[1] + 4 * parts[2])


def test_an_empty_mask_takes_no_part_in_dice_and_all_in_cross_entropy() -> None:
    empty = torch.zeros(1, 2, 2, dtype=torch.int64)
    logits = LOGITS.clone().requires_grad_()
    MaskLoss(0, 1)(logits, empty).backward()
    assert logits.grad is not None
    assert not logits.grad.any()
    both = MaskLoss(0, 1)(torch.cat([LOGITS, LOGITS]), torch.cat([ONE_OF_FOUR, empty]))
    assert float(both) == pytest.approx((1 - 2.5 / 3.5) / 2)
    assert float(MaskLoss(1, 0)(LOGITS, empty)) > -math.log(0.75)


@pytest.mark.parametrize("sign", [1, -1])
def test_sure_logits_give_a_finite_loss_and_gradient(sign: int) -> None:
    logits = torch.full((1, 1, 2, 2), sign * 100.0, requires_grad=True)
    loss = MaskLoss(3, 1, 4)(logits, ONE_OF_FOUR)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
