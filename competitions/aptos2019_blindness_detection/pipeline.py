"""The baseline: one number per picture by regression, cut into grades at fitted points.

This is the file that a fork edits. The facts (file names, columns, grades) are in spec.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from common import files, paths
from common.augment import Policy
from common.collect import Dense
from common.cut_points import fit_cut_points, midpoints, to_grades
from common.data import read_classes, read_ids
from common.data.images.borders import without_dark_border
from common.data.images.reader import Trim
from common.duplicates import find_duplicates
from common.errors import DataError
from common.figures import Shown
from common.folds import stratified_grouped
from common.image_pipeline import ImagePipeline, ImageSettings
from common.models import classifier
from common.pipeline import Context, Decision
from common.runfolder import RunFolder
from common.writing import AnswerColumns
from competitions.aptos2019_blindness_detection.charts import numbers_by_grade
from competitions.aptos2019_blindness_detection.spec import SPEC

KEY, TARGET = "id_code", "diagnosis"
START = midpoints(len(SPEC.classes))  # cut points before any are fitted
MEAN_GRADE = 1.0  # about that of train; the net begins there
LOSSES: dict[str, type[nn.Module]] = {"squares": nn.MSELoss, "smooth_l1": nn.SmoothL1Loss}
SHOWN = 5  # files that are named in the log


@dataclass(frozen=True)
class GradeSettings(ImageSettings):
    """Settings of the regression.

    Args:
        pool: "gem" or "avg".
        dropout: share of the features that the head does not see.
        loss: "squares", or "smooth_l1", which minds single wrong labels less.
        rotate, zoom: see common.augment.Policy; they replace those of `policy`.
        drop_conflicts: leave out equal pictures that have different grades.
    """

    backbone: str = "timm/efficientnet_b2.ra_in1k"
    image_size: int = 320
    policy: str = "overhead"
    epochs: int = 15
    batch_size: int = 32
    learning_rate: float = 3e-3  # of the head, which always begins at random
    rate_spread: float = 3.0
    views: str = "d4"
    pool: str = "gem"
    dropout: float = 0.2
    loss: str = "squares"
    rotate: float = 180.0
    zoom: float = 0.15
    drop_conflicts: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_one("loss", tuple(LOSSES))
        self._require_one("pool", ("gem", "avg"))
        self.require(abs(self.rotate) <= 180, "rotate", "degrees from 0 to 180")
        self.require(0 <= self.zoom < 1, "zoom", "a share from 0 to below 1")
        self.require(0 <= self.dropout < 1, "dropout", "a share from 0 to below 1")


class Grades(ImagePipeline):
    """A net with one output, trained on the grades as numbers."""

    spec = SPEC
    presets: ClassVar = {
        "baseline": GradeSettings(),
        "smoke": GradeSettings(
            folds=2,
            backbone="timm/test_resnet",
            weights="none",
            image_size=64,
            epochs=16,
            batch_size=16,
            learning_rate=4e-3,
            dropout=0.0,
        ),
    }

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, path, and in train the grade and the group of equal pictures."""
        file = SPEC.file(split)
        ids = read_ids(context.root / file.name, file.key or KEY)
        folder = _pictures(context.root / f"{split}_images")
        items = pd.DataFrame({"sample": ids, "id": ids})
        items["path"] = [str(folder / f"{name}.png") for name in ids]
        if split == "test":
            return self.readable(items, split, context)
        items[TARGET] = read_classes(context.root / file.name, TARGET, SPEC.classes)
        _tell_unlisted(folder, set(ids), context)
        return self._grouped(self.readable(items, split, context), context)

    def _grouped(self, items: pd.DataFrame, context: Context) -> pd.DataFrame:
        """The items with the column `group`; what was found is told."""
        cache = paths.cache_dir() if self.settings.cache else None
        found = find_duplicates(self.sources(items), trim=self.trim(), cache=cache)
        items["group"] = items["sample"].to_numpy()[found.groups()]
        for line in found.lines(items["id"].tolist(), items[TARGET].tolist()):
            context.session.say(line)
        if not self.settings.drop_conflicts:
            return items
        dropped = [k for group in found.conflicts(items[TARGET].tolist()) for k in group]
        return items.drop(index=dropped).reset_index(drop=True)

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        """Stratified by grade; equal pictures stay together."""
        grades, groups = items[TARGET].to_numpy(), items["group"].to_numpy()
        return stratified_grouped(grades, groups, self.settings.folds, seed)

    # ---- the net -----------------------------------------------------------------------------

    def trim(self) -> Trim | None:
        return without_dark_border

    def targets(self, items: pd.DataFrame) -> Any:
        return items[TARGET].to_numpy(np.float32)[:, None]

    def policies(self) -> tuple[Policy, Policy]:
        """The retina is a disc on black: it turns by any angle, and black comes in from outside."""
        train, other = super().policies()
        settings = self.settings
        return train.replace(rotate=settings.rotate, zoom=settings.zoom, padding="black"), other

    def net(self, weights: str) -> nn.Module:
        settings = self.settings
        net = classifier(
            settings.backbone, 1, weights=weights, pool=settings.pool, dropout=settings.dropout
        )
        nn.init.constant_(net.head[-1].bias, MEAN_GRADE)  # type: ignore[index]
        return net

    def loss_func(self) -> Any:
        return LOSSES[self.settings.loss]()

    # ---- the answer --------------------------------------------------------------------------

    def activation(self, raw: torch.Tensor) -> torch.Tensor:
        """The number itself: views and folds are averaged before anything is cut."""
        return raw

    def prediction_names(self) -> tuple[str, ...]:
        return (f"p_{TARGET}",)

    def decide(self, oof: Dense, solution: pd.DataFrame) -> Decision:  # type: ignore[override]
        """The four cut points by which kappa is best."""
        values = oof.select(solution[KEY].to_numpy()).values[:, 0]
        truth = solution[TARGET].to_numpy(np.int64)
        return {"cut_points": list(fit_cut_points(truth, values, SPEC.metric, START))}

    def submission(  # type: ignore[override]
        self, items: pd.DataFrame, predictions: Dense, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        values = predictions.select(items["sample"].to_numpy()).values[:, 0]
        grades = to_grades(values, decision.get("cut_points", START))
        return AnswerColumns({KEY: items["id"].tolist(), TARGET: grades})

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        if oof is None:
            return ()
        cuts = files.read_json(run / "decision.json").get("cut_points", START)
        return (numbers_by_grade(oof, TARGET, cuts), *super().figures(items, oof, run))


def _pictures(folder: Path) -> Path:
    """The folder of the pictures: the host's, or one of its name within, as some copies have."""
    inner = folder / folder.name
    return inner if inner.is_dir() else folder


def _tell_unlisted(folder: Path, ids: set[str], context: Context) -> None:
    """Says which pictures the table does not list: they are not used.

    Raises: DataError where the folder does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{paths.shown(folder)} does not exist; unpack what was downloaded there")
    others = sorted(one.name for one in folder.glob("*.png") if one.stem not in ids)
    if others:
        named = ", ".join(others[:SHOWN])
        context.session.say(
            f"{len(others):,} pictures in {paths.shown(folder)} are not in the table and are not "
            f"used: {named}"
        )


PIPELINES = {"net": Grades()}
