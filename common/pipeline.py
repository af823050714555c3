"""The contract: what a competition answers, and what it may leave at its default.

A pipeline is asked in this order; each answer reads only what stands before it:

    prepare → items → folds → splits → loaders → learner → (fit) → collect → decide → submission

`duplicates` and `traits` are asked by `scripts/folds.py` alone.

The letters for shapes are those of CONTRIBUTING.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import pandas as pd
import torch

from common import folds as make_folds
from common.collect import Collector, Columns, Dense, Predictions
from common.csv_table import cut
from common.errors import DataError
from common.figures import Shown
from common.runfolder import RunFolder
from common.session import Session
from common.settings import Settings
from common.spec import CompetitionSpec
from common.tta import NONE, averaged, check_allowed, views
from common.writing import AnswerColumns

if TYPE_CHECKING:
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner

    from common.duplicates import Duplicates

Decision = dict[str, Any]
NAMES = ("sample", "id", "fold", "group")  # columns of items that say nothing about them
ALL_ROWS = None  # the fold of a model that trains on everything and validates nothing


@dataclass(frozen=True)
class Context:
    """What belongs to this run and not to the experiment.

    Args:
        root: the host's files.
        work: what `prepare` may write and what can be made again.
        shared: what prediction needs later; travels with the run folder.
        seed: of every draw.
        device: where tensors are computed, such as "cpu" or "cuda:0".
        state: where a fold that is being trained keeps what it goes on from; None for nowhere.
        session: time, trackers and the like.
    """

    root: Path = Path("data")
    work: Path = Path("work")
    shared: Path = Path("work/shared")
    seed: int = 0
    device: str = "cpu"
    state: Path | None = None
    session: Session = field(default_factory=Session)


DEFAULT_CONTEXT = Context()  # what a notebook needs: seed 0, the CPU, nothing shared


class FoldModel(Protocol):
    """A trained model of one fold: neural or not."""

    def predict(self, items: pd.DataFrame) -> Predictions:
        """The predictions of some items, as the pipeline's collector gives them."""

    def save(self, folder: Path) -> None:
        """Writes what `Pipeline.load_fold` reads; no pickles."""


