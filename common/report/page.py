"""The frame of the page: one column, a head, sections with headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.report.markup import Html, join, tag
from common.report.style import STYLE


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        anchor: its name in addresses within the page, such as "score".
    """

    anchor: str
    title: str
    body: Html


def page(title: str, head: Html, sections: Sequence[Section]) -> str:
    """The whole file: it refers to nothing outside itself."""
    about = join(
        [
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", title),
            tag("style", Html(STYLE)),
        ]
    )
    contents = tag(
        "nav",
        *(tag("a", section.title, href=f"#{section.anchor}") for section in sections),
        aria_label="Sections",
    )
    body = tag("body", tag("main", head, contents, *map(_section, sections)))
    return f"<!doctype html>\n{tag('html', tag('head', about), body, lang='en')}\n"


def _section(section: Section) -> Html:
    name = f"{section.anchor}-title"
    heading = tag("h2", section.title, id=name)
    content = tag("section", heading, section.body, id=section.anchor, aria_labelledby=name)
    return Html(f"\n{content}")
