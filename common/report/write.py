"""From a run folder to its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from common import files
from common.pipeline import Pipeline
from common.report import classes, course, left_out, losses, own, scores, setup
from common.report.evidence import Evidence, read_evidence
from common.report.head import head, title
from common.report.page import Section, page
from common.runfolder import RunFolder

REPORT = "report.html"

# In the order of the page, the pipeline's own figures between them. A section that has nothing to
# say for a run gives None.
SECTIONS: tuple[Callable[[Evidence], Section | None], ...] = (
    left_out.left_out,
    scores.score,
    scores.place,
    course.learning_curves,
    course.rate_finder,
    course.schedule,
    classes.confusion,
    losses.highest_losses,
    classes.class_counts,
)
LAST: tuple[Callable[[Evidence], Section | None], ...] = (setup.settings, setup.commands)


def write_report(pipeline: Pipeline, items: pd.DataFrame, run: RunFolder) -> Path:
    """Writes `report.html` into the run folder and gives its path.

    The page is one file that refers to nothing outside itself. The same run gives the same bytes.

    Args:
        items: the training rows; `pipeline.picture` is asked for those with the highest loss.
    """
    evidence = read_evidence(pipeline, items, run)
    sections = [section for make in SECTIONS if (section := make(evidence)) is not None]
    sections += own.figures(evidence)
    sections += [section for make in LAST if (section := make(evidence)) is not None]
    return files.write_text(run / REPORT, page(title(evidence), head(evidence), sections))
