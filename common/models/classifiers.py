"""A backbone, pooling and a head: pictures to one row of outputs each."""

from __future__ import annotations

import torch
from torch import nn

from common.models.backbones import Backbone, backbone
from common.models.groups import Groups, splitter
from common.models.pooling import pooling


class Classifier(nn.Module):
    """Pictures (N, n_channels, H, W) to raw outputs (N, n_outputs).

    Args:
        head: features (N, n_features) to outputs.
    """

    def __init__(self, net: Backbone, pool: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.pool, self.head = net, pool, head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(self.pool(self.backbone(images)))
        return outputs

    def class_maps(self, images: torch.Tensor) -> torch.Tensor:
        """Where each output comes from, (N, n_outputs, h, w): the weights of the head at every
        place of the last maps. With average pooling their mean and the head's bias are the
        output."""
        weights = self.head[-1].weight  # type: ignore[index]
        places = self.backbone(images).permute(0, 2, 3, 1)
        maps: torch.Tensor = (places @ weights.T).permute(0, 3, 1, 2)
        return maps


def classifier(
    name: str,
    n_outputs: int,
    *,
    weights: str,
    pool: str = "avg",
    n_channels: int = 3,
    dropout: float = 0.0,
) -> Classifier:
    """A net for n_outputs raw outputs: logits of classes or marks, or numbers.

    Args:
        name, weights, n_channels: see `backbone`.
        pool: "avg" or "gem".
        dropout: share of the features that the head does not see in training.

    Raises: what `backbone` raises; SettingsError for another pooling.
    """
    net = backbone(name, weights=weights, n_channels=n_channels)
    linear = nn.Linear(net.n_features, n_outputs)
    nn.init.trunc_normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    return Classifier(net, pooling(pool), nn.Sequential(nn.Dropout(dropout), linear))


def classifier_groups(net: nn.Module) -> Groups:
    """The parameter groups of a Classifier for fastai's `Learner(splitter=…)`: the backbone in two
    parts, then pooling and head. A frozen phase trains the last."""
    return splitter(2, "backbone", "pool", "head")(net)
