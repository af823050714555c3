"""The baseline: a U-Net on an ImageNet encoder, and three numbers that make masks of its maps.

This is the file that a fork edits. The facts (file names, the code of a mask) are in spec.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
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
from common.data.sampling import with_share
from common.duplicates import find_duplicates
from common.figures import Shown
from common.folds import stratified_grouped
from common.image_pipeline import ImagePipeline
from common.losses import MaskLoss
from common.mask_rule import STEPS, MaskRule, fit_rule, step_counts
from common.models.groups import Groups
from common.models.unet import unet, unet_groups
from common.pipeline import Context, Decision
from common.runfolder import RunFolder
from common.writing import AnswerColumns
from common.zipped import is_there
from competitions.siim_acr_pneumothorax_segmentation.cases import worst_and_random
from competitions.siim_acr_pneumothorax_segmentation.labels import CODE, ID, read_labels
from competitions.siim_acr_pneumothorax_segmentation.rows import (
    area_bins,
    check_both_kinds,
    labelled_rows,
    tell_unlabelled,
)
from competitions.siim_acr_pneumothorax_segmentation.settings import MaskSettings
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE, SPEC
from competitions.siim_acr_pneumothorax_segmentation.tree import (
    TEST_FOLDER,
    look_through,
    table_of_labels,
)

START = MaskRule(top=0.75, min_area=2000, bottom=0.3)  # the winner's, on held-out pictures
COUNTS = tuple(f"{kind}_{step}" for kind in ("all", "true") for step in range(STEPS))


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
            epochs=16,
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
        root, say = context.root, context.session.say
        tree = look_through(root)
        sample = root / SPEC.file("sample_submission").name
        if split == "test":
            ids = read_ids(sample, ID)
            items = pd.DataFrame({"sample": ids, "id": ids})
            items["path"] = [str(tree.path(name, root / TEST_FOLDER)) for name in ids.tolist()]
            return self.readable(items, split, context)
        table = table_of_labels(tree, root)
        labels = read_labels(table, say)
        asked = read_ids(sample, ID).tolist() if is_there(sample) else []
        tell_unlabelled(tree, table, {*labels, *asked}, say)
        skips = self.settings.skip_unreadable
        items = labelled_rows(tree, table, labels, root, skips=skips, say=say)
        items = self.readable(items, split, context)
        check_both_kinds(items, table, self.settings.folds)
        return self._grouped(items, context)

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

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        return () if oof is None else worst_and_random(items, run, self.picture)


PIPELINES = {"unet": Pneumothorax()}
