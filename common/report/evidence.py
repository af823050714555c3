"""What a report is made from: the run folder, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import files
from common.oof import SOLUTION, SUBMISSION
from common.pipeline import ALL_ROWS, Pipeline, as_key
from common.runfolder import BLEND, LEFT_OUT, SETTINGS, RunFolder
from common.score import FIXTURE_FILE
from common.train.history import EpochRow, read_rows
from common.train.rate_finder import CURVE, RateCurve

LEAST_PROBABILITY = 1e-15  # the log of 0 is not finite
SUM_TOLERANCE = 0.01  # what half precision loses over many classes


@dataclass(frozen=True)
class Confusion:
    """True and given classes of some rows.

    Args:
        truth, given: (N,), int64: positions among the classes.
        names: of the K classes, text.
    """

    truth: np.ndarray
    given: np.ndarray
    names: tuple[str, ...]

    def mistakes(self) -> list[tuple[int, int, int]]:
        """Truth, answer and count of every pair that is confused, the most frequent first."""
        wrong = self.truth != self.given
        cells = self.truth[wrong] * len(self.names) + self.given[wrong]
        pairs, counts = np.unique(cells, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        found = zip(pairs[order].tolist(), counts[order].tolist(), strict=True)
        return [(*divmod(pair, len(self.names)), count) for pair, count in found]

    def counts(self) -> np.ndarray:
        """int64 (K, K): rows are the truth, columns the answer."""
        n_classes = len(self.names)
        cells = self.truth * n_classes + self.given
        return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


@dataclass(frozen=True)
class ClassAnswers:
    """Out-of-fold answers to a question with classes, one row per sample.

    Args:
        samples: (N,), text.
        ids: (N,), text; the key of the submission, its parts joined by commas.
        truth: (N,), positions among the classes.
        probabilities: (N, K), float32; in some pipelines votes, see `are_probabilities`.
        names: of the K classes, text.
    """

    samples: np.ndarray
    ids: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (N,), the first of equal ones."""
        predicted: np.ndarray = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def loss(self) -> np.ndarray:
        """-log of the true class's probability, (N,), at most -log(1e-15)."""
        of_truth = np.take_along_axis(self.probabilities, self.truth[:, None], axis=1)[:, 0]
        known = np.clip(of_truth.astype(np.float64), LEAST_PROBABILITY, 1.0)
        loss: np.ndarray = 0.0 - np.log(known)
        return loss

    @property
    def are_probabilities(self) -> bool:
        """True where the values of every sample add up to 1; votes and margins do not."""
        return bool(np.allclose(self.probabilities.sum(axis=1), 1.0, atol=SUM_TOLERANCE))


@dataclass(frozen=True)
class Evidence:
    """A run as its folder tells it.

    Args:
        items: the training rows, with what `pipeline.picture` needs.
        facts: settings.json.
        scores: scores.json; None where nothing was held out.
        fixture: FIXTURE.json; None for the host's data.
        folds: folds.parquet.
        answers: None where the out-of-fold predictions are no probabilities of classes.
        decided: the classes that were submitted out of fold; None where no classes are.
        histories: the rows per epoch of each trained fold, by the fold's name.
        steps: the rows per step of the first trained fold; all folds share the schedule.
        rate_curve: of the learning-rate finder; None where none was asked for.
        left_out: what the budget of time did not hold, a line each.
    """

    pipeline: Pipeline
    items: pd.DataFrame
    run: RunFolder
    facts: dict[str, Any]
    environment: dict[str, Any]
    scores: dict[str, Any] | None
    fixture: dict[str, Any] | None
    folds: pd.DataFrame
    answers: ClassAnswers | None
    decided: Confusion | None
    histories: dict[str, list[EpochRow]]
    steps: list[EpochRow]
    rate_curve: RateCurve | None
    left_out: tuple[str, ...] = ()

    @property
    def data_called(self) -> str:
        """What the data are called: the fixture's own name, or the host's."""
        return str(self.fixture["called"]) if self.fixture else "the host's"

    @property
    def is_synthetic(self) -> bool:
        """True for a fixture, unless it says that its data are real."""
        return bool(self.fixture and self.fixture.get("synthetic", True))

    @property
    def is_blend(self) -> bool:
        """True for a run that was made of other runs' predictions."""
        return BLEND in self.facts


