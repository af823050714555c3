"""The rows of pictures that a pipeline adds."""

from __future__ import annotations

from common.figures import Case, Gallery
from common.report.evidence import Evidence
from common.report.markup import Html, join, paragraph, tag
from common.report.page import Section
from common.report.pictures import image


def galleries(evidence: Evidence) -> list[Section]:
    """A section for each gallery of the pipeline, in its order; none for one without cases."""
    given = evidence.pipeline.galleries(evidence.items, evidence.run)
    return [_section(one) for one in given if one.cases]


def _section(gallery: Gallery) -> Section:
    cases = tag("ul", *map(_card, gallery.cases), class_="cases")
    return Section(gallery.anchor, gallery.title, join([paragraph(gallery.caption), cases]))


def _card(case: Case) -> Html:
    shown = [
        tag("div", image(pixels, f"Sample {case.name}: {name}"), tag("span", name))
        for name, pixels in case.pictures
    ]
    lines = [tag("span", case.name, class_="id"), *(tag("span", line) for line in case.lines)]
    return tag("li", tag("div", *shown, class_="side"), tag("p", *lines))
