"""Maps to one row of features per picture."""

from __future__ import annotations

import torch
from torch import nn

from common.errors import SettingsError, unknown_name


class GeM(nn.Module):
    """Generalised mean: (mean over places of max(x, eps)^p)^(1/p), one learnt p for all channels.

    p = 1 is the average of positive maps; the larger p, the nearer to their maximum.

    Args:
        p: the exponent at the start.
        eps: what smaller values are raised to, so that powers and gradients are finite.

    Source: https://arxiv.org/abs/1711.02512
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([p]))
        self.eps = eps

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Features (N, C) of maps (N, C, h, w), computed in float32: half precision would
        overflow."""
        with torch.autocast(maps.device.type, enabled=False):
            raised = maps.float().clamp(min=self.eps) ** self.p.float()
            return (raised.mean(dim=(-2, -1)) ** (1 / self.p.float())).to(maps.dtype)


class Average(nn.Module):
    """The mean over all places, (N, C) of maps (N, C, h, w)."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.mean(dim=(-2, -1))


POOLS: dict[str, type[nn.Module]] = {"avg": Average, "gem": GeM}


def pooling(name: str) -> nn.Module:
    """The pooling of a name.

    Raises: SettingsError for a name that does not exist.
    """
    if name not in POOLS:
        raise SettingsError(unknown_name("pooling", name, POOLS))
    return POOLS[name]()
