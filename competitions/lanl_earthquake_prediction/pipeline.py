"""The baseline: boosted trees on a table of features, and a small convolutional net beside them.

This is the file that a fork edits. The facts are in spec.py; how the recording is read and cut in
recording.py and segments.py, how a segment is described in features.py and net.py. Both pipelines
have the same items and folds, so their runs can be blended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from torch import nn

from common import files
from common.augment import unchanged
from common.boosting import BoostedFold, BoostingSettings
from common.collect import Dense
from common.data import ArrayLoader
from common.errors import DataError
from common.figures import Figure
from common.folds import cycles
from common.opening import data_stamps
from common.pipeline import DEFAULT_CONTEXT, Context, Decision, Pipeline
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE
from common.train import TrainSettings
from competitions.lanl_earthquake_prediction import charts, features
from competitions.lanl_earthquake_prediction.net import StepDataset, StepNet, summaries
from competitions.lanl_earthquake_prediction.segments import (
    Cut,
    SegmentSettings,
    read_segments,
    rows_of_a_segment,
    test_paths,
)
from competitions.lanl_earthquake_prediction.spec import SPEC
from competitions.lanl_earthquake_prediction.split_check import check_splits

TARGET = SPEC.submission.target_columns[0]
CUT = "segments.json"


@dataclass(frozen=True)
class TreeSettings(BoostingSettings, SegmentSettings):
    """Settings of the trees; few leaves and few columns a split, as there are few cycles.

    Args:
        drifting: whether the trees also see what drifts with the recording (mean and median).
    """

    loss: str = "absolute_error"
    trees: int = 300
    learning_rate: float = 0.03
    leaves: int = 5
    smallest_leaf: int = 20
    feature_share: float = 0.3
    drifting: bool = False


@dataclass(frozen=True)
class NetSettings(TrainSettings, SegmentSettings):
    """Settings of the net.

    Args:
        width: channels of the first convolution; the others have twice as many.
        dropout: share of the features that the head does not see.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    width: int = 32
    dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(1 <= self.width <= 4096, "width", "1 to 4096")
        self.require(0 <= self.dropout < 1, "dropout", "a share from 0 to below 1")


