"""Picture files as fastai DataLoaders: threads read into a ring of batches, nothing is pickled.

What is drawn is a function of (seed, epoch, sample), as in ArrayLoader. On the CPU each thread
also changes its pictures, as bytes; a GPU gets bytes and changes whole batches.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from fastai.vision.core import TensorMask
from fastcore.foundation import L

from common.augment import Draw, Draws, Policy, draw_batch, warp_cpu, warp_gpu
from common.data.arrays import ArrayLoader
from common.data.images.dataset import ImageDataset
from common.data.images.ring import Crew, Layout, Ring, Slot, default_threads

AHEAD = 2  # batches that are read while one is in use
PARTS = 4  # of a batch for each thread, so that none waits long for another
PICTURES, MASKS = 0, 1  # parts of a slot; the moved pictures are the last


@dataclass
class Job:
    """A batch on its way."""

    positions: np.ndarray
    draws: Draws | None
    slot: Slot
    reading: list[Future[None]] = field(default_factory=list)


class ImageLoader(ArrayLoader):
    """A fastai loader over an ImageDataset; a plain torch loop can iterate it as well.

    Args:
        policy: what is done to the pictures; None serves the bytes as they were read, uint8
            (N, C, H, W) in channels_last.
        threads: that read; None for one per core, four at most.
        tta: the policy that fastai's `tta` draws from; None for `policy`.
        dtype: of what the model sees; None for float32.

    A batch stays as it is for as long as anybody holds it. What goes wrong in a thread is raised
    where the batch is asked for, with the file's name.
    """

    dataset: ImageDataset

    def __init__(
        self,
        dataset: ImageDataset,
        *,
        policy: Policy | None,
        seed: int = 0,
        bs: int = 64,
        threads: int | None = None,
        tta: Policy | None = None,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        self.threads = default_threads() if threads is None else threads
        self.tta, self.dtype = tta, dtype
        self._rings: dict[Any, Ring] = {}
        # an ArrayLoader asks of its dataset what this one answers, and calls no policy
        super().__init__(dataset, policy=policy, seed=seed, bs=bs, **options)  # type: ignore[arg-type]

    def create_batches(self, positions: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        stream = iter(positions)  # may be endless: show_batch(unique=True) repeats one row
        waiting: deque[Job] = deque()
        try:
            with Crew(self.threads) as crew:
                while True:
                    self._begin(waiting, stream, crew)
                    if not waiting:
                        return
                    for part in waiting[0].reading:
                        part.result()
                    yield self._finish(waiting.popleft())
        finally:  # the threads have ended, whoever broke off
            for job in waiting:
                job.slot.busy = False

    def _begin(self, waiting: deque[Job], stream: Iterator[int], crew: Crew) -> None:
        """Lets the threads begin batches, until enough are on their way."""
        while len(waiting) <= AHEAD:
            chosen = list(itertools.islice(stream, self.bs))
            if not chosen or (self.drop_last and len(chosen) < self.bs):
                return
            job = self._job(np.array(chosen))
            waiting.append(job)
            size = -(-len(chosen) // (PARTS * self.threads))
            parts = [slice(start, start + size) for start in range(0, len(chosen), size)]
            job.reading = crew.start(partial(self._read, job), parts)

    def _job(self, positions: np.ndarray) -> Job:
        policy, draws = self._policy(), None
        rows, names = self._named(positions)
        if policy is not None:
            draw = Draw(self.seed, getattr(self, "epoch", 0), names)
            target = self.dataset.target
            draws = draw_batch(policy, draw, target.size, (target.height, target.width))
        return Job(rows, draws, self._ring(draws).take())

    def _policy(self) -> Policy | None:
        if self.tta is not None and self.dataset.split_idx == 0:
            return self.tta
        return self.policy

    def _ring(self, draws: Draws | None) -> Ring:
        """The ring with the memory that a batch needs."""
        size, channels = self.dataset.target.size, self.dataset.channels
        layout: Layout = (((self.bs, *size, channels), self.dataset.dtype),)
        if self.dataset.has_masks:
            layout += (((self.bs, *size), self.dataset.mask_dtype),)
        if self._in_bytes and draws is not None and draws.moves:
            layout += (((self.bs, *draws.out_size, channels), self.dataset.dtype),)
        pinned = self._target_device.type == "cuda"
        return self._rings.setdefault((layout, pinned), Ring(layout, pinned))

    @property
    def _target_device(self) -> torch.device:
        return torch.device("cpu") if self.device is None else self.device

    @property
    def _in_bytes(self) -> bool:
        """Whether pictures are changed as bytes, by the thread that reads them."""
        return self._target_device.type == "cpu" and self.dataset.dtype == np.uint8

    def _read(self, job: Job, part: slice) -> None:
        """Reads and changes some pictures of a batch; what a thread does."""
        pictures = job.slot.arrays[PICTURES]
        n = len(job.positions)
        part = slice(part.start, min(part.stop, n))
        masks = job.slot.arrays[MASKS][part] if self.dataset.has_masks else None
        self.dataset.read(job.positions[part], pictures[part], masks)
        if job.draws is None or not self._in_bytes:
            return
        moved = job.slot.arrays[-1] if job.draws.moves else pictures
        for row in range(part.start, part.stop):
            warp_cpu.picture(pictures[row], job.draws, row, moved[row])

    def _finish(self, job: Job) -> tuple[Any, ...]:
        """A batch that was read, as the model sees it."""
        n, device, draws = len(job.positions), self._target_device, job.draws
        targets = self._targets(job)
        if draws is None:
            images = self._as_read(job.slot, n)
        elif self._in_bytes:
            moved = job.slot.arrays[-1 if draws.moves else PICTURES][:n]
            warp_cpu.mix(moved, draws)
            images = self._as_floats(moved, draws).to(self.dtype or torch.float32)
        else:
            pictures = job.slot.to(device, PICTURES, n).permute(0, 3, 1, 2)
            images = warp_gpu.augment(pictures, draws, self.dtype)
        job.slot.busy = False
        return (images.as_subclass(self.dataset.image_type), *targets)

    def _as_floats(self, moved: np.ndarray, draws: Draws) -> torch.Tensor:
        """Bytes (n, h, w, C) as the model sees them, in memory that comes back as theirs does."""
        layout: Layout = (((self.bs, *moved.shape[1:]), np.float32),)
        slot = self._rings.setdefault((layout, False), Ring(layout, pinned=False)).take()
        lent = slot.lend(0, len(moved))
        slot.busy = False  # it stays taken while anybody holds the batch
        warp_cpu.to_model(moved, draws, lent.numpy())
        return lent.permute(0, 3, 1, 2)

    def _as_read(self, slot: Slot, n: int) -> torch.Tensor:
        device = self._target_device
        on_cpu = device.type == "cpu"
        batch = slot.lend(PICTURES, n) if on_cpu else slot.to(device, PICTURES, n)
        return batch.permute(0, 3, 1, 2)

    def _targets(self, job: Job) -> tuple[Any, ...]:
        if self.dataset.targets is None:
            return ()
        device = self._target_device
        if not self.dataset.has_masks:
            return (self.dataset.target_batch(job.positions, job.draws, device),)
        given = job.slot.arrays[MASKS][: len(job.positions)]
        if job.draws is not None and self._in_bytes:
            moved = torch.from_numpy(warp_cpu.masks(given, job.draws))
        else:
            moved = job.slot.to(device, MASKS, len(job.positions))
            moved = moved if job.draws is None else warp_gpu.masks(moved, job.draws)
        return (moved.long().as_subclass(TensorMask),)

    def _batch(self, positions: np.ndarray) -> tuple[Any, ...]:
        """A batch read by the caller's thread."""
        job = self._job(positions)
        try:
            self._read(job, slice(0, len(positions)))
            return self._finish(job)
        finally:
            job.slot.busy = False

    def decode(self, batch: tuple[Any, ...]) -> Any:
        """A batch as fastai shows it: pictures in [0, 1]."""
        images, *others = super().decode(batch)
        if images.dtype == torch.uint8:
            images = images.float() / 255
        policy = self.policy
        if policy is not None and policy.mean:
            shape = (1, -1, 1, 1)
            std, mean = (torch.tensor(own).reshape(shape) for own in (policy.std, policy.mean))
            images = (images.float() * std + mean).clamp(0, 1)
        return (images, *others)

    def _decode_batch(self, batch: Any, max_n: int = 9, full: bool = True) -> Any:
        """The samples of a batch; fastai does not take a list of boxes apart."""
        if len(batch) == 1 or not isinstance(batch[1], list):
            return super()._decode_batch(batch, max_n, full)
        pairs = zip(batch[0][:max_n], batch[1], strict=False)
        return L(self.dataset.decode(pair, full) for pair in pairs)

    def new(self, dataset: Any = None, cls: Any = None, **options: Any) -> ImageLoader:
        """This loader with some options changed, as fastai asks for it.

        Args:
            dataset: an ImageDataset, positions of this one's rows, or files without targets.
        """
        if dataset is not None and not isinstance(dataset, ImageDataset):
            items = list(dataset)
            known = bool(items) and all(isinstance(item, int) for item in items)
            dataset = self.dataset.rows(items) if known else self.dataset.unlabelled(items)
        own = {"threads": self.threads, "tta": self.tta, "dtype": self.dtype}
        loader: ImageLoader = super().new(dataset, cls, **{**own, **options})
        return loader
