"""A small Learner of each kind that the loop trains, ready within a second and with few files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from fastai.callback.mixup import MixUp
from fastai.collab import CollabDataLoaders, EmbeddingDotBias
from fastai.data.block import CategoryBlock
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, MSELossFlat
from fastai.tabular.core import Categorify, FillMissing, Normalize, TabularPandas
from fastai.tabular.model import TabularModel, get_emb_sz
from fastai.text.data import LMDataLoader, SortedDL, TensorText, pad_input_chunk
from fastai.text.learner import LMLearner, TextLearner
from fastai.text.models.awdlstm import (
    AWD_LSTM,
    awd_lstm_clas_config,
    awd_lstm_clas_split,
    awd_lstm_lm_config,
    awd_lstm_lm_split,
)
from fastai.text.models.core import get_language_model, get_text_classifier
from fastai.torch_core import TensorCategory
from torch import nn
from torch.utils.data import IterableDataset

from common.augment import light_geometry, unchanged
from common.data import ArrayDataset, ArrayLoader
from common.data.frames import frame_loaders
from common.data.images import ImageDataset, ImageLoader, Target
from common.train import Steps

SEED = 3
N_WORDS = 20
STEPS = Steps(
    forward=lambda learner: learner.model(*learner.xb),
    loss=lambda learner: learner.loss_func(learner.pred, *learner.yb),
)


class Counted:
    """A validator whose score is a mean over all raw outputs."""

    def begin(self) -> None:
        self.rows, self.total = 0, 0.0

    def add(self, raw: torch.Tensor) -> int:
        self.rows += len(raw)
        self.total += float(raw.double().sigmoid().sum())
        return len(raw)

    def finish(self) -> float:
        return self.total / max(1, self.rows)


# ---- pictures -----------------------------------------------------------------------------------


def pictures(callbacks: tuple[Any, ...] = (), n: int = 56) -> Learner:
    """Seven batches of 8; augmentation, batch norm, dropout, and a head of its own group."""
    generator = np.random.default_rng(SEED)
    images = generator.integers(0, 256, size=(n, 1, 8, 8), dtype=np.uint8)
    dataset = ArrayDataset(images, generator.integers(0, 3, size=n), ["a", "b", "c"])
    loaders = DataLoaders(
        ArrayLoader(dataset, policy=light_geometry(), seed=SEED, bs=8, shuffle=True),
        ArrayLoader(dataset, policy=unchanged(), bs=32),
    )
    torch.manual_seed(SEED)
    body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 3))
    return Learner(
        loaders,
        nn.Sequential(body, head),
        loss_func=CrossEntropyLossFlat(),
        cbs=list(callbacks),
        splitter=lambda model: [[*part.parameters()] for part in model],
    )


def mixed_pictures() -> Learner:
    """The same with fastai's MixUp."""
    return pictures((MixUp(0.4),))


N_FILES = 96


def write_pictures(folder: Path) -> list[Path]:
    """PNG files of 320×240."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(SEED)
    paths = [folder / f"{number}.png" for number in range(N_FILES)]
    for path in paths:
        coarse = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (320, 240)))
    return paths


def picture_files(folder: Path, cache: Path | None) -> Learner:
    """Twelve batches of 8 from what `write_pictures` wrote."""
    paths = [folder / f"{number}.png" for number in range(N_FILES)]
    generator = np.random.default_rng(SEED)
    labels = generator.integers(0, 3, N_FILES)
    dataset = ImageDataset(
        paths,
        labels,
        target=Target(24, 32),
        vocab=["a", "b", "c"],
        samples=range(N_FILES),
        cache=cache,
    )
    loaders = DataLoaders(
        ImageLoader(dataset, policy=light_geometry(), seed=SEED, bs=8, shuffle=True, threads=2),
        ImageLoader(dataset.rows(range(32)), policy=unchanged(), bs=16, threads=2),
    )
    torch.manual_seed(SEED)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16, 3),
    )
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat())


class Noisy:
    """Rows whose values are drawn anew each time, from all three global generators."""

    def __init__(self, n: int) -> None:
        self.n, self.read = n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.read += 1
        noise = torch.randn(2) + random.random() + np.random.rand()  # noqa: NPY002 - as libraries do
        return noise + position, torch.tensor(position % 3)


def noise_on_batches(part: torch.Tensor) -> torch.Tensor:
    """A batch transform that draws, for the inputs of a batch."""
    return part + torch.randn(2) + random.random() if part.is_floating_point() else part


def noisy_rows(n_workers: int = 0) -> Learner:
    """Stock fastai loaders whose items and batches draw from the global generators."""
    train = TfmdDL(
        Noisy(40), bs=8, shuffle=True, num_workers=n_workers, after_batch=[noise_on_batches]
    )
    torch.manual_seed(SEED)
    net = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.1), nn.Linear(8, 3))
    loaders = DataLoaders(train, TfmdDL(Noisy(16), bs=8, num_workers=0))
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat())


class Stream(IterableDataset):  # type: ignore[type-arg]
    """Rows that come one after the other and have no index."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rows = Noisy(40)
        return (rows[position] for position in range(40))


