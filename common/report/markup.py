"""HTML as values: text is escaped unless it is marked as HTML already."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

VOID = frozenset({"br", "img", "meta"})  # elements without content and without an end tag


class Html(str):
    """Text that is HTML already; everything else is escaped."""

    __slots__ = ()


Content = str | int | float | None


def tag(name: str, /, *content: Content, **attributes: str | int) -> Html:
    """An element with its content.

    An attribute's underscore stands for a hyphen, one at the end of a Python word for nothing:
    class_="box", aria_label="…".
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(content)}</{name}>")


def join(parts: Iterable[Content]) -> Html:
    """The parts one after the other, escaped where they are plain text; None is left out."""
    return Html(
        "".join(
            part if isinstance(part, Html) else html.escape(str(part))
            for part in parts
            if part is not None
        )
    )


def paragraph(*content: Content) -> Html:
    """A paragraph of text."""
    return tag("p", *content)


def note(*content: Content) -> Html:
    """A paragraph that explains what stands beside it."""
    return tag("p", *content, class_="note")


def table(
    header: Sequence[Content], rows: Iterable[Sequence[Content]], *, numbers: Iterable[int] = ()
) -> Html:
    """A table in a box of its own, which scrolls where it is wider than the page.

    The first cell of a row names the row.

    Args:
        header: one cell per column; () for a table without.
        numbers: the columns that are aligned right.
    """
    right = frozenset(numbers)
    head = tag("thead", tag("tr", *_cells(header, right, "col"))) if header else None
    body = (
        tag("tr", *_cells(row[:1], right, "row"), *_cells(("", *row[1:]), right, "")[1:])
        for row in rows
    )
    return scrolling(tag("table", head, tag("tbody", *body)))


def _cells(cells: Sequence[Content], right: frozenset[int], scope: str) -> list[Html]:
    """Cells of a row; those with a scope name a row or a column, unless they are empty."""
    made = []
    for column, cell in enumerate(cells):
        attributes = {"class_": "number"} if column in right else {}
        if scope and cell != "":
            made.append(tag("th", cell, scope=scope, **attributes))
        else:
            made.append(tag("td", cell, **attributes))
    return made


def scrolling(content: Html) -> Html:
    """A box that scrolls sideways, by keyboard too, where its content is wider than the page."""
    return tag("div", content, class_="scroll", tabindex=0)


def columns(*content: Content, width: str = "half") -> Html:
    """Parts side by side where the page is wide enough, below each other where it is not.

    Args:
        width: "half" for two in a row, "third" for three, "loose" for each as wide as it needs.
    """
    return tag("div", *content, class_=f"columns {width}")


def figure(content: Html, caption: str) -> Html:
    """A chart under its title."""
    return tag("figure", tag("figcaption", caption), content)
