"""Metrics of one class per pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score

from common.errors import MetricError
from common.metrics.label_maps import (
    VOID,
    class_ious,
    confusion_counts,
    mean_iou_of,
    mean_iou_score,
    pixel_accuracy_of,
    pixel_accuracy_score,
)

ROAD, CAR, TREE = 3, 8, 5


def test_mean_iou_of_a_map_of_six_pixels() -> None:
    # road: 2 right, 1 of its pixels lost to car                 -> 2 / 3
    # car: 1 right, 1 taken from road, 1 of its pixels lost to tree -> 1 / 3
    # tree: 1 right, 1 taken from car                            -> 1 / 2
    y_true = np.array([[ROAD, ROAD, ROAD], [CAR, CAR, TREE]])
    y_pred = np.array([[ROAD, ROAD, CAR], [CAR, TREE, TREE]])
    expected = (2 / 3 + 1 / 3 + 1 / 2) / 3
    assert mean_iou_score(y_true=y_true, y_pred=y_pred) == pytest.approx(expected, abs=1e-15)
    assert pixel_accuracy_score(y_true=y_true, y_pred=y_pred) == pytest.approx(4 / 6, abs=1e-15)


def test_void_pixels_of_the_truth_are_left_out() -> None:
    # without the void pixels all is right; what is answered there adds no class either
    y_true, y_pred = np.array([ROAD, VOID, VOID, VOID]), np.array([ROAD, ROAD, CAR, VOID])
    assert mean_iou_score(y_true=y_true, y_pred=y_pred) == 1.0
    assert pixel_accuracy_score(y_true=y_true, y_pred=y_pred) == 1.0


def test_void_on_a_labelled_pixel_is_wrong_and_takes_from_the_true_class_only() -> None:
    # road: 1 of 2 pixels; car: 1 of 1; void is no class of its own
    y_true, y_pred = np.array([ROAD, ROAD, CAR]), np.array([ROAD, VOID, CAR])
    assert mean_iou_score(y_true=y_true, y_pred=y_pred) == 0.75
    assert pixel_accuracy_score(y_true=y_true, y_pred=y_pred) == pytest.approx(2 / 3, abs=1e-15)


def test_void_everywhere_in_the_prediction_scores_zero() -> None:
    y_true = np.array([ROAD, CAR])
    assert mean_iou_score(y_true=y_true, y_pred=np.array([VOID, VOID])) == 0.0


def test_a_class_absent_from_truth_and_prediction_is_left_out_of_the_mean() -> None:
    # two of eleven classes occur; as 0 the others would make it 2 / 11
    y_true = np.array([ROAD, CAR])
    assert mean_iou_score(y_true=y_true, y_pred=y_true) == 1.0


def test_a_class_that_only_the_prediction_holds_counts_as_zero() -> None:
    # road 1 / 2, tree 0 / 1
    y_true, y_pred = np.array([ROAD, ROAD]), np.array([ROAD, TREE])
    assert mean_iou_score(y_true=y_true, y_pred=y_pred) == 0.25


def test_a_class_that_only_void_pixels_of_the_prediction_hold_is_absent() -> None:
    y_true, y_pred = np.array([ROAD, VOID]), np.array([ROAD, TREE])
    assert np.isnan(class_ious(confusion_counts(y_true, y_pred))[TREE])


@pytest.mark.parametrize("score", [mean_iou_score, pixel_accuracy_score])
def test_truth_that_is_all_void_has_no_score(score: object) -> None:
    with pytest.raises(MetricError, match="every pixel of the truth is void"):
        score(y_true=np.array([VOID]), y_pred=np.array([ROAD]))  # type: ignore[operator]


def test_counts_of_pictures_add_up_and_their_scores_do_not() -> None:
    # first picture: road right twice, 1.0. second: road lost to car, (0 + 1 / 2) / 2 = 0.25.
    # together: road 2 / 3, car 1 / 2 -> 7 / 12, not 0.625
    truths = [np.array([ROAD, ROAD]), np.array([ROAD, CAR])]
    answers = [np.array([ROAD, ROAD]), np.array([CAR, CAR])]
    counts = sum(confusion_counts(t, a) for t, a in zip(truths, answers, strict=True))
    assert isinstance(counts, np.ndarray)
    assert mean_iou_of(counts) == pytest.approx(7 / 12, abs=1e-15)
    assert mean_iou_of(counts) == mean_iou_score(
        y_true=np.concatenate(truths), y_pred=np.concatenate(answers)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
def test_every_kind_of_whole_number_gives_the_same_counts(dtype: type) -> None:
    # 10 * 12 + 10 does not fit into int8
    labels = np.array([10, 11, 0, 10])
    expected = confusion_counts(labels, labels[::-1]).tolist()
    assert confusion_counts(labels.astype(dtype), labels[::-1].astype(dtype)).tolist() == expected


def test_the_void_column_stands_last() -> None:
    counts = confusion_counts(np.array([2, 2]), np.array([11, 2]))
    assert counts.shape == (11, 12)
    assert (counts[2, 11], counts[2, 2], counts.sum()) == (1, 1, 2)


@pytest.mark.parametrize("bad", [12, 255, -1])
@pytest.mark.parametrize("name", ["y_true", "y_pred"])
def test_other_values_are_refused(bad: int, name: str) -> None:
    maps = {"y_true": np.array([0, 1]), "y_pred": np.array([0, 1])}
    maps[name] = np.array([0, bad])
    with pytest.raises(MetricError, match=f"{name} holds {bad}; expected classes from 0 to 10"):
        mean_iou_score(**maps)


def test_numbers_with_a_point_are_refused() -> None:
    with pytest.raises(MetricError, match="float64 values; expected whole numbers"):
        mean_iou_score(y_true=np.array([0, 1]), y_pred=np.array([0.0, 1.0]))


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (3, 1), (3,)])
def test_maps_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MetricError, match="expected"):
        mean_iou_score(y_true=np.zeros((3, 2), int), y_pred=np.zeros(shape, int))


def test_maps_without_pixels_are_refused() -> None:
    with pytest.raises(MetricError, match="at least one pixel"):
        mean_iou_score(y_true=np.zeros((3, 0), int), y_pred=np.zeros((3, 0), int))


def random_maps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three frames with void; classes 0 and 9 in neither, class 4 in the prediction only."""
    generator = np.random.default_rng(seed)
    y_true = generator.choice([1, 2, 3, 5, 6, 7, 8, 10, VOID], size=(3, 17, 23))
    y_pred = np.where(generator.random(y_true.shape) < 0.6, y_true, generator.integers(1, 9))
    y_pred[0, :3] = 4
    y_pred[1, :2] = VOID
    return y_true.astype(np.uint8), y_pred.astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_scores_agree_with_scikit_learn(seed: int) -> None:
    y_true, y_pred = random_maps(seed)
    labelled = y_true != VOID
    truth, answer = y_true[labelled], y_pred[labelled]
    counts = confusion_counts(y_true, y_pred)
    expected = confusion_matrix(truth, answer, labels=range(12))[:11]
    assert counts.tolist() == expected.tolist()
    present = sorted((set(truth.tolist()) | set(answer.tolist())) - {VOID})
    jaccard = jaccard_score(truth, answer, labels=present, average="macro")
    assert mean_iou_of(counts) == pytest.approx(jaccard, rel=1e-14)
    assert pixel_accuracy_of(counts) == pytest.approx(accuracy_score(truth, answer), rel=1e-14)


label_maps = arrays.arrays(np.uint8, (2, 4, 3), elements=st.integers(0, VOID))


@settings(deadline=None, derandomize=True)
@given(y_true=label_maps, y_pred=label_maps)
def test_mean_iou_agrees_with_sets_of_pixels(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    labelled = y_true != VOID
    if not labelled.any():
        return
    ious = []
    for number in range(VOID):
        true = {place for place in np.ndindex(y_true.shape) if y_true[place] == number}
        pred = {
            place
            for place in np.ndindex(y_true.shape)
            if y_pred[place] == number and labelled[place]
        }
        if true | pred:
            ious.append(len(true & pred) / len(true | pred))
    score = mean_iou_score(y_true=y_true, y_pred=y_pred)
    assert score == pytest.approx(sum(ious) / len(ious), abs=1e-12)


@settings(deadline=None, derandomize=True)
@given(y_true=label_maps, y_pred=label_maps)
def test_the_order_of_frames_does_not_matter(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    forth = confusion_counts(y_true, y_pred)
    back = confusion_counts(y_true[::-1], y_pred[::-1])
    assert forth.tolist() == back.tolist()