class Earthquakes(Pipeline):
    """What both pipelines share: the cut recording, the folds, answers of at least 0 seconds."""

    spec = SPEC

    def prepare(self, context: Context) -> None:
        """Converts the recording, describes its segments, compares the ways to split them."""
        cut = self._cut(context)
        n_rows, of_host = len(cut.recording.signal), SPEC.file("train").rows
        if n_rows != of_host and not (context.root / FIXTURE_FILE).is_file():
            say = context.session.say
            say(f"warning: train.csv holds {n_rows:,} rows; the host's holds {of_host:,}")
        self._described(cut)
        table = cut.described("features", features.table)
        segments, n_folds = cut.segments, self.settings.folds
        check = check_splits(table, segments.times, segments.cycles, n_folds, context.seed)
        context.session.say(check.told())
        facts = {"segment_rows": segments.length, "mean_absolute_errors": asdict(check)}
        files.make_folder(context.shared)
        files.write_json(context.shared / CUT, facts)

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, what the model reads; in train also time_to_failure, group (the
        cycle) and start (the segment's first row)."""
        if split == "test":
            paths = test_paths(context.root)
            names = [path.stem for path in paths]
            length = files.read_json(context.shared / CUT)["segment_rows"]
            described = self.columns(self.describe(read_segments(paths, length)))
            return pd.DataFrame({"sample": names, "id": names}).join(described)
        cut = self._cut(context)
        segments = cut.segments
        names = [f"row_{start:09d}" for start in segments.starts]
        table = {"sample": names, "id": names, TARGET: segments.times, "group": segments.cycles}
        described = self.columns(self._described(cut))
        return pd.DataFrame({**table, "start": segments.starts}).join(described)

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        groups, times = items["group"].to_numpy(), items[TARGET].to_numpy()
        return cycles(groups, times, self.settings.folds, seed)

    def submission(
        self, items: pd.DataFrame, predictions: Any, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        possible = predictions.values.clip(min=0)  # no time is below 0
        answers = Dense(predictions.samples, possible, predictions.names)
        return super().submission(items, answers, decision)

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Figure]:
        return () if oof is None else (charts.over_time(oof, TARGET), charts.by_cycle(oof, TARGET))

    kept_as: ClassVar[str]  # under which name what the model reads is kept

    def describe(self, segments: Iterable[np.ndarray]) -> np.ndarray:
        """What the model reads of some segments, one row each."""
        raise NotImplementedError

    def columns(self, described: np.ndarray) -> pd.DataFrame:
        """The same as columns of the items."""
        raise NotImplementedError

    def _described(self, cut: Cut) -> np.ndarray:
        return cut.described(self.kept_as, self.describe)

    def _cut(self, context: Context) -> Cut:
        path = context.root / SPEC.file("train").name
        if not path.is_file():
            raise DataError(f"{path} does not exist; get the host's files again")
        length = rows_of_a_segment(self.settings, context.root)
        stamp = data_stamps(self, context.root)["train"]
        return Cut.make(path, stamp, context.work, length, self.settings.starts)


class EarthquakeTrees(Earthquakes):
    """Gradient boosting on the feature table."""

    kept_as = "features"
    presets: ClassVar = {
        "baseline": TreeSettings(),
        "smoke": TreeSettings(trees=60, learning_rate=0.1, folds=3),
    }

    def describe(self, segments: Iterable[np.ndarray]) -> np.ndarray:
        return features.table(segments)

    def columns(self, described: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(described, columns=list(features.NAMES))

    def used(self) -> tuple[str, ...]:
        """The features that the trees see."""
        hidden = () if self.settings.drifting else features.DRIFTING
        return tuple(name for name in features.NAMES if name not in hidden)

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> BoostedFold:
        train = items.iloc[self.splits(items, fold)[0]]
        target, names = train[TARGET].to_numpy(), self.prediction_names()
        return BoostedFold.fit(train, self.used(), target, names, self.settings, context.seed)

    def load_fold(self, folder: Path, context: Context) -> BoostedFold:
        return BoostedFold.load(folder, self.used(), self.prediction_names())


class EarthquakeNet(Earthquakes):
    """Convolutions over 150 steps of a segment."""

    kept_as = "steps"
    presets: ClassVar = {
        "baseline": NetSettings(),
        "smoke": NetSettings(epochs=6, width=16, folds=3),
    }

    def describe(self, segments: Iterable[np.ndarray]) -> np.ndarray:
        return summaries(segments)

    def columns(self, described: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"steps": [*described]})

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        train, valid = (items.iloc[rows] for rows in self.splits(items, fold))
        full = len(train) > self.settings.batch_size  # batch norm needs more than one row
        return DataLoaders(
            self._loader(train, context, shuffle=True, drop_last=full),
            self._loader(valid, context),
        )

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> ArrayLoader:
        return self._loader(items.drop(columns=TARGET, errors="ignore"), context)

    def _loader(self, items: pd.DataFrame, context: Context, **options: Any) -> ArrayLoader:
        steps = np.stack([*items["steps"]]) if len(items) else summaries([])
        times = items[TARGET].to_numpy() if TARGET in items else None
        dataset = StepDataset(steps, times, items["sample"])
        bs = self.settings.batch_size if options else 256
        return ArrayLoader(
            dataset, policy=unchanged(), seed=context.seed, bs=bs, device=context.device, **options
        )

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        return StepNet(self.settings.width, self.settings.dropout)

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        return Learner(loaders, self.model(context), loss_func=nn.L1Loss())


# the trees come first: they need no GPU, take a minute, and did best in this competition
PIPELINES: dict[str, Pipeline] = {"trees": EarthquakeTrees(), "net": EarthquakeNet()}
