"""Metrics of a million rows, of masks, and of the best of a thousand classes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.runner import Case, Function
from common.metrics.ordinal import quadratic_weighted_kappa_score
from common.metrics.probability import multiclass_log_loss_score
from common.metrics.segmentation import mean_dice_of_masks_score
from common.metrics.tags import mean_f2_of_flags_score
from common.metrics.top_k import global_average_precision_score

N_ROWS = 1_000_000
N_CLASSES = 10
N_TAGS = 17
N_MASKS, SIDE = 128, 512
N_SEGMENTS, N_LABELS, K = 100_000, 1_000, 20
PEER = "scikit-learn"


def cases(work: Path) -> list[Case]:
    """Arrays in memory on both sides."""
    own = np.random.default_rng(0)
    return [_kappa(own), _log_loss(own), _f2(own), _mean_dice(own), _map_at_k(own)]


def _close(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=1e-9)


def _kappa(own: np.random.Generator) -> Case:
    from sklearn.metrics import cohen_kappa_score

    truth = own.integers(0, 5, N_ROWS)
    given = np.clip(truth + own.integers(-1, 2, N_ROWS), 0, 4)
    return Case(
        "kappa",
        Function(lambda: quadratic_weighted_kappa_score(truth, given)),
        {PEER: Function(lambda: cohen_kappa_score(truth, given, weights="quadratic"))},
        equal=_close,
    )


def _log_loss(own: np.random.Generator) -> Case:
    from sklearn.metrics import log_loss

    truth = own.integers(0, N_CLASSES, N_ROWS)
    given = own.random((N_ROWS, N_CLASSES)) + 0.01
    given /= given.sum(axis=1, keepdims=True)
    return Case(
        "log_loss",
        Function(lambda: multiclass_log_loss_score(truth, given)),
        {PEER: Function(lambda: log_loss(truth, given))},
        equal=_close,
    )


def _f2(own: np.random.Generator) -> Case:
    from sklearn.metrics import fbeta_score

    truth = own.random((N_ROWS, N_TAGS)) < 0.2
    truth[np.arange(N_ROWS), own.integers(0, N_TAGS, N_ROWS)] = True
    given = truth ^ (own.random((N_ROWS, N_TAGS)) < 0.05)
    return Case(
        "f2",
        Function(lambda: mean_f2_of_flags_score(truth, given)),
        {
            PEER: Function(
                lambda: fbeta_score(truth, given, beta=2, average="samples", zero_division=0)
            )
        },
        equal=_close,
    )


def _mean_dice(own: np.random.Generator) -> Case:
    truth = np.zeros((N_MASKS, SIDE, SIDE), dtype=bool)
    given = np.zeros_like(truth)
    for one, other in zip(truth[::2], given[::2], strict=True):  # every other image is empty
        top, left = own.integers(0, SIDE // 2, 2)
        one[top : top + 150, left : left + 190] = True
        other[top + 9 : top + 160, left + 4 : left + 180] = True

    def usual_loop() -> float:
        scores = []
        for one, other in zip(truth, given, strict=True):
            a, b = one.astype(np.float32), other.astype(np.float32)
            size = a.sum() + b.sum()
            scores.append(2 * (a * b).sum() / size if size else 1.0)
        return float(np.mean(scores))

    return Case(
        "mean_dice",
        Function(lambda: mean_dice_of_masks_score(truth, given)),
        {"usual loop": Function(usual_loop)},
        equal=lambda ours, theirs: math.isclose(ours, theirs, rel_tol=1e-6),  # theirs is float32
    )


def _map_at_k(own: np.random.Generator) -> Case:
    """The average precision of all segments' 20 best classes in one list."""
    scores = own.random((N_SEGMENTS, N_LABELS), dtype=np.float32)
    truth = np.zeros(scores.shape, dtype=bool)
    rows, labels = np.arange(N_SEGMENTS)[:, None], own.integers(0, N_LABELS, (N_SEGMENTS, 3))
    truth[rows, labels] = True
    scores[rows, labels] += np.float32(0.3) * own.random(labels.shape, dtype=np.float32)

    def argpartition() -> float:
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1).ravel(), kind="stable")
        hits = np.take_along_axis(truth, best, axis=1).ravel()[order]
        precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        return float((precisions * hits).sum() / truth.sum())

    return Case(
        "map_at_k",
        Function(lambda: global_average_precision_score(truth, scores, k=K)),
        {"argpartition": Function(argpartition)},
        # equal scores stand in another order there
        equal=lambda ours, theirs: math.isclose(ours, theirs, rel_tol=1e-6),
    )
