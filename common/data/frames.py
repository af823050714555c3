"""Tables as fastai DataLoaders: codes and numbers lie on the device once, and many batches are
gathered at a time.

A batch is what fastai's `TabDataLoader` gives: codes int64 (B, K), numbers float32 (B, M), targets
(B, columns). The order of the rows is a function of (seed, epoch).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.core import TfmdDL
from fastai.data.transforms import Categorize, RegressionSetup
from fastai.tabular.core import Categorify, CategoryMap, ReadTabBatch, TabularPandas
from fastai.tabular.data import TabularDataLoaders

from common.errors import UsageError
from common.randomness import permutation

CODES = (np.int16, np.int32, np.int64)  # the smallest that fits is kept
BATCHES = 64  # that one gather fills,
MOST_ROWS = 8192  # unless they are large


class FrameDataset:
    """A table's columns in memory, ready for a net with embeddings.

    Args:
        categories: codes, whole numbers from 0, (N, K).
        numbers: (N, M); kept as float32.
        targets: (N,) or (N, columns): positions in `vocab`, or numbers where there is none; None
            for rows without.
        vocab: the classes in the order of the model's outputs.
        cat_names, cont_names, y_names: of the columns; None for numbered names.
        classes: what the codes of a column stand for; the first is also given to what is missing
            or unknown. None for the codes themselves.

    Raises: UsageError for columns that do not fit each other, their names or their classes.
    """

    n_inp = 2
    split_idx = None

    def __init__(
        self,
        categories: np.ndarray,
        numbers: np.ndarray,
        targets: np.ndarray | None = None,
        *,
        vocab: Sequence[Any] | None = None,
        cat_names: Sequence[str] | None = None,
        cont_names: Sequence[str] | None = None,
        y_names: Sequence[str] | None = None,
        classes: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        if targets is not None and targets.ndim == 1:
            targets = targets[:, None]
        _check_rows(categories, numbers, targets)
        n_targets = 1 if targets is None else targets.shape[1]
        cat_names = _named(cat_names, "category", categories.shape[1])
        frame = _frame(
            cat_names,
            _named(cont_names, "number", numbers.shape[1]),
            _named(y_names, "target", n_targets),
            {name: classes[name] for name in cat_names} if classes is not None else None,
            vocab,
        )
        if targets is not None:
            targets = targets.astype(np.float32 if vocab is None else np.int64)
        self._keep(frame, categories, numbers, targets)

    @classmethod
    def from_tabular(cls, to: TabularPandas) -> FrameDataset:
        """The rows of a processed TabularPandas: its codes, numbers and targets.

        What it knows about its columns and how they were processed is kept for `show_batch` and
        for test rows; the table itself is not.
        """
        own = cls.__new__(cls)
        there = [name for name in to.y_names if name in to.items.columns]
        targets = to.targ.to_numpy(copy=True) if there and len(there) == len(to.y_names) else None
        own._keep(to.new_empty(), to.cats.to_numpy(), to.conts.to_numpy(), targets)
        return own

    def _keep(
        self,
        frame: TabularPandas,
        categories: np.ndarray,
        numbers: np.ndarray,
        targets: np.ndarray | None,
    ) -> None:
        self.frame = frame
        self.c = getattr(frame.procs, "c", 0)  # a column may be named c, so not frame.c
        highest = _highest(categories, list(frame.cat_names))
        known = getattr(frame.procs, "classes", None)
        self.classes: Mapping[str, Sequence[Any]] = (
            {name: range(high + 1) for name, high in highest.items()} if known is None else known
        )
        for name, high in highest.items():
            if high >= len(self.classes[name]):
                raise UsageError(
                    f"column {name!r} has the code {high}; expected 0 to "
                    f"{len(self.classes[name]) - 1}, as it has {len(self.classes[name])} classes"
                )
        most = max(highest.values(), default=0)
        codes = categories.astype(next(kind for kind in CODES if most <= np.iinfo(kind).max))
        columns = [codes, numbers.astype(np.float32), *([] if targets is None else [targets])]
        self.columns = tuple(torch.from_numpy(np.ascontiguousarray(own)) for own in columns)
        self._begin()

    def _begin(self) -> None:
        self.items = list(range(len(self.columns[0])))  # fastai indexes a list
        self._on: dict[torch.device, tuple[torch.Tensor, ...]] = {}

    # ---- rows ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, ...]:
        codes, *others = (own[position] for own in self.columns)
        return (codes.long(), *others)

    def rows(self, positions: Iterable[int]) -> FrameDataset:
        """Some rows, such as those of a fold."""
        chosen = torch.from_numpy(np.fromiter(positions, dtype=np.int64))
        own = object.__new__(type(self))
        own.__dict__.update(self.__dict__)
        own.columns = tuple(column[chosen] for column in self.columns)
        own._begin()
        return own

    def new_empty(self) -> FrameDataset:
        """No rows, for a learner that is stored without its data."""
        return self.rows([])

    def processed(self, table: pd.DataFrame) -> FrameDataset:
        """Other rows in the form that the table had before it was processed, targets or not."""
        to = self.frame.new(table)
        to.process()
        return self.from_tabular(to)

    def on(self, device: torch.device | str | None) -> tuple[torch.Tensor, ...]:
        """The columns on a device, sent there once."""
        device = torch.device("cpu" if device is None else device)
        if device not in self._on:
            self._on[device] = tuple(own.to(device) for own in self.columns)
        return self._on[device]

    def __getattr__(self, name: str) -> Any:
        """What fastai asks of a TabularPandas: cat_names, loss_func, procs, new and more."""
        if name.startswith("_") or "frame" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.frame, name)


class FrameLoader(TfmdDL):  # type: ignore[misc]  # fastai ships no types
    """A fastai loader over a FrameDataset.

    Iterating it serves the next epoch; `set_epoch` says which. The batches of a gather share their
    memory, so who keeps one keeps all of them. Transforms of single rows are not called.
    """

    def __init__(
        self, dataset: FrameDataset, *, seed: int = 0, bs: int = 64, **options: Any
    ) -> None:
        self.seed, self.next_epoch = seed, 0
        options["num_workers"] = 0
        super().__init__(dataset, bs=bs, **options)

    def set_epoch(self, epoch: int) -> None:
        """Makes the next iteration serve this epoch."""
        self.next_epoch = epoch

    def randomize(self) -> None:
        """Begins an epoch. Nothing is drawn from a stream."""
        self.epoch, self.next_epoch = self.next_epoch, self.next_epoch + 1

    def get_idxs(self) -> np.ndarray:
        """The order of the rows in this epoch."""
        if not self.shuffle:
            return np.arange(self.n)
        return permutation(self.n, self.seed, "order", getattr(self, "epoch", 0))

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        # without torch's iterator, which takes longer than a batch and draws a random number
        self.randomize()
        self.before_iter()
        batches = self.create_batches(self.get_idxs())
        yield from map(self.after_batch, batches) if len(self.after_batch.fs) else batches
        self.after_iter()

    def create_batches(self, positions: Iterable[int]) -> Iterator[tuple[torch.Tensor, ...]]:
        columns = self.dataset.on(self.device)
        for chosen in _pieces(positions, self.bs * max(1, min(BATCHES, MOST_ROWS // self.bs))):
            if self.drop_last:
                chosen = chosen[: len(chosen) - len(chosen) % self.bs]
            if len(chosen) == 0:  # no batch, and not one of no rows
                return
            rows = torch.from_numpy(chosen).to(columns[0].device)
            codes, *others = (own.index_select(0, rows) for own in columns)
            # `zip` over views: per batch there is nothing left to do
            yield from zip(*(own.split(self.bs) for own in (codes.long(), *others)), strict=True)

    def _one_pass(self) -> None:
        """Lets fastai see the types of a batch without serving one."""
        self._n_inp = self.dataset.n_inp
        self._types = {tuple: [torch.Tensor] * len(self.dataset.columns)}

    def decode(self, batch: tuple[Any, ...]) -> TabularPandas:
        """A batch as a TabularPandas, which shows itself as it was before it was processed."""
        return ReadTabBatch(self.dataset.frame).decodes(self.after_batch.decode(batch))

    def new(self, dataset: Any = None, cls: Any = None, **options: Any) -> FrameLoader:
        """This loader with some options changed, as fastai asks for it.

        Args:
            dataset: a FrameDataset, a processed TabularPandas, a table that is still to be
                processed, or positions of this one's rows.
        """
        if isinstance(dataset, TabularPandas):
            dataset = FrameDataset.from_tabular(dataset)
        elif isinstance(dataset, pd.DataFrame):
            dataset = self.dataset.processed(dataset)
        elif dataset is not None and not isinstance(dataset, FrameDataset):
            dataset = self.dataset.rows(dataset)
        loader: FrameLoader = super().new(dataset, cls, **{"seed": self.seed, **options})
        return loader


def frame_loaders(
    to: TabularPandas,
    *,
    bs: int = 64,
    val_bs: int | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> TabularDataLoaders:
    """The loaders of a TabularPandas with splits, in place of `to.dataloaders()`.

    Args:
        val_bs: rows of a batch of the valid set; None for `bs`.
        device: None for the CPU.
    """
    device = torch.device("cpu" if device is None else device)
    train, valid = (FrameDataset.from_tabular(to.subset(part)) for part in (0, 1))
    return TabularDataLoaders(
        FrameLoader(train, seed=seed, bs=bs, shuffle=True, drop_last=True, device=device),
        FrameLoader(valid, seed=seed, bs=val_bs or bs, device=device),
        device=device,
    )


def _pieces(positions: Iterable[int], size: int) -> Iterator[np.ndarray]:
    """Positions, `size` at a time; they may be endless: show_batch(unique=True) repeats one row."""
    if isinstance(positions, np.ndarray):
        yield from (positions[start : start + size] for start in range(0, len(positions), size))
        return
    stream = iter(positions)
    while chosen := list(itertools.islice(stream, size)):
        yield np.array(chosen, dtype=np.int64)


def _check_rows(categories: np.ndarray, numbers: np.ndarray, targets: np.ndarray | None) -> None:
    parts = {"categories": categories, "numbers": numbers, "targets": targets}
    given = {name: own for name, own in parts.items() if own is not None}
    for name, own in given.items():
        if own.ndim != 2 or len(own) != len(categories):
            raise UsageError(
                f"{name} of shape {own.shape}; expected ({len(categories)}, columns), a row for "
                "each row of categories"
            )
    if not np.issubdtype(categories.dtype, np.integer):
        raise UsageError(
            f"categories of {categories.dtype}; expected codes, whole numbers from 0. Numbers as "
            "they are belong to `numbers`"
        )


def _highest(categories: np.ndarray, names: list[str]) -> dict[str, int]:
    """The highest code of each column; 0 where there are no rows."""
    if not len(categories):
        return dict.fromkeys(names, 0)
    if (lowest := categories.min(initial=0)) < 0:
        raise UsageError(f"categories have the code {lowest}; expected whole numbers from 0")
    return dict(zip(names, categories.max(axis=0).tolist(), strict=True))


def _named(names: Sequence[str] | None, kind: str, n: int) -> list[str]:
    if names is not None and len(names) != n:
        raise UsageError(f"{len(names)} names for {n} columns of kind {kind}; expected one each")
    return [f"{kind} {k}" for k in range(n)] if names is None else list(names)


def _frame(
    cat_names: list[str],
    cont_names: list[str],
    y_names: list[str],
    classes: Mapping[str, Sequence[Any]] | None,
    vocab: Sequence[Any] | None,
) -> TabularPandas:
    """A TabularPandas without rows that knows what columns and codes are called."""
    procs: list[Any] = []
    if classes is not None:
        named = Categorify()
        named.classes = {name: CategoryMap(own, sort=False) for name, own in classes.items()}
        procs.append(named)
    if vocab is None:
        procs.append(RegressionSetup(c=len(y_names)))
    else:
        target = Categorize(vocab=list(vocab), sort=False)
        target.c = len(vocab)
        procs.append(target)
    return TabularPandas(
        pd.DataFrame(columns=[*cat_names, *cont_names, *y_names]),
        procs,
        cat_names=cat_names,
        cont_names=cont_names,
        y_names=y_names,
        do_setup=False,
        reduce_memory=False,
    )
