"""The charts of a run: answers beside the truth along the recording, the error of each cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from common.figures import Figure

MILLION = 1e6
MOST_DOTS = 2_000  # more of them hide each other, and make the page heavy


def over_time(oof: pd.DataFrame, target: str) -> Figure:
    """Answers and truth along the recording.

    Args:
        oof: the columns sample ("row_" and the segment's first row), the target, and its
            prediction.
    """
    rows = oof["sample"].str.removeprefix("row_").astype(np.int64).to_numpy() / MILLION
    order = np.argsort(rows)
    shown = order[:: max(1, -(-len(order) // MOST_DOTS))]
    truth, answers = oof[target].to_numpy(), oof[f"p_{target}"].to_numpy()
    breaks = np.flatnonzero(np.diff(truth[shown]) > 0) + 1  # no line from one cycle to the next

    def paint(axes: Any) -> None:
        axes.plot(rows[shown], answers[shown], ".", color="C0", markersize=3, label="predicted")
        line = np.insert(truth[shown], breaks, np.nan)
        axes.plot(np.insert(rows[shown], breaks, np.nan), line, color="C1", label="true")
        axes.set_xlabel("million rows of the recording")
        axes.set_ylabel("seconds to failure")
        axes.legend(loc="upper right", ncols=2, frameon=False)

    caption = (
        f"Out-of-fold answers of {len(oof):,} segments beside the truth, along the recording; each "
        "saw-tooth is a cycle that was held out as a whole."
    )
    return Figure("over-time", "Predicted and true time along the recording", caption, paint)


def by_cycle(oof: pd.DataFrame, target: str) -> Figure:
    """The mean absolute error of every cycle."""
    error = (oof[f"p_{target}"] - oof[target]).abs()
    means = error.groupby(oof["group"]).mean()
    lengths = oof[target].groupby(oof["group"]).max()

    def paint(axes: Any) -> None:
        axes.bar(range(len(means)), means, color="C0")
        names = [f"{cycle}\n{lengths[cycle]:.1f} s" for cycle in means.index]
        axes.set_xticks(range(len(means)), names)
        axes.set_ylabel("mean absolute error, s")

    caption = "The error of each cycle, with its number and the longest time in it."
    return Figure("by-cycle", "Error of each cycle", caption, paint)
