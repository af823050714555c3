"""An epoch's batches from any batch on, in an order that depends on (seed, epoch) alone.

Nothing of a loader is stored in a checkpoint: its order is drawn anew and cut.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from fastai.data.load import DataLoader

from common.errors import UsageError
from common.randomness import key, seed_generators
from common.train.ranks import ALONE, Ranks

Order = Sequence[Any]
_END = object()


class Feed:
    """The batches of one pass over a loader.

    What is skipped is not read again, for every fastai loader over rows that can be indexed; from
    other iterables it is read and thrown away.

    Args:
        first: the first batch that is served.
        ranks: the processes that share each batch.

    Attributes:
        order: the rows of this process in the order in which they are served, from `first` on;
            None until the first batch, and for loaders without an index.
        whole: the same of all processes.
        position: of the batch that was asked for last.

    Of several processes that share batches one may have no row of the last one: it is given None,
    so that all of them serve the same number of batches.
    """

    def __init__(
        self, loader: Any, *, seed: int, epoch: int, first: int = 0, ranks: Ranks = ALONE
    ) -> None:
        self.loader, self.seed, self.epoch, self.first = loader, seed, epoch, first
        self.ranks, self.position = ranks, first
        self.order: Order | None = None
        self.whole: Order | None = None
        # these draw by key themselves; others get their generators set before every batch
        self.is_keyed = hasattr(loader, "set_epoch")

    def __iter__(self) -> Iterator[Any]:
        if self.is_keyed:
            self.loader.set_epoch(self.epoch)
        if not self._has_index():
            yield from self._read_again()
            return
        with ExitStack() as around:
            around.enter_context(_in_place_of(self.loader, "get_idxs", self._ordered))
            around.enter_context(self.ranks.local_batches(self.loader))
            if not self.is_keyed:
                around.enter_context(_keyed(self))
            iterator = iter(self.loader)
            try:
                for position in itertools.count(self.first):
                    self.position = position
                    if not self.is_keyed:
                        self._seed_batch(position)
                    batch = next(iterator, _END)
                    if batch is _END and not self.n_rows(self.position):
                        return
                    yield None if batch is _END else batch
            finally:
                iterator.close()  # lets the loader's threads end

    def _has_index(self) -> bool:
        return (
            isinstance(self.loader, DataLoader)
            and self.loader.n is not None
            and self.loader.bs is not None
            and bool(getattr(self.loader, "indexed", True))
        )

    def _read_again(self) -> Iterator[Any]:
        """From a loader without an index: the batches before the first are read, too."""
        if self.ranks.world > 1:
            raise UsageError(
                f"{type(self.loader).__name__} has no index, so processes cannot share its "
                "batches; expected a fastai DataLoader over rows"
            )
        seed_generators(self.seed, "order", self.epoch)
        for position, batch in enumerate(self.loader):
            self.position = position
            if position >= self.first:
                yield batch
            if not self.is_keyed:
                self._seed_batch(position + 1)

    def _seed_batch(self, position: int) -> None:
        seed_generators(*_batch_key(self.seed, self.epoch, position, ranks=self.ranks.key))

    def _ordered(self, draw: Callable[[], Any]) -> Callable[[], Order]:
        return lambda: self._draw_order(draw)

    def _draw_order(self, draw: Callable[[], Any]) -> Order:
        """The rows that are served, in their order.

        Args:
            draw: the loader's own way to an order.
        """
        with self.ranks.whole_batches(self.loader):
            if self.is_keyed:
                order = draw()
            else:
                _begin_stream(self.loader)
                seed_generators(self.seed, "order", self.epoch)
                self.loader.rng = random.Random(key(self.seed, "order", self.epoch))
                order = draw()
                self._seed_batch(self.first)
        if not hasattr(order, "__getitem__"):
            order = list(order)  # sorted texts come as an iterator
        size = self.ranks.global_size(self.loader)
        self.whole = order[self.first * size :]
        if self.ranks.world > 1 and self.loader.drop_last:
            self.whole = self.whole[: len(self.whole) // size * size]
        self.order = self.ranks.part(self.whole, size)
        return self.order

    def n_rows(self, position: int) -> int:
        """Rows of a batch over all processes that share it; 0 where one alone serves it."""
        return 0 if self.ranks.world == 1 else len(self.whole_rows_of(position))

    def rows_of(self, position: int) -> list[int]:
        """The rows of a batch, counted from the epoch's first; [] where they are not known."""
        return self._rows(self.order, position, self.ranks.world)

    def whole_rows_of(self, position: int) -> list[int]:
        """The same over all processes."""
        return self._rows(self.whole, position, 1)

    def _rows(self, order: Order | None, position: int, n_shares: int) -> list[int]:
        if order is None or not self.loader.bs:
            return []
        size = self.ranks.global_size(self.loader) // n_shares
        start = (position - self.first) * size
        # a position behind the last row is a further copy of one; see ArrayLoader
        return [int(row) % self.loader.n for row in order[start : start + size]]


