"""Mean average precision over ranked segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score as reference

from common.errors import MetricError
from common.metrics import segments_map
from common.metrics.segments import segments_average_precision, segments_map_score

RATINGS = {"a:0": True, "a:5": False, "b:0": True}


@pytest.mark.parametrize(
    ("segments", "k", "expected"),
    [
        # c:0 is unrated; then b:0 yes 1/1, a:5 no, a:0 yes 2/3; of two positives
        ("c:0 b:0 a:5 a:0", 100_000, (1 + 2 / 3) / 2),
        ("c:0 b:0", 100_000, 0.5),
        ("c:0 b:0 a:5 a:0", 1, 0.0),
        ("c:0 b:0 a:5 a:0", 2, 0.5),
        ("a:5 a:0 b:0", 100_000, (1 / 2 + 2 / 3) / 2),
        ("a:0 b:0 a:5", 100_000, 1.0),
        ("a:5", 100_000, 0.0),
        ("", 100_000, 0.0),
    ],
)
def test_average_precision_of_small_lists(segments: str, k: int, expected: float) -> None:
    assert segments_average_precision(segments.split(), RATINGS, k=k) == expected


def test_the_cut_comes_before_unrated_segments_are_dropped() -> None:
    unrated = [f"x:{5 * number}" for number in range(99_999)]
    assert segments_average_precision([*unrated, "a:0"], {"a:0": True}) == 1.0
    assert segments_average_precision([*unrated, "y:0", "a:0"], {"a:0": True}) == 0.0


def test_the_number_of_positives_is_not_capped_at_k() -> None:
    # one of four positives fits into the list
    ratings = dict.fromkeys(["a:0", "a:5", "b:0", "b:5"], True)
    assert segments_average_precision(["a:0", "a:5"], ratings, k=1) == 0.25


def test_unrated_segments_neither_help_nor_hurt() -> None:
    between = ["z:0", "a:0", "z:5", "a:5", "z:10", "b:0", "z:15"]
    assert segments_average_precision(between, RATINGS) == segments_average_precision(
        ["a:0", "a:5", "b:0"], RATINGS
    )


def test_a_class_without_positives_has_no_average_precision() -> None:
    with pytest.raises(MetricError, match="rated positive; expected at least one"):
        segments_average_precision(["a:0"], {"a:0": False})


def test_the_mean_goes_over_the_classes_with_a_positive() -> None:
    # 1, 0 for an empty list, and the third class has none: 1/2
    y_true = np.array([["a:0", "b:0"], ["c:0", ""], ["", "d:0"]])
    assert segments_map_score(y_true=y_true, y_pred=np.array(["a:0", "", "d:0"])) == 0.5


def test_the_cut_is_an_argument() -> None:
    y_true, y_pred = np.array([["a:0", ""]]), np.array(["x:0 a:0"])
    assert segments_map_score(y_true=y_true, y_pred=y_pred, k=2) == 1.0
    assert segments_map_score(y_true=y_true, y_pred=y_pred, k=1) == 0.0


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([["", "a:0"]], ["a:0"], "no class has a segment that is rated positive"),
        ([["a:0", "a:0"]], ["a:0"], "rated twice"),
        ([["a:0 a:0", ""]], ["a:0"], "rated twice"),
        ([["a:0", ""]], ["b:0 a:0 b:0"], "repeats one"),
        ([["a:0", "", ""]], ["a:0"], r"the shapes are \(1, 3\) and \(1,\)"),
        ([["a:0", ""]], [["a:0"]], r"the shapes are \(1, 2\) and \(1, 1\)"),
        ([["a:0", ""]], [], "y_true has 1 rows and y_pred 0; expected as many in both"),
    ],
)
def test_what_has_no_score_is_refused(y_true: list, y_pred: list, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        segments_map_score(y_true=np.array(y_true), y_pred=np.array(y_pred))


@pytest.mark.parametrize("seed", range(10))
def test_full_lists_agree_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    relevant = generator.random(300) < 0.3
    ids = [f"v{number}:0" for number in range(300)]
    order = generator.permutation(300)
    ratings = dict(zip(ids, relevant.tolist(), strict=True))
    scores = np.empty(300)
    scores[order] = np.arange(300, 0, -1)
    ours = segments_average_precision([ids[place] for place in order], ratings)
    assert ours == pytest.approx(reference(relevant, scores), abs=1e-12)


def walked(segments: list[str], ratings: dict[str, bool], k: int) -> float:
    """The same, one id after another."""
    seen = hits = 0
    total = 0.0
    for place, segment in enumerate(segments):
        if place >= k or segment not in ratings:
            continue
        seen += 1
        if ratings[segment]:
            hits += 1
            total += hits / seen
    return total / list(ratings.values()).count(True)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    rated=st.dictionaries(st.integers(0, 12), st.booleans(), min_size=1).filter(
        lambda ratings: any(ratings.values())
    ),
    ranked=st.lists(st.integers(0, 20), unique=True),
    k=st.integers(1, 25),
)
def test_any_list_agrees_with_a_walk_over_it(
    rated: dict[int, bool], ranked: list[int], k: int
) -> None:
    ratings = {f"v:{number}": rating for number, rating in rated.items()}
    segments = [f"v:{number}" for number in ranked]
    ours = segments_average_precision(segments, ratings, k=k)
    assert ours == pytest.approx(walked(segments, ratings, k), abs=1e-12)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.permutations(range(4)))
def test_the_order_of_classes_does_not_matter(order: list[int]) -> None:
    y_true = np.array([["a:0 b:0", "c:0"], ["a:0", ""], ["", "b:0"], ["d:0", "a:0"]])
    y_pred = np.array(["c:0 b:0 a:0", "a:0", "", "a:0 d:0"])
    expected = segments_map_score(y_true=y_true, y_pred=y_pred)
    shuffled = segments_map_score(y_true=y_true[order], y_pred=y_pred[order])
    assert shuffled == pytest.approx(expected, rel=1e-12)


def test_higher_is_better_up_to_one() -> None:
    assert segments_map.higher_is_better
    assert segments_map.best == 1.0
