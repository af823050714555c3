"""Picture files with their targets as rows, which a loader reads many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.torch_core import TensorImage, TensorImageBW

from common.augment import Draws
from common.data.images.cache import SHARE, DecodedCache
from common.data.images.header import read_header
from common.data.images.reader import Source, Trim, read_image
from common.data.images.resize import Target
from common.data.images.shared import shared_cache
from common.data.images.targets import Masks, Places, as_targets
from common.errors import UsageError
from common.randomness import names

DECODER = 1  # raise it whenever the reader gives other pixels, so that older caches are not used
CPU = torch.device("cpu")


class ImageDataset:
    """Pictures in files, and their targets.

    Args:
        sources: a file, or one file per channel, for each row.
        targets: of `common.data.images.targets`, or an array: whole numbers with a vocab are
            classes, a table of 0 and 1 marks, without a vocab numbers; None for rows without.
        target: the size and framing that pictures are read at.
        vocab: the classes in the order of the model's outputs.
        samples: the rows' names, which the draws of augmentation depend on, whatever other rows
            are there; None for the sources.
        channels: 1, 3 or 4, or the number of files per row.
        dtype: uint8 or uint16.
        cache: the folder of a cache of decoded pictures, such as `paths.cache_dir()`; None for
            none. A dataset of some of the rows shares the cache of all of them where that was
            opened before.
        share: of the free disk that a new cache may take.
        trim: of `read_image`; a function of a module, whose name the cache goes by. Targets that
            are places in the picture do not follow it.
    """

    n_inp = 1

    def __init__(
        self,
        sources: Iterable[Source],
        targets: Any = None,
        *,
        target: Target,
        vocab: list[Any] | None = None,
        samples: Iterable[object] | None = None,
        channels: int = 3,
        dtype: Any = np.uint8,
        cache: Path | None = None,
        share: float = SHARE,
        trim: Trim | None = None,
    ) -> None:
        self.sources: Sequence[Source] = list(sources)
        self.targets = as_targets(targets, vocab)
        self.target, self.channels, self.dtype = target, channels, np.dtype(dtype)
        self.trim = trim
        if trim is not None and isinstance(self.targets, Masks | Places):
            raise UsageError(
                "trim would move pictures away from their targets; cut both beforehand"
            )
        self.names = names(self.sources if samples is None else samples)
        for what, n in (("samples", len(self.names)), ("targets", self._n_targets())):
            if n != len(self.sources):
                raise UsageError(
                    f"{n:,} {what} for {len(self.sources):,} pictures; expected one each"
                )
        self.slots = self.mask_slots = np.arange(len(self.sources))  # of the caches
        self._sizes = np.zeros((len(self.sources), 2), dtype=np.int64)
        self._begin()
        self.mask_dtype = self.targets.dtype if isinstance(self.targets, Masks) else None
        self.cache: DecodedCache | None = None
        self.mask_cache: DecodedCache | None = None
        if cache is not None:
            self._open_caches(cache, share)

    def _begin(self) -> None:
        self.items = list(range(len(self.sources)))  # fastai's top_losses indexes a list
        self.split_idx: int | None = None
        self.image_type = TensorImageBW if self.channels == 1 else TensorImage

    def _n_targets(self) -> int:
        return len(self.sources) if self.targets is None else len(self.targets)

    def _open_caches(self, folder: Path, share: float) -> None:
        how, size = (DECODER, self.target), self.target.size
        cut = () if self.trim is None else (self.trim.__module__, self.trim.__qualname__)
        self.cache, self.slots = shared_cache(
            folder,
            self.sources,
            ("pictures", *how, self.channels, self.dtype.name, *cut),
            (*size, self.channels),
            self.dtype,
            share=share,
        )
        if isinstance(self.targets, Masks) and self.targets.is_cached:
            dtype = self.targets.dtype
            self.mask_cache, self.mask_slots = shared_cache(
                folder,
                self.targets.sources,
                ("masks", *how, dtype.name),
                (*size, 1),
                dtype,
                share=share,
                mode="raw",
            )

    # ---- rows ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.sources)

    def rows(self, positions: Iterable[int]) -> ImageDataset:
        """Some rows, such as those of a fold, with this dataset's cache."""
        chosen = np.asarray(list(positions), dtype=np.int64)
        own = object.__new__(type(self))
        own.__dict__.update(self.__dict__)
        own.sources = [self.sources[k] for k in chosen]
        own.targets = None if self.targets is None else self.targets.rows(chosen)
        own.names = self.names[chosen]
        own.slots, own.mask_slots = self.slots[chosen], self.mask_slots[chosen]
        own._sizes = self._sizes[chosen]
        own._begin()
        return own

    def unlabelled(self, sources: Iterable[Source]) -> ImageDataset:
        """Other files, read in the same way, without targets or a cache."""
        return ImageDataset(
            sources,
            target=self.target,
            channels=self.channels,
            dtype=self.dtype,
            trim=self.trim,
        )

    def new_empty(self) -> ImageDataset:
        """No rows, for a learner that is stored without its data."""
        empty = self.rows([])
        empty.cache = empty.mask_cache = None
        return empty

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        """One row as it is read: the picture uint8 (C, H, W), and its target."""
        positions = np.array([position])
        pictures = np.empty((1, *self.target.size, self.channels), self.dtype)
        masks = np.empty((1, *self.target.size), self.mask_dtype)
        self.read(positions, pictures, masks if self.has_masks else None)
        image = torch.from_numpy(pictures[0]).permute(2, 0, 1).as_subclass(self.image_type)
        if self.targets is None:
            return (image,)
        if self.has_masks:
            return image, torch.from_numpy(masks[0])
        return image, self.target_batch(positions, None, CPU)[0]

    # ---- what a loader asks for ------------------------------------------------------------

    @property
    def has_masks(self) -> bool:
        return isinstance(self.targets, Masks)

    def read(self, positions: np.ndarray, pictures: np.ndarray, masks: np.ndarray | None) -> None:
        """Reads pictures and masks, out of the cache where they are there.

        Args:
            pictures: where they are written, (n, H, W, C).
            masks: (n, H, W), or None.

        Raises: DataError, naming the file, for what is no whole picture.
        """
        slots = self.slots[positions]
        for k in _not_loaded(self.cache, slots, pictures):
            source = self.sources[positions[k]]
            with naming(source):
                read_image(
                    source,
                    self.target,
                    channels=self.channels,
                    dtype=self.dtype,
                    out=pictures[k],
                    trim=self.trim,
                )
            if self.cache is not None:
                self.cache.store(int(slots[k]), pictures[k])
        if masks is None or not isinstance(self.targets, Masks):
            return
        slots = self.mask_slots[positions]
        for k in _not_loaded(self.mask_cache, slots, masks[..., None]):
            position = int(positions[k])
            with naming(self.targets.sources[position]):
                self.targets.read(position, self.target, masks[k])
            if self.mask_cache is not None:
                self.mask_cache.store(int(slots[k]), masks[k, ..., None])

    def target_batch(self, positions: np.ndarray, draws: Draws | None, device: torch.device) -> Any:
        """The targets of a batch that are no masks, changed as its pictures were."""
        if isinstance(self.targets, Places):
            return self.targets.batch_at(positions, self._frames(positions), draws, device)
        assert self.targets is not None
        return self.targets.batch(positions, draws, device)

    def _frames(self, positions: np.ndarray) -> np.ndarray:
        """What brings x and y of each file to the picture that was read: factors, offsets."""
        frames = np.empty((len(positions), 4))
        for k, position in enumerate(positions):
            if not self._sizes[position].any():
                source = self.sources[position]
                first = source[0] if isinstance(source, tuple) else source
                self._sizes[position] = read_header(first).shown_size
            height, width = (int(side) for side in self._sizes[position])
            box = self.target.box(height, width)
            factors = self.target.size[1] / box.width, self.target.size[0] / box.height
            frames[k] = (*factors, -box.left * factors[0], -box.top * factors[1])
        return frames

    # ---- what fastai asks for --------------------------------------------------------------

    def decode(self, sample: tuple[Any, ...], full: bool = True) -> tuple[Any, ...]:
        """A sample as a person reads it: the class's name in place of its number."""
        if self.targets is None:
            return sample
        return (sample[0], *(self.targets.decode(own) for own in sample[1:]))

    @property
    def vocab(self) -> list[Any]:
        vocab: list[Any] = self._of_targets("vocab")
        return vocab

    @property
    def c(self) -> int:
        """How many outputs a model needs."""
        return len(self.vocab) if hasattr(self.targets, "vocab") else self._of_targets("c")

    @property
    def loss_func(self) -> Any:
        return self._of_targets("loss_func")

    def _of_targets(self, name: str) -> Any:
        if not hasattr(self.targets, name):
            raise AttributeError(f"a dataset with these targets has no {name}")
        return getattr(self.targets, name)

    @contextmanager
    def set_split_idx(self, split_idx: int) -> Iterator[ImageDataset]:
        """fastai's tta asks with 0 for the augmentation of training."""
        before, self.split_idx = self.split_idx, split_idx
        try:
            yield self
        finally:
            self.split_idx = before


def _not_loaded(cache: DecodedCache | None, slots: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Which rows are still to be read."""
    if cache is None:
        return np.arange(len(slots))
    return np.flatnonzero(~cache.load(slots, out))


@contextmanager
def naming(source: Source) -> Iterator[None]:
    """Adds the file's name to whatever goes wrong while it is read."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while reading {source if not isinstance(source, bytes) else 'bytes'}")
        raise
