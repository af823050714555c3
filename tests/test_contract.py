"""The contract on kinds of competition that are not like the digits, in small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from torch import nn

from common import registry, run, writing
from common.augment import unchanged
from common.collect import Columns, Dense, Maps, MapStack, Ragged, Rows
from common.collect.base import positions_of
from common.data import ArrayDataset, ArrayLoader
from common.files import read_json, write_json
from common.folds import TRAIN_ONLY
from common.metrics import mean_absolute_error
from common.opening import Request
from common.pipeline import DEFAULT_CONTEXT, Context, Decision, Pipeline
from common.run import train
from common.settings import Settings
from common.spec import CompetitionSpec, HostFile, LabelColumn, NumberColumn, SubmissionFormat
from common.train import TrainSettings
from common.writing import AnswerColumns

pytestmark = pytest.mark.slow

SPEC = CompetitionSpec(
    slug="toy",
    title="Toy",
    kind="toy",
    metric=mean_absolute_error,
    submission=SubmissionFormat(("id",), (NumberColumn("value"),)),
    files=(HostFile("sample_submission", "sample_submission.csv"),),
)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Trains a pipeline as if it were a competition's default, and gives the run folder."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "find", lambda name: "toy")
    monkeypatch.setattr(run, "write_report", lambda *_: None)
    data = tmp_path / "data" / "toy"
    data.mkdir(parents=True)
    ids = [f"t{k}" for k in range(6)]
    sample = "id,value\n" + "".join(f"{name},0\n" for name in ids)
    (data / "sample_submission.csv").write_text(sample)

    def run_it(pipeline: Pipeline, **options: Any) -> Path:
        monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": pipeline})
        return train(Request("toy", **options), say=lambda line: None).path

    return run_it


class Means:
    """A model that is no net: the mean of what it was shown."""

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def predict(self, items: pd.DataFrame) -> Dense:
        collector = Columns(("p_value",))
        collector.add(items["sample"].to_numpy(), np.full(len(items), self.mean))
        return collector.finish()

    def save(self, folder: Path) -> None:
        write_json(folder / "mean.json", self.mean)


# ---- a signal: time folds, training on the past only, nothing neural ----------------------------


class Signal(Pipeline):
    """Rows in time; the first block is never validated, and a fold trains on its past only."""

    spec = SPEC
    presets: ClassVar = {"baseline": Settings(folds=3)}

    def prepare(self, context: Context) -> None:
        write_json(context.shared / "scale.json", 2.0)

    def items(self, split: str, context: Context) -> pd.DataFrame:
        scale = read_json(context.shared / "scale.json")
        n = 40 if split == "train" else 6
        names = [f"{'s' if split == 'train' else 't'}{k}" for k in range(n)]
        return pd.DataFrame({"sample": names, "id": names, "value": scale * np.arange(n)})

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return np.repeat([TRAIN_ONLY, 0, 1, 2], len(items) // 4)

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        if fold is None:
            return super().splits(items, fold)
        column = items["fold"].to_numpy()
        return np.flatnonzero(column < fold), np.flatnonzero(column == fold)

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> Means:
        past = items.iloc[self.splits(items, fold)[0]]
        return Means(float(past["value"].mean()))

    def load_fold(self, folder: Path, context: Context) -> Means:
        return Means(read_json(folder / "mean.json"))


def test_time_folds_train_on_the_past_and_leave_rows_unvalidated(toy: Any) -> None:
    folder = toy(Signal())
    oof = pd.read_parquet(folder / "oof.parquet")
    assert len(oof) == 30  # of 40: the first block has no past
    # the past of fold 1 is the values 0, 2, … 38, whose mean is 19
    assert oof.loc[oof["fold"] == 1, "value"].tolist()[0] != 19  # the truth
    assert read_json(folder / "fold1" / "mean.json") == 19.0
    assert read_json(folder / "shared" / "scale.json") == 2.0
    # truth minus prediction, by hand: 21 in fold 0, then 30 (29 + 1 … as 49-19), then 40
    assert [entry["score"] for entry in read_json(folder / "scores.json")["folds"]] == [
        pytest.approx(20.0),
        pytest.approx(30.0),
        pytest.approx(40.0),
    ]


def test_what_is_prepared_keeps_to_the_hours_and_says_what_it_does(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Context] = []
    original = Signal.prepare

    def watched(self: Signal, context: Context) -> None:
        seen.append(context)
        original(self, context)

    monkeypatch.setattr(Signal, "prepare", watched)
    toy(Signal(), hours=5.0)
    assert seen[0].session.budget.hours == 5.0
    assert seen[0].session.run is None  # the run folder is begun afterwards


# ---- masks: maps on disk, a threshold that is fitted across folds -------------------------------


@dataclass(frozen=True)
class MaskSettings(TrainSettings):
    epochs: int = 1
    batch_size: int = 4
    folds: int = 2


class Masks(Pipeline):
    """The answer is how many pixels are on; the threshold is decided on out-of-fold maps."""

    spec = SPEC
    presets: ClassVar = {"baseline": MaskSettings()}

    def items(self, split: str, context: Context) -> pd.DataFrame:
        n = 12 if split == "train" else 6
        names = [f"{'s' if split == 'train' else 't'}{k}" for k in range(n)]
        images = np.random.default_rng(0).integers(0, 256, size=(n, 1, 4, 4), dtype=np.uint8)
        value = (images > 127).sum(axis=(1, 2, 3)).astype(float)
        return pd.DataFrame({"sample": names, "id": names, "value": value, "image": [*images]})

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return np.arange(len(items)) % 2

    def _loader(self, items: pd.DataFrame) -> ArrayLoader:
        images = np.stack([*items["image"]]) if len(items) else np.zeros((0, 1, 4, 4), np.uint8)
        targets = np.zeros(len(items), dtype=np.int64)
        return ArrayLoader(ArrayDataset(images, targets, ["mask"]), policy=unchanged(), bs=4)

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        return DataLoaders(*(self._loader(items.iloc[rows]) for rows in self.splits(items, fold)))

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> ArrayLoader:
        return self._loader(items)

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        return nn.Conv2d(1, 1, 1)

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        return Learner(loaders, self.model(context), loss_func=nn.MSELoss())

    def forward(self, learner: Learner) -> Any:
        # like a detector: losses while it trains, which needs the targets, and answers after
        if not learner.training:
            return learner.xb[0].clamp(0, 1)
        return {"area": (learner.model(*learner.xb).mean() - learner.yb[0].float().mean()) ** 2}

    def loss(self, learner: Learner) -> torch.Tensor:
        return learner.pred["area"] if learner.training else torch.zeros(())

    def predict_step(self, model: nn.Module, inputs: Any) -> Any:
        return inputs[0].as_subclass(torch.Tensor).clamp(0, 1)

    def collect(self, items: pd.DataFrame, context: Context) -> Maps:
        return Maps(context.work, len(items), (1, 4, 4))

    def decide(self, oof: Any, solution: pd.DataFrame) -> Decision:
        truth = solution["value"].to_numpy()
        rows = oof.select(solution["id"].to_numpy()).values
        errors = {
            cut: float(np.abs((rows > cut).sum(axis=(1, 2, 3)) - truth).mean())
            for cut in (63, 127, 191)
        }
        return {"cut": min(errors, key=errors.__getitem__), "rows": len(truth)}

    def submission(
        self, items: pd.DataFrame, predictions: Any, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        cut = decision.get("cut", 63)
        order = positions_of(predictions.samples, items["sample"].to_numpy())
        for name, row in zip(items["id"], order, strict=True):
            yield name, float((predictions.values[row] > cut).sum())


def test_a_threshold_is_fitted_on_the_other_folds_and_again_on_all(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    original = Masks.decide

    def watched(self: Masks, oof: Any, solution: pd.DataFrame) -> Decision:
        seen.append(set(solution["id"]))
        assert set(oof.samples.tolist()) == set(solution["id"])
        return original(self, oof, solution)

    condensed: list[set[str]] = []

    def once(self: Masks, oof: Any, solution: pd.DataFrame) -> Any:
        condensed.append(set(oof.samples.tolist()))
        assert condensed[-1] == set(solution["id"])
        return oof

    monkeypatch.setattr(Masks, "decide", watched)
    monkeypatch.setattr(Masks, "condensed", once)
    folder = toy(Masks())
    even, odd = ({f"s{k}" for k in range(start, 12, 2)} for start in (0, 1))
    assert seen == [odd, even, even | odd]
    assert condensed == [even | odd]  # what is decided on is made once, then taken apart
    assert read_json(folder / "decision.json") == {"cut": 127, "rows": 12}
    # with the right cut every area is right, out of fold and on the test set
    assert read_json(folder / "scores.json")["pooled"] == 0.0
    test = Masks().items("test", DEFAULT_CONTEXT)
    answers = pd.read_csv(folder / "submission.csv").set_index("id")["value"]
    assert answers.loc[test["id"]].tolist() == test["value"].tolist()
    assert MapStack.load(folder, "oof").values.shape == (12, 1, 4, 4)


# ---- two samples to one id -----------------------------------------------------------------------


class Sites(Signal):
    """Two samples answer one id; the default submission averages them."""

    def items(self, split: str, context: Context) -> pd.DataFrame:
        n = 20 if split == "train" else 6
        one = [f"{'s' if split == 'train' else 't'}{k}" for k in range(n)]
        names = [f"{name}-{site}" for name in one for site in (1, 2)]
        ids = [name for name in one for _ in (1, 2)]
        return pd.DataFrame({"sample": names, "id": ids, "value": 1.0, "group": ids})

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return Pipeline.folds(self, items, seed)

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        return Pipeline.splits(self, items, fold)


class SiteModel(Means):
    """Site 1 says 1, site 2 says 4."""

    def predict(self, items: pd.DataFrame) -> Dense:
        collector = Columns(("p_value",))
        sites = items["sample"].str[-1].map({"1": 1.0, "2": 4.0})
        collector.add(items["sample"].to_numpy(), sites.to_numpy())
        return collector.finish()


def test_samples_of_one_id_stay_in_one_fold_and_are_averaged(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sites, "load_fold", lambda self, folder, context: SiteModel(0.0))
    folder = toy(Sites())
    folds = pd.read_parquet(folder / "folds.parquet")
    assert (folds.groupby("id")["fold"].nunique() == 1).all()
    assert set(pd.read_csv(folder / "submission.csv")["value"]) == {2.5}
    scores = read_json(folder / "scores.json")
    assert scores["rows"] == 20
    assert scores["pooled"] == 1.5


# ---- the default submission, in columns ---------------------------------------------------------


class Pairs(Signal):
    """Two numbers to an id of two cells."""

    spec = replace(
        SPEC, submission=SubmissionFormat(("user", "item"), (NumberColumn("x"), NumberColumn("y")))
    )


class Trees(Signal):
    """One of two classes to an id."""

    spec = replace(
        SPEC, submission=SubmissionFormat(("id",), (LabelColumn("tree"),)), classes=("oak", "elm")
    )


def test_numbers_are_answered_in_columns_with_all_their_digits() -> None:
    items = pd.DataFrame({"sample": ["p", "q"], "id": [("1", "x"), ("1", "y")]})
    values = np.array([[0.1, 1.0], [2.0, 0.3]], dtype=np.float32)
    answers = Pairs().submission(items, Dense(np.array(["p", "q"]), values, ("p_x", "p_y")), {})
    assert isinstance(answers, AnswerColumns)
    assert list(answers.columns) == ["user", "item", "x", "y"]
    # the digits of the 32-bit number next to 0.1, as a 64-bit number has them
    assert [tuple(map(str, row)) for row in answers] == [
        ("1", "x", "0.10000000149011612", "1.0"),
        ("1", "y", "2.0", "0.30000001192092896"),
    ]


def test_samples_of_one_id_are_averaged_before_the_class_is_chosen() -> None:
    items = pd.DataFrame({"sample": ["a1", "b1", "a2"], "id": ["a", "b", "a"]})
    values = np.array([[0.6, 0.4], [0.1, 0.9], [0.7, 0.3]], dtype=np.float32)
    dense = Dense(np.array(["a1", "b1", "a2"]), values, ("p_oak", "p_elm"))
    assert list(Trees().submission(items, dense, {})) == [("a", "oak"), ("b", "elm")]


def test_no_items_have_no_answers() -> None:
    items = pd.DataFrame({"sample": [], "id": []})
    empty = Dense(np.empty(0, dtype=str), np.empty((0, 2), np.float32), ("p_x", "p_y"))
    answers = Pairs().submission(items, empty, {})
    assert isinstance(answers, AnswerColumns)
    assert list(answers) == []
    assert list(answers.columns) == ["user", "item", "x", "y"]


def test_the_flow_writes_columns_at_once_and_the_same_bytes(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("submission.csv", "oof_submission.csv", "oof_solution.csv")
    folder = toy(Signal())
    by_row = {name: (folder / name).read_bytes() for name in names}

    def careful(*_: object) -> None:
        raise AssertionError("the careful writer was called")

    monkeypatch.setattr(writing, "LARGE", 1)
    monkeypatch.setattr(writing, "write_submission", careful)
    folder = toy(Signal(), overwrite=True)
    assert {name: (folder / name).read_bytes() for name in names} == by_row


# ---- boxes ---------------------------------------------------------------------------------------


class Boxes(Signal):
    """Each model gives any number of boxes; the answer is how many all models gave together."""

    def collect(self, items: pd.DataFrame, context: Context) -> Rows:
        return Rows(("x", "y"))

    def combine(self, parts: Any) -> Ragged:
        collector = Rows(("x", "y"))
        for position, sample in enumerate(parts[0].samples):
            collector.add([sample], [np.concatenate([part.of(position) for part in parts])])
        return collector.finish()

    def submission(
        self, items: pd.DataFrame, predictions: Any, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        chosen = predictions.select(items["sample"].to_numpy())
        for position, name in enumerate(items["id"]):
            yield name, len(chosen.of(position))


class BoxModel(Means):
    """Two boxes for every sample but the first."""

    def predict(self, items: pd.DataFrame) -> Any:
        collector = Rows(("x", "y"))
        boxes = [np.zeros((0 if k == 0 else 2, 2)) for k in range(len(items))]
        collector.add(items["sample"].to_numpy(), boxes)
        return collector.finish()


def test_ragged_predictions_go_the_whole_way(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Boxes, "load_fold", lambda self, folder, context: BoxModel(0.0))
    folder = toy(Boxes())
    answers = pd.read_csv(folder / "submission.csv").set_index("id")["value"]
    assert answers.tolist() == [0, 6, 6, 6, 6, 6]  # three folds' models, two boxes each
    assert len(Ragged.load(folder, "oof").samples) == 30
