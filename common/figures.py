"""Charts and rows of pictures that a pipeline adds to the report of its runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A chart with its heading and a line that says what is to be seen.

    Args:
        anchor: its name in addresses within the page, such as "strongest-words".
        caption: stands above the chart, and is read to those who cannot see it.
        paint: draws on matplotlib's axes, which it is given. "C0" to "C5" are the page's colours,
            in the dark, too.
        width, height: in pixels.
    """

    anchor: str
    title: str
    caption: str
    paint: Callable[[Any], None]
    width: int = 720
    height: int = 240


@dataclass(frozen=True)
class Case:
    """One sample as pictures side by side.

    Args:
        name: of the sample.
        lines: what is said of it.
        pictures: what each shows, and its pixels: uint8 (H, W) or (H, W, 3).
    """

    name: str
    lines: Sequence[str]
    pictures: Sequence[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class Gallery:
    """Cases under a heading, with a line that says how they were chosen.

    Args:
        anchor: its name in addresses within the page, such as "worst-masks".
    """

    anchor: str
    title: str
    caption: str
    cases: Sequence[Case]
