"""The baseline: a net with entity embeddings, and boosted trees on the same features beside it.

This is the file that a fork edits. The facts are in spec.py; reading.py, stores.py and external.py
read the tables, features.py makes columns of them, encoding.py codes them, periods.py splits. Both
pipelines have the same items and folds, so their runs can be blended.
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
from common.collect import Dense, Predictions, save_table
from common.collect.base import load_table
from common.data.frames import FrameDataset, FrameLoader
from common.figures import Figure
from common.pipeline import ALL_ROWS, DEFAULT_CONTEXT, Context, Decision, Pipeline
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE
from common.train import TrainSettings
from competitions.rossmann_store_sales import charts, features
from competitions.rossmann_store_sales.encoding import Encoding
from competitions.rossmann_store_sales.external import External
from competitions.rossmann_store_sales.net import SalesNet, SoldLoss
from competitions.rossmann_store_sales.periods import before, period, time_folds
from competitions.rossmann_store_sales.reading import check_later, read_test, read_train
from competitions.rossmann_store_sales.spec import SPEC
from competitions.rossmann_store_sales.stores import check_known, read_stores

TARGET = SPEC.submission.target_columns[0]
DAYS, ENCODING = "days.parquet", "encoding.json"
SMALLEST, LARGEST = 0.9, 1.1  # of the factor: a single odd day would else decide it
PREDICTED_AT_ONCE = 8_192  # rows


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
    weight_decay: float = 0.05
    layers: tuple[int, ...] = (500, 250)
    widest: int = 50
    dropout: float = 0.02
    embedding_dropout: float = 0.04
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

    def prepare(self, context: Context) -> None:
        """Joins all days, and learns the codes of the features; a finished run keeps its own."""
        shared = context.shared
        if (shared / ENCODING).is_file() and not shared.is_relative_to(context.work):
            return
        say, root = context.session.say, context.root
        train, stores = read_train(root), read_stores(root)
        check_known(train, stores, root)
        test = read_test(root)
        check_later(train, test, root)
        external = External.read(root)
        if external.told():
            say(external.told())
        of_host = SPEC.file("train").rows
        if len(train) != of_host and not (root / FIXTURE_FILE).is_file():
            say(f"warning: train.csv holds {len(train):,} rows; the host's holds {of_host:,}")
        files.make_folder(shared)
        external.save(shared)
        days = pd.concat([train, test], ignore_index=True)
        save_table(shared / DAYS, days)
        table = features.build(days, stores, external)
        sold = days["sales"].to_numpy() > 0
        sold[: len(train)] &= before(train["date"].to_numpy(), 0)
        Encoding.learned(
            table[sold],
            days["sales"].to_numpy()[sold],
            (*features.CATEGORIES, *external.texts),
            (*features.NUMBERS, *external.numbers),
        ).save(shared / ENCODING)

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample (store and date), id, date, open, the features as codes and numbers; in
        train also Sales and group (the date)."""
        kept = load_table(context.shared / DAYS)
        days = kept[kept["id"].isna()]
        stores = read_stores(context.root)
        asked = np.ones(len(days), dtype=bool)
        if split == "test":
            test = read_test(context.root)
            check_later(days, test, context.root)
            _tell_unseen(test, days, stores, context)
            asked = np.repeat([False, True], [len(days), len(test)])
            days = pd.concat([days, test], ignore_index=True)
        else:
            asked = kept["id"].isna().to_numpy()
            days = kept
        table = features.build(days, stores, External.load(context.shared))[asked]
        own = days[asked]
        dates = _texts(own["date"])
        names = [f"{store}_{day}" for store, day in zip(own["store"], dates, strict=True)]
        items = pd.DataFrame({"sample": names, "id": names})
        if split == "test":
            items["id"] = own["id"].to_numpy()
        else:
            items[TARGET] = own["sales"].to_numpy(np.float64)
            items["group"] = dates
        items["date"], items["open"] = own["date"].to_numpy(), own["open"].to_numpy()
        encoded = self._encoding(context).encoded(table).reset_index(drop=True)
        return pd.concat([items, encoded], axis=1)

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return time_folds(items["date"].to_numpy(), self.settings.folds)

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Days with sales train, those before the fold's period; all of its days validate."""
        sold = items[TARGET].to_numpy() > 0
        if fold is ALL_ROWS:
            return np.flatnonzero(sold), np.empty(0, dtype=np.int64)
        earlier = before(items["date"].to_numpy(), fold)
        return np.flatnonzero(sold & earlier), np.flatnonzero(items["fold"].to_numpy() == fold)

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
    ) -> Sequence[Figure]:
        if oof is None:
            return ()
        factor = files.read_json(run / "decision.json").get("factor", self.settings.factor)
        errors = charts.relative_errors(oof, TARGET, factor)
        return charts.figures(errors)

    def _encoding(self, context: Context) -> Encoding:
        return Encoding.load(context.shared / ENCODING)


