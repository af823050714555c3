"""What a picture is to be told from: classes, marks, numbers, masks, boxes, points.

A kind of targets answers for the rows of a dataset. Boxes and points are counted in pixels of the
upright picture as it lies on disk, x to the right and y down; batches have them in pixels of what
the model sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from fastai.losses import BCEWithLogitsLossFlat, CrossEntropyLossFlat, MSELossFlat
from fastai.torch_core import TensorCategory, TensorMultiCategory
from fastai.vision.core import (
    Category,
    LabeledBBox,
    MultiCategory,
    TensorBBox,
    TensorMask,
    TensorPoint,
)

from common.augment import Draws
from common.augment import targets as moved
from common.data.images.masks import framed, read_mask
from common.data.images.resize import Target
from common.rle import RunLength

Vocab = list[Any]


class TensorNumbers(TensorCategory):  # type: ignore[misc]  # fastai ships no types
    """Real numbers; as a kind of TensorCategory fastai shows them as titles."""


@dataclass
class Targets:
    """The targets of n rows. Subclasses say what they are."""

    def __len__(self) -> int:
        raise NotImplementedError

    def rows(self, positions: np.ndarray) -> Targets:
        """Those of some rows."""
        raise NotImplementedError

    def batch(self, positions: np.ndarray, draws: Draws | None, device: torch.device) -> Any:
        """Those of a batch, changed as its pictures were; None where nothing was drawn."""
        raise NotImplementedError

    def decode(self, own: Any) -> Any:
        """One of a batch as fastai shows it."""
        return own


@dataclass
class Classes(Targets):
    """One class per picture. Batches: int64 (N,), or shares float32 (N, n_classes) where the
    policy mixes pictures.

    Args:
        numbers: positions in `vocab`, (n,).
        vocab: the classes in the order of the model's outputs.
    """

    numbers: np.ndarray
    vocab: Vocab
    loss_func: Any = field(default_factory=CrossEntropyLossFlat)

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, positions: np.ndarray) -> Classes:
        return Classes(self.numbers[positions], self.vocab)

    def batch(self, positions: np.ndarray, draws: Draws | None, device: torch.device) -> Any:
        own = torch.from_numpy(self.numbers[positions].astype(np.int64)).to(device)
        if draws is not None and draws.policy.mixes:
            return TensorMultiCategory(moved.classes(own, draws, len(self.vocab)))
        return TensorCategory(own)

    def decode(self, own: Any) -> Any:
        number = own.argmax() if own.ndim else own
        return Category(str(self.vocab[int(number)]))


@dataclass
class Marks(Targets):
    """Any number of classes per picture. Batches: float32 (N, n_classes).

    Args:
        numbers: 0 and 1, (n, n_classes).
    """

    numbers: np.ndarray
    vocab: Vocab
    loss_func: Any = field(default_factory=BCEWithLogitsLossFlat)

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, positions: np.ndarray) -> Marks:
        return Marks(self.numbers[positions], self.vocab)

    def batch(self, positions: np.ndarray, draws: Draws | None, device: torch.device) -> Any:
        own = torch.from_numpy(self.numbers[positions].astype(np.float32)).to(device)
        return TensorMultiCategory(own if draws is None else moved.classes(own, draws))

    def decode(self, own: Any) -> Any:
        return MultiCategory(str(self.vocab[k]) for k in np.flatnonzero(np.asarray(own) > 0.5))


@dataclass
class Numbers(Targets):
    """One or more real numbers per picture, which mixing weighs. Batches: float32 (N, ...)."""

    numbers: np.ndarray
    loss_func: Any = field(default_factory=MSELossFlat)

    @property
    def c(self) -> int:
        return int(np.prod(self.numbers.shape[1:]))

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, positions: np.ndarray) -> Numbers:
        return Numbers(self.numbers[positions])

    def batch(self, positions: np.ndarray, draws: Draws | None, device: torch.device) -> Any:
        own = torch.from_numpy(self.numbers[positions].astype(np.float32)).to(device)
        if draws is not None and draws.policy.mixes:
            own = moved.classes(own.reshape(len(own), -1), draws).reshape(own.shape)
        return TensorNumbers(own)

    def decode(self, own: Any) -> Any:
        return Category(", ".join(f"{value:.4g}" for value in np.ravel(np.asarray(own))))


@dataclass
class Masks(Targets):
    """A file with a class per pixel for each picture. Batches: int64 (N, H, W).

    Args:
        sources: grey pictures, or ones with a palette, (n,).
        vocab: the classes; the numbers in the files are positions in it.
    """

    sources: Sequence[Any]
    vocab: Vocab
    loss_func: Any = field(default_factory=lambda: CrossEntropyLossFlat(axis=1))
    is_cached: ClassVar[bool] = True  # beside the pictures, where those are

    def read(self, position: int, target: Target, out: np.ndarray) -> None:
        """Writes the mask of a row into `out`, (H, W), in the target's size and framing."""
        read_mask(self.sources[position], target, dtype=self.dtype, out=out)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the masks as they are read."""
        return np.dtype(np.uint8 if len(self.vocab) <= 256 else np.uint16)

    def __len__(self) -> int:
        return len(self.sources)

    def rows(self, positions: np.ndarray) -> Masks:
        return replace(self, sources=[self.sources[int(k)] for k in positions])

    def decode(self, own: Any) -> Any:
        return TensorMask(own)


@dataclass
class CodedMasks(Masks):
    """A mask of 0 and 1 for each picture, written as run lengths. Batches: int64 (N, H, W).

    Nothing is cached: reading a text costs less than a picture from a cache.

    Args:
        sources: the texts, (n,), as bytes.
        code: how they are to be read.
        shape: height and width of the canvas on which they are counted, in pixels.
    """

    vocab: Vocab = field(default_factory=lambda: ["background", "mask"])
    code: RunLength = field(kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)
    is_cached: ClassVar[bool] = False

    def read(self, position: int, target: Target, out: np.ndarray) -> None:
        text = self.sources[position].decode()
        if text in self.code.empty:
            out[:] = 0
        else:
            out[:] = framed(self.code.decode(text, self.shape), target)


@dataclass
class Places(Targets):
    """Targets in pixels of the picture, which follow it to the target's size."""

    def batch_at(
        self, positions: np.ndarray, frames: np.ndarray, draws: Draws | None, device: torch.device
    ) -> Any:
        """Those of a batch.

        Args:
            frames: what brings x and y from the file to the picture that was read: factors and
                offsets of x and y, float64 (N, 4).
        """
        raise NotImplementedError


