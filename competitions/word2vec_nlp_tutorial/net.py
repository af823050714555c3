"""The net: AWD-LSTM under a pooling head, its settings, and its loaders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.rnn import rnn_cbs
from fastai.data.core import TfmdDL
from fastai.text.data import SortedDL, TensorText, pad_chunk
from fastai.text.models.awdlstm import (
    AWD_LSTM,
    awd_lstm_clas_config,
    awd_lstm_clas_split,
    awd_lstm_lm_config,
)
from fastai.text.models.core import get_language_model, get_text_classifier
from torch import nn

from common.collect import Predictions
from common.neural import NeuralFold
from common.train import TrainSettings
from common.train.settings import Phase

PAD = 1  # the number of xxpad
PER_LEVEL = 2.6  # by how much slower each group learns than the one after it
ALPHA, BETA = 2.0, 1.0  # of the regularisers on the LSTM's outputs and on their changes
PRETRAINED = ("auto", "required", "none")

splitter = awd_lstm_clas_split


@dataclass(frozen=True)
class UlmfitSettings(TrainSettings):
    """Settings of the language model and of the classifier on top of it.

    Args:
        epochs: of the classifier with all groups thawed; before them come `frozen_epochs` each
            with one, two and three groups, at a learning rate that is halved every time.
        embedding, hidden, layers: of the LSTM; 400, 1152 and 3 are those of pretrained weights.
        vocabulary: tokens that are known, at most.
        least_count: times that a token is found, at least.
        bptt: tokens in a row through which the gradient flows.
        max_tokens: of a review that the classifier reads; of longer ones both ends.
        dropout: factor of all dropouts of the classifier.
        lm_epochs, lm_rate, lm_batch_size, lm_dropout: of the language model.
        pretrained: "auto" begins with pretrained weights where they are attached, "required"
            refuses to do without, "none" does without.
    """

    epochs: int = 2
    frozen_epochs: int = 1
    learning_rate: float = 4e-2
    momentum: float = 0.8
    weight_decay: float = 0.1
    batch_size: int = 64
    embedding: int = 400
    hidden: int = 1152
    layers: int = 3
    vocabulary: int = 60_000
    least_count: int = 2
    bptt: int = 72
    max_tokens: int = 1440
    dropout: float = 0.5
    lm_epochs: int = 8
    lm_rate: float = 4e-3
    lm_batch_size: int = 64
    lm_dropout: float = 0.5
    pretrained: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("embedding", "hidden", "layers", "least_count", "lm_epochs", "lm_batch_size"):
            self.require(getattr(self, name) >= 1, name, "at least 1")
        for name in ("bptt", "max_tokens", "vocabulary"):
            self.require(getattr(self, name) >= 16, name, "at least 16")
        for name in ("dropout", "lm_dropout"):  # at 0 fastai's WeightDropout breaks
            self.require(0 < getattr(self, name) <= 1, name, "a share above 0, up to 1")
        self.require(self.lm_rate > 0, "lm_rate", "a number above 0")
        self._require_one("pretrained", PRETRAINED)

    def phases(self) -> tuple[Phase, ...]:
        """Gradual unfreezing: the head, then one and two layers below it, then everything."""
        spread, rate, thawed = PER_LEVEL ** (self.layers + 1), self.learning_rate, []
        for n_groups in range(1, min(3, self.layers + 1) + 1) if self.frozen_epochs else ():
            thawed.append(Phase(self.frozen_epochs, rate, spread, trained_groups=n_groups))
            rate /= 2
        return (*thawed, Phase(self.epochs, rate, spread))


PRESETS: dict[str, UlmfitSettings] = {
    "baseline": UlmfitSettings(),
    "smoke": UlmfitSettings(
        folds=2,
        epochs=20,
        learning_rate=2e-2,
        weight_decay=0.01,
        batch_size=16,
        embedding=32,
        hidden=48,
        layers=1,
        bptt=40,
        max_tokens=80,
        dropout=0.1,
        lm_epochs=2,
        lm_rate=1e-2,
        lm_batch_size=16,
        lm_dropout=0.1,
        pretrained="none",
    ),
}


# ---- nets ---------------------------------------------------------------------------------------


def _sized(config: dict[str, Any], settings: UlmfitSettings) -> dict[str, Any]:
    sizes = {
        "emb_sz": settings.embedding,
        "n_hid": settings.hidden,
        "n_layers": settings.layers,
        "pad_token": PAD,
    }
    return {**config, **sizes}


def classifier(n_words: int, settings: UlmfitSettings) -> nn.Sequential:
    """The encoder, reading a review in steps of `bptt` tokens, and a head on what it ends with,
    its mean and its maximum."""
    net: nn.Sequential = get_text_classifier(
        AWD_LSTM,
        n_words,
        2,
        seq_len=settings.bptt,
        config=_sized(awd_lstm_clas_config, settings),
        drop_mult=settings.dropout,
        max_len=settings.max_tokens,
    )
    return net


def language_model(n_words: int, settings: UlmfitSettings) -> nn.Sequential:
    """The encoder, and a decoder that shares its embedding."""
    config = _sized(awd_lstm_lm_config, settings)
    net: nn.Sequential = get_language_model(
        AWD_LSTM, n_words, config, drop_mult=settings.lm_dropout
    )
    return net


def callbacks() -> list[Callback]:
    """What keeps the state of the LSTM and regularises it."""
    cbs: list[Callback] = rnn_cbs(ALPHA, BETA)
    return cbs


class SortedFold(NeuralFold):
    """A fold's net that is given any order of reviews and reads the longest first: neighbours make
    batches with little padding."""

    def predict(self, items: pd.DataFrame) -> Predictions:
        """The predictions of some items, in their order."""
        predicted = super().predict(items.iloc[longest_first(items["tokens"])])
        return predicted.select(items["sample"].to_numpy())


def longest_first(rows: Iterable[np.ndarray]) -> np.ndarray:
    """Positions, int64 (n_rows,), of the longest row first; equal ones in their order."""
    order: np.ndarray = np.argsort(
        -np.array([len(row) for row in rows], dtype=np.int64), kind="stable"
    )
    return order


# ---- loaders ------------------------------------------------------------------------------------


class Rows:
    """Rows of token numbers, with their labels where they are known."""

    def __init__(self, rows: Iterable[np.ndarray], labels: Iterable[int] | None) -> None:
        self.rows = list(rows)
        self.labels = None if labels is None else torch.tensor([*labels], dtype=torch.long)
        self.n_inp, self.split_idx = 1, None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        row = TensorText(torch.from_numpy(self.rows[position].astype(np.int64)))
        return (row,) if self.labels is None else (row, self.labels[position])


def train_loader(
    rows: Iterable[np.ndarray], labels: Iterable[int], settings: UlmfitSettings, device: str
) -> SortedDL:
    """Batches of reviews of similar length, in random order."""
    known = Rows(rows, labels)
    return SortedDL(
        known,
        res=[*map(len, known.rows)],
        bs=settings.batch_size,
        shuffle=True,
        drop_last=len(known) > settings.batch_size,  # batch norm takes no single row
        before_batch=partial(padded, bptt=settings.bptt),
        num_workers=0,
        device=torch.device(device),
    )


def plain_loader(
    rows: Iterable[np.ndarray], labels: Iterable[int] | None, settings: UlmfitSettings, device: str
) -> TfmdDL:
    """Batches of reviews in their order, which has to be from the longest to the shortest."""
    return TfmdDL(
        Rows(rows, labels),
        bs=settings.batch_size,
        before_batch=partial(padded, bptt=settings.bptt),
        num_workers=0,
        device=torch.device(device),
    )


def padded(samples: list[tuple[Any, ...]], *, bptt: int) -> list[tuple[Any, ...]]:
    """Reviews of one length, whole steps of padding before the text and the rest after it.

    The length is a whole number of steps: where the last step is shorter, fastai's head takes the
    last state of a short review from the padding before it.
    """
    lengths = [len(sample[0]) for sample in samples]
    # the encoder lets the longer rows of a batch begin earlier, which holds in this order only
    assert lengths == sorted(lengths, reverse=True), "rows of a batch stand longest first"
    whole = -(-max(lengths) // bptt) * bptt
    return [
        (pad_chunk(row, pad_idx=PAD, seq_len=bptt, pad_len=whole), *others)
        for row, *others in samples
    ]
