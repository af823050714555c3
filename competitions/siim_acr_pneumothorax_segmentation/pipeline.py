"""The baseline: a U-Net on an ImageNet encoder, and three numbers that make masks of its maps.

This is the file that a fork edits. The facts (file names, the code of a mask) are in spec.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from common import paths
from common.collect import Dense, Maps, MapStack
from common.collect.base import positions_of
from common.data import read_ids
from common.data.arrays import Order
from common.data.images.targets import CodedMasks
from common.data.images.unreadable import tell
from common.data.sampling import with_share
from common.duplicates import find_duplicates
from common.errors import DataError
from common.figures import Gallery
from common.folds import stratified_grouped
from common.image_pipeline import ImagePipeline, ImageSettings
from common.losses import MaskLoss
from common.mask_rule import STEPS, MaskRule, fit_rule, step_counts
from common.models.groups import Groups
from common.models.unet import unet, unet_groups
from common.pipeline import Context, Decision
from common.rle import count_pixels
from common.runfolder import RunFolder
from common.writing import AnswerColumns
from competitions.siim_acr_pneumothorax_segmentation.cases import worst_and_random
from competitions.siim_acr_pneumothorax_segmentation.labels import CODE, ID, read_labels
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE, SPEC
from competitions.siim_acr_pneumothorax_segmentation.tree import (
    TEST_FOLDER,
    Tree,
    look_through,
    no_train_pictures,
    table_of_labels,
)

START = MaskRule(top=0.75, min_area=2000, bottom=0.3)  # the winner's, on held-out pictures
COUNTS = tuple(f"{kind}_{step}" for kind in ("all", "true") for step in range(STEPS))
MOST_BINS = 4  # of mask areas, over which folds are spread
SHOWN = 5  # names in the log


@dataclass(frozen=True)
class MaskSettings(ImageSettings):
    """Settings of the segmentation.

    Args:
        decoder: channels of the five stages of the decoder, with commas between.
        attention: "" or "scse", in the decoder.
        bce, dice, focal: weights of the loss's terms; see common.losses.
        positive_shares: share of pictures with a mask among those of an epoch, for equal parts of
            the epochs, such as "0.8,0.6,0.4"; "" takes each picture once.
    """

    backbone: str = "timm/resnet34.a1_in1k"
    image_size: int = 512
    policy: str = "photographs"
    epochs: int = 24
    frozen_epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 5e-4
    rate_spread: float = 3.0
    clip_norm: float = 1.0
    views: str = "flip"
    decoder: str = "256,128,64,32,16"
    attention: str = ""
    bce: float = 3.0
    dice: float = 1.0
    focal: float = 4.0
    positive_shares: str = "0.8,0.6,0.4"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.image_size % 32 == 0, "image_size", "a multiple of 32, as U-Nets halve")
        self._require_one("attention", ("", "scse"))
        for name in ("bce", "dice", "focal"):
            self.require(getattr(self, name) >= 0, name, "0 or more")
        self.require(self.bce + self.dice + self.focal > 0, "bce", "above 0, or dice, or focal")
        channels = [part.strip() for part in self.decoder.split(",")]
        whole = all(part.isdecimal() and int(part) > 0 for part in channels)
        self.require(whole and len(channels) == 5, "decoder", "five numbers, as 256,128,64,32,16")
        shares = self.positive_shares
        self.require(_are_shares(shares), "positive_shares", "shares from 0 to 1, as 0.8,0.6,0.4")

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the decoder's stages."""
        return tuple(map(int, self.decoder.split(",")))

    def positive_share_in(self, epoch: int) -> float:
        """The share in an epoch of the whole fit, counted from 0."""
        shares = list(map(float, self.positive_shares.split(",")))
        n_epochs = sum(phase.epochs for phase in self.phases())
        return shares[min(epoch * len(shares) // n_epochs, len(shares) - 1)]


def _are_shares(text: str) -> bool:
    try:
        return all(0 <= float(part) <= 1 for part in text.split(",")) if text else True
    except ValueError:
        return False


class Pneumothorax(ImagePipeline):
    """A U-Net with one output per pixel."""

    spec = SPEC
    channels = 1
    presets: ClassVar = {
        "baseline": MaskSettings(),
        "smoke": MaskSettings(
            folds=2,
            backbone="timm/test_resnet",
            weights="none",
            image_size=64,
            epochs=24,
            frozen_epochs=0,
            batch_size=8,
            learning_rate=5e-3,
            rate_spread=1.0,
            decoder="32,24,16,16,8",
        ),
    }

    # ---- the rows ----------------------------------------------------------------------------

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, path, and in train the mask, its pixels and the group of equal
        pictures."""
        tree = look_through(context.root)
        sample = context.root / SPEC.file("sample_submission").name
        if split == "test":
            ids = read_ids(sample, ID)
            expected = context.root / TEST_FOLDER
            found = [tree.pictures.get(name, expected / f"{name}.dcm") for name in ids.tolist()]
            items = pd.DataFrame({"sample": ids, "id": ids, "path": [str(path) for path in found]})
            return self.readable(items, split, context)
        table = table_of_labels(tree, context.root)
        labels = read_labels(table, context.session.say)
        asked = set(read_ids(sample, ID).tolist()) if sample.is_file() else set()
        _tell_unlabelled(tree, table, {*labels, *asked}, context)
        items = self.readable(self._labelled(tree, table, labels, context), split, context)
        _check_both_kinds(items, table, self.settings.folds)
        return self._grouped(items, context)

    def _labelled(
        self, tree: Tree, table: Path, labels: dict[str, str], context: Context
    ) -> pd.DataFrame:
        """A row for each picture that has a label.

        Raises: DataError for a label without a picture, unless those are to be left out.
        """
        missing = {row: name for row, name in enumerate(labels) if name not in tree.pictures}
        if len(missing) == len(labels):
            raise no_train_pictures(context.root, table)
        lines = {
            row: f"{name} of {table.name}: no such picture below {paths.shown(context.root)}"
            for row, name in missing.items()
        }
        skip = "left out" if self.settings.skip_unreadable else ""
        tell(lines, len(labels), "labelled train", skip=skip, say=context.session.say)
        known = [name for name in labels if name in tree.pictures]
        codes = [labels[name] for name in known]
        return pd.DataFrame(
            {
                "sample": known,
                "id": known,
                "path": [str(tree.pictures[name]) for name in known],
                CODE: codes,
                "area": [count_pixels(MASKS.runs(code)) for code in codes],
            }
        )

    def _grouped(self, items: pd.DataFrame, context: Context) -> pd.DataFrame:
        """The items with the column `group`; what was found is told."""
        cache = paths.cache_dir() if self.settings.cache else None
        found = find_duplicates(self.sources(items), cache=cache)
        items["group"] = items["sample"].to_numpy()[found.groups()]
        for line in found.lines(items["id"].tolist(), (items["area"] > 0).tolist()):
            context.session.say(line)
        return items

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        """Stratified by mask area; equal pictures stay together."""
        bins = area_bins(items["area"].to_numpy(), self.settings.folds)
        return stratified_grouped(bins, items["group"].to_numpy(), self.settings.folds, seed)

    # ---- the net -----------------------------------------------------------------------------

    def targets(self, items: pd.DataFrame) -> Any:
        return CodedMasks([code.encode() for code in items[CODE]], code=MASKS, shape=SIZE)

    def order(self, items: pd.DataFrame) -> Order | None:
        """Pictures with a mask come more often, and less so as the epochs go on."""
        if not self.settings.positive_shares:
            return None
        has_mask, settings = items["area"].to_numpy() > 0, self.settings
        return lambda seed, epoch: with_share(
            has_mask, settings.positive_share_in(epoch), seed, epoch
        )

    def net(self, weights: str) -> nn.Module:
        settings = self.settings
        net: nn.Module = unet(
            settings.backbone,
            1,
            weights=weights,
            n_channels=1,
            decoder_channels=settings.channels,
            decoder_attention_type=settings.attention or None,
        )
        return net

    def groups(self, net: nn.Module) -> Groups:
        return unet_groups(net)

    def loss_func(self) -> Any:
        return MaskLoss(self.settings.bce, self.settings.dice, self.settings.focal)

    # ---- the answer --------------------------------------------------------------------------

    def activation(self, raw: torch.Tensor) -> torch.Tensor:
        return raw.sigmoid()

    def collect(self, items: pd.DataFrame, context: Context) -> Maps:
        side = self.settings.image_size
        return Maps(context.work, len(items), (1, side, side))

    def condensed(self, oof: MapStack, solution: pd.DataFrame) -> Dense:  # type: ignore[override]
        """How many pixels of each picture have each probability, at the size that is scored."""
        truth = dict(zip(solution[ID], solution[CODE], strict=True))
        codes = [truth[name] for name in oof.samples.tolist()]
        counts = step_counts(oof.values[:, 0], codes, SIZE, MASKS)
        return Dense(oof.samples, counts.reshape(len(codes), -1), COUNTS)

    def decide(self, oof: Dense, solution: pd.DataFrame) -> Decision:  # type: ignore[override]
        """The two thresholds and the least area by which mean Dice is best."""
        counts = oof.select(solution[ID].to_numpy()).values
        return asdict(fit_rule(counts.reshape(len(counts), 2, STEPS), SIZE, START))

    def submission(  # type: ignore[override]
        self, items: pd.DataFrame, predictions: MapStack, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        rule = MaskRule(**decision) if decision else START
        rows = positions_of(predictions.samples, items["sample"].to_numpy())
        texts = [rule.text(predictions.values[row, 0], SIZE, MASKS) for row in rows.tolist()]
        return AnswerColumns({ID: items["id"].tolist(), CODE: texts})

    def galleries(self, items: pd.DataFrame, run: RunFolder) -> Sequence[Gallery]:
        return worst_and_random(items, run, self.picture)


def area_bins(areas: np.ndarray, n_folds: int) -> np.ndarray:
    """0 for no mask, then bins of about equal numbers by area, each of at least `n_folds` masks,
    int64 (n,)."""
    positive = np.flatnonzero(areas > 0)
    n_bins = max(1, min(MOST_BINS, len(positive) // (2 * n_folds)))
    ranks = np.empty(len(positive), dtype=np.int64)
    ranks[np.argsort(areas[positive], kind="stable")] = np.arange(len(positive))
    bins = np.zeros(len(areas), dtype=np.int64)
    bins[positive] = 1 + ranks * n_bins // max(1, len(positive))
    # a handful of empty ones cannot be spread: they go with the smallest masks
    return bins if (bins == 0).sum() >= n_folds else np.maximum(bins, 1)


def _check_both_kinds(items: pd.DataFrame, table: Path, n_folds: int) -> None:
    """Raises DataError where masks cannot be learned, or not in every fold."""
    n_masks = int((items["area"] > 0).sum())
    if n_masks == 0:
        raise DataError(
            f"none of {len(items):,} train pictures has a mask in {paths.shown(table)}; expected "
            "about every fifth: is it a sample submission?"
        )
    if n_masks < n_folds:
        raise DataError(
            f"{n_masks:,} of {len(items):,} train pictures have a mask in {paths.shown(table)}; "
            f"expected at least {n_folds}, one per fold: lower folds with --set folds=N, or get "
            "more pictures"
        )


def _tell_unlabelled(tree: Tree, table: Path, known: set[str], context: Context) -> None:
    """Says which pictures the table does not name: they are not used."""
    others = sorted(name for name in tree.pictures if name not in known)
    if others:
        named = ", ".join(others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
        context.session.say(
            f"{len(others):,} pictures have no row in {table.name} and are not used: {named}"
        )


PIPELINES = {"unet": Pneumothorax()}