@dataclass
class Points(Places):
    """K points per picture. Batches: float32 (N, K, 2), x and y.

    Args:
        places: (n, K, 2).
        swaps: pairs of points that change their names in a mirror.
    """

    places: np.ndarray
    swaps: Sequence[tuple[int, int]] = ()
    loss_func: Any = field(default_factory=MSELossFlat)

    @property
    def c(self) -> int:
        return int(np.prod(self.places.shape[1:]))

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, positions: np.ndarray) -> Points:
        return Points(self.places[positions], self.swaps)

    def batch_at(
        self, positions: np.ndarray, frames: np.ndarray, draws: Draws | None, device: torch.device
    ) -> Any:
        own = self.places[positions] * frames[:, None, :2] + frames[:, None, 2:]
        if draws is not None:
            own, _ = moved.points(own, draws, self.swaps)
        return TensorPoint(torch.from_numpy(own.astype(np.float32)).to(device))

    def decode(self, own: Any) -> Any:
        return TensorPoint(own)


@dataclass
class Boxes(Places):
    """Any number of boxes per picture. Batches: one dict per picture, as torchvision's detectors
    take them: boxes float32 (n, 4) of left, top, right and bottom, labels int64 (n,).

    Args:
        places: (n_boxes, 4) per picture.
        labels: positions in `vocab`, (n_boxes,) per picture.
    """

    places: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    vocab: Vocab
    loss_func: Any = None

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, positions: np.ndarray) -> Boxes:
        chosen = [int(position) for position in positions]
        return Boxes([self.places[k] for k in chosen], [self.labels[k] for k in chosen], self.vocab)

    def batch_at(
        self, positions: np.ndarray, frames: np.ndarray, draws: Draws | None, device: torch.device
    ) -> Any:
        own = [
            np.asarray(self.places[k], np.float64).reshape(-1, 4) * np.tile(frame[:2], 2)
            + np.tile(frame[2:], 2)
            for k, frame in zip(positions, frames, strict=True)
        ]
        left = [np.arange(len(boxes)) for boxes in own]
        if draws is not None:
            own, left = moved.boxes(own, draws)
        labels = [np.asarray(self.labels[k])[kept] for k, kept in zip(positions, left, strict=True)]
        return [
            {
                "boxes": torch.from_numpy(boxes.astype(np.float32)).to(device),
                "labels": torch.from_numpy(names.astype(np.int64)).to(device),
            }
            for boxes, names in zip(own, labels, strict=True)
        ]

    def decode(self, own: Any) -> Any:
        names = [str(self.vocab[int(label)]) for label in own["labels"]]
        return LabeledBBox(TensorBBox(own["boxes"]), names)


def as_targets(given: Any, vocab: Vocab | None) -> Targets | None:
    """A kind of targets from an array: whole numbers with a vocab are classes, a table of 0 and 1
    with a vocab marks, anything else numbers."""
    if given is None or isinstance(given, Targets):
        return given
    values = np.asarray(given)
    if vocab is None:
        return Numbers(values)
    return Classes(values, vocab) if values.ndim == 1 else Marks(values, vocab)
