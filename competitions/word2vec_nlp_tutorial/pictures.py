"""What the report shows of these models."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.figures import Figure
from competitions.word2vec_nlp_tutorial.ngrams import Ngrams

SHOWN = 15  # n-grams of each kind


def strongest(known: Ngrams, weights: np.ndarray) -> Figure:
    """The n-grams with the highest weights, those of good reviews on top."""
    order = np.argsort(weights, kind="stable")
    bad = [place for place in order[:SHOWN] if weights[place] < 0]
    good = [place for place in order[::-1][:SHOWN] if weights[place] > 0]
    places = [*good, *reversed(bad)]
    names, values = [known.text(place) for place in places], weights[places]

    def paint(axes: Any) -> None:
        heights = np.arange(len(places), 0, -1)
        axes.barh(heights[: len(good)], values[: len(good)], color="C0")
        axes.barh(heights[len(good) :], values[len(good) :], color="C1")
        axes.set_yticks(heights, names)
        axes.set_ylim(0.2, len(places) + 0.8)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", visible=True)

    return Figure(
        anchor="strongest-ngrams",
        title="Words that decide",
        caption=(
            "The n-grams with the highest weights, mean over the folds: to the right those of good "
            "reviews, to the left those of bad ones."
        ),
        paint=paint,
        height=60 + 16 * len(places),
    )
