"""The judge of tables: one row per id, aligned by name, scored by the metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import MetricError
from common.judges.base import Checked, Verdict
from common.metrics import Metric
from common.score import Aligned, read_aligned
from common.solution import BOARDS
from common.spec import CompetitionSpec, LabelColumn, SubmissionFormat
from common.submit import ids_of, read_submission


@dataclass(frozen=True)
class TableJudge:
    """Scores a table by the spec's metric; a solution's column `Usage` gives both boards.

    Args:
        beside: further metrics, told beside the score under their names.
    """

    beside: tuple[Metric, ...] = ()

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The score over all rows that are not ignored, and of each board where they are told."""
        truth = solution / "solution.csv" if solution.is_dir() else solution
        aligned, doubts = read_aligned(spec, submission, truth)
        counted = None
        parts: dict[str, float] = {}
        if aligned.usage is not None:
            counted = np.flatnonzero(aligned.usage != BOARDS[2])
            parts, undefined = _boards(spec.metric, aligned)
            doubts = (*doubts, *undefined)
        doubts = (*doubts, *_unknown_labels(spec.submission, aligned, counted))
        score = aligned.score(spec.metric, counted)
        for metric in self.beside:
            parts[metric.name.replace(" ", "_")] = aligned.score(metric, counted)
        return Verdict(score, len(aligned.keys) if counted is None else len(counted), parts, doubts)

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score`, against the ids of the sample."""
        form = spec.submission
        found = read_submission(submission, form, ids_of(sample, form))
        return Checked(len(found.keys), form.all_doubts(found.values))


def _boards(metric: Metric, aligned: Aligned) -> tuple[dict[str, float], list[str]]:
    """The score of each board that has rows, and a line for each on which it is not defined, such
    as one class alone on a small board."""
    parts, undefined = {}, []
    for board in BOARDS[:2]:
        rows = np.flatnonzero(aligned.usage == board)
        if len(rows) == 0:
            continue
        try:
            parts[board] = aligned.score(metric, rows)
        except MetricError as error:
            undefined.append(f"the {board} board has no score: {error}")
    return parts, undefined


def _unknown_labels(
    form: SubmissionFormat, aligned: Aligned, counted: np.ndarray | None
) -> tuple[str, ...]:
    """Doubts about labels that the solution does not hold, where its own are the classes."""
    column = form.targets[0]
    if len(form.targets) > 1 or not isinstance(column, LabelColumn) or column.classes:
        return ()
    rows = slice(None) if counted is None else counted
    known = tuple(str(name) for name in np.unique(aligned.y_true[rows]))
    line = LabelColumn(column.name, known).doubts(aligned.y_pred[rows])
    return (line,) if line else ()
