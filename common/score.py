"""The judge: a submission against a solution, with the official metric."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files
from common.errors import DataError
from common.keys import Key
from common.metrics import Metric
from common.solution import BOARDS, read_solution
from common.spec import CompetitionSpec, Ladder, Rung
from common.submit import Answers, read_submission

FIXTURE_FILE = "FIXTURE.json"


@dataclass(frozen=True)
class Aligned:
    """Truth and prediction of the same rows, in the solution's order.

    One target column gives arrays of shape (n_rows,), several give (n_rows, n_columns).
    """

    keys: Sequence[Key]
    y_true: np.ndarray
    y_pred: np.ndarray
    usage: np.ndarray | None = None

    def score(self, metric: Metric, rows: np.ndarray | None = None) -> float:
        """The metric over all rows, or over some of them by position."""
        if rows is None:
            return float(metric.score(y_true=self.y_true, y_pred=self.y_pred))
        return float(metric.score(y_true=self.y_true[rows], y_pred=self.y_pred[rows]))


def align(spec: CompetitionSpec, submission: Answers, solution: Answers) -> Aligned:
    """Joins truth and prediction on the rows' names; both must name the same rows.

    Where the submission has a column per class and the solution names the class, `y_true` holds
    the class's position among the columns; a class that has no column raises DataError, unless its
    row is ignored.
    """
    form = spec.submission
    given = submission.rows_of(solution.keys)
    y_pred = _stacked([given[name] for name in form.target_columns])
    if form.compact is not None and form.compact.name in solution.values:
        y_true = _positions(solution.values[form.compact.name], form.target_columns, solution.usage)
    else:
        y_true = _stacked([solution.values[name] for name in form.target_columns])
    return Aligned(solution.keys, y_true, y_pred, solution.usage)


def _stacked(columns: list[np.ndarray]) -> np.ndarray:
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def _positions(names: np.ndarray, columns: tuple[str, ...], usage: np.ndarray | None) -> np.ndarray:
    """Where each class's column stands; 0 for a class without one in a row that is ignored."""
    position = {name: number for number, name in enumerate(columns)}
    scored = names if usage is None else names[usage != BOARDS[2]]
    unknown = sorted({str(name) for name in scored} - set(position))
    if unknown:
        raise DataError(
            f"the solution holds class {unknown[0]!r}, which has no column in the submission; "
            f"expected one of its {len(columns)} columns"
        )
    return np.array([position.get(str(name), 0) for name in names], dtype=np.int64)


def read_aligned(
    spec: CompetitionSpec, submission: Path, solution: Path
) -> tuple[Aligned, tuple[str, ...]]:
    """Reads both files and joins them; gives the rows, and what looks wrong in the submission.

    Raises: DataError for a solution that is none, SubmissionError for a submission that the
    competition would not accept.
    """
    form = spec.submission
    truth = read_solution(solution, form)
    given = read_submission(submission, form, truth.keys)
    return align(spec, given, truth), form.all_doubts(given.values)


def ladder_beside(path: Path, spec: CompetitionSpec) -> tuple[Ladder, str]:
    """The rungs that fit a solution file, and what the data are called.

    A solution that lies beside a FIXTURE.json, or anywhere below one, is judged by the fixture's
    own rungs: the marker stands at the top of what the host has in folders. The spec's ladder is
    for the host's data only. The second value is "" for the host's data.

    Raises: DataError where the FIXTURE.json was cut or edited.
    """
    ways = Path(os.path.abspath(path)), path.resolve()  # as it is named, and without links
    places = (place for way in ways for place in (way, *way.parents))
    marker = next((p / FIXTURE_FILE for p in places if (p / FIXTURE_FILE).is_file()), None)
    if marker is None:
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
