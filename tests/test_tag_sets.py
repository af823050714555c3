"""Sets of tags from probabilities, for F2 per row."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from common import tag_sets
from common.errors import UsageError
from common.metrics.tags import mean_f2_of_flags_score
from common.tag_sets import START, above, best_expected_f2, expected_f2, fit_thresholds


def f2(truth: tuple[int, ...], given: tuple[int, ...]) -> float:
    """By precision and recall, as the competition tells it."""
    shared = sum(a and b for a, b in zip(truth, given, strict=True))
    if not shared:
        return 0.0
    p, r = shared / sum(given), shared / sum(truth)
    return 5 * p * r / (4 * p + r)


def expected_slowly(probabilities: np.ndarray) -> dict[tuple[int, ...], float]:
    """The expected F2 of every set, over every truth."""
    sets = list(itertools.product((0, 1), repeat=len(probabilities)))
    weights = [
        np.prod([p if t else 1 - p for p, t in zip(probabilities, truth, strict=True)])
        for truth in sets
    ]
    return {
        given: float(sum(w * f2(truth, given) for w, truth in zip(weights, sets, strict=True)))
        for given in sets
    }


# ---- the expected F2 ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_set_at_all_has_a_higher_expected_f2(seed: int) -> None:
    probabilities = np.random.default_rng(seed).random(6) ** (1 + seed)
    slowly = expected_slowly(probabilities)
    chosen = tuple(best_expected_f2(probabilities[None])[0].astype(int).tolist())
    assert slowly[chosen] == pytest.approx(max(slowly.values()), abs=1e-12)


def test_the_expected_f2_of_the_first_tags_is_the_mean_over_all_truths() -> None:
    falling = np.array([0.9, 0.6, 0.35, 0.2, 0.05])
    slowly = expected_slowly(falling)
    wanted = [slowly[(1,) * k + (0,) * (5 - k)] for k in range(1, 6)]
    assert expected_f2(falling[None])[0].tolist() == pytest.approx(wanted, abs=1e-12)


def test_certain_tags_are_answered_and_no_others() -> None:
    truth = np.random.default_rng(0).random((50, 17)) < 0.2
    truth[:, 0] = True
    assert (best_expected_f2(truth.astype(np.float32)) == truth).all()


def test_a_second_tag_is_answered_where_it_is_likely_enough() -> None:
    # beside a certain tag, at 0.2: alone 0.8 + 0.2 · 5/9 = 0.911, both 0.8 · 5/6 + 0.2 = 0.867
    # at 0.4: alone 0.6 + 0.4 · 5/9 = 0.822, both 0.6 · 5/6 + 0.4 = 0.9
    given = best_expected_f2(np.array([[1.0, 0.2], [1.0, 0.4]]))
    assert given.tolist() == [[True, False], [True, True]]
    assert expected_f2(np.array([[1.0, 0.2]]))[0].tolist() == pytest.approx([41 / 45, 13 / 15])


def test_rows_in_many_blocks_are_each_decided_alone() -> None:
    probabilities = np.random.default_rng(1).random((9_000, 4)).astype(np.float32)
    given = best_expected_f2(probabilities)
    again = best_expected_f2(probabilities[8_190:8_195])
    assert (given[8_190:8_195] == again).all()
    assert given.any(axis=1).all()


def test_no_rows_give_no_sets_and_logits_are_refused() -> None:
    assert best_expected_f2(np.empty((0, 17))).shape == (0, 17)
    with pytest.raises(UsageError, match="from 0 to 1"):
        best_expected_f2(np.array([[0.5, -1.3]]))
    with pytest.raises(UsageError, match="from 0 to 1"):
        best_expected_f2(np.array([[0.5, np.nan]]))


# ---- thresholds ---------------------------------------------------------------------------------


def test_a_threshold_goes_to_the_middle_of_the_gap_that_tells_a_tag_apart() -> None:
    probabilities = np.array([[0.9, 0.3], [0.9, 0.34], [0.9, 0.5], [0.9, 0.6]])
    truth = np.array([[1, 0], [1, 0], [1, 1], [1, 1]], bool)
    thresholds = fit_thresholds(truth, probabilities)
    assert thresholds[0] == START  # right as it is
    assert thresholds[1] == pytest.approx(0.42, abs=0.011)
    assert (above(probabilities, thresholds) == truth).all()


def test_a_tag_that_no_row_has_and_no_rows_at_all_stay_at_the_start() -> None:
    truth = np.array([[1, 0], [1, 0]], bool)
    assert fit_thresholds(truth, np.array([[0.9, 0.8], [0.7, 0.9]])).tolist() == [START, START]
    assert fit_thresholds(np.zeros((0, 3), bool), np.zeros((0, 3))).tolist() == [START] * 3


def test_without_caution_no_single_move_makes_the_score_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tag_sets, "CAUTION", 0.0)
    rng = np.random.default_rng(2)
    truth = rng.random((500, 5)) < [0.9, 0.5, 0.3, 0.1, 0.02]
    truth[:, 0] |= ~truth.any(axis=1)
    probabilities = np.clip(0.15 + 0.4 * truth + rng.normal(0, 0.2, truth.shape), 0, 1)
    thresholds = fit_thresholds(truth, probabilities)

    def score(own: np.ndarray) -> float:
        return mean_f2_of_flags_score(y_true=truth, y_pred=above(probabilities, own))

    best = score(thresholds)
    assert best > score(np.full(5, START)) + 0.05
    for tag, place in itertools.product(range(5), np.arange(2, 91, 4) / 100):
        moved = thresholds.copy()
        moved[tag] = place
        assert score(moved) <= best + 1e-9


def test_what_a_single_row_or_two_unlike_ones_gain_moves_nothing() -> None:
    # one row would be right above 0.3; of two rows one would be right and one wrong
    probabilities = np.array([[0.9, 0.3, 0.5], [0.9, 0.8, 0.5], [0.9, 0.8, 0.8]])
    truth = np.array([[1, 0, 0], [1, 1, 1], [1, 1, 1]], bool)
    assert fit_thresholds(truth, probabilities).tolist() == [START] * 3
    twice = fit_thresholds(np.tile(truth, (2, 1)), np.tile(probabilities, (2, 1)))
    assert 0.3 < twice[1] < 0.8
    assert twice[2] == START


def test_tags_that_are_given_anyway_are_not_paid_for_again() -> None:
    # the second tag is wrong wherever its probability is below 0.9, but there it is given anyway
    probabilities = np.array([[0.9, 0.3], [0.9, 0.5], [0.9, 0.9]])
    truth = np.array([[1, 0], [1, 0], [1, 1]], bool)
    always = np.array([[0, 1], [0, 1], [0, 0]], bool)
    assert fit_thresholds(truth, probabilities, always=always)[1] == START
    assert fit_thresholds(truth, probabilities)[1] > 0.5
