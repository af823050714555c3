"""The charts that a pipeline adds."""

from __future__ import annotations

import pandas as pd

from common.report.evidence import Evidence
from common.report.markup import figure as drawn_figure
from common.report.page import Section
from common.report.svg import draw


def figures(evidence: Evidence) -> list[Section]:
    """A section for each figure of the pipeline, in its order."""
    path = evidence.run / "oof.parquet"
    oof = pd.read_parquet(path) if path.is_file() else None
    sections = []
    for figure in evidence.pipeline.figures(evidence.items, oof, evidence.run):
        chart = draw(figure.paint, width=figure.width, height=figure.height, label=figure.caption)
        sections.append(Section(figure.anchor, figure.title, drawn_figure(chart, figure.caption)))
    return sections