@dataclass
class Pipeline:
    """A competition's answers. Subclass it, name `spec` and `presets`, and answer what the
    defaults do not.

    `presets` holds at least "smoke" (the fixture on a CPU in under 25 s) and "baseline".
    """

    spec: ClassVar[CompetitionSpec]
    presets: ClassVar[dict[str, Any]]
    time_column: ClassVar[str] = ""  # of items: a fold trains on what is before what it validates
    counts_ids_anew: ClassVar[bool] = False  # in train and in test: a shared id tells nothing
    settings: Any = field(default=None)

    def __post_init__(self) -> None:
        if self.settings is None:
            self.settings = self.presets["baseline"]

    def configured(self, settings: Settings) -> Pipeline:
        """This pipeline with other settings."""
        return type(self)(settings)

    # ---- data ----------------------------------------------------------------------------

    def prepare(self, context: Context) -> None:
        """Makes once, before the folds, what all folds share: a converted signal, a joined
        table, a vocabulary, a language model.

        Called again after a run was cut short, so it finds its own finished work and goes on.
        What prediction needs later goes to `context.shared`, the rest to `context.work`.
        """

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """One row per sample of "train" or "test".

        Columns: `sample` (text, unique), `id` (the submission's key that it answers: text, or a
        tuple of texts; several samples may share one), in train the submission's target columns
        by their names, `group` where rows belong together, and whatever says where the data
        are: a path, a row, or the picture itself where all of them fit in memory.

        Raises: DataError for files that are missing, cut or hold something unexpected.
        """
        raise NotImplementedError(f"{type(self).__name__} does not answer items()")

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        """A fold per row, int64; -1 trains in every fold and is never validated.

        Default: by the column `group` where there is one, by id where several samples share one,
        stratified by class where the spec has classes, otherwise shuffled.
        """
        if "group" in items:
            return make_folds.grouped(items["group"].to_numpy(), self.settings.folds, seed)
        if items["id"].duplicated().any():
            return make_folds.grouped(pd.factorize(items["id"])[0], self.settings.folds, seed)
        labels = np.zeros(len(items), dtype=np.int64)
        if self.spec.classes:
            labels = items[self.spec.submission.target_columns[0]].to_numpy()
        return make_folds.stratified(labels, self.settings.folds, seed)

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        """The positions of the rows that train and of those that validate.

        Default: the fold against the rest; ALL_ROWS trains on everything. Time folds, which
        train on the past only, answer this themselves.
        """
        column = items["fold"].to_numpy()
        valid = np.zeros(len(items), bool) if fold is ALL_ROWS else column == fold
        return np.flatnonzero(~valid), np.flatnonzero(valid)

    def solution(self, items: pd.DataFrame, context: Context) -> pd.DataFrame:
        """The truth of some items in the judge's form. Default: one row per id, the target
        columns."""
        form = self.spec.submission
        first = items.drop_duplicates("id")
        keys = pd.DataFrame(
            [as_key(name) for name in first["id"]], columns=list(form.key_columns), dtype=object
        )
        targets = first[list(form.target_columns)].reset_index(drop=True)
        return pd.concat([keys, targets], axis=1)

    def asked_items(self, items: pd.DataFrame, asked: Sequence[tuple[str, ...]]) -> pd.DataFrame:
        """The test items that answer what the sample submission asks for.

        Default: those whose id is asked for. Where the submission's rows are no samples (a row
        per class, say) answer with all of them.

        Raises: DataError where an id that is asked for has no item.
        """
        keys = [as_key(name) for name in items["id"]]
        wanted, given = set(asked), set(keys)
        missing = [row for row, key in enumerate(asked) if key not in given]
        if missing:
            first = cut(str(asked[missing[0]]))
            raise DataError(
                f"the sample submission asks in row {missing[0] + 1} for id {first}, which the "
                f"test data do not hold ({len(missing)} of {len(asked)} are missing); get both "
                "files again"
            )
        return items[[key in wanted for key in keys]]

    # ---- what could leak --------------------------------------------------------------------

    def duplicates(self, train: pd.DataFrame, test: pd.DataFrame) -> Duplicates | None:
        """Which items are equal, or nearly so; positions go through train, then through test.

        Default: None, for rows that are equal in every column that both have, names and targets
        apart.
        """
        return None

    def traits(self, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame | None:
        """Some plain facts of each item, by which a test set may be told from train: numbers and
        categories, a row per item of train, then of test.

        Default: None, for the columns that both have, names, targets and the time apart.
        """
        return None

    # ---- a neural model --------------------------------------------------------------------

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        """fastai DataLoaders of a fold; the valid loader serves `splits(...)[1]` in order."""
        raise NotImplementedError(f"{type(self).__name__} does not answer loaders()")

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> Iterable[Any]:
        """Batches of some items in their order, as the valid loader makes them, without needing
        the training data."""
        raise NotImplementedError(f"{type(self).__name__} does not answer test_loader()")

    def model(self, context: Context = DEFAULT_CONTEXT) -> torch.nn.Module:
        """The untrained net, from settings, spec and `context.shared` alone: what is needed to
        load weights where the training data are not."""
        raise NotImplementedError(f"{type(self).__name__} does not answer model()")

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        """A fastai Learner: data, net, loss, parameter groups."""
        raise NotImplementedError(f"{type(self).__name__} does not answer learner()")

    def forward(self, learner: Learner) -> Any:
        """The net's raw output for `learner.xb`. Detectors, which compute their losses inside,
        pass `learner.yb` too."""
        return learner.model(*learner.xb)

    def loss(self, learner: Learner) -> torch.Tensor:
        """The loss of `learner.pred` against `learner.yb`, a scalar."""
        loss: torch.Tensor = learner.loss_func(learner.pred, *learner.yb)
        return loss

    def activation(self, raw: Any) -> Any:
        """Predictions from raw outputs. Default: probabilities where the spec has classes, the
        raw output otherwise."""
        return raw.softmax(dim=1) if self.spec.classes else raw

    def predict_step(self, model: torch.nn.Module, inputs: Sequence[Any]) -> Any:
        """The predictions for one batch of inputs, one per sample.

        Default: the activated output; where the settings name `views` of `common.tta`, its mean
        over them: probabilities of classes, or masks (N, …, h, w). Numbers without classes may be
        places that move with the picture: a pipeline that predicts them answers this itself.
        """

        def predict(*seen: Any) -> Any:
            return self.activation(model(*seen))

        chosen = views(getattr(self.settings, "views", "none"))
        if chosen == NONE:
            return predict(*inputs)
        kind = "classes" if self.spec.classes else "masks"
        return averaged(predict, check_allowed(chosen, self.spec), inputs, kind)

    # ---- any model -------------------------------------------------------------------------

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> FoldModel:
        """Trains the model of one fold. Default: the neural path, loaders → learner → our loop.

        A gradient booster or a table of means overrides this and `load_fold`.
        """
        from common.neural import fit_neural

        return fit_neural(self, items, fold, context)

    def load_fold(self, folder: Path, context: Context) -> FoldModel:
        """The model that `FoldModel.save` wrote.

        Raises: RunError where files are missing, cut, or of another shape.
        """
        from common.neural import load_neural

        return load_neural(self, folder, context)

    def prediction_names(self) -> tuple[str, ...]:
        """Names of the prediction columns: `p_` and a class, or `p_` and a target column."""
        predicted = self.spec.classes or self.spec.submission.target_columns
        return tuple(f"p_{name}" for name in predicted)

    def collect(self, items: pd.DataFrame, context: Context) -> Collector:
        """The collector for the predictions of some items. Default: a row of numbers each."""
        return Columns(self.prediction_names())

    def combine(self, parts: Sequence[Predictions]) -> Predictions:
        """One prediction from those of several folds' models. Default: their mean; boxes and
        other ragged predictions have no mean and answer this themselves."""
        kind: Any = type(parts[0])
        combined: Predictions = kind.mean(parts)
        return combined

    # ---- the answer ------------------------------------------------------------------------

    def condensed(self, oof: Predictions, solution: pd.DataFrame) -> Predictions:
        """What `decide` looks at: made once of the predictions, then taken apart by fold.

        Maps answer with counts per picture, so that a search need not read them again for every
        fold. Default: the predictions themselves.
        """
        return oof

    def decide(self, oof: Predictions, solution: pd.DataFrame) -> Decision:
        """Cut points, thresholds, weights: fitted on out-of-fold predictions, ready for JSON.

        The run fits it on the other folds for every fold, so the reported score is cross-fitted,
        and once on all of them for the test set. Default: nothing to decide.

        Args:
            oof: what `condensed` gave.
        """
        return {}

    def submission(
        self, items: pd.DataFrame, predictions: Predictions, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        """The answers in the order of the submission's columns: row by row, streamed, so a large
        one never has to fit in memory; or whole columns as `AnswerColumns`, written much faster.

        `decision` is what `decide` gave, or {} for the default during training. Default, for
        dense predictions: samples of one id are averaged, then the most probable class (the
        first of equal ones), or the number itself.
        """
        if not isinstance(predictions, Dense):
            raise NotImplementedError(f"{type(self).__name__} does not answer submission()")
        values = predictions.select(items["sample"].to_numpy()).values
        ids, answers = mean_by_id(items["id"], values)
        form, classes = self.spec.submission, self.spec.classes
        names = list(zip(*map(as_key, ids), strict=True)) or [()] * len(form.key_columns)
        if classes:
            targets: list[Any] = [[classes[best] for best in answers.argmax(axis=1).tolist()]]
        else:
            # in 64 bits, whose digits say exactly what the net said in 32
            targets = [np.ascontiguousarray(column, np.float64) for column in answers.T]
        return AnswerColumns(dict(zip(form.header, [*names, *targets], strict=False)))

    def picture(self, item: Any) -> np.ndarray | None:
        """One item (a row of `items`) as people look at it, uint8 (H, W) or (H, W, 3), for the
        report; None where there is nothing to see."""
        return None

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        """Charts of this kind of competition for the report, and galleries of pictures, below what
        every run has.

        Args:
            items: the training rows.
            oof: the table of out-of-fold predictions; None where nothing was held out or they are
                no table.
            run: the run's folder, with its models.
        """
        return ()


def as_key(name: object) -> tuple[str, ...]:
    """An id as the tuple of cells that names a row of the submission."""
    return tuple(str(part) for part in name) if isinstance(name, tuple) else (str(name),)


def storable(table: pd.DataFrame) -> pd.DataFrame:
    """A table as parquet gives it back: ids of several parts as JSON text."""
    ids = [json.dumps(name) if isinstance(name, tuple) else name for name in table["id"]]
    return table.assign(id=ids).reset_index(drop=True)


def mean_by_id(ids: pd.Series, values: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """The ids in the order in which they first stand, and the mean of each one's rows."""
    codes, names = pd.factorize(ids)
    if len(names) == len(values):
        return list(ids), values
    sums = np.zeros((len(names), values.shape[1]), dtype=np.float64)
    np.add.at(sums, codes, values)
    return list(names), sums / np.bincount(codes)[:, None]