@contextmanager
def _keyed(feed: Feed) -> Iterator[None]:
    """Items and batches of a stock loader draw by (seed, epoch, row) and (seed, epoch, batch) from
    the global generators, in whatever process, and whatever batch comes first."""
    loader, seed, epoch = feed.loader, feed.seed, feed.epoch
    key_of = partial(_batch_key, seed, epoch, ranks=feed.ranks.key)
    with ExitStack() as around:
        if type(loader).do_item is DataLoader.do_item:  # others read whole batches
            around.enter_context(
                _in_place_of(loader, "do_item", lambda own: _KeyedItems(own, seed, epoch))
            )
        around.enter_context(
            _in_place_of(loader, "after_batch", lambda own: _KeyedBatches(own, key_of, feed.first))
        )
        yield


def _batch_key(
    seed: int, epoch: int, position: int, *, ranks: tuple[str, ...] = ()
) -> tuple[int | str, ...]:
    """The key of a batch's draws; processes that share the batch draw different numbers."""
    return (seed, "batch", epoch, position, *ranks)


class _KeyedItems:
    """Reads a row with the generators set for it; travels to workers."""

    def __init__(self, own: Callable[[Any], Any], seed: int, epoch: int) -> None:
        self.own, self.seed, self.epoch = own, seed, epoch

    def __call__(self, row: Any) -> Any:
        seed_generators(self.seed, "item", self.epoch, str(row))
        return self.own(row)


class _KeyedBatches:
    """The transforms of batches, which draw with the generators set for each; otherwise `own`."""

    def __init__(
        self, own: Any, key_of: Callable[[int], tuple[int | str, ...]], first: int
    ) -> None:
        self.own, self.key_of, self.next = own, key_of, first

    def __call__(self, batch: Any) -> Any:
        seed_generators(*self.key_of(self.next))
        self.next += 1
        return self.own(batch)

    def __getattr__(self, name: str) -> Any:
        if name == "own":  # not there yet, in a worker that unpickles this
            raise AttributeError(name)
        return getattr(self.own, name)


@contextmanager
def _in_place_of(loader: Any, name: str, made: Callable[[Any], Any]) -> Iterator[None]:
    """The loader has `made(own)` in place of an attribute of its own for the length of the
    block."""
    own, was_set = getattr(loader, name), name in vars(loader)
    setattr(loader, name, made(own))
    try:
        yield
    finally:
        if was_set:
            setattr(loader, name, own)
        else:
            delattr(loader, name)


def _begin_stream(loader: Any) -> None:
    """Undoes what a language model's loader remembers of earlier shuffles of its texts."""
    texts: Any = getattr(loader, "items", None)
    if hasattr(texts, "idxs") and hasattr(texts, "shuffle"):
        texts.idxs[:] = range(len(texts.idxs))  # in place: the texts' lengths have the same list
