"""Arrays in memory as fastai DataLoaders: whole batches are gathered, sample by sample nothing.

The loader does fastai's protocol (`show_batch`, `one_batch`, `new`, `get_preds`) and draws by
key: the order from (seed, epoch), the augmentation from (seed, epoch, sample).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from fastai.data.core import TfmdDL
from fastai.torch_core import TensorCategory, TensorImage, TensorImageBW
from fastai.vision.core import Category

from common.augment import Draw, Policy
from common.errors import UsageError
from common.randomness import copies, names, permutation

Order = Callable[[int, int], np.ndarray]  # seed and epoch to the positions of an epoch


class ArrayDataset:
    """Pictures and classes in memory.

    Args:
        images: uint8 or float32, (N, C, H, W).
        targets: positions in `vocab`, int64 (N,); None for rows without a label.
        vocab: the classes in the order of the model's outputs.
        samples: the rows' names, (N,), which the draws of augmentation depend on, whatever other
            rows are there; None for their positions.
    """

    n_inp = 1

    def __init__(
        self,
        images: np.ndarray,
        targets: np.ndarray | None,
        vocab: list[Any],
        samples: Iterable[object] | None = None,
    ) -> None:
        self.images = torch.from_numpy(images)
        self.targets = None if targets is None else torch.from_numpy(targets)
        self.vocab, self.c = vocab, len(vocab)
        self.names = names(range(len(images)) if samples is None else samples)
        self.items = list(range(len(images)))  # fastai's top_losses indexes a list
        self.image_type = TensorImageBW if images.shape[1] == 1 else TensorImage

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        return tuple(part[0] for part in self.batch(np.array([position])))

    def batch(self, positions: np.ndarray) -> tuple[Any, ...]:
        """The pictures (as stored) and, where there are any, the targets of some rows."""
        chosen = torch.from_numpy(positions)
        images = self.images[chosen].as_subclass(self.image_type)
        if self.targets is None:
            return (images,)
        return images, self.targets[chosen].as_subclass(TensorCategory)

    def decode(self, sample: tuple[Any, ...], full: bool = True) -> tuple[Any, ...]:
        """A sample as a person reads it: the class's name in place of its number."""
        named = (Category(str(self.vocab[int(target)])) for target in sample[1:])
        return (sample[0], *named)


class ArrayLoader(TfmdDL):  # type: ignore[misc]  # fastai ships no types
    """A fastai loader over an ArrayDataset.

    Iterating it serves the next epoch; `set_epoch` says which. With `shuffle=False` rows come in
    their order.

    Args:
        order: draws an epoch's order, where that is to be more than a shuffle: as many positions as
            there are rows. Of n rows, position k + n is a second copy of row k, k + 2n a third:
            augmentation draws anew for each.
    """

    def __init__(
        self,
        dataset: ArrayDataset,
        *,
        policy: Policy,
        seed: int = 0,
        bs: int = 64,
        order: Order | None = None,
        **options: Any,
    ) -> None:
        self.policy, self.seed, self.next_epoch = policy, seed, 0
        self.order = order
        options["num_workers"] = 0  # gathering a batch is cheaper than sending it to a worker
        super().__init__(dataset, bs=bs, **options)

    def set_epoch(self, epoch: int) -> None:
        """Makes the next iteration serve this epoch."""
        self.next_epoch = epoch

    def randomize(self) -> None:
        """Begins an epoch. Nothing is drawn from a stream."""
        self.epoch, self.next_epoch = self.next_epoch, self.next_epoch + 1

    def shuffle_fn(self, positions: list[int]) -> list[int]:
        if self.order is None:
            drawn = permutation(len(positions), self.seed, "order", self.epoch)
        else:
            drawn = self.order(self.seed, self.epoch)
        if len(drawn) != len(positions):
            raise UsageError(
                f"order() drew {len(drawn):,} positions; expected {len(positions):,}, one per row"
            )
        order: list[int] = drawn.tolist()
        return order

    def _named(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows at some positions of an order, and the names by which they draw."""
        numbers, rows = np.divmod(positions, max(1, len(self.dataset)))
        return rows, copies(self.dataset.names[rows], numbers)

    def create_batches(self, positions: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        stream = iter(positions)  # may be endless: show_batch(unique=True) repeats one row
        while chosen := list(itertools.islice(stream, self.bs)):
            if self.drop_last and len(chosen) < self.bs:
                return
            yield self._batch(np.array(chosen))

    def _batch(self, positions: np.ndarray) -> tuple[Any, ...]:
        rows, names = self._named(positions)
        images, *targets = self.dataset.batch(rows)
        draw = Draw(self.seed, getattr(self, "epoch", 0), names)
        on_device = images.as_subclass(torch.Tensor).to(self.device)
        return (self.policy(on_device, draw).as_subclass(type(images)), *targets)

    def _one_pass(self) -> None:
        """Lets fastai see the types of a batch without serving one."""
        batch = self._batch(np.zeros(1, dtype=np.int64))
        self._n_inp = self.dataset.n_inp
        self._types = {type(batch): [type(part) for part in batch]}

    def new(self, dataset: Any = None, cls: Any = None, **options: Any) -> ArrayLoader:
        """This loader with some options changed, as fastai asks for it."""
        same_rows = dataset is None or dataset is self.dataset
        own = {"policy": self.policy, "seed": self.seed, "order": self.order if same_rows else None}
        options = {**own, **options}
        loader: ArrayLoader = super().new(dataset, cls, **options)
        return loader
