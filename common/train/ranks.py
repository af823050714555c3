"""The processes that train one net together, and what each of them does of it.

Every process reads its own rows of each batch; gradients are summed, predictions gathered by row,
and what depends on a clock, a signal or a number that only one of them knows is decided together.
A single process is the case of one rank, on the same path and without a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from common.errors import RunError, UsageError

BUCKET = 32 * 2**20  # bytes of gradients that travel at once


@dataclass(frozen=True)
class Ranks:
    """A process among those that train together.

    Args:
        rank: of this process, from 0.
        world: how many there are.
        local_rank: of this process on its machine, from 0.
        patient: the group in which one process may be waited for long; None for the default one.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    patient: Any = None

    @property
    def is_first(self) -> bool:
        """True for the one process that writes files and speaks."""
        return self.rank == 0

    @property
    def key(self) -> tuple[str, ...]:
        """What a key of a draw gets besides, where processes must not draw the same numbers."""
        return () if self.world == 1 else (f"rank {self.rank} of {self.world}",)

    # ---- data --------------------------------------------------------------------------------

    def global_size(self, loader: Any) -> int:
        """Rows of a batch over all processes. A loader within `local_batches` has its part."""
        size = int(getattr(loader, "global_bs", None) or loader.bs or 1)
        return max(1, size // self.world) * self.world

    @contextmanager
    def local_batches(self, loader: Any) -> Iterator[None]:
        """The loader makes batches of this process's part for the length of the block."""
        if self.world == 1:
            yield
            return
        size = self.global_size(loader) // self.world
        loader.global_bs, loader.bs = loader.bs, size
        try:
            yield
        finally:
            loader.bs = loader.global_bs
            del loader.global_bs

    @contextmanager
    def whole_batches(self, loader: Any) -> Iterator[None]:
        """Undoes `local_batches` while an order is drawn, which may depend on the batch size."""
        if self.world == 1:
            yield
            return
        local, loader.bs = loader.bs, loader.global_bs
        try:
            yield
        finally:
            loader.bs = local

    def part(self, order: Any, size: int) -> Any:
        """The rows of this process out of an order that all processes share, batch by batch.

        Of a last batch that is smaller each has as equal a share as there can be; that of some is
        empty where the batch has fewer rows than there are processes.

        Args:
            size: rows of a batch over all processes.
        """
        if self.world == 1:
            return order
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        mine = [np.array_split(np.asarray(batch), self.world)[self.rank] for batch in batches]
        return np.concatenate(mine) if mine else np.zeros(0, dtype=np.int64)

    def check_batches(self, loader: Any) -> None:
        """Raises UsageError where the batches of a train loader cannot be shared as they are."""
        if self.world == 1:
            return
        if hasattr(loader, "seq_len"):
            raise UsageError(
                f"{type(loader).__name__} serves texts that go on from batch to batch, which "
                "processes cannot share; train it in one process"
            )
        if (loader.bs or 1) % self.world:
            raise UsageError(
                f"batch_size is {loader.bs}, which {self.world} processes cannot share evenly; "
                f"expected a multiple of {self.world}, such as "
                f"{max(1, loader.bs // self.world) * self.world}"
            )

    # ---- maths ---------------------------------------------------------------------------------

    def sum_gradients(
        self, parameters: Sequence[torch.nn.Parameter], loss: torch.Tensor
    ) -> torch.Tensor:
        """Adds up the gradients of all processes, in place, and gives the sum of their losses.

        A parameter has a gradient afterwards where any process had one.
        """
        if self.world == 1:
            return loss
        has_gradient = self.agree(*(p.grad is not None for p in parameters))
        for parameter, has in zip(parameters, has_gradient, strict=True):
            if has and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        total = loss.detach().as_subclass(torch.Tensor).clone().reshape(1)
        gradients = [p.grad for p in parameters if p.grad is not None]
        for bucket in _buckets([*gradients, total]):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            with _with_others():
                dist.all_reduce(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))
        return total[0]

    # ---- decisions and messages ----------------------------------------------------------------

    def agree(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it is true in any process.

        The flags travel through memory of the CPU, so that no GPU is waited for.
        """
        if self.world == 1:
            return flags
        seen = torch.tensor(flags, dtype=torch.uint8)
        with _with_others():
            dist.all_reduce(seen, op=dist.ReduceOp.MAX)
        return tuple(map(bool, seen.tolist()))

    def share(self, value: Any = None) -> Any:
        """The first process's value, in all of them; they wait until it is there."""
        if self.world == 1:
            return value
        box = [value]
        with _with_others():
            dist.broadcast_object_list(box, src=0, group=self.patient)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes by rank, in the first one; nothing in the others."""
        if self.world == 1:
            return [value]
        values = [None] * self.world if self.is_first else None
        with _with_others():
            dist.gather_object(value, values)
        return values or []

    def share_tensors(self, tensors: Sequence[torch.Tensor]) -> None:
        """Gives the first process's tensors to all, in place."""
        if self.world == 1:
            return
        with torch.no_grad(), _with_others():
            for tensor in tensors:
                whole = tensor.detach().contiguous()
                dist.broadcast(whole, src=0)
                tensor.copy_(whole)

    def wait(self) -> None:
        """Returns when all processes are here, however long one of them needs."""
        if self.world > 1:
            with _with_others():
                dist.all_reduce(torch.zeros(1), group=self.patient)

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """The first process runs the block alone, then one on each other machine, then the rest.

        For work whose files the later ones find, on one disk or on several.
        """
        turn = 0 if self.is_first else 1 if self.local_rank == 0 else 2
        for _ in range(turn):
            self.wait()
        yield
        for _ in range(3 - turn if self.world > 1 else 0):
            self.wait()


ALONE = Ranks()


def _buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Tensors of one type and device at a time, up to BUCKET bytes or one tensor."""
    kinds: dict[tuple[Any, ...], list[torch.Tensor]] = {}
    for tensor in tensors:
        bucket = kinds.setdefault((tensor.dtype, tensor.device), [])
        if bucket and sum(t.nbytes for t in bucket) + tensor.nbytes > BUCKET:
            yield bucket
            bucket = kinds[tensor.dtype, tensor.device] = []
        bucket.append(tensor)
    yield from kinds.values()


@contextmanager
def _with_others() -> Iterator[None]:
    """Says in one line that another process is gone, or does not answer."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        reason = str(error).splitlines()[0]
        raise RunError(
            f"another process of this training has ended or does not answer ({reason}); look for "
            "its error, then go on with --resume"
        ) from None
