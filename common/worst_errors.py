"""Where the net looked when it was most wrong: class-activation maps for the report.

A map is the head's weights at every place of the last features. With average pooling its mean is
the output without the bias; with others it shows what is weighed.
After Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
import torch

from common.data.images.targets import Classes, Marks, Numbers, as_targets
from common.figures import Case, Gallery
from common.models import Classifier
from common.neural import NeuralFold
from common.pipeline import Context
from common.runfolder import RunFolder

if TYPE_CHECKING:
    from common.image_pipeline import ImagePipeline

MOST_SHOWN = 12
WARM, COLD = (255, 110, 30), (40, 110, 255)  # red, green, blue
STRONGEST = 0.65  # opacity of the colour where the map is strongest
LEAST_PROBABILITY = 1e-7
BRIGHTEST = 0.99  # quantile of a picture's values that counts as its white
DARK = 0.2  # a picture whose white is below this cannot be seen as it is
CAPTION = (
    "What the net saw, and where its answer came from: orange raises the output that is named "
    "below, blue lowers it. The net is the one that had not trained on the picture."
)


@dataclass(frozen=True)
class Errors:
    """How wrong each row is.

    Args:
        size: (N,), float64; the larger, the worse.
        output: (N,), int64: the output of the net that is to be looked at.
        said: a line for each row.
    """

    size: np.ndarray
    output: np.ndarray
    said: Sequence[str]


def worst_errors(
    pipeline: ImagePipeline, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
) -> Gallery | None:
    """The pictures that are most wrong out of fold, with the maps of their output.

    None where nothing was held out, where the net is no `Classifier`, or where the targets are
    neither classes nor marks nor numbers.

    Args:
        items: the training rows.
        oof: the out-of-fold predictions, as the report is given them.
    """
    if oof is None or oof.empty or not set(pipeline.prediction_names()) <= set(oof.columns):
        return None
    names = pd.Index(items["sample"].astype(str))
    rows = items.iloc[names.get_indexer(pd.Index(oof["sample"].astype(str)))]
    found = errors(pipeline, rows, oof[list(pipeline.prediction_names())].to_numpy(np.float64))
    if found is None:
        return None
    worst = np.argsort(-found.size, kind="stable")[:MOST_SHOWN]
    seen: dict[int, dict[str, np.ndarray]] = {}
    for fold in np.unique(oof["fold"].to_numpy()[worst]):
        of_fold = worst[oof["fold"].to_numpy()[worst] == fold]
        drawn = _drawn(pipeline, rows.iloc[of_fold], found.output[of_fold], int(fold), run)
        if drawn is None:
            return None
        seen.update(zip(of_fold.tolist(), drawn, strict=True))
    ids = rows["id"].tolist()
    cases = tuple(Case(str(ids[k]), seen[k], (found.said[k],)) for k in worst.tolist())
    return Gallery("worst-errors", "Worst errors", CAPTION, cases)


def errors(pipeline: ImagePipeline, rows: pd.DataFrame, predicted: np.ndarray) -> Errors | None:
    """How wrong predictions (N, n_outputs) of some rows are; None for targets of other kinds."""
    targets = as_targets(pipeline.targets(rows), pipeline.vocab())
    if isinstance(targets, Classes):
        return _of_classes(targets, predicted)
    if isinstance(targets, Marks):
        return _of_marks(targets, predicted)
    if isinstance(targets, Numbers):
        return _of_numbers(targets, predicted, pipeline.prediction_names())
    return None


def _of_classes(targets: Classes, predicted: np.ndarray) -> Errors:
    """-log of the true class's probability; the predicted class is looked at."""
    truth, best = targets.numbers.astype(np.int64), predicted.argmax(axis=1)
    every = np.arange(len(predicted))
    said = [
        f"truth {targets.vocab[true]} {predicted[row, true]:.3f}, "
        f"predicted {targets.vocab[guess]} {predicted[row, guess]:.3f}"
        for row, (true, guess) in enumerate(zip(truth.tolist(), best.tolist(), strict=True))
    ]
    return Errors(-np.log(np.maximum(predicted[every, truth], LEAST_PROBABILITY)), best, said)


