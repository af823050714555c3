"""The chart of a run: the numbers that were predicted for each grade, and where they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from common.figures import Figure

BARS = 60
REACH = (-0.5, 4.5)  # numbers outside are shown at its ends


def numbers_by_grade(oof: pd.DataFrame, target: str, cuts: Sequence[float]) -> Figure:
    """Out-of-fold numbers, stacked by true grade, with the cut points.

    Args:
        oof: the target's column with the true grades, and its prediction.
    """
    numbers = np.clip(oof[f"p_{target}"].to_numpy(), *REACH)
    truth = oof[target].to_numpy(np.int64)
    grades = np.unique(truth)
    edges = np.linspace(*REACH, BARS + 1)

    def paint(axes: Any) -> None:
        axes.hist(
            [numbers[truth == grade] for grade in grades],
            bins=edges,
            stacked=True,
            color=[f"C{grade}" for grade in grades],
            label=[f"grade {grade}" for grade in grades],
        )
        for cut in cuts:
            axes.axvline(cut, color="C5", linestyle="--", linewidth=1)
        axes.set_xlabel("predicted number")
        axes.set_ylabel("pictures")
        axes.legend(loc="upper right", frameon=False)

    shown = ", ".join(f"{cut:.2f}" for cut in cuts)
    caption = (
        f"Out-of-fold numbers of {len(oof):,} pictures by their true grade. The test set is cut at "
        f"{shown}, which all folds gave together."
    )
    return Figure("numbers-by-grade", "Predicted numbers and cut points", caption, paint)