def _texts(dates: pd.Series) -> np.ndarray:
    """Dates such as 2015-07-31, each different one written once."""
    places, days = pd.factorize(dates)
    texts: np.ndarray = pd.DatetimeIndex(days).strftime("%Y-%m-%d").to_numpy(dtype=object)[places]
    return texts


def _tell_unseen(
    test: pd.DataFrame, days: pd.DataFrame, stores: pd.DataFrame, context: Context
) -> None:
    """Says which stores of the test set have no past, and which not even a row in store.csv."""
    asked = test["store"].unique()
    for known, lacks, by in (
        (days["store"].unique(), "train.csv", "store.csv and the calendar"),
        (stores.index.to_numpy(), "store.csv", "the calendar alone"),
    ):
        unseen = np.setdiff1d(asked, known)
        if len(unseen):
            context.session.say(
                f"warning: test.csv asks for {len(unseen)} stores that {lacks} lacks, the first is "
                f"{unseen[0]}; they are answered by {by}"
            )


class SalesNetPipeline(Sales):
    """Entity embeddings with fastai's tabular model; the target is the logarithm of sales."""

    presets: ClassVar = {
        "baseline": NetSettings(),
        "smoke": NetSettings(epochs=8, batch_size=512, layers=(128, 64), learning_rate=5e-3),
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
        encoding = self._encoding(context)
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
        return SalesNet(
            self._encoding(context), own.layers, own.widest, dropouts, own.hidden_stores
        )

    def learner(
        self, loaders: TabularDataLoaders, context: Context = DEFAULT_CONTEXT
    ) -> TabularLearner:
        return TabularLearner(loaders, self.model(context), loss_func=SoldLoss())

    def activation(self, raw: Any) -> Any:
        """Sales from their logarithm."""
        return raw.exp()


class SalesTreesPipeline(Sales):
    """Gradient boosting on the same features; the target is the logarithm of sales."""

    presets: ClassVar = {
        "baseline": TreeSettings(),
        "smoke": TreeSettings(trees=150, learning_rate=0.08, leaves=15),
    }

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> SalesTrees:
        train = items.iloc[self.splits(items, fold)[0]]
        target, names = np.log(train[TARGET].to_numpy()), self.prediction_names()
        columns = self._columns(context)
        trees = BoostedFold.fit(train, columns, target, names, self.settings, context.seed)
        return SalesTrees(trees)

    def load_fold(self, folder: Path, context: Context) -> SalesTrees:
        columns = self._columns(context)
        return SalesTrees(BoostedFold.load(folder, columns, self.prediction_names()))

    def _columns(self, context: Context) -> tuple[str, ...]:
        encoding = self._encoding(context)
        return (*encoding.classes, *encoding.scales)


@dataclass
class SalesTrees:
    """One fold's trees, which answer with logarithms."""

    trees: BoostedFold

    def predict(self, items: pd.DataFrame) -> Dense:
        """The sales of some days."""
        found = self.trees.predict(items)
        return Dense(found.samples, np.exp(found.values), found.names)

    def save(self, folder: Path) -> None:
        """Writes the trees."""
        self.trees.save(folder)


PIPELINES: dict[str, Pipeline] = {"net": SalesNetPipeline(), "trees": SalesTreesPipeline()}
