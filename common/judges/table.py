"""The judge of tables: one row per id, aligned by name, scored by the metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common.judges.base import Checked, Verdict
from common.score import read_aligned
from common.spec import CompetitionSpec
from common.submit import BOARDS, ids_of, read_submission


class TableJudge:
    """Scores a table by the spec's metric; a solution's column `Usage` gives both boards."""

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The score over all rows that are not ignored, and of each board where they are told."""
        aligned, doubts = read_aligned(spec, submission, solution)
        if aligned.usage is None:
            return Verdict(aligned.score(spec.metric), len(aligned.keys), doubts=doubts)
        counted = np.flatnonzero(aligned.usage != BOARDS[2])
        parts = {
            board: aligned.score(spec.metric, np.flatnonzero(aligned.usage == board))
            for board in BOARDS[:2]
            if (aligned.usage == board).any()
        }
        return Verdict(aligned.score(spec.metric, counted), len(counted), parts, doubts)

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score`, against the ids of the sample."""
        form = spec.submission
        found = read_submission(submission, form, ids_of(sample, form))
        return Checked(len(found.keys), form.all_doubts(found.values))
