"""Test-time augmentation from JPEG files on the CPU; a net of one convolution stands for a fast
device, so that what is measured is how pictures and views are made. Seconds are per picture.

All sides see each picture five times and average probabilities. The views differ: ours are the
picture and four of its flips and turns, made from a batch that was decoded once; fastai's
`learn.tta(n=4)` goes over the files five times, four of them with its `aug_transforms()`, so its
rows include that augmentation on the CPU. It has two worker processes, as it would start them by
itself on two cores, whose CPU time counts; or none, which costs it least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_loader import WORKERS, cpu_seconds
from benchmarks.image_reader import LARGE, SMALL, Photos
from benchmarks.runner import Case, Measured

BATCH = 32
SIDE = 224
DIFFERENT = 8  # files, each of which is read several times
# Of the spread between pictures: filters differ a little, another framing or normalisation more.
APART = 0.25
EXACT = 1e-6


def cases(work: Path) -> list[Case]:
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    return [
        _case("jpeg_small_224", SMALL, 256, work / "small"),
        _case("jpeg_large_224", LARGE, 64, work / "large"),
    ]


def _case(name: str, photos: Photos, n: int, folder: Path) -> Case:
    few = replace(photos, n=DIFFERENT).write(folder)
    sides = _Sides([few[k % len(few)] for k in range(n)])
    peers: dict[str, Measured] = {
        "fastai": _Once(lambda: sides.fastai(WORKERS)),
        "fastai without workers": _Once(lambda: sides.fastai(0)),
    }
    return Case(name, _Once(sides.ours), peers, sides.equal)


@dataclass(frozen=True)
class _Once:
    """Predictions of all pictures, which take long enough to be measured by themselves."""

    predict: Callable[[], np.ndarray]

    def run(self) -> tuple[np.ndarray, float]:
        started = cpu_seconds()
        found = self.predict()
        return found, (cpu_seconds() - started) / len(found)


class _Sides:
    """The same net over the same files, with our loader and with fastai's."""

    def __init__(self, files: list[Path]) -> None:
        import fastai.callback.progress  # noqa: F401 - a learner has no_bar() with it
        from fastai.learner import Learner
        from fastai.losses import CrossEntropyLossFlat

        from common.augment import IMAGENET_MEAN, IMAGENET_STD, unchanged
        from common.data.images import ImageDataset, ImageLoader, Target

        policy = unchanged().replace(mean=IMAGENET_MEAN, std=IMAGENET_STD)
        dataset = ImageDataset(files, target=Target(SIDE, SIDE, method="crop"))
        self.loader = ImageLoader(dataset, policy=policy, bs=BATCH)
        self.samples = np.array([str(number) for number in range(len(files))])
        self.files, self.stock = files, _stock(files)
        self.learner = Learner(self.stock, _net(), loss_func=CrossEntropyLossFlat())

    def ours(self) -> np.ndarray:
        from common.tta import D4_5

        return self._predicted(D4_5)

    def fastai(self, n_workers: int) -> np.ndarray:
        return self._quietly(lambda: self.learner.tta(dl=self._stock_loader(n_workers), n=4))

    def equal(self, ours: np.ndarray, theirs: np.ndarray) -> bool:
        """Without further views: exactly what `get_preds` says to the same batches, and nearly
        what it says to fastai's own, which are resized by another filter."""
        from common.tta import NONE

        plain = self._predicted(NONE)
        same, stock = map(self._get_preds, (self.loader, self._stock_loader(0)))
        return (
            ours.shape == theirs.shape
            and _distance(plain, same) < EXACT
            and _distance(plain, stock) < APART * float(stock.std(axis=0).max())
        )

    def _predicted(self, chosen: Any) -> np.ndarray:
        from common.collect import Columns
        from common.predict import predict
        from common.tta import averaged

        def step(net: Any, inputs: Any) -> Any:
            return averaged(lambda seen: net(seen).softmax(dim=1), chosen, inputs, "classes")

        collector, net = Columns(("p_0", "p_1")), self.learner.model
        found: Any = predict(net, self.loader, self.samples, collector, step, "cpu")
        return np.asarray(found.values)

    def _get_preds(self, loader: Any) -> np.ndarray:
        return self._quietly(lambda: self.learner.get_preds(dl=loader))

    def _quietly(self, predict: Callable[[], Any]) -> np.ndarray:
        with self.learner.no_bar():
            return np.asarray(predict()[0])

    def _stock_loader(self, n_workers: int) -> Any:
        return self.stock.test_dl(self.files, bs=BATCH, num_workers=n_workers)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _net() -> Any:
    """Few operations; weights so large that pictures are told apart."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    told = nn.Linear(16, 2)
    told.weight.data *= 10
    conv = nn.Conv2d(3, 16, 4, stride=4)
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), told).eval()


def _stock(files: list[Path]) -> Any:
    """fastai's own loaders, as its tutorials build them."""
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.vision.augment import Resize, aug_transforms
    from fastai.vision.data import ImageBlock, Normalize, imagenet_stats

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_y=lambda path: int(path.stem) % 2,
        item_tfms=Resize(SIDE),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(*imagenet_stats)],
    )
    return block.dataloaders(files[:DIFFERENT], bs=2, num_workers=0, device="cpu")
