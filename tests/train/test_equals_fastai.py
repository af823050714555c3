"""The same weights as fastai's own loop, bit for bit: tables, texts, pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback
from fastai.collab import CollabDataLoaders, collab_learner
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.tabular.all import Categorify, Normalize, TabularDataLoaders, tabular_learner
from fastai.text.all import AWD_LSTM, TextDataLoaders, language_model_learner
from fastai.text.learner import text_classifier_learner

from common.randomness import seed_generators
from common.train import TrainSettings
from common.train.feeding import Feed
from common.train.schedule import MOMENTUM_HIGH
from tests.train.nets import SEED, our_fit, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),  # pandas 3's
]

CONSTANT = TrainSettings(
    epochs=2, batch_size=16, learning_rate=1e-2, weight_decay=0.0, schedule="constant"
)

SMALL: dict[str, Any] = {"seq_len": 12, "valid_pct": 0.2, "seed": SEED, "num_workers": 0}


class Fed:
    """A loader that serves fastai's loop the batches that ours gets."""

    def __init__(self, loader: Any) -> None:
        self.loader, self.epoch = loader, 0

    def __iter__(self) -> Iterator[Any]:
        yield from Feed(self.loader, seed=SEED, epoch=self.epoch)
        self.epoch += 1

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class SeedEachStep(Callback):
    """Gives fastai's loop the random numbers that ours has by key."""

    order = -100

    def before_batch(self) -> None:
        if self.training:
            seed_generators(SEED, "step", self.train_iter)


def words(n: int) -> pd.DataFrame:
    """Texts of unequal length, and whether they praise."""
    generator = np.random.default_rng(SEED)
    known = ["good", "bad", "film", "plot", "dull", "bright", "the", "a"]
    texts = [" ".join(generator.choice(known, generator.integers(5, 30))) for _ in range(n)]
    return pd.DataFrame({"text": texts, "label": ["good" in text for text in texts]})


def table_learner(**options: Any) -> Learner:
    generator = np.random.default_rng(SEED)
    table = pd.DataFrame(
        {
            "shop": generator.integers(0, 5, 90),
            "size": generator.normal(size=90),
            "sold": generator.normal(size=90).astype(np.float32),
        }
    )
    loaders = TabularDataLoaders.from_df(
        table,
        procs=[Categorify, Normalize],
        cat_names=["shop"],
        cont_names=["size"],
        y_names="sold",
        valid_idx=list(range(20)),
        bs=16,
    )
    torch.manual_seed(SEED)
    return tabular_learner(loaders, layers=[8], **options)


def language_learner(**options: Any) -> Learner:
    loaders = TextDataLoaders.from_df(
        words(60),
        text_col="text",
        is_lm=True,
        bs=4,
        seq_len=12,
        valid_pct=0.2,
        seed=SEED,
        num_workers=0,
    )
    torch.manual_seed(SEED)
    small = {"emb_sz": 8, "n_hid": 12, "n_layers": 2}
    config = _config(language_model_learner, small)
    return language_model_learner(loaders, AWD_LSTM, pretrained=False, config=config, **options)


def classifier_learner(**options: Any) -> Learner:
    loaders = TextDataLoaders.from_df(
        words(60),
        text_col="text",
        label_col="label",
        bs=8,
        seq_len=12,
        valid_pct=0.2,
        seed=SEED,
        num_workers=0,
    )
    torch.manual_seed(SEED)
    small = {"emb_sz": 8, "n_hid": 12, "n_layers": 2}
    return text_classifier_learner(
        loaders,
        AWD_LSTM,
        pretrained=False,
        config=_config(text_classifier_learner, small),
        seq_len=12,
        **options,
    )


def _config(kind: Callable[..., Any], small: dict[str, int]) -> dict[str, Any]:
    from fastai.text.models.awdlstm import awd_lstm_clas_config, awd_lstm_lm_config

    own = awd_lstm_lm_config if kind is language_model_learner else awd_lstm_clas_config
    return {**own, **small}


def pairs_learner(**options: Any) -> Learner:
    generator = np.random.default_rng(SEED)
    ratings = pd.DataFrame(
        {
            "user": generator.integers(0, 9, 120),
            "item": generator.integers(0, 7, 120),
            "rating": generator.integers(1, 6, 120).astype(float),
        }
    )
    loaders = CollabDataLoaders.from_df(ratings, bs=16, seed=SEED)
    torch.manual_seed(SEED)
    return collab_learner(loaders, n_factors=4, y_range=(0.5, 5.5), **options)


@pytest.mark.parametrize(
    "make", [table_learner, language_learner, classifier_learner, pairs_learner]
)
def test_weights_equal_those_of_fastais_own_loop(make: Callable[..., Learner]) -> None:
    adamw = partial(torch.optim.AdamW, betas=(MOMENTUM_HIGH, 0.999), weight_decay=0.0, fused=True)
    theirs = make(opt_func=partial(OptimWrapper, opt=adamw))
    theirs.unfreeze()
    theirs.add_cb(SeedEachStep())
    theirs.dls.loaders[0] = Fed(theirs.dls.loaders[0])
    with theirs.no_bar(), theirs.no_logging():
        theirs.fit(CONSTANT.epochs, CONSTANT.learning_rate)
    ours = make()
    before = weights(ours)
    our_fit(ours, CONSTANT)
    assert torch.equal(weights(ours), weights(theirs))
    assert not torch.equal(weights(ours), before)
