"""The processes that train one net together, and what each of them does of it.

Every process reads its own rows of each batch; gradients are summed, predictions gathered by
sample. A single process is the case of one rank, on the same path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Ranks:
    """A process among those that train together.

    Args:
        rank: of this process, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """True for the one process that writes files and speaks."""
        return self.rank == 0

    # ---- data --------------------------------------------------------------------------------

    def global_size(self, loader: Any) -> int:
        """Rows of a batch over all processes. A loader within `local_batches` has its part."""
        return int(getattr(loader, "global_bs", None) or loader.bs or 1)

    @contextmanager
    def local_batches(self, loader: Any) -> Iterator[None]:
        """The loader makes batches of this process's part for the length of the block."""
        if self.world == 1:
            yield
            return
        loader.global_bs, loader.bs = loader.bs, loader.bs // self.world
        try:
            yield
        finally:
            loader.bs = loader.global_bs
            del loader.global_bs

    def part(self, order: Any, size: int) -> Any:
        """The rows of this process out of an order that all processes share, batch by batch.

        Args:
            size: rows of a batch over all processes.
        """
        if self.world == 1:
            return order
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        mine = [np.array_split(np.asarray(batch), self.world)[self.rank] for batch in batches]
        return np.concatenate(mine) if mine else np.zeros(0, dtype=np.int64)

    # ---- maths ---------------------------------------------------------------------------------

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Adds up the gradients of all processes, in place."""
        if self.world == 1:
            return
        raise NotImplementedError


ALONE = Ranks()
