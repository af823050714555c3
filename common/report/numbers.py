"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable


def decimals(values: Iterable[float], digits: int = 5) -> int:
    """How many decimals show the largest of some values with so many significant digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    before_the_point = math.floor(math.log10(largest)) + 1 if largest else 1
    return min(12, max(0, digits - before_the_point))


def alike(values: Iterable[float], digits: int = 5) -> list[str]:
    """Several numbers with one count of decimals, so that they line up in a column."""
    known = list(values)
    places = decimals(known, digits)
    return [f"{value:,.{places}f}" for value in known]


def counted(count: int, one: str) -> str:
    """A count with its noun: "1 row", "1,297 rows"."""
    return f"{count:,} {one if count == 1 else one + 's'}"


def shortened(text: str, length: int) -> str:
    """The text, cut to a length with an ellipsis at its end."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
