"""The charts. Each says what it shows without a legend where that is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from common.report.markup import Html, join, tag
from common.report.numbers import shortened
from common.report.svg import ACCENT, INK, LINE, MUTED, SERIES, draw

HALF_PX, THIRD_PX = 380, 300  # widths of a chart that takes half or a third of the page
MOST_POINTS = 400  # of a line; more than the page has pixels for
LOG_FROM = 20.0  # a loss that falls to a 20th or less is drawn on a log scale

Points = Sequence[tuple[float, float]]


# ---- scores -------------------------------------------------------------------------------------


def fold_scores(folds: Sequence[tuple[str, float]], pooled: float, low: float, high: float) -> Html:
    """A row per fold with its score as a dot; below them the pooled score and the interval."""
    names = [*(name for name, _ in folds), "pooled", "90 % interval"]
    scores = [score for _, score in folds]
    n_rows = len(names)

    def paint(axes: Axes) -> None:
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", visible=True)
        axes.axvline(pooled, color=ACCENT, linewidth=1, linestyle=(0, (3, 3)))
        axes.plot(scores, range(len(scores)), "o", color=INK, markersize=7)
        axes.plot([pooled], [n_rows - 2], "o", color=ACCENT, markersize=9)
        axes.plot([low, high], [n_rows - 1] * 2, color=ACCENT, linewidth=5)
        axes.set_xlim(*_with_room([pooled, low, high, *scores]))
        axes.set_ylim(n_rows - 0.4, -0.6)
        axes.set_yticks(range(n_rows), names)
        for name in axes.yaxis.get_ticklabels()[-2:]:
            name.set_color(ACCENT)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))

    spoken = ", ".join(f"{name} {score:.5g}" for name, score in folds)
    label = f"Score per fold: {spoken}; pooled {pooled:.5g}, interval {low:.5g} to {high:.5g}"
    return draw(paint, width=HALF_PX, height=40 + 26 * n_rows, label=label)


def ladder(
    rungs: Sequence[tuple[str, str, float]], ours: tuple[str, str, float], n_better: int
) -> Html:
    """A ladder with evenly spaced rungs, the best on top, and this run between its neighbours.

    Scores crowd near the best, so a common scale would show one heap; here a gap is a gap, and
    how far this run has come within its own gap is to scale.

    Args:
        rungs: name, score as text, score; the best first.
        ours: the same of this run.
        n_better: how many rungs are better than this run.
    """
    height = height_among([score for _, _, score in rungs], ours[2], n_better)
    bottom, top = min(-0.5, height - 0.5), max(len(rungs) - 0.5, height + 0.5)

    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom, top)
        for rail in (0.33, 0.37):
            axes.plot([rail, rail], [bottom, top], color=LINE, linewidth=2)
        for position, (name, shown, _) in enumerate(rungs):
            at = len(rungs) - 1 - position
            axes.plot([0.33, 0.37], [at, at], color=MUTED, linewidth=2)
            axes.text(0.54, at, shown, color=INK, va="center", ha="right")
            axes.text(0.56, at, shortened(name, 27), color=INK, va="center")
        axes.plot([0.35], [height], "o", color=ACCENT, markersize=10, zorder=3)
        words = f"{ours[0]} {ours[1]}"
        axes.text(0.31, height, words, color=ACCENT, va="center", ha="right", weight="bold")

    spoken = "; ".join(f"{name} {shown}" for name, shown, _ in rungs)
    label = f"The ladder, best first: {spoken}. {ours[0]}: {ours[1]}"
    return draw(paint, width=HALF_PX, height=round(30 * (top - bottom)), label=label)


def height_among(scores: Sequence[float], score: float, n_better: int) -> float:
    """Where a score lies when the given ones, best first, stand at n - 1 to 0.

    Better than the best is a little above it, worse than the last a little below.
    """
    if n_better == len(scores):
        return -0.7
    reached = len(scores) - 1 - n_better
    if scores[n_better] == score:
        return float(reached)
    if n_better == 0:
        return reached + 0.7
    below, above = scores[n_better], scores[n_better - 1]
    return reached + (score - below) / (above - below)


# ---- the course of the training -----------------------------------------------------------------


def curves(
    lines: Sequence[tuple[str, Points]],
    kept: Sequence[int],
    starred: Sequence[int],
    *,
    loss: bool,
    label: str,
) -> Html:
    """One line per fold over the epochs; a dot marks the epoch whose weights were kept.

    Args:
        lines: name and points (epoch, value) of each fold.
        kept: for each line, the epoch that was kept.
        starred: for each line, the epoch that gets a star; 0 for none.
        loss: True where values that fall far are better seen on a log scale.
    """

    def paint(axes: Axes) -> None:
        values = np.array([value for _, points in lines for _, value in points])
        for position, (_, points) in enumerate(lines):
            colour, dashes = stroke(position)
            axes.plot(*_both(points), color=colour, linestyle=dashes)
            for mark, size, epochs in (("o", 5, kept), ("*", 10, starred)):
                there = [point for point in points if point[0] == epochs[position]]
                axes.plot(*_both(there), mark, color=colour, markersize=size)
        if loss and values.min() > 0 and values.max() / values.min() > LOG_FROM:
            _log_scale(axes, values)
        else:
            axes.set_ylim(*_with_room(values))
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.yaxis.set_major_formatter(FuncFormatter(_plain))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
        axes.set_xlabel("epoch")

    return draw(paint, width=THIRD_PX, height=200, label=label)


def stroke(position: int) -> tuple[str, str]:
    """Colour and dashes of a line: six colours, then the same ones dashed."""
    return SERIES[position % len(SERIES)], "-" if position < len(SERIES) else "--"


def legend(names: Sequence[str]) -> Html:
    """The names of the lines beside their strokes, once for all charts in a row."""

    def entry(position: int, name: str) -> Html:
        dashes = "solid" if position < len(SERIES) else "dashed"
        look = f"border-top-color: var(--c{position % len(SERIES)}); border-top-style: {dashes}"
        return tag("li", tag("span", style=look, class_="stroke"), name)

    return tag("ul", join(entry(*pair) for pair in enumerate(names)), class_="legend")


def sweep(rates: np.ndarray, losses: np.ndarray, choice: float) -> Html:
    """The loss over a log scale of rates, with the rate that was chosen.

    The scale ends a little above the losses before the lowest one: where the loss blows up, the
    line leaves the picture, and what led there can be seen.
    """
    low = int(losses.argmin())

    def paint(axes: Axes) -> None:
        axes.set_xscale("log")
        axes.plot(rates, losses, color=INK)
        axes.axvline(choice, color=ACCENT, linewidth=1, linestyle=(0, (3, 3)))
        axes.plot([choice], np.interp([choice], rates, losses), "o", color=ACCENT, markersize=8)
        bottom, top = _with_room(losses[: low + 1], share=0.25)
        axes.set_ylim(bottom, top)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(_plain))
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda rate, _: _plain(rate).replace("e-0", "e-"))
        )
        axes.set_xlabel("learning rate")

    label = (
        f"Loss over learning rates from {rates[0]:.3g} to {rates[-1]:.3g}: lowest at "
        f"{rates[low]:.3g}, chosen {choice:.3g}"
    )
    return draw(paint, width=HALF_PX, height=220, label=label)


def schedule(points: Points, *, label: str) -> Html:
    """A value per step; the scale names where it begins, its lowest and its highest."""

    def paint(axes: Axes) -> None:
        values = np.array([value for _, value in points])
        axes.plot(*_both(_thinned(points)), color=ACCENT)
        axes.set_ylim(*_with_room(values))
        axes.yaxis.set_major_locator(FixedLocator(_landmarks(values)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.set_xlabel("step")

    return draw(paint, width=HALF_PX, height=180, label=label)


def _landmarks(values: np.ndarray) -> list[float]:
    """The lowest, the highest and the first of some values, without those too close to tell."""
    low, high, first = float(values.min()), float(values.max()), float(values[0])
    is_apart = min(first - low, high - first) > 0.1 * (high - low)
    return sorted({low, high, first} if is_apart else {low, high})


# ---- scales -------------------------------------------------------------------------------------


def _plain(value: float, _: object = None) -> str:
    """A tick as few digits as it needs; matplotlib's own uses mathematical markup."""
    return f"{value:.6g}"


def _with_room(values: Sequence[float] | np.ndarray, share: float = 0.08) -> tuple[float, float]:
    """The limits of an axis: the values with some room on both sides."""
    low, high = float(np.min(values)), float(np.max(values))
    room = (high - low) * share or abs(high) * 0.01 or 1.0
    return low - room, high + room


def _log_scale(axes: Axes, values: np.ndarray) -> None:
    """A log axis with ticks at 1, 2 and 5 times the powers of ten, at each power where many."""
    decades = math.log10(values.max() / values.min())
    subs = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
    axes.set_yscale("log")
    axes.set_ylim(values.min() / 1.25, values.max() * 1.25)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _both(points: Points) -> tuple[list[float], list[float]]:
    """The positions and the values of points; both empty where there are none."""
    return [place for place, _ in points], [value for _, value in points]


def _thinned(points: Points) -> Points:
    """At most so many points as can be seen, the ends among them."""
    if len(points) <= MOST_POINTS:
        return points
    return [points[place] for place in np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)]
