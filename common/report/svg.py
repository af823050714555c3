"""A matplotlib figure as an SVG inside the page.

Text stays text, in the page's font. Colours are names of the page's style, so a chart follows it
into the dark. No global state of matplotlib is left changed, and the same chart gives the same
bytes.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from common.report.markup import Html, tag

# matplotlib wants colours; these stand for the style's variables until the chart is drawn.
_VARIABLES = ("ink", "muted", "line", "accent", "c0", "c1", "c2", "c3", "c4", "c5")
_STAND_IN = {name: f"#0a0b{number:02x}" for number, name in enumerate(_VARIABLES)}
INK, MUTED, LINE, ACCENT = (_STAND_IN[name] for name in _VARIABLES[:4])
SERIES = tuple(_STAND_IN[name] for name in _VARIABLES[4:])

TEXT_PX = 12
MOST_ENLARGED = 1.2  # beyond this the text of a chart outgrows that of the page
_UNITS_PER_INCH = 72  # matplotlib's SVG has 72 units to the inch, whatever the dpi

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": TEXT_PX,
    "text.color": INK,
    "text.parse_math": False,  # names come from data: a dollar sign is a dollar sign
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": LINE,
    "grid.linewidth": 1,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": TEXT_PX - 1,
    "ytick.labelsize": TEXT_PX - 1,
    "ytick.major.size": 0,
    "axes.prop_cycle": cycler(color=SERIES),
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


def draw(paint: Callable[[Axes], None], *, width: int, height: int, label: str) -> Html:
    """An inline SVG of one pair of axes.

    Args:
        paint: draws on the axes.
        width, height: in pixels; the page scales it to its column, but not much beyond.
        label: says what is to be seen, for those who cannot see it.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        # the browser draws the text, with fonts that have more letters than matplotlib's
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_STYLE, "svg.hashsalt": label})
        size = (width / _UNITS_PER_INCH, height / _UNITS_PER_INCH)
        figure = Figure(figsize=size, dpi=_UNITS_PER_INCH, layout="constrained")
        paint(figure.add_subplot())
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return _inline(drawn.getvalue(), width, height, label)


def _inline(svg: str, width: int, height: int, label: str) -> Html:
    """The drawing without what only a file of its own needs, in the style's colours."""
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inside = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", inside, flags=re.S)
    inside = re.sub(r'<g id="[^"]*"', "<g", inside)  # nothing refers to groups
    inside = inside.replace("xlink:href", "href")
    inside = re.sub(r'style="[^"]*"', lambda found: _in_style(found[0]), inside)
    inside = re.sub(r"\s*\n\s*", "\n", inside).strip()
    return tag(
        "svg",
        Html(inside),
        viewBox=f"0 0 {width} {height}",
        style=f"max-width: {round(width * MOST_ENLARGED)}px",
        role="img",
        aria_label=label,
    )


def _in_style(style: str) -> str:
    for name, colour in _STAND_IN.items():
        style = style.replace(colour, f"var(--{name})")
    return re.sub(r"font: (?:bold |\d+ )?([\d.]+)px [^;\"]*", r"font-size: \1px", style)
