"""The baseline: a small convolutional net, and a support vector machine beside it.

This is the file that a fork edits. The facts (file names, columns, classes) are in spec.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from torch import nn

from common.augment import Policy, light_geometry, unchanged
from common.data import (
    ArrayDataset,
    ArrayLoader,
    read_classes,
    read_features,
    read_ids,
    row_numbers,
)
from common.errors import DataError
from common.pipeline import DEFAULT_CONTEXT, Context, Pipeline
from common.settings import Settings
from common.train import TrainSettings
from competitions.digit_recognizer.spec import SPEC
from competitions.digit_recognizer.svc import SvcFold

TARGET = SPEC.submission.target_columns[0]


@dataclass(frozen=True)
class NetSettings(TrainSettings):
    """Settings of the net.

    Args:
        width: channels of the first layer; the others have twice as many.
        dropout: share of the features that the head does not see.
        rotate, zoom, shift: see common.augment.Policy.
    """

    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 5e-3
    width: int = 32
    dropout: float = 0.25
    rotate: float = 10.0
    zoom: float = 0.1
    shift: float = 0.08

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(1 <= self.width <= 4096, "width", "1 to 4096")
        self.require(abs(self.rotate) <= 180, "rotate", "degrees from 0 to 180")
        self.require(abs(self.shift) <= 1, "shift", "a share from 0 to 1")
        self.require(0 <= self.dropout < 1, "dropout", "a share from 0 to below 1")
        self.require(0 <= self.zoom < 1, "zoom", "a share from 0 to below 1")


@dataclass(frozen=True)
class SvcSettings(Settings):
    """Settings of the support vector machine.

    Args:
        cost: the C of scikit-learn's SVC with its rbf kernel.
    """

    cost: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.cost > 0, "cost", "a number above 0")


class Digits(Pipeline):
    """What both pipelines share: the pictures and their labels."""

    spec = SPEC

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, image (uint8 or float32, (H, W)), and in train the label."""
        file = SPEC.file(split)
        path = context.root / file.name
        n_features, n_targets = len(file.features), len(SPEC.submission.targets)
        if not (n_features and SPEC.classes and n_targets == 1):
            raise DataError(
                f"spec.py names {n_features} feature columns, {len(SPEC.classes)} classes and "
                f"{n_targets} target columns; expected some, some and one: for other data write "
                "items(), model(), learner() and submission() anew"
            )
        features = read_features(path, file, SPEC.value_range)
        ids = row_numbers(len(features)) if file.key is None else read_ids(path, file.key)
        images = features.reshape(len(features), *(SPEC.image_size or (1, n_features)))
        items = pd.DataFrame({"sample": ids, "id": ids, "image": [*images]})
        if split == "train" and file.target is not None:
            classes = np.array(SPEC.classes)
            items[TARGET] = classes[read_classes(path, file.target, SPEC.classes)]
        return items

    def picture(self, item: Any) -> np.ndarray | None:
        image: np.ndarray = item.image
        return image if image.dtype == np.uint8 and min(image.shape) > 1 else None


class DigitNet(Digits):
    """Three convolutions with batch norm, one hidden step to the classes, light geometry."""

    presets: ClassVar = {
        "baseline": NetSettings(),
        "smoke": NetSettings(epochs=3, width=16, folds=2),
    }

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        train, valid = (items.iloc[rows] for rows in self.splits(items, fold))
        if len(train) < 2:
            raise DataError(
                f"{len(train)} rows train in fold {fold}; expected at least 2, for batch norm"
            )
        settings = self.settings
        policy = light_geometry(settings.rotate, settings.zoom, settings.shift)
        shuffled = {"shuffle": True, "drop_last": len(train) > settings.batch_size}
        return DataLoaders(
            self._loader(train, policy, context, **shuffled),
            self._loader(valid, unchanged(), context),
        )

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> ArrayLoader:
        return self._loader(items.drop(columns=TARGET, errors="ignore"), unchanged(), context)

    def _loader(
        self, items: pd.DataFrame, policy: Policy, context: Context, **options: Any
    ) -> ArrayLoader:
        bs = self.settings.batch_size if policy.moves else 256
        return ArrayLoader(
            _dataset(items),
            policy=policy,
            seed=context.seed,
            bs=bs,
            device=context.device,
            **options,
        )

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        width, n_classes = self.settings.width, len(SPEC.classes)
        return nn.Sequential(
            *_convolution(1, width),
            nn.MaxPool2d(2),
            *_convolution(width, 2 * width),
            nn.MaxPool2d(2),
            *_convolution(2 * width, 2 * width),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
            nn.Dropout(self.settings.dropout),
            nn.Linear(2 * width * 9, n_classes),
        )

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        return Learner(loaders, self.model(context), loss_func=CrossEntropyLossFlat())


class DigitSvc(Digits):
    """scikit-learn's support vector machine on the pixels: a rung that a net has to pass."""

    presets: ClassVar = {"baseline": SvcSettings(), "smoke": SvcSettings(folds=2)}

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> SvcFold:
        train = items.iloc[self.splits(items, fold)[0]]
        return SvcFold.fit(train["image"], train[TARGET], self.prediction_names(), self.settings)

    def load_fold(self, folder: Path, context: Context) -> SvcFold:
        return SvcFold.load(folder, self.prediction_names())


def _convolution(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(n_out), nn.ReLU()


def _dataset(items: pd.DataFrame) -> ArrayDataset:
    """The pictures as (N, 1, H, W), and the labels as positions among the classes."""
    height, width = items["image"].iloc[0].shape if len(items) else (28, 28)
    if min(height, width) < 4:
        raise DataError(
            f"{height * width} feature columns are no picture of at least 4×4 by spec.py; take "
            "--pipeline svc, which reads any columns, or set image_size there if they are one"
        )
    images = np.stack([*items["image"]]) if len(items) else np.zeros((0, height, width), np.uint8)
    targets = None
    if TARGET in items:
        position = {name: number for number, name in enumerate(SPEC.classes)}
        targets = np.array([position[label] for label in items[TARGET]], dtype=np.int64)
    return ArrayDataset(images[:, None], targets, list(SPEC.classes), items["sample"])


_BOTH: dict[str, Pipeline] = {"net": DigitNet(), "svc": DigitSvc()}
# the first is the default: columns that are no picture begin with the machine that takes any
PIPELINES = _BOTH if SPEC.image_size else dict(reversed(_BOTH.items()))
