"""The baseline: a net with entity embeddings, and boosted trees on the same features beside it.

This is the file that a fork edits. The facts are in spec.py; samples.py joins the tables, which
reading.py, stores.py and external.py read; features.py makes columns of them and encoding.py codes
them; periods.py splits. Both pipelines have the same items and folds, so their runs can be blended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fastai.tabular.data import TabularDataLoaders
from fastai.tabular.learner import TabularLearner
from torch import nn

from common import files
from common.boosting import BoostedFold, BoostingSettings
from common.collect import Dense, Predictions
from common.data.frames import FrameDataset, FrameLoader
from common.figures import Shown
from common.pipeline import ALL_ROWS, DEFAULT_CONTEXT, Context, Decision, Pipeline
from common.runfolder import RunFolder
from common.train import TrainSettings
from common.traits.tables import table_traits
from competitions.rossmann_store_sales import charts, samples
from competitions.rossmann_store_sales.encoding import Encoding
from competitions.rossmann_store_sales.history import USUAL
from competitions.rossmann_store_sales.net import SalesNet, SoldLoss
from competitions.rossmann_store_sales.periods import before, time_folds
from competitions.rossmann_store_sales.samples import TARGET, encoding_of
from competitions.rossmann_store_sales.spec import SPEC

SMALLEST, LARGEST = 0.9, 1.1  # of the factor: a single odd day would else decide it
PREDICTED_AT_ONCE = 8_192  # rows
TIMELESS = (
    *("store", "store_type", "assortment", "promo_interval", "distance"),
    *("weekday", "open", "promo"),
)


@dataclass(frozen=True)
class NetSettings(TrainSettings):
    """Settings of the net.

    Args:
        folds: periods that are held out: 1 for the last days, more for those of years before.
        layers: units of each layer.
        widest: columns of an embedding, at most.
        dropout: share of each layer's output that is dropped.
        embedding_dropout: share of the embeddings that is dropped.
        hidden_stores: share of the training rows that are shown without their store.
        factor: times the answers, where nothing was held out to fit it on.
    """

    FEWEST_FOLDS = 1

    folds: int = 1
    epochs: int = 10
    batch_size: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 0.3
    layers: tuple[int, ...] = (500, 250)
    widest: int = 50
    dropout: float = 0.05
    embedding_dropout: float = 0.1
    hidden_stores: float = 0.02
    factor: float = 0.985

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layers", tuple(self.layers))  # JSON has lists
        fitting = len(self.layers) > 0 and all(1 <= size <= 8192 for size in self.layers)
        self.require(fitting, "layers", "sizes such as [500,250], 1 to 8192 each")
        self.require(self.widest >= 1, "widest", "at least 1")
        for name in ("dropout", "embedding_dropout", "hidden_stores"):
            self.require(0 <= getattr(self, name) < 1, name, "a share from 0 to below 1")
        self.require(self.factor > 0, "factor", "a number above 0")


@dataclass(frozen=True)
class TreeSettings(BoostingSettings):
    """Settings of the trees.

    Args:
        folds: periods that are held out: 1 for the last days, more for those of years before.
        factor: times the answers, where nothing was held out to fit it on.
    """

    FEWEST_FOLDS = 1

    folds: int = 1
    trees: int = 600
    learning_rate: float = 0.05
    leaves: int = 63
    smallest_leaf: int = 40
    feature_share: float = 0.5
    factor: float = 0.985

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.factor > 0, "factor", "a number above 0")


class Sales(Pipeline):
    """What both pipelines share: the joined features, the periods, the factor, closed days."""

    spec = SPEC
    time_column = "date"

    def prepare(self, context: Context) -> None:
        """Joins all days and learns the codes of the features, once for all folds."""
        samples.prepare(context)

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample (store and date), id, date, open, the features as codes and numbers; in
        train also Sales and group (the date)."""
        of_split = samples.test_samples if split == "test" else samples.train_samples
        return of_split(context)

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return time_folds(items["date"].to_numpy(), self.settings.folds)

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Days with sales train, those before the fold's period; all of its days validate."""
        sold = items[TARGET].to_numpy() > 0
        if fold is ALL_ROWS:
            return np.flatnonzero(sold), np.empty(0, dtype=np.int64)
        earlier = before(items["date"].to_numpy(), fold)
        return np.flatnonzero(sold & earlier), np.flatnonzero(items["fold"].to_numpy() == fold)

    def traits(self, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
        """What does not follow from the date: by the season, any two months can be told apart."""
        names = [*TIMELESS]
        return table_traits(pd.concat([train[names], test[names]], ignore_index=True))

    def combine(self, parts: Sequence[Predictions]) -> Predictions:
        """The first fold's alone: the others were cut years before the test period."""
        return parts[0]

    def decide(self, oof: Predictions, solution: pd.DataFrame) -> Decision:
        """The factor with the lowest RMSPE: below 1, as too high an answer costs more."""
        if not isinstance(oof, Dense):
            raise TypeError(f"the predictions are {type(oof).__name__}; expected Dense")
        truth = solution[TARGET].to_numpy(np.float64)
        sold = truth > 0
        key = solution[SPEC.submission.key_columns[0]].to_numpy()
        ratios = oof.select(key).values[sold, 0].astype(np.float64) / truth[sold]
        if not (ratios > 0).any():
            return {}
        return {"factor": float(np.clip(ratios.sum() / (ratios**2).sum(), SMALLEST, LARGEST))}

    def submission(
        self, items: pd.DataFrame, predictions: Any, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        chosen = predictions.select(items["sample"].to_numpy())
        factor = decision.get("factor", self.settings.factor)
        sales = np.where(items["open"].to_numpy()[:, None], factor * chosen.values, 0.0)
        return super().submission(items, Dense(chosen.samples, sales, chosen.names), decision)

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        if oof is None:
            return ()
        factor = files.read_json(run / "decision.json").get("factor", self.settings.factor)
        errors = charts.relative_errors(oof, TARGET, factor)
        return charts.figures(errors)


class SalesNetPipeline(Sales):
    """Entity embeddings with fastai's tabular model; the target is the logarithm of sales."""

    presets: ClassVar = {
        "baseline": NetSettings(),
        "smoke": NetSettings(epochs=5, batch_size=256, layers=(128, 64), learning_rate=5e-3),
    }

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> TabularDataLoaders:
        train, valid = (items.iloc[rows] for rows in self.splits(items, fold))
        bs = min(self.settings.batch_size, max(2, len(train) // 2))
        return TabularDataLoaders(
            self._loader(train, context, bs=bs, shuffle=True, drop_last=True),
            self._loader(valid, context, bs=PREDICTED_AT_ONCE),
            device=context.device,
        )

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> FrameLoader:
        return self._loader(items.drop(columns=TARGET, errors="ignore"), context)

    def _loader(self, items: pd.DataFrame, context: Context, **options: Any) -> FrameLoader:
        encoding = encoding_of(context)
        targets = None
        if TARGET in items:
            sales = items[TARGET].to_numpy()
            targets = np.log(np.where(sales > 0, sales, np.nan))
        dataset = FrameDataset(
            items[list(encoding.classes)].to_numpy(np.int16),
            encoding.scaled(items),
            targets,
            cat_names=list(encoding.classes),
            cont_names=list(encoding.scales),
            y_names=[TARGET],
            classes={name: ["?", *values] for name, values in encoding.classes.items()},
        )
        bs = options.pop("bs", PREDICTED_AT_ONCE)
        return FrameLoader(dataset, seed=context.seed, bs=bs, device=context.device, **options)

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        own = self.settings
        dropouts = (own.embedding_dropout, own.dropout)
        return SalesNet(encoding_of(context), own.layers, own.widest, dropouts, own.hidden_stores)

    def learner(
        self, loaders: TabularDataLoaders, context: Context = DEFAULT_CONTEXT
    ) -> TabularLearner:
        return TabularLearner(loaders, self.model(context), loss_func=SoldLoss())

    def activation(self, raw: Any) -> Any:
        """Sales from their logarithm."""
        return raw.exp()


class SalesTreesPipeline(Sales):
    """Gradient boosting on the same features; the target is the logarithm of sales, less that of
    what the store sells on such a day."""

    presets: ClassVar = {
        "baseline": TreeSettings(),
        "smoke": TreeSettings(trees=150, learning_rate=0.08, leaves=15),
    }

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> SalesTrees:
        train, encoding = items.iloc[self.splits(items, fold)[0]], encoding_of(context)
        ratio = np.log(train[TARGET].to_numpy()) - encoding.filled(train, USUAL)
        columns, names = encoding.names, self.prediction_names()
        trees = BoostedFold.fit(train, columns, ratio, names, self.settings, context.seed)
        return SalesTrees(trees, encoding)

    def load_fold(self, folder: Path, context: Context) -> SalesTrees:
        encoding = encoding_of(context)
        trees = BoostedFold.load(folder, encoding.names, self.prediction_names())
        return SalesTrees(trees, encoding)


@dataclass
class SalesTrees:
    """One fold's trees, which answer with the logarithm of the ratio to what is usual."""

    trees: BoostedFold
    encoding: Encoding

    def predict(self, items: pd.DataFrame) -> Dense:
        """The sales of some days."""
        ratio = self.trees.predict(items)
        usual = self.encoding.filled(items, USUAL)[:, None]
        return Dense(ratio.samples, np.exp(usual + ratio.values), ratio.names)

    def save(self, folder: Path) -> None:
        """Writes the trees."""
        self.trees.save(folder)


PIPELINES: dict[str, Pipeline] = {"net": SalesNetPipeline(), "trees": SalesTreesPipeline()}
