"""What pipelines of pictures share: a table of items with a column `path` becomes loaders.

A competition names its net and targets; for the rest there are answers here:

    class Grades(ImagePipeline):
        def items(self, split, context):
            ...  # sample, id, path, targets
            return self.readable(items, split, context)
        def targets(self, items): return items["diagnosis"].to_numpy(np.float32)[:, None]
        def net(self, weights): return classifier(self.settings.backbone, 1, weights=weights)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from torch import nn

from common import paths
from common.augment import Policy, named, unchanged
from common.data.arrays import Order
from common.data.images import ImageDataset, ImageLoader, Target, read_header, read_image
from common.data.images.reader import Source, Trim
from common.data.images.unreadable import tell, unreadable_rows
from common.duplicates import Duplicates, duplicates_among, small_pictures
from common.errors import DataError
from common.figures import Shown
from common.models import WEIGHTS, classifier_groups, normalisation
from common.models.groups import Groups
from common.pipeline import DEFAULT_CONTEXT, Context, Pipeline
from common.runfolder import RunFolder
from common.train import TrainSettings
from common.train.settings import Phase
from common.traits.pictures import picture_traits
from common.worst_errors import worst_errors

SHOWN = 384  # pixels of the longer side of a picture in the report
# read as black; four channels are not made of one
NO_PICTURE, NO_CHANNELS = (
    cv2.imencode(".png", np.zeros((1, 1, n), np.uint8))[1].tobytes() for n in (1, 4)
)


@dataclass(frozen=True)
class ImageSettings(TrainSettings):
    """Settings of every pipeline of pictures.

    `frozen_epochs` and `rate_spread` spare what the body has learned elsewhere. With weights=none
    it has learned nothing, and neither applies: all groups learn in all epochs, at one rate.

    Args:
        backbone: the net's body; see common.models.
        weights: what the body begins with: "pretrained", or "none" for random numbers.
        image_size: side of the pictures in pixels.
        policy: the augmentation of training; see common.augment.
        cache: keep decoded pictures on disk, so that only the first pass decodes.
        skip_unreadable: go on without pictures that cannot be read, and list them; every picture
            is decoded beforehand.
        decode_all: decode every train picture beforehand, which finds damage in the middle of a
            file; test pictures always are.
        memory_format: channels_last on a CPU too: the loaders' batches lie so, and weights that lie
            otherwise are laid out anew in every step.
    """

    backbone: str = "timm/resnet34.a1_in1k"
    weights: str = "pretrained"
    image_size: int = 256
    policy: str = "photographs"
    cache: bool = True
    skip_unreadable: bool = False
    decode_all: bool = False
    memory_format: str = "channels_last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(8 <= self.image_size <= 8192, "image_size", "8 to 8192 pixels")
        self._require_one("weights", WEIGHTS)
        named(self.policy)

    def phases(self) -> tuple[Phase, ...]:
        if self.weights == "none":
            return (Phase(self.epochs, self.learning_rate),)
        return super().phases()


class ImagePipeline(Pipeline):
    """A pipeline over items with a column `path`: a file, or a tuple of one file per channel."""

    # ---- what a competition answers -------------------------------------------------------

    def net(self, weights: str) -> nn.Module:
        """The net, its body with these weights: "pretrained" or "none"."""
        raise NotImplementedError(f"{type(self).__name__} does not answer net()")

    def targets(self, items: pd.DataFrame) -> Any:
        """The targets of train items, as ImageDataset takes them: an array, or one of
        `common.data.images.targets`, which also bring a loss function."""
        raise NotImplementedError(f"{type(self).__name__} does not answer targets()")

    def groups(self, net: nn.Module) -> Groups:
        """The parameter groups, body first. Default: those of `common.models.classifier`."""
        return classifier_groups(net)

    def loss_func(self) -> Any:
        """The loss. Default: None, the one that suits the targets: cross-entropy for classes,
        binary cross-entropy for marks, squares for numbers."""
        return None

    # ---- pictures ----------------------------------------------------------------------------

    def readable(self, items: pd.DataFrame, split: str, context: Context) -> pd.DataFrame:
        """The items whose pictures can be read, so that nothing fails after hours.

        With `skip_unreadable` the others are listed: train items are left out, and a test item,
        which has to be answered, is predicted from a black picture. Where Kaggle scores the hidden
        test set this is done unasked: one bad file would cost the submission.

        Raises: DataError where a picture cannot be read and that was not asked for.
        """
        say = context.session.say
        skips = self.settings.skip_unreadable or (split == "test" and paths.is_rerun())
        # what is to be left out has to be known before anything else reads it; test pictures are
        # read last, when damage in the middle of one would cost hours of training
        decoded = self.settings.decode_all or self.settings.skip_unreadable or split == "test"
        found = unreadable_rows(self.sources(items), decoded=decoded, channels=self.channels)
        done = {"train": "left out", "test": "predicted from a black picture"}[split]
        tell(found, len(items), split, skip=done if skips else "", say=say)
        at = np.isin(np.arange(len(items)), list(found))
        if split == "train":
            if len(items) and at.all():
                raise DataError(
                    f"none of {len(items):,} train pictures can be read; get them again"
                )
            return items[~at].reset_index(drop=True)
        return items.assign(path=[p if k not in found else "" for k, p in enumerate(items["path"])])

    def sources(self, items: pd.DataFrame) -> list[Source]:
        """What is read for each item. Default: the column `path`; "" stands for a black one."""
        given = items["path"].tolist()
        nothing: Source = NO_PICTURE
        if self.channels not in (1, 3):
            one_file = self.channels == 4 and not any(isinstance(path, tuple) for path in given)
            nothing = NO_CHANNELS if one_file else (NO_PICTURE,) * self.channels
        return [path if isinstance(path, tuple) or str(path) else nothing for path in given]

    @property
    def channels(self) -> int:
        """1, 3 or 4, or the number of files per row. Default: 3, colours."""
        return 3

    @property
    def dtype(self) -> Any:
        """Of the pictures as they are read, uint8 or uint16."""
        return np.uint8

    def trim(self) -> Trim | None:
        """What cuts a picture before it is brought to size, such as a dark border off: a function
        of a module; see `read_image`. Default: None."""
        return None

    def frame(self) -> Target:
        """The size and framing of the pictures. Default: squished to a square."""
        return Target(self.settings.image_size, self.settings.image_size)

    def policies(self) -> tuple[Policy, Policy]:
        """The policies of training and of everything else, normalised as the body expects.

        Raises: SettingsError where the data lack a symmetry that the policy uses.
        """
        mean, std = normalisation(self.settings.backbone, self.channels)
        train = named(self.settings.policy).check(self.spec.flips)
        return train.replace(mean=mean, std=std), unchanged().replace(mean=mean, std=std)

    def dataset(self, items: pd.DataFrame, *, labelled: bool) -> ImageDataset:
        """The pictures of some items and, where asked for, their targets."""
        return ImageDataset(
            self.sources(items),
            self.targets(items) if labelled else None,
            target=self.frame(),
            vocab=self.vocab() if labelled else None,
            samples=items["sample"],
            channels=self.channels,
            dtype=self.dtype,
            trim=self.trim(),
            cache=self._cache(),
        )

    def vocab(self) -> list[Any] | None:
        """Names of the outputs, where targets are classes or marks. Default: None, for numbers."""
        return None

    def picture(self, item: Any) -> np.ndarray | None:
        """The picture as it lies on disk, uint8 (H, W, 3), at most SHOWN pixels long."""
        (source,) = self.sources(pd.DataFrame({"path": [item.path]}))
        if isinstance(source, tuple):  # the first channel
            source = source[0]
        return read_image(source, _small(source))

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Shown]:
        """Where the net looked when it was most wrong, where it is a Classifier."""
        gallery = worst_errors(self, items, oof, run)
        return () if gallery is None else (gallery,)

    # ---- what could leak ---------------------------------------------------------------------

    def duplicates(self, train: pd.DataFrame, test: pd.DataFrame) -> Duplicates:
        """Equal files and pictures that look equal; black ones for unreadable files are none."""
        there = [self._shown(items) for items in (train, test)]
        in_parts = any(isinstance(source, tuple) for _, sources in there for source in sources)
        channels = 1 if self.channels == 3 or in_parts else self.channels
        how: dict[str, Any] = {"trim": self.trim(), "channels": channels, "cache": self._cache()}
        small = [small_pictures(sources, **how) for _, sources in there]
        sources = [source for _, sources in there for source in sources]
        found = duplicates_among(sources, np.concatenate(small))
        rows = np.concatenate([there[0][0], len(train) + there[1][0]])
        return found.at(rows, len(train) + len(test))

    def traits(self, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
        """Sizes, files and colours; nothing of black pictures for unreadable files."""
        items = pd.concat([train, test], ignore_index=True)
        rows, sources = self._shown(items)
        traits = picture_traits(
            sources, channels=self.channels, trim=self.trim(), cache=self._cache()
        )
        return traits.set_axis(rows).reindex(range(len(items)))

    def _shown(self, items: pd.DataFrame) -> tuple[np.ndarray, list[Source]]:
        """The positions of the items that have a picture, and their pictures."""
        sources = self.sources(items)
        nothing = (NO_PICTURE, NO_CHANNELS, (NO_PICTURE,) * self.channels)
        rows = [k for k, source in enumerate(sources) if source not in nothing]
        return np.array(rows, dtype=np.int64), [sources[k] for k in rows]

    def _cache(self) -> Path | None:
        return paths.cache_dir() if self.settings.cache else None

    # ---- what the contract asks for ------------------------------------------------------------

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        train, valid = self.splits(items, fold)
        if len(train) < 2:
            raise DataError(f"{len(train)} rows train in fold {fold}; expected at least 2")
        pictures = self.dataset(items, labelled=True)
        for_train, for_valid = self.policies()
        shuffled = {
            "shuffle": True,
            "drop_last": len(train) > self.settings.batch_size,
            "order": self.order(items.iloc[train]),
        }
        return DataLoaders(
            self.loader(pictures.rows(train), for_train, context, **shuffled),
            self.loader(pictures.rows(valid), for_valid, context),
        )

    def order(self, items: pd.DataFrame) -> Order | None:
        """What draws the order in which a fold's training rows come; see ArrayLoader. Default:
        None, every row once, shuffled."""
        return None

    def loader(
        self, pictures: ImageDataset, policy: Policy, context: Context, **options: Any
    ) -> ImageLoader:
        """A loader of some pictures. Default: batches of the settings' size."""
        own = {"bs": self.settings.batch_size, "seed": context.seed, "device": context.device}
        return ImageLoader(pictures, policy=policy, **{**own, **options})

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> ImageLoader:
        return self.loader(self.dataset(items, labelled=False), self.policies()[1], context)

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        """The untrained net: a run folder's weights are loaded into it, so no file is needed."""
        return self.net("none")

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        net = self.net(self.settings.weights)
        return Learner(loaders, net, loss_func=self.loss_func(), splitter=self.groups)


def _small(source: Path | str | bytes) -> Target:
    """A picture's own shape with its longer side brought to SHOWN pixels at most."""
    height, width = (1, 1) if isinstance(source, bytes) else read_header(source).shown_size
    scale = min(1.0, SHOWN / max(height, width))
    return Target(max(1, round(height * scale)), max(1, round(width * scale)))
