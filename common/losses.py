"""Losses of masks: what cross-entropy, Dice and focal loss make of logits and pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SMOOTH = 1.0  # pixels; keeps the Dice of a mask of a few of them from jumping


class MaskLoss(nn.Module):
    """The weighted sum of binary cross-entropy, soft Dice and focal loss, of one mask per picture.

    Cross-entropy and focal loss are means over all pixels. Dice is 1 - (2·Σpy + s) / (Σp + Σy + s)
    of each picture that has a mask, averaged over all pictures of the batch: one without takes no
    part, because there Dice is 0 with a single pixel and says nothing of how many are wrong; the
    other two terms tell its pixels.

    Args:
        bce, dice, focal: the weights, 0 or more.
        gamma: how much less focal loss minds what is nearly right.

    Source: https://arxiv.org/abs/1708.02002 (focal loss), https://arxiv.org/abs/1606.04797 (Dice)
    """

    def __init__(self, bce: float, dice: float, focal: float = 0.0, *, gamma: float = 2.0) -> None:
        super().__init__()
        self.bce, self.dice, self.focal, self.gamma = bce, dice, focal, gamma

    def forward(self, logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar, of logits (N, 1, H, W) against masks (N, H, W) of 0 and 1."""
        raw = logits.as_subclass(torch.Tensor)[:, 0].float()
        truth = masks.as_subclass(torch.Tensor).to(raw.dtype)
        each = F.binary_cross_entropy_with_logits(raw, truth, reduction="none")
        total = self.bce * each.mean()
        if self.focal:
            of_truth = torch.exp(-each)  # the probability that was given to what is there
            total = total + self.focal * ((1 - of_truth) ** self.gamma * each).mean()
        if self.dice:
            total = total + self.dice * soft_dice_loss(raw.sigmoid(), truth)
        return total


def soft_dice_loss(probabilities: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """1 - soft Dice of the pictures that have a mask, summed and divided by all pictures.

    Args:
        probabilities, masks: float (N, H, W).
    """
    shared = (probabilities * masks).sum(dim=(1, 2))
    sizes = probabilities.sum(dim=(1, 2)) + masks.sum(dim=(1, 2))
    missed = 1 - (2 * shared + SMOOTH) / (sizes + SMOOTH)
    return (missed * masks.amax(dim=(1, 2))).mean()
