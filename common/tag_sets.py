"""Probabilities of tags to sets of tags, for F2 per row: thresholds, or the expected score.

    given = above(probabilities, fit_thresholds(known_truth, known_probabilities))
    given = best_expected_f2(probabilities)

The first fits a number per tag on known rows; the second fits nothing and decides row by row.
"""

from __future__ import annotations

import numpy as np

from common.errors import UsageError

BETA_SQUARED = 4  # of F2: recall counts twice
START = 1 / (1 + BETA_SQUARED)  # about the best threshold for probabilities that are honest
PLACES = np.arange(2, 91) / 100  # thresholds that are tried
CAUTION = 1.0  # standard errors that a gain has to be worth
TINY = 1e-9  # between sums that differ by the order of their terms alone
ROUNDS = 20  # passes over all tags; a few are enough
ROWS_AT_ONCE = 8_192  # whose sums stay in the processor's cache


def above(probabilities: np.ndarray, thresholds: np.ndarray | float) -> np.ndarray:
    """The tags that are at or above their thresholds, bool (n_rows, n_tags)."""
    given: np.ndarray = probabilities >= thresholds
    return given


def fit_thresholds(
    y_true: np.ndarray, probabilities: np.ndarray, *, always: np.ndarray | None = None
) -> np.ndarray:
    """The thresholds by which mean F2 is best, found one tag at a time from 0.2 on, (n_tags,).

    Each tag's threshold is moved over a grid while those of all others stay, until none moves. It
    goes where the gain over 0.2 is highest after its own standard error is taken off: with few
    rows of a tag, or few rows at all, most of a gain is chance. Nothing is drawn.

    Args:
        y_true: bool (n_rows, n_tags).
        probabilities: (n_rows, n_tags).
        always: tags that are given whatever their threshold, bool (n_rows, n_tags).

    Edge cases: a tag that no row has, and no rows, stay at the start.
    """
    truth, known = y_true.astype(bool), np.asarray(probabilities, dtype=np.float64)
    anyway = np.zeros_like(truth) if always is None else always
    thresholds = np.full(truth.shape[1], START)
    order = np.argsort(-known, axis=0, kind="stable")
    given = above(known, thresholds) | anyway
    n_true, n_given, n_shared = (one.sum(axis=1) for one in (truth, given, given & truth))
    for _ in range(ROUNDS):
        before = thresholds.copy()
        for tag in np.flatnonzero(truth.any(axis=0)):
            others = n_given - given[:, tag]
            others_shared = n_shared - (given[:, tag] & truth[:, tag])
            gain = _f2(others_shared + truth[:, tag], n_true, others + 1)
            gain -= _f2(others_shared, n_true, others)
            gain[anyway[:, tag]] = 0.0
            own = order[:, tag]
            thresholds[tag] = _best_place(known[own, tag], gain[own])
            given[:, tag] = above(known[:, tag], thresholds[tag]) | anyway[:, tag]
            n_given = others + given[:, tag]
            n_shared = others_shared + (given[:, tag] & truth[:, tag])
        if np.array_equal(thresholds, before):
            break
    return thresholds


def _best_place(falling: np.ndarray, gain: np.ndarray) -> float:
    """The threshold with the highest gain over the start less its standard error; the start where
    none has any. Where a stretch of places is equally good, the middle of the one nearest to the
    start is taken: its edge would fit single rows.

    Args:
        falling: probabilities of a tag, the highest first, (n_rows,).
        gain: of F2 where the tag is given to a row, (n_rows,).
    """
    at, start = (np.searchsorted(-falling, -place, side="right") for place in (PLACES, START))
    sums, squares = (np.concatenate([[0.0], np.cumsum(one)]) for one in (gain, gain**2))
    worth = sums[at] - sums[start] - CAUTION * np.sqrt(np.abs(squares[at] - squares[start]))
    if worth.max(initial=0.0) <= TINY:
        return START
    best = np.flatnonzero(worth >= worth.max() - TINY)
    stretches = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    middles = [float(PLACES[one[len(one) // 2]]) for one in stretches]
    return min(middles, key=lambda middle: abs(middle - START))


def _f2(n_shared: np.ndarray, n_true: np.ndarray, n_given: np.ndarray) -> np.ndarray:
    """F2 of each row; 0 where nothing is true and nothing given."""
    score: np.ndarray = (
        (1 + BETA_SQUARED) * n_shared / np.maximum(BETA_SQUARED * n_true + n_given, 1)
    )
    return score


# ---- the expected score -------------------------------------------------------------------------


def best_expected_f2(probabilities: np.ndarray) -> np.ndarray:
    """For each row the set of tags with the highest expected F2, bool (n_rows, n_tags), where
    every tag is there with its own probability, whatever the others are.

    Such a set is always one of the most probable tags, so of n tags n sets are compared, each at
    a cost of n. It holds at least one tag.

    Args:
        probabilities: from 0 to 1, (n_rows, n_tags).

    Source: Ye, Chai, Lee, Chieu, "Optimizing F-measures: A Tale of Two Approaches", ICML 2012,
    https://arxiv.org/abs/1206.4625
    """
    if probabilities.ndim != 2 or not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise UsageError("expected probabilities from 0 to 1 of shape (n_rows, n_tags)")
    given = np.zeros(probabilities.shape, dtype=bool)
    for start in range(0, len(probabilities), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        order = np.argsort(-probabilities[rows], axis=1, kind="stable")
        falling = np.take_along_axis(probabilities[rows], order, axis=1).astype(np.float64)
        n_best = expected_f2(falling).argmax(axis=1) + 1
        chosen = np.arange(falling.shape[1]) < n_best[:, None]
        np.put_along_axis(given[rows], order, chosen, axis=1)
    return given


def expected_f2(falling: np.ndarray) -> np.ndarray:
    """The expected F2 of answering the first 1, 2, … n tags, (n_rows, n_tags).

    Args:
        falling: the tags' probabilities, the highest first, (n_rows, n_tags).
    """
    n_rows, n_tags = falling.shape
    likely = _counts_of_first(falling)
    # inverse[:, i]: the mean of 1 / (i + 4 · how many of the tags behind the first k are there)
    steps = np.arange(1, (1 + BETA_SQUARED) * n_tags + 1, dtype=np.float64)
    inverse = np.tile(np.concatenate([[0.0], 1 / steps]), (n_rows, 1))
    expected = np.empty_like(falling)
    for k in range(n_tags, 0, -1):
        hits = np.arange(1, k + 1)
        at = k + BETA_SQUARED * hits
        terms = hits * likely[k][:, 1:] * inverse[:, at]
        expected[:, k - 1] = (1 + BETA_SQUARED) * terms.sum(axis=1)
        reach = (1 + BETA_SQUARED) * (k - 1) + 1  # all that the smaller sets ask for
        p = falling[:, k - 1, None]
        inverse = p * inverse[:, BETA_SQUARED : BETA_SQUARED + reach] + (1 - p) * inverse[:, :reach]
    return expected


def _counts_of_first(falling: np.ndarray) -> list[np.ndarray]:
    """How likely 0, 1, … k of the first k tags are there: for every k an array (n_rows, k + 1)."""
    likely = [np.ones((len(falling), 1))]
    for k in range(falling.shape[1]):
        p, before = falling[:, k, None], likely[-1]
        after = np.zeros((len(falling), k + 2))
        after[:, :-1] += (1 - p) * before
        after[:, 1:] += p * before
        likely.append(after)
    return likely
