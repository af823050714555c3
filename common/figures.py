"""What a pipeline adds to the report of its runs: charts, and pictures beside each other."""

from __future__ import annotations

from collections.abc import Callable
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
    """A sample that people should look at.

    Args:
        name: its id.
        pictures: beside each other, by what they show, such as "picture" and "prediction"; uint8
            (H, W), (H, W, 3), or (H, W, 4) where some of it is transparent.
        lines: what is said under them.
    """

    name: str
    pictures: dict[str, np.ndarray]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gallery:
    """Cases with a heading and a line that says why they were chosen.

    Args:
        anchor: its name in addresses within the page.
    """

    anchor: str
    title: str
    caption: str
    cases: tuple[Case, ...]


Shown = Figure | Gallery