def stream() -> Learner:
    """A stock loader that cannot be indexed: what was done is read again and thrown away."""
    learner = noisy_rows()
    learner.dls.loaders[0] = TfmdDL(Stream(), bs=8, n=40, num_workers=0)
    return learner


# ---- tables -------------------------------------------------------------------------------------


def table() -> TabularPandas:
    """40 rows to train, 20 to validate."""
    generator = np.random.default_rng(SEED)
    frame = pd.DataFrame(
        {
            "town": generator.choice(["Basel", "Bern", "Chur"], 60),
            "size": generator.normal(50, 9, 60),
            "sold": generator.choice(["yes", "no"], 60),
        }
    )
    return TabularPandas(
        frame,
        [Categorify, FillMissing, Normalize],
        cat_names=["town"],
        cont_names=["size"],
        y_names="sold",
        y_block=CategoryBlock(),
        splits=(list(range(40)), list(range(40, 60))),
    )


def _tabular(to: TabularPandas, loaders: DataLoaders) -> Learner:
    torch.manual_seed(SEED)
    net = TabularModel(get_emb_sz(to), 1, 2, [8], ps=0.1, embed_p=0.1)
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat())


def frame_table() -> Learner:
    """A table through our loader."""
    to = table()
    return _tabular(to, frame_loaders(to, bs=8, seed=SEED))


def stock_table() -> Learner:
    """A table through fastai's TabDataLoader."""
    to = table()
    return _tabular(to, to.dataloaders(bs=8))


def ratings() -> Learner:
    """Collaborative filtering by fastai's EmbeddingDotBias."""
    generator = np.random.default_rng(SEED)
    frame = pd.DataFrame(
        {
            "user": generator.integers(0, 6, 60),
            "item": generator.integers(0, 9, 60),
            "rating": generator.integers(1, 6, 60).astype(np.float32),
        }
    )
    loaders = CollabDataLoaders.from_df(frame, bs=8, seed=SEED, valid_pct=0.2)
    torch.manual_seed(SEED)
    net = EmbeddingDotBias.from_classes(4, loaders.classes, y_range=(0, 5.5))
    return Learner(loaders, net, loss_func=MSELossFlat())


# ---- texts --------------------------------------------------------------------------------------

SMALL = {"emb_sz": 8, "n_hid": 12, "n_layers": 2}


def numbered_texts(n: int = 24) -> list[torch.Tensor]:
    """Texts of 6 to 19 word numbers."""
    generator = np.random.default_rng(SEED)
    lengths = generator.integers(6, 20, n)
    return [TensorText(torch.from_numpy(generator.integers(2, N_WORDS, own))) for own in lengths]


def language_model() -> Learner:
    """AWD-LSTM over a stream of texts: its hidden state goes on from batch to batch."""
    train, valid = (
        LMDataLoader([(text,) for text in texts], bs=4, seq_len=5, shuffle=shuffle, num_workers=0)
        for texts, shuffle in ((numbered_texts(), True), (numbered_texts(8), False))
    )
    torch.manual_seed(SEED)
    net = get_language_model(AWD_LSTM, N_WORDS, config={**awd_lstm_lm_config, **SMALL})
    loaders = DataLoaders(train, valid)
    return LMLearner(loaders, net, loss_func=CrossEntropyLossFlat(), splitter=awd_lstm_lm_split)


def text_classifier() -> Learner:
    """AWD-LSTM with a pooling head over batches of texts of like lengths."""
    texts = numbered_texts(40)
    rows = [(text, TensorCategory(len(text) % 2)) for text in texts]
    padded = partial(pad_input_chunk, pad_first=True, seq_len=5)
    options = {"bs": 4, "num_workers": 0, "before_batch": padded}
    train, valid = (
        SortedDL(part, res=[len(text) for text, _ in part], shuffle=shuffle, **options)
        for part, shuffle in ((rows[:30], True), (rows[30:], False))
    )
    torch.manual_seed(SEED)
    net = get_text_classifier(
        AWD_LSTM, N_WORDS, 2, seq_len=5, config={**awd_lstm_clas_config, **SMALL}, lin_ftrs=[6]
    )
    loaders = DataLoaders(train, valid)
    return TextLearner(loaders, net, loss_func=CrossEntropyLossFlat(), splitter=awd_lstm_clas_split)


KINDS: dict[str, Callable[[], Learner]] = {
    "pictures": pictures,
    "noisy-rows": noisy_rows,
    "stream": stream,
    "frame-table": frame_table,
    "stock-table": stock_table,
    "ratings": ratings,
    "language-model": language_model,
    "text-classifier": text_classifier,
}
