"""Metrics agree with torchmetrics where both mean the same number."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torchmetrics import functional
from torchmetrics.functional import classification
from torchmetrics.functional.retrieval import retrieval_average_precision
from torchmetrics.functional.text import perplexity

from common.metrics.class_means import mean_class_accuracy_score
from common.metrics.classification import accuracy_score
from common.metrics.label_maps import VOID, mean_iou_score, pixel_accuracy_score
from common.metrics.ordinal import quadratic_weighted_kappa_score
from common.metrics.probability import multiclass_log_loss_score
from common.metrics.ranking import area_under_roc_score
from common.metrics.regression import mean_absolute_error_score, root_mean_squared_error_score
from common.metrics.segmentation import mean_dice_of_masks_score
from common.metrics.segments import segments_average_precision
from common.metrics.tags import mean_f2_of_flags_score
from common.metrics.top_k import global_average_precision_score

seeds = pytest.mark.parametrize("seed", range(5))


def classes(
    seed: int, n_classes: int, shape: int | tuple[int, ...] = 300
) -> tuple[np.ndarray, ...]:
    """A truth in which every class occurs, and answers of which about half are right."""
    own = np.random.default_rng(seed)
    truth = own.permutation(np.arange(np.prod(shape)) % n_classes).reshape(shape)
    return truth, np.where(own.random(shape) < 0.5, truth, own.integers(0, n_classes, shape))


def tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)


@seeds
def test_accuracy(seed: int) -> None:
    truth, given = classes(seed, 7)
    target, preds = tensors(truth, given)
    micro = classification.multiclass_accuracy(preds, target, num_classes=7, average="micro")
    assert accuracy_score(y_true=truth, y_pred=given) == pytest.approx(float(micro), abs=1e-6)
    macro = classification.multiclass_accuracy(preds, target, num_classes=7, average="macro")
    ours = mean_class_accuracy_score(y_true=truth, y_pred=given)
    assert ours == pytest.approx(float(macro), abs=1e-6)


@seeds
def test_log_loss_is_the_logarithm_of_the_perplexity(seed: int) -> None:
    own = np.random.default_rng(seed)
    truth, given = own.integers(0, 12, 200), own.random((200, 12)) + 1e-9  # rows of any sum
    target, logits = tensors(truth, np.log(given))
    expected = math.log(float(perplexity(logits[None], target[None])))
    ours = multiclass_log_loss_score(y_true=truth, y_pred=given)
    assert ours == pytest.approx(expected, abs=1e-6)


@seeds
def test_f2_of_each_sample(seed: int) -> None:
    own = np.random.default_rng(seed)
    truth, given = own.random((200, 17)) < 0.2, own.random((200, 17)) < 0.2
    truth[:, 0] |= ~truth.any(axis=1)
    given[0] = False  # an empty answer scores 0 in both
    target, preds = tensors(truth[..., None].astype(int), given[..., None].astype(int))
    each = classification.multilabel_fbeta_score(
        preds, target, beta=2.0, num_labels=17, average="micro", multidim_average="samplewise"
    )
    assert each[0] == 0
    ours = mean_f2_of_flags_score(y_true=truth, y_pred=given)
    assert ours == pytest.approx(float(each.double().mean()), abs=1e-6)


@seeds
@pytest.mark.parametrize("occurring", [5, 3])
def test_quadratic_weighted_kappa(seed: int, occurring: int) -> None:
    truth, given = classes(seed, occurring)
    target, preds = tensors(truth, given)
    theirs = classification.multiclass_cohen_kappa(
        preds, target, num_classes=5, weights="quadratic"
    )
    ours = quadratic_weighted_kappa_score(y_true=truth, y_pred=given)
    assert ours == pytest.approx(float(theirs), abs=1e-6)


@seeds
@pytest.mark.parametrize("occurring", [12, 9])
def test_mean_iou_without_void(seed: int, occurring: int) -> None:
    # of nine values the classes 9 and 10 are absent on both sides, and 11 stands for value 8
    truth, given = classes(seed, occurring, (4, 20, 15))
    if occurring < 12:
        truth, given = (np.where(labels == 8, VOID, labels) for labels in (truth, given))
    target, preds = tensors(truth, given)
    theirs = classification.multiclass_jaccard_index(
        preds, target, num_classes=12, average="macro", ignore_index=VOID
    )
    assert mean_iou_score(y_true=truth, y_pred=given) == pytest.approx(float(theirs), abs=1e-6)
    right = classification.multiclass_accuracy(
        preds, target, num_classes=12, average="micro", ignore_index=VOID
    )
    assert pixel_accuracy_score(y_true=truth, y_pred=given) == pytest.approx(float(right), abs=1e-6)


@seeds
def test_dice_of_each_image_is_its_f1(seed: int) -> None:
    own = np.random.default_rng(seed)
    truth, given = own.random((2, 20, 16, 12)) < own.random((2, 20, 1, 1)) / 2
    truth[:3] = given[2:5] = False  # image 2 is empty on both sides
    target, preds = tensors(truth.astype(int), given.astype(int))
    each = classification.binary_f1_score(
        preds, target, multidim_average="samplewise", zero_division=1.0
    )
    assert each[2] == 1
    ours = mean_dice_of_masks_score(y_true=truth, y_pred=given)
    assert ours == pytest.approx(float(each.double().mean()), abs=1e-6)


@seeds
@pytest.mark.parametrize("levels", [10**9, 5])
def test_area_under_the_roc_curve_with_and_without_equal_scores(seed: int, levels: int) -> None:
    own = np.random.default_rng(seed)
    truth = own.permutation(np.arange(300) % 3 == 0).astype(int)
    given = np.floor(np.clip(own.random(300) + 0.3 * truth, 0, 1) * levels) / levels
    target, preds = tensors(truth, given)
    theirs = classification.binary_auroc(preds, target)
    assert area_under_roc_score(y_true=truth, y_pred=given) == pytest.approx(
        float(theirs), abs=1e-6
    )


@seeds
def test_average_precision_of_a_list_in_which_every_positive_stands(seed: int) -> None:
    own = np.random.default_rng(seed)
    rated = np.append(own.random(40) < 0.4, True)
    ids = [f"v{place}:0" for place in range(len(rated))]
    falling = torch.arange(len(rated), 0, -1, dtype=torch.float64)
    theirs = retrieval_average_precision(falling, torch.from_numpy(rated))
    ratings = dict(zip(ids, rated.tolist(), strict=True))
    assert segments_average_precision(ids, ratings) == pytest.approx(float(theirs), abs=1e-6)


@seeds
def test_global_average_precision_of_all_classes(seed: int) -> None:
    own = np.random.default_rng(seed)
    truth = own.random((30, 8)) < 0.3
    given = own.permutation(240).reshape(30, 8) / 240.0
    target, preds = tensors(truth.ravel().astype(int), given.ravel())
    theirs = classification.binary_average_precision(preds, target)
    ours = global_average_precision_score(y_true=truth, y_pred=given, k=8)
    assert ours == pytest.approx(float(theirs), abs=1e-6)


@seeds
def test_errors_of_numbers(seed: int) -> None:
    truth, given = np.random.default_rng(seed).normal(5, 3, (2, 200))
    target, preds = tensors(truth, given)
    absolute = float(functional.mean_absolute_error(preds, target))
    assert mean_absolute_error_score(y_true=truth, y_pred=given) == pytest.approx(
        absolute, abs=1e-6
    )
    root = float(functional.mean_squared_error(preds, target, squared=False))
    assert root_mean_squared_error_score(y_true=truth, y_pred=given) == pytest.approx(
        root, abs=1e-6
    )