def read_evidence(pipeline: Pipeline, items: pd.DataFrame, run: RunFolder) -> Evidence:
    """Everything that the report shows of a run."""
    facts = files.read_json(run / SETTINGS)
    trained = [ALL_ROWS if fold == "all" else int(fold) for fold in facts["folds"]]
    folders = {_fold_name(fold): run.fold(fold) for fold in trained}
    histories = {name: read_rows(folder / "history.csv") for name, folder in folders.items()}
    first = next(iter(folders.values()))
    return Evidence(
        pipeline=pipeline,
        items=items,
        run=run,
        facts=facts,
        environment=_json_or_none(run / "environment.json") or {},
        scores=_json_or_none(run / "scores.json"),
        fixture=_json_or_none(run / FIXTURE_FILE),
        folds=pd.read_parquet(run / "folds.parquet"),
        answers=_class_answers(pipeline, run / "oof.parquet"),
        decided=_decided(pipeline, run),
        histories={name: rows for name, rows in histories.items() if rows},
        steps=read_rows(first / "steps.csv"),
        rate_curve=RateCurve.load(run.path) if (run / CURVE).is_file() else None,
        left_out=tuple(files.read_json(run / LEFT_OUT)) if (run / LEFT_OUT).is_file() else (),
    )


def _fold_name(fold: int | None) -> str:
    return "all rows" if fold is ALL_ROWS else f"fold {fold}"


def _json_or_none(path: Path) -> dict[str, Any] | None:
    return dict(files.read_json(path)) if path.is_file() else None


def _class_answers(pipeline: Pipeline, path: Path) -> ClassAnswers | None:
    """The answers, where there is one target and one column of probabilities per class."""
    classes = tuple(str(name) for name in pipeline.spec.classes)
    targets = pipeline.spec.submission.target_columns
    columns = list(pipeline.prediction_names())
    if not classes or len(targets) != 1 or len(columns) != len(classes) or not path.is_file():
        return None
    oof = pd.read_parquet(path)
    if not {*columns, *targets} <= {*oof.columns}:
        return None
    position = {name: number for number, name in enumerate(classes)}
    truth = [position.get(str(name)) for name in oof[targets[0]]]
    if None in truth:
        return None
    return ClassAnswers(
        samples=oof["sample"].to_numpy(dtype=object),
        ids=np.array([shown_id(name) for name in oof["id"]], dtype=object),
        truth=np.array(truth, dtype=np.int64),
        probabilities=oof[columns].to_numpy(dtype=np.float32),
        names=classes,
    )


def _decided(pipeline: Pipeline, run: RunFolder) -> Confusion | None:
    """The classes that the out-of-fold submission gives, where each row gives one."""
    classes = tuple(str(name) for name in pipeline.spec.classes)
    form = pipeline.spec.submission
    paths = [run / name for name in (SOLUTION, SUBMISSION)]
    if not classes or len(form.target_columns) != 1 or not all(path.is_file() for path in paths):
        return None
    keys, (target,) = list(form.key_columns), form.target_columns
    true, given = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths)
    if not {*keys, target} <= {*true.columns} or len(true) != len(given):
        return None
    both = true[[*keys, target]].merge(given[[*keys, target]], on=keys, validate="one_to_one")
    position = {name: number for number, name in enumerate(classes)}
    numbers = both[[f"{target}_x", f"{target}_y"]].map(position.get)
    if len(both) != len(true) or numbers.isna().to_numpy().any():
        return None
    truth, answer = numbers.to_numpy(dtype=np.int64).T
    return Confusion(truth, answer, classes)


def shown_id(name: object) -> str:
    """An id as text; parquet gives one of several parts back as an array."""
    parts = tuple(name) if isinstance(name, (list, np.ndarray)) else name
    return ", ".join(as_key(parts))