def _of_marks(targets: Marks, predicted: np.ndarray) -> Errors:
    """-log of the probability of what is true, at the mark where that is largest."""
    truth = targets.numbers > 0
    right = np.where(truth, predicted, 1 - predicted)
    losses = -np.log(np.clip(right, LEAST_PROBABILITY, 1))
    at = losses.argmax(axis=1)
    said = [
        f"{targets.vocab[mark]}: predicted {predicted[row, mark]:.3f}, "
        f"truth {'yes' if truth[row, mark] else 'no'}"
        for row, mark in enumerate(at.tolist())
    ]
    return Errors(losses.max(axis=1), at, said)


def _of_numbers(targets: Numbers, predicted: np.ndarray, names: Sequence[str]) -> Errors:
    """The distance between prediction and truth, at the number where that is largest."""
    truth = targets.numbers.reshape(len(predicted), -1).astype(np.float64)
    apart = np.abs(truth - predicted)
    at = apart.argmax(axis=1)
    said = [
        f"{names[k].removeprefix('p_')}: predicted {predicted[row, k]:.4g}, truth {truth[row, k]:g}"
        for row, k in enumerate(at.tolist())
    ]
    return Errors(apart.max(axis=1), at, said)


def _drawn(
    pipeline: ImagePipeline, rows: pd.DataFrame, outputs: np.ndarray, fold: int, run: RunFolder
) -> list[dict[str, np.ndarray]] | None:
    """For each row what the net of a fold saw, and that with the map of its output; None where
    there is no such net."""
    if not run.fold(fold).is_dir():  # a blend has no models
        return None
    context = Context(shared=run.shared)
    model = pipeline.load_fold(run.fold(fold), context)
    if not isinstance(model, NeuralFold) or not isinstance(model.net, Classifier):
        return None
    # a dozen pictures need no cache of their own
    reader = pipeline.configured(replace(pipeline.settings, cache=False))
    pictures, maps = [], []
    with torch.inference_mode():
        for batch in reader.test_loader(rows, context):
            inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
            pictures.append(inputs.float().numpy())
            maps.append(model.net.class_maps(inputs).float().numpy())
    policy = pipeline.policies()[1]
    seen = as_seen(np.concatenate(pictures), policy.mean, policy.std)
    chosen = np.concatenate(maps)[np.arange(len(rows)), outputs]
    return [
        {"picture": picture, "map": overlaid(picture, one)}
        for picture, one in zip(seen, chosen, strict=True)
    ]


def as_seen(pictures: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """Normalised pictures float (N, C, H, W) as people look at them, uint8 (N, H, W, 3): the first
    three channels, or the only one three times. Dark ones, as of 16 bits, are made brighter."""
    shape = (1, -1, 1, 1)
    shares = pictures * np.reshape(std, shape) + np.reshape(mean, shape)
    brightest = np.quantile(shares, BRIGHTEST, axis=(1, 2, 3), keepdims=True)
    shares = shares / np.where((brightest > 0) & (brightest < DARK), brightest, 1.0)
    pixels = np.clip(np.rint(shares * 255), 0, 255).astype(np.uint8)
    colours = pixels[:, :3] if pixels.shape[1] >= 3 else np.repeat(pixels[:, :1], 3, axis=1)
    return np.ascontiguousarray(colours.transpose(0, 2, 3, 1))


def overlaid(picture: np.ndarray, signed: np.ndarray) -> np.ndarray:
    """A picture uint8 (H, W, 3) in grey, with a map float (h, w) over it: WARM where it is above 0,
    COLD where it is below, the stronger the further; uint8 (H, W, 3)."""
    height, width = picture.shape[:2]
    large = cv2.resize(signed.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    strength = large / max(float(np.abs(signed).max()), 1e-12)
    opacity = (np.abs(strength) * STRONGEST)[:, :, None].clip(0, STRONGEST)
    colour = np.where(strength[:, :, None] > 0, WARM, COLD)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed: np.ndarray = np.rint(grey * (1 - opacity) + colour * opacity).astype(np.uint8)
    return mixed
