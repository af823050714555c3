"""Small learners that several tests of the loop share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from torch import nn

from common.augment import light_geometry, unchanged
from common.data import ArrayDataset, ArrayLoader
from common.metrics import accuracy
from common.train import Company, History, Steps, TrainSettings, fit

SEED = 3
STEPS = Steps(
    forward=lambda learner: learner.model(*learner.xb),
    loss=lambda learner: learner.loss_func(learner.pred, *learner.yb),
)


def picture_loaders(n: int = 72, bs: int = 16) -> DataLoaders:
    """Noise of 8×8 pixels in three classes."""
    generator = np.random.default_rng(SEED)
    images = generator.integers(0, 256, size=(n, 1, 8, 8), dtype=np.uint8)
    dataset = ArrayDataset(images, generator.integers(0, 3, size=n), ["a", "b", "c"])
    train = ArrayLoader(
        dataset, policy=light_geometry(), seed=SEED, bs=bs, shuffle=True, drop_last=True
    )
    return DataLoaders(train, ArrayLoader(dataset, policy=unchanged(), bs=64))


def picture_net(*, norm: bool = True) -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8) if norm else nn.Identity(),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2) if norm else nn.Identity(),
        nn.Linear(32, 3),
    )


def body_and_head(net: nn.Module) -> list[list[nn.Parameter]]:
    """A splitter: everything before the last layer, and the last layer."""
    assert isinstance(net, nn.Sequential)
    return [list(net[:-1].parameters()), list(net[-1].parameters())]


def picture_learner(
    callbacks: list[Callback] | None = None, *, norm: bool = True, bs: int = 16, **options: Any
) -> Learner:
    options = {"loss_func": CrossEntropyLossFlat(), "splitter": body_and_head, **options}
    return Learner(picture_loaders(bs=bs), picture_net(norm=norm), cbs=callbacks, **options)


def our_fit(learner: Learner, settings: TrainSettings, **options: Any) -> History:
    """`fit` without a validator and without words."""
    company = Company(**{"say": lambda line: None, **options.pop("company", {})})
    usual = {"steps": STEPS, "validator": None, "seed": SEED, "company": company}
    return fit(learner, settings, metric=accuracy, **{**usual, **options})


def weights(learner: Learner) -> torch.Tensor:
    """All of a net's numbers, one after the other, float64."""
    return torch.cat([value.double().ravel() for value in learner.model.state_dict().values()])
