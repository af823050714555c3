"""The charts of a run: each tag's threshold and scores, what is confused, the two decoders."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.figures import Figure
from common.metrics.tags import mean_f2_of_flags_score
from competitions.planet_understanding_the_amazon_from_space.spec import TAGS

HEIGHT = 440  # pixels of a chart with a row per tag


def tag_scores(marks: np.ndarray, given: np.ndarray, thresholds: np.ndarray | None) -> Figure:
    """Threshold, precision, recall and F2 of every tag, over all rows.

    Args:
        marks, given: what is true and what was answered, bool (n_rows, 17).
        thresholds: those of the test set, (17,); None where there are none.
    """
    right, wrong, missed = counts(marks, given)
    precision, recall = right / np.maximum(right + wrong, 1), right / np.maximum(right + missed, 1)
    f2 = 5 * right / np.maximum(5 * right + 4 * missed + wrong, 1)
    rows = np.arange(len(TAGS))

    def paint(axes: Any) -> None:
        axes.plot(precision, rows, "o", color="C1", markersize=4, label="precision")
        axes.plot(recall, rows, "o", color="C2", markersize=4, label="recall")
        axes.plot(f2, rows, "o", color="C0", markersize=6, label="F2")
        if thresholds is not None:
            axes.plot(thresholds, rows, "|", color="C5", markersize=11, label="threshold")
        axes.set_xlim(-0.02, 1.02)
        _tag_rows(axes, marks)
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.09), ncols=4, frameon=False)

    spoken = ", ".join(f"{tag} {value:.2f}" for tag, value in zip(TAGS, f2, strict=True))
    where = "" if thresholds is None else " The test set is cut at the thresholds shown."
    caption = f"F2 of each tag, out of fold: {spoken}.{where} In brackets how many chips have it."
    return Figure("tag-scores", "Tags, their thresholds and scores", caption, paint, height=HEIGHT)


def tag_confusion(marks: np.ndarray, given: np.ndarray) -> Figure:
    """How often every tag was answered rightly, answered wrongly and missed."""
    parts = counts(marks, given)
    total = np.maximum(sum(parts), 1)
    names = ("rightly answered", "wrongly answered", "missed")

    def paint(axes: Any) -> None:
        left = np.zeros(len(TAGS))
        for part, name, colour in zip(parts, names, ("C0", "C1", "C5"), strict=True):
            axes.barh(range(len(TAGS)), part / total, left=left, color=colour, label=name)
            left += part / total
        for row, numbers in enumerate(zip(*parts, strict=True)):
            axes.text(1.02, row, " / ".join(f"{n:,}" for n in numbers), va="center", fontsize=8)
        axes.set_xlim(0, 1.35)  # room for the numbers
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        _tag_rows(axes, marks)
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.09), ncols=3, frameon=False)

    caption = (
        "Shares and numbers of chips for which a tag was rightly answered, wrongly answered and "
        "missed, out of fold."
    )
    return Figure("tag-confusion", "Right, wrong and missed tags", caption, paint, height=HEIGHT)


def decoder_scores(marks: np.ndarray, by_decoder: dict[str, np.ndarray]) -> Figure:
    """Mean F2 of the same probabilities under several ways to decide.

    Args:
        by_decoder: what each one answers, bool (n_rows, 17).
    """
    scores = {
        name: mean_f2_of_flags_score(y_true=marks, y_pred=given)
        for name, given in by_decoder.items()
    }

    def paint(axes: Any) -> None:
        values = list(scores.values())
        axes.plot(values, range(len(values)), "o", color="C0", markersize=8)
        for row, value in enumerate(values):
            axes.annotate(f"{value:.5f}", (value, row), (8, -3), textcoords="offset points")
        room = max(0.002, max(values) - min(values))
        axes.set_xlim(min(values) - 0.3 * room, max(values) + 0.5 * room)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_yticks(range(len(values)), list(scores))
        axes.set_xlabel("mean F2, out of fold")

    spoken = ", ".join(f"{name} {value:.5f}" for name, value in scores.items())
    caption = f"The same out-of-fold probabilities, fitted on the other folds: {spoken}."
    return Figure("decoders", "Ways to decide", caption, paint, height=160)


def counts(marks: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each tag the rows where it was rightly answered, wrongly answered and missed, (17,)."""
    return (marks & given).sum(axis=0), (~marks & given).sum(axis=0), (marks & ~given).sum(axis=0)


def _tag_rows(axes: Any, marks: np.ndarray) -> None:
    """A row per tag, the first on top."""
    named = [f"{tag} ({n:,})" for tag, n in zip(TAGS, marks.sum(axis=0), strict=True)]
    axes.set_yticks(range(len(TAGS)), named)
    axes.set_ylim(len(TAGS) - 0.5, -0.5)
