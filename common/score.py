"""The judge: a submission against a solution, with the official metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files
from common.errors import DataError
from common.metrics import Metric
from common.spec import CompetitionSpec, Ladder, Rung
from common.submit import Answers, read_solution, read_submission

FIXTURE_FILE = "FIXTURE.json"


@dataclass(frozen=True)
class Aligned:
    """Truth and prediction of the same rows, in the solution's order.

    One target column gives arrays of shape (n_rows,), several give (n_rows, n_columns).
    """

    keys: list[tuple[str, ...]]
    y_true: np.ndarray
    y_pred: np.ndarray

    def score(self, metric: Metric, rows: np.ndarray | None = None) -> float:
        """The metric over all rows, or over some of them by position."""
        if rows is None:
            return float(metric.score(y_true=self.y_true, y_pred=self.y_pred))
        return float(metric.score(y_true=self.y_true[rows], y_pred=self.y_pred[rows]))


def align(spec: CompetitionSpec, submission: Answers, solution: Answers) -> Aligned:
    """Joins truth and prediction on the rows' names; both must name the same rows."""
    names = spec.submission.target_columns
    given = submission.rows_of(solution.keys)
    y_true = [solution.values[name] for name in names]
    y_pred = [given[name] for name in names]
    if len(names) == 1:
        return Aligned(solution.keys, y_true[0], y_pred[0])
    return Aligned(solution.keys, np.stack(y_true, axis=1), np.stack(y_pred, axis=1))


def read_aligned(spec: CompetitionSpec, submission: Path, solution: Path) -> Aligned:
    """Reads both files and joins them.

    Raises: DataError for a solution that is none, SubmissionError for a submission that the
    competition would not accept.
    """
    truth = read_solution(solution, spec.submission)
    return align(spec, read_submission(submission, spec.submission, truth.keys), truth)


def ladder_beside(path: Path, spec: CompetitionSpec) -> tuple[Ladder, str]:
    """The rungs that fit a solution file, and what the data are called.

    A solution that lies beside a FIXTURE.json is judged by the fixture's own rungs; the spec's
    ladder is for the host's data only. The second value is "" for the host's data.

    Raises: DataError where the FIXTURE.json was cut or edited.
    """
    folder = path if path.is_dir() else path.parent
    marker = folder / FIXTURE_FILE
    if not marker.is_file():
        return spec.ladder, ""
    facts = files.read_json(marker)
    try:
        rungs = tuple(
            Rung(str(rung["name"]), float(rung["score"]), str(rung["source"]))
            for rung in facts["rungs"]
        )
        return Ladder(rungs), str(facts["called"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{marker} does not hold `called` and `rungs`, as expected; it was edited: write the "
            "fixture again"
        ) from None
