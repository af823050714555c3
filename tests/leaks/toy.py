"""A table without a leak, and a pipeline that would let every leak through."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from common.folds import stratified
from common.leaks import NOTE, Finding, LeakReport, leak_report
from common.metrics import mean_absolute_error
from common.pipeline import Pipeline
from common.settings import Settings
from common.spec import CompetitionSpec, HostFile, NumberColumn, SubmissionFormat

N_TRAIN, N_TEST = 200, 60


class Toy(Pipeline):
    """Folds that know neither groups nor ids nor duplicates."""

    spec = CompetitionSpec(
        slug="toy",
        title="Toy",
        kind="toy",
        metric=mean_absolute_error,
        submission=SubmissionFormat(("id",), (NumberColumn("value"),)),
        files=(HostFile("sample_submission", "sample_submission.csv"),),
    )
    presets: ClassVar = {"baseline": Settings(folds=4)}

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return stratified(items["value"].to_numpy(), self.settings.folds, seed)


class Past(Toy):
    """Time folds that train on the past only."""

    time_column = "day"

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return items["day"].to_numpy() // 40 - 1  # the first 40 days are never validated

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        column = items["fold"].to_numpy()
        return np.flatnonzero(column < fold), np.flatnonzero(column == fold)


def tables(seed: int = 0, n_test: int = N_TEST) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test rows of one kind."""
    rng = np.random.default_rng(seed)
    parts = []
    for split, n in (("a", N_TRAIN), ("b", n_test)):
        names = [f"{split}{row}" for row in range(n)]
        part = pd.DataFrame({"sample": names, "id": names, "value": np.arange(n) % 2})
        for name in ("width", "weight", "height"):
            part[name] = rng.normal(100, 10, n)
        parts.append(part.assign(colour=rng.choice(["red", "green"], n)))
    return parts[0], parts[1].drop(columns="value")


def report_of(train: pd.DataFrame, test: pd.DataFrame, pipeline: Pipeline | None = None) -> Any:
    pipeline = pipeline or Toy()
    if "fold" not in train:
        train = train.assign(fold=pipeline.folds(train, 0))
    return leak_report(pipeline, train, test, 0, "toy")


def alarms(report: LeakReport) -> list[Finding]:
    return [one for one in report.findings if one.level != NOTE]


def one_alarm(train: pd.DataFrame, test: pd.DataFrame, pipeline: Pipeline | None = None) -> Finding:
    (found,) = alarms(report_of(train, test, pipeline))
    return found
