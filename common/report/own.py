"""The charts and the pictures that a pipeline adds."""

from __future__ import annotations

import pandas as pd

from common.figures import Case, Gallery, Shown
from common.report.evidence import Evidence
from common.report.markup import Html, join, paragraph, tag
from common.report.markup import figure as drawn_figure
from common.report.page import Section
from common.report.pictures import image
from common.report.svg import draw


def figures(evidence: Evidence) -> list[Section]:
    """A section for each figure and each gallery of the pipeline, in its order."""
    path = evidence.run / "oof.parquet"
    oof = pd.read_parquet(path) if path.is_file() else None
    given = evidence.pipeline.figures(evidence.items, oof, evidence.run)
    return [Section(one.anchor, one.title, _body(one)) for one in given]


def _body(shown: Shown) -> Html:
    if isinstance(shown, Gallery):
        cases = tag("ul", *map(_case, shown.cases), class_="cases")
        return join([paragraph(shown.caption), cases])
    chart = draw(shown.paint, width=shown.width, height=shown.height, label=shown.caption)
    return drawn_figure(chart, shown.caption)


def _case(case: Case) -> Html:
    """The pictures of a case with what each shows, and the lines under them."""
    seen = [
        tag("figure", image(pixels, f"{case.name}: {what}"), tag("figcaption", what))
        for what, pixels in case.pictures.items()
    ]
    said = [tag("span", case.name, class_="id"), *(tag("span", line) for line in case.lines)]
    return tag("li", tag("div", *seen, class_="seen"), tag("p", *said))
