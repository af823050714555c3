"""What holds for every metric: enter a new one in CASES and it inherits all sweeps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import common.metrics
from common.errors import MetricError
from common.metrics import (
    Metric,
    accuracy,
    area_under_roc,
    global_average_precision,
    log_loss,
    mean_absolute_error,
    mean_class_accuracy,
    mean_dice,
    mean_f2,
    mean_iou,
    mean_point_distance,
    median_point_distance,
    multiclass_log_loss,
    quadratic_weighted_kappa,
    relationship_mix,
    root_mean_squared_error,
    root_mean_squared_percentage_error,
    segments_map,
    share_within_10,
)
from common.rle import RunLength


def next_class(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A prediction that is wrong in every row."""
    return (y_true + 1) % 4


def further_away(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A prediction that is further from the truth in every row, on the same side."""
    return y_pred + np.where(y_pred >= y_true, 3.5, -3.5)


def far_away(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Points that are 50 or more away from the truth."""
    return y_true + 50.0


def ranked_worse(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Scores that are lower for every positive and higher for every negative."""
    return y_pred + np.where(y_true == 1, -3.5, 3.5)


def less_probable(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Probabilities of 1 that give the true answer a quarter of what it had."""
    return np.where(y_true == 1, y_pred / 4, 1 - (1 - y_pred) / 4)


def one_hot(y_true: np.ndarray) -> np.ndarray:
    """All probability on the true one of four classes."""
    return np.eye(4)[y_true]


def next_class_more_probable(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Probabilities of four classes, with three quarters put on a wrong one."""
    return y_pred / 4 + 0.75 * one_hot((y_true + 1) % 4)


def void_where_right(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Labels that answer none of the classes wherever they were right. To answer another class,
    or to take a wrong one back, can raise a mean over the classes that occur."""
    return np.where(y_pred == y_true, 11, y_pred)


def first_column(y_true: np.ndarray) -> np.ndarray:
    """Of the segments rated positive and negative, the positive ones."""
    return y_true[:, 0].copy()


def nothing(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """An empty text in every row."""
    return np.full(len(y_pred), "", dtype=object)


def ranked_segments() -> st.SearchStrategy:
    """Tables of classes: segments rated positive, those rated negative, and a list in any order."""
    segments = ["a:0", "a:5", "b:0", "c:0", "c:5"]
    given = st.lists(st.sampled_from(segments), unique=True).map(" ".join)
    rated = st.integers(1, 3).map(lambda n: (" ".join(segments[:n]), " ".join(segments[n:4])))
    rows = st.lists(st.tuples(rated, given), min_size=1, max_size=10)
    return rows.map(lambda pairs: tuple(np.array(side) for side in zip(*pairs, strict=True)))


RIGHT, FALSE = "A 0 0 .5 .5 B .5 .5 1 1 at", "A .8 .8 1 1 B .8 .8 1 1 at"


def without_labels(y_true: np.ndarray) -> np.ndarray:
    """The triplets of the truth, without the labels that people looked for."""
    return np.array([cell.split(" |")[0] for cell in y_true.tolist()], dtype=object)


def one_more_false(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A wrong triplet before all others of each image."""
    return np.array([f"99 {FALSE} {cell}" for cell in y_pred.tolist()], dtype=object)


def found_triplets() -> st.SearchStrategy:
    """Tables of images with a triplet each, and predictions of which no two score alike."""
    found = st.lists(st.sampled_from([RIGHT, FALSE, FALSE.replace("B", "C")]), max_size=3)
    rows = st.lists(st.tuples(st.sampled_from(["| A B", "| C", "|"]), found), min_size=1)

    def numbered(table: list) -> tuple[np.ndarray, np.ndarray]:
        truth = [f"1 {RIGHT} {labels}" for labels, _ in table]
        given = [
            " ".join(f"{row}.{place} {triplet}" for place, triplet in enumerate(triplets))
            for row, (_, triplets) in enumerate(table)
        ]
        return np.array(truth, dtype=object), np.array(given, dtype=object)

    return rows.map(numbered)


@dataclass(frozen=True)
class Case:
    """How to sweep a metric.

    Args:
        best: the score of a perfect prediction.
        target: one row's target or prediction; where `whole`, the two arrays of a table.
        worse: a prediction that is worse in every row.
        perfect: the prediction that a truth asks for.
        truth: a truth for the tests that need one table only.
    """

    metric: Metric
    best: float
    target: st.SearchStrategy
    worse: Callable[[np.ndarray, np.ndarray], np.ndarray]
    perfect: Callable[[np.ndarray], np.ndarray] = np.copy
    truth: tuple = (0, 1, 2, 3)
    whole: bool = False

    def example(self) -> tuple[np.ndarray, np.ndarray]:
        """A truth, and a prediction of its kind that is not perfect."""
        y_true = np.array(self.truth)
        return y_true, self.perfect(y_true)[::-1].copy()


numbers = st.floats(-1e6, 1e6, width=32)
shares = st.floats(0, 1, width=32)


def two_classes(score: st.SearchStrategy) -> st.SearchStrategy:
    """Tables with a truth of both 0 and 1, and a score per row."""
    scores = st.lists(score, min_size=1, max_size=15)
    return st.tuples(scores, scores).map(
        lambda sides: (
            np.repeat([0, 1], [len(side) for side in sides]),
            np.concatenate([np.array(side, dtype=np.float64) for side in sides]),
        )
    )


def four_classes() -> st.SearchStrategy:
    """Tables with one of four classes as the truth, and four probabilities per row."""
    row = st.tuples(st.integers(0, 3), st.tuples(*[shares] * 4).filter(any))
    rows = st.lists(row, min_size=1, max_size=30)
    return rows.map(lambda pairs: tuple(np.array(side) for side in zip(*pairs, strict=True)))


def right_grades() -> st.SearchStrategy:
    """Tables whose predictions are all right: a kappa may rise with one more miss, because chance
    alone then explains less."""
    rows = st.lists(st.integers(0, 3), min_size=1, max_size=30)
    return rows.map(lambda grades: (np.array(grades), np.array(grades)))


def labels_of_rows() -> st.SearchStrategy:
    """Tables of up to four classes per row, at least one in all, and scores of which no two are
    equal."""
    flags = st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=10)

    def scored(rows: list) -> st.SearchStrategy:
        ranks = st.permutations(range(4 * len(rows)))
        return ranks.map(
            lambda order: (np.array(rows), np.array(order, dtype=np.float64).reshape(-1, 4))
        )

    return flags.filter(lambda rows: any(map(any, rows))).flatmap(scored)


def labels_ranked_worse(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Scores that are lower for every label and higher for every other class."""
    return y_pred + np.where(y_true, -40.5, 40.5)


def no_tag_of_theirs(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A tag that no row has."""
    return np.full(len(y_true), "none")


def one_pixel_elsewhere(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Masks of the last pixel, which no truth holds."""
    return np.full(len(y_true), "16 1")


def texts(*cells: str) -> st.SearchStrategy:
    """Tables of text, as objects: text of a fixed width would cut a longer one."""
    rows = st.lists(st.tuples(st.sampled_from(cells), st.sampled_from(cells)), min_size=1)
    return rows.map(
        lambda pairs: tuple(np.array(side, dtype=object) for side in zip(*pairs, strict=True))
    )


four_by_four = mean_dice(RunLength(False, True, 1), (4, 4))


CASES = [
    Case(accuracy, 1.0, st.integers(0, 3), next_class),
    Case(area_under_roc, 1.0, two_classes(numbers), ranked_worse, truth=(0, 1, 0, 1), whole=True),
    Case(
        global_average_precision,
        1.0,
        labels_of_rows(),
        labels_ranked_worse,
        lambda y_true: y_true.astype(np.float64),
        truth=((True, False), (False, True)),
        whole=True,
    ),
    Case(log_loss, 0.0, two_classes(shares), less_probable, truth=(0, 1, 0, 1), whole=True),
    Case(mean_absolute_error, 0.0, numbers, further_away),
    Case(mean_class_accuracy, 1.0, st.integers(0, 3), next_class),
    Case(mean_iou, 1.0, st.integers(0, 3), void_where_right),
    Case(
        mean_point_distance, 0.0, st.tuples(numbers, numbers), further_away, truth=((0, 1), (2, 3))
    ),
    Case(
        median_point_distance,
        0.0,
        st.tuples(numbers, numbers),
        further_away,
        truth=((0, 1), (2, 3)),
    ),
    Case(
        share_within_10,
        1.0,
        st.tuples(numbers, numbers),
        far_away,
        truth=((0, 1), (2, 3)),
    ),
    Case(
        four_by_four,
        1.0,
        texts("", "1 2", "2 3 7 1", "5 9"),
        one_pixel_elsewhere,
        truth=("", "1 2", "5 9"),
        whole=True,
    ),
    Case(
        mean_f2,
        1.0,
        texts("a", "b", "a b", "b c d"),
        no_tag_of_theirs,
        truth=("a", "b c"),
        whole=True,
    ),
    Case(multiclass_log_loss, 0.0, four_classes(), next_class_more_probable, one_hot, whole=True),
    Case(quadratic_weighted_kappa, 1.0, right_grades(), next_class, whole=True),
    Case(
        relationship_mix,
        1.0,
        found_triplets(),
        one_more_false,
        without_labels,
        truth=(f"1 {RIGHT} | A", f"1 {RIGHT} |"),
        whole=True,
    ),
    Case(root_mean_squared_error, 0.0, numbers, further_away),
    Case(root_mean_squared_percentage_error, 0.0, st.floats(1, 1e6), further_away),
    Case(
        segments_map,
        1.0,
        ranked_segments(),
        nothing,
        first_column,
        truth=(("a:0 a:5", "b:0"), ("c:0", "")),
        whole=True,
    ),
]

every_metric = pytest.mark.parametrize("case", CASES, ids=lambda case: case.metric.name)
swept = settings(deadline=None, derandomize=True, max_examples=60)


def tables(case: Case) -> st.SearchStrategy:
    """Truth and prediction of 1 to 30 rows."""
    if case.whole:
        return case.target
    rows = st.lists(st.tuples(case.target, case.target), min_size=1, max_size=30)
    return rows.map(lambda pairs: tuple(np.array(side) for side in zip(*pairs, strict=True)))


# metrics of other data than one row per sample: their own tests hold what is swept here
SWEPT_ELSEWHERE = {
    common.metrics.open_images_map,
}


def test_every_public_metric_is_swept() -> None:
    public = [getattr(common.metrics, name) for name in common.metrics.__all__]
    metrics = {value for value in public if isinstance(value, Metric)}
    assert metrics - SWEPT_ELSEWHERE <= {case.metric for case in CASES}


def test_no_two_metrics_share_a_name() -> None:
    names = [case.metric.name for case in CASES]
    assert len(set(names)) == len(names)


@every_metric
@swept
@given(data=st.data())
def test_a_perfect_prediction_gives_the_best_value(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    perfect = case.metric.score(y_true=y_true, y_pred=case.perfect(y_true))
    # a log loss is clipped just short of its best
    assert perfect == pytest.approx(case.best, rel=0, abs=1e-14)
    assert not case.metric.is_better(case.metric.score(y_true=y_true, y_pred=y_pred), perfect)


@every_metric
@swept
@given(data=st.data())
def test_the_order_of_rows_does_not_matter(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    order = np.array(data.draw(st.permutations(range(len(y_true)))))
    shuffled = case.metric.score(y_true=y_true[order], y_pred=y_pred[order])
    assert shuffled == pytest.approx(case.metric.score(y_true=y_true, y_pred=y_pred), rel=1e-12)


@every_metric
@swept
@given(data=st.data())
def test_worse_in_some_rows_never_scores_better(case: Case, data: st.DataObject) -> None:
    y_true, y_pred = data.draw(tables(case))
    rows = data.draw(st.lists(st.booleans(), min_size=len(y_true), max_size=len(y_true)))
    spoilt = y_pred.copy()
    spoilt[np.array(rows)] = case.worse(y_true, y_pred)[np.array(rows)]
    before = case.metric.score(y_true=y_true, y_pred=y_pred)
    after = case.metric.score(y_true=y_true, y_pred=spoilt)
    assert not case.metric.is_better(after, before)


@every_metric
def test_the_direction_is_stated_and_true(case: Case) -> None:
    y_true = np.array(case.truth)
    wrong = case.metric.score(y_true=y_true, y_pred=case.worse(y_true, case.perfect(y_true)))
    assert isinstance(case.metric.higher_is_better, bool)
    assert case.metric.higher_is_better == (case.best > wrong)
    assert case.metric.is_better(case.best, wrong)
    assert not case.metric.is_better(wrong, case.best)


@every_metric
def test_the_best_value_that_is_stated_is_that_of_a_perfect_prediction(case: Case) -> None:
    assert case.metric.best == case.best


@every_metric
def test_an_equal_score_is_not_better(case: Case) -> None:
    assert not case.metric.is_better(0.5, 0.5)


@every_metric
@pytest.mark.parametrize("best", [None, math.nan, 0.5, -math.inf, math.inf])
def test_nan_is_never_better(case: Case, best: float | None) -> None:
    assert case.metric.is_better(math.nan, best) is False


@every_metric
@pytest.mark.parametrize("best", [None, math.nan])
@pytest.mark.parametrize("new", [0.0, 1.0, -5.0])
def test_any_number_is_better_than_none_and_nan(case: Case, new: float, best: float | None) -> None:
    assert case.metric.is_better(new, best) is True


@every_metric
def test_the_score_is_a_plain_finite_float(case: Case) -> None:
    y_true, y_pred = case.example()
    score = case.metric.score(y_true=y_true, y_pred=y_pred)
    assert type(score) is float
    assert math.isfinite(score)


@every_metric
def test_inputs_are_left_as_they_were(case: Case) -> None:
    y_true, y_pred = case.example()
    before = (y_true.tolist(), y_pred.tolist())
    case.metric.score(y_true=y_true, y_pred=y_pred)
    assert (y_true.tolist(), y_pred.tolist()) == before


@every_metric
def test_no_rows_are_refused_in_words(case: Case) -> None:
    with pytest.raises(MetricError, match="no rows to score; expected at least one"):
        case.metric.score(y_true=np.array([]), y_pred=np.array([]))


@every_metric
@pytest.mark.parametrize(("n_true", "n_pred"), [(3, 2), (1, 3), (0, 1)])
def test_different_numbers_of_rows_are_refused_with_both_numbers(
    case: Case, n_true: int, n_pred: int
) -> None:
    words = f"y_true has {n_true} rows and y_pred {n_pred}; expected as many in both"
    with pytest.raises(MetricError, match=words):
        case.metric.score(y_true=np.zeros(n_true), y_pred=np.zeros(n_pred))


@every_metric
def test_a_metric_is_a_value_that_cannot_be_changed(case: Case) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.metric.higher_is_better = not case.metric.higher_is_better  # type: ignore[misc]
