"""Probabilities of the 17 tags to the tags that are answered: by fitted thresholds, or by the
expected F2 of each chip."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.tag_sets import START, above, best_expected_f2, fit_thresholds
from competitions.planet_understanding_the_amazon_from_space.spec import TAGS
from competitions.planet_understanding_the_amazon_from_space.tags import WEATHER

DECODERS = ("thresholds", "expected_f2")


def top_weather(probabilities: np.ndarray) -> np.ndarray:
    """The most probable of the four weather tags, bool (n_rows, 17): every chip has a weather, so
    that one is always answered, and no answer is empty."""
    top = np.zeros(probabilities.shape, dtype=bool)
    top[np.arange(len(top)), WEATHER.start + probabilities[:, WEATHER].argmax(axis=1)] = True
    return top


def decided(marks: np.ndarray, probabilities: np.ndarray, decoder: str) -> dict[str, Any]:
    """The decision as JSON holds it; the expected F2 needs none.

    Args:
        marks: the truth, bool (n_rows, 17).
        probabilities: (n_rows, 17).
    """
    if decoder == "expected_f2":
        return {}
    fitted = fit_thresholds(marks, probabilities, always=top_weather(probabilities))
    return {"thresholds": dict(zip(TAGS, fitted.tolist(), strict=True))}


def answered(probabilities: np.ndarray, decoder: str, decision: dict[str, Any]) -> np.ndarray:
    """The tags of each row, bool (n_rows, 17); thresholds are 0.2 where none were decided."""
    if decoder == "expected_f2":
        given = best_expected_f2(probabilities)
    else:
        given = above(probabilities, thresholds_of(decision))
    with_weather: np.ndarray = given | top_weather(probabilities)
    return with_weather


def thresholds_of(decision: dict[str, Any]) -> np.ndarray:
    """The thresholds in the order of TAGS, (17,)."""
    fitted = decision.get("thresholds", {})
    return np.array([fitted.get(tag, START) for tag in TAGS])


def cross_fitted(
    marks: np.ndarray, probabilities: np.ndarray, folds: np.ndarray, decoder: str
) -> np.ndarray:
    """The tags of each row, bool (n_rows, 17), every fold decided on the others.

    Args:
        folds: (n_rows,).
    """
    given = np.zeros(marks.shape, dtype=bool)
    for fold in np.unique(folds):
        inside = folds == fold
        others = ~inside
        decision = decided(marks[others], probabilities[others], decoder) if others.any() else {}
        given[inside] = answered(probabilities[inside], decoder, decision)
    return given
