"""The baseline: 17 sigmoid outputs per chip, then the set of tags that F2 likes best.

This is the file that a fork edits. The facts (file names, columns, tags) are in spec.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from common import files, paths
from common.augment import Policy
from common.collect import Dense
from common.data import read_ids
from common.data.images import Target, read_header, read_image
from common.data.images.unreadable import unreadable_rows
from common.duplicates import Duplicates, equal_files, find_duplicates
from common.errors import DataError
from common.figures import Shown
from common.image_pipeline import SHOWN, ImagePipeline, ImageSettings
from common.models import classifier
from common.multilabel_folds import multilabel_stratified
from common.pipeline import Context, Decision
from common.runfolder import RunFolder
from common.tag_sets import START, above
from common.writing import AnswerColumns
from competitions.planet_understanding_the_amazon_from_space.charts import (
    decoder_scores,
    tag_confusion,
    tag_scores,
)
from competitions.planet_understanding_the_amazon_from_space.chips import (
    ENDINGS,
    find_chips,
    not_unpacked,
)
from competitions.planet_understanding_the_amazon_from_space.decisions import (
    DECODERS,
    answered,
    cross_fitted,
    decided,
    thresholds_of,
    top_weather,
)
from competitions.planet_understanding_the_amazon_from_space.spec import SPEC, TAGS
from competitions.planet_understanding_the_amazon_from_space.tags import (
    TARGET,
    cells_of,
    marks_of,
    read_tags,
)

(KEY,) = SPEC.submission.key_columns
SHARE = 2.87 / len(TAGS)  # of the tags that a chip of train has, on average; the net begins there
# of the bands B, G, R and NIR as shares of 65,535, as a public solution counted them
TIF_MEAN, TIF_STD = (0.0469, 0.0652, 0.0761, 0.0976), (0.0123, 0.0109, 0.0123, 0.0152)
NAMED = 5  # files that are named in the log


@dataclass(frozen=True)
class TagSettings(ImageSettings):
    """Settings of the multi-label net.

    Args:
        source: "jpg", three colours of 8 bits, or "tif", four bands of 16 bits.
        decoder: "thresholds", one per tag, fitted across folds; or "expected_f2", for each chip
            the set with the highest expected F2.
        pool: "gem" or "avg".
        dropout: share of the features that the head does not see.
        group_duplicates: keep equal and nearly equal chips in one fold.
    """

    backbone: str = "timm/resnet50.a1_in1k"
    image_size: int = 256
    policy: str = "overhead"
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    views: str = "d4"
    source: str = "jpg"
    decoder: str = "thresholds"
    pool: str = "avg"
    dropout: float = 0.2
    group_duplicates: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_one("source", tuple(ENDINGS))
        self._require_one("decoder", DECODERS)
        self._require_one("pool", ("gem", "avg"))
        self.require(0 <= self.dropout < 1, "dropout", "a share from 0 to below 1")


class Tags(ImagePipeline):
    """A net with an output per tag, trained on all of them at once."""

    spec = SPEC
    presets: ClassVar = {
        "baseline": TagSettings(),
        "smoke": TagSettings(
            folds=2,
            backbone="timm/test_resnet",
            weights="none",
            image_size=64,
            epochs=20,
            batch_size=16,
            learning_rate=6e-3,
            dropout=0.0,
        ),
    }

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, path, and in train the tags and the group of equal chips."""
        file = SPEC.file("train" if split == "train" else "sample_submission")
        ids = read_ids(context.root / file.name, KEY)
        items = pd.DataFrame({"sample": ids, "id": ids})
        if split == "train":
            items[TARGET] = read_tags(context.root / file.name)
        items["path"] = self._paths(ids.tolist(), split, context)
        items = self.readable(items, split, context)
        return self._grouped(items, context) if split == "train" else items

    def _paths(self, ids: list[str], split: str, context: Context) -> list[str]:
        """The file of each chip, whether it is there or not; what is not used is told.

        Raises: DataError where an archive was not unpacked, or where there is no chip at all.
        """
        root, source, say = context.root, self.settings.source, context.session.say
        chips = find_chips(root, source, split)
        lost = [name for name in ids if name not in chips.files]
        packed = not_unpacked(root, source, split) if lost else ""
        none = "" if len(lost) < len(ids) else f"{paths.shown(root)} holds no .{source} of {split}"
        if packed and (none or not self.settings.skip_unreadable):
            raise DataError(f"{len(lost):,} of {len(ids):,} {split} chips are missing: {packed}")
        if none:
            raise DataError(f"{none}; expected a folder such as {split}-{source}: see README.md")
        others = sorted(chips.own.difference(ids))
        if others:
            say(
                f"{len(others):,} .{source} files of {split} are in no row of the table and are "
                f"not used: {', '.join(others[:NAMED])}"
            )
        usual = root / f"{split}-{source}"
        return [chips.files.get(name, str(usual / f"{name}.{source}")) for name in ids]

    def _grouped(self, items: pd.DataFrame, context: Context) -> pd.DataFrame:
        """The items with the column `group`; what was found is told."""
        found = Duplicates(len(items))
        if self.settings.group_duplicates:
            found = self._duplicates(items, context)
        items["group"] = items["sample"].to_numpy()[found.groups()]
        for line in found.lines(items["id"].tolist(), items[TARGET].tolist()):
            context.session.say(line)
        return items

    def _duplicates(self, items: pd.DataFrame, context: Context) -> Duplicates:
        """Equal and nearly equal chips. The JPGs are compared where all are there, for the TIFFs
        too, so that both give the same folds."""
        seen = items["path"].tolist()
        if self.settings.source == "tif":
            colours = find_chips(context.root, "jpg", "train").files
            in_colour = [colours.get(name, "") for name in items["id"]]
            if not all(in_colour) or unreadable_rows(in_colour):
                return Duplicates(len(items), tuple(equal_files(seen)))
            seen = in_colour
        return find_duplicates(seen, cache=paths.cache_dir() if self.settings.cache else None)

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        """Stratified over all tags, from the rarest on; equal chips stay together."""
        groups = items["group"].to_numpy()
        return multilabel_stratified(
            marks_of(items[TARGET].tolist()), self.settings.folds, seed, groups=groups
        )

    # ---- the net -----------------------------------------------------------------------------

    @property
    def channels(self) -> int:
        return 4 if self.settings.source == "tif" else 3

    @property
    def dtype(self) -> Any:
        return np.uint16 if self.settings.source == "tif" else np.uint8

    def policies(self) -> tuple[Policy, Policy]:
        train, other = super().policies()
        if self.settings.source == "tif":
            own = {"mean": TIF_MEAN, "std": TIF_STD}
            return train.replace(**own), other.replace(**own)
        return train, other

    def targets(self, items: pd.DataFrame) -> Any:
        return marks_of(items[TARGET].tolist()).astype(np.uint8)

    def vocab(self) -> list[Any]:
        return list(TAGS)

    def net(self, weights: str) -> nn.Module:
        settings = self.settings
        net = classifier(
            settings.backbone,
            len(TAGS),
            weights=weights,
            pool=settings.pool,
            n_channels=self.channels,
            dropout=settings.dropout,
        )
        nn.init.constant_(net.head[-1].bias, np.log(SHARE / (1 - SHARE)))  # type: ignore[index]
        return net

    def picture(self, item: Any) -> np.ndarray | None:
        """The chip as people see it: of a TIFF red, green and blue, stretched."""
        if self.settings.source == "jpg" or not item.path:
            return super().picture(item)
        side = min(SHOWN, max(read_header(item.path).shown_size))
        bands = read_image(item.path, Target(side, side), channels=4, dtype=np.uint16)
        low, high = np.percentile(bands[:, :, :3], (1, 99))
        shown = (bands[:, :, 2::-1] - low) / max(high - low, 1)
        return np.asarray(np.clip(255 * shown, 0, 255), dtype=np.uint8)

    # ---- the answer --------------------------------------------------------------------------

    def activation(self, raw: torch.Tensor) -> torch.Tensor:
        """A probability for each tag by itself."""
        return raw.sigmoid()

    def decide(self, oof: Dense, solution: pd.DataFrame) -> Decision:  # type: ignore[override]
        """A threshold per tag by which mean F2 is best, where thresholds are asked for."""
        values = oof.select(solution[KEY].to_numpy()).values
        return decided(marks_of(solution[TARGET].tolist()), values, self.settings.decoder)

    def submission(  # type: ignore[override]
        self, items: pd.DataFrame, predictions: Dense, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        values = predictions.select(items["sample"].to_numpy()).values
        given = answered(values, self.settings.decoder, decision)
        return AnswerColumns({KEY: items["id"].tolist(), TARGET: cells_of(given)})

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        if oof is None:
            return ()
        marks, folds = marks_of(oof[TARGET].tolist()), oof["fold"].to_numpy()
        values = oof[list(self.prediction_names())].to_numpy()
        by_decoder = {name: cross_fitted(marks, values, folds, name) for name in DECODERS}
        given, fitted = by_decoder[self.settings.decoder], None
        if self.settings.decoder == "thresholds":
            fitted = thresholds_of(files.read_json(run / "decision.json"))
        fixed = above(values, np.full(len(TAGS), START)) | top_weather(values)
        return (
            tag_scores(marks, given, fitted),
            tag_confusion(marks, given),
            decoder_scores(marks, {"0.2 everywhere": fixed, **by_decoder}),
            *super().figures(items, oof, run),
        )


PIPELINES = {"net": Tags()}
