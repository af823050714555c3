"""Epochs of picture batches, from files and from the cache; numbers are per picture.

Both sides give uint8 batches of 32, framed as fastai's `Resize` frames them; fastai has two worker
processes, whose CPU time and memory count.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_reader import GREY, LARGE, SMALL, Photos
from benchmarks.runner import Case, Measured
from common import paths

BATCH = 32
WORKERS = 2
EPOCHS = 5
FEW, MANY = 1_000, 100_000
TIMES = 48  # that each file is read in an epoch, for its memory
FAR = 16.0  # mean grey levels between two pictures that are not the same one

Loader = Iterable[Any]


def cases(work: Path) -> list[Case]:
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    small = _Files(work, "small", SMALL, 384)
    large = _Files(work, "large", LARGE, 64)
    png = _Files(work, "grey", GREY, 96, channels=1)
    return [
        _epoch("jpeg_small_224", small, 224),
        _epoch("jpeg_large_224", large, 224),
        _epoch("jpeg_large_512", large, 512),
        _cached("cached_224", small, 224, work),
        _five_epochs("five_epochs_small", small, 224, work),
        _five_epochs("five_epochs_large", large, 224, work),
        _five_epochs("five_epochs_png", png, 512, work),
        _first_batch(small),
        _memory(small),
        *_size_of_the_set(work),
    ]


class _Files:
    """Files of one kind: few different ones, each several times."""

    def __init__(self, work: Path, name: str, photos: Photos, n: int, channels: int = 3) -> None:
        few = replace(photos, n=min(photos.n, 8)).write(work / name)
        self.paths, self.channels = [few[k % len(few)] for k in range(n)], channels

    def ours(self, side: int, times: int = 1, cache: Path | None = None) -> Any:
        from common.data.images import ImageDataset, ImageLoader, Target

        target = Target(side, side, method="crop")
        dataset = ImageDataset(
            self.paths * times, target=target, channels=self.channels, cache=cache
        )
        return ImageLoader(dataset, policy=None, bs=BATCH)

    def fastai(self, side: int) -> Any:
        return stock_loader(self.paths, side, grey=self.channels == 1)


def stock_loader(files: list[Path], side: int, *, grey: bool = False) -> Any:
    """fastai's own loader over files, as its tutorials build it, without the floats at its end."""
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.vision.augment import Resize
    from fastai.vision.core import PILImage, PILImageBW
    from fastai.vision.data import ImageBlock

    block = DataBlock(
        blocks=(ImageBlock(PILImageBW if grey else PILImage), CategoryBlock),
        get_y=lambda path: "one",
        item_tfms=Resize(side),
    )
    loader = block.dataloaders(files[:4], bs=2).test_dl(files, bs=BATCH, num_workers=WORKERS)
    loader.after_batch = type(loader.after_batch)([])
    return loader


@dataclass
class Epochs:
    """Epochs over a loader; the result is the first picture.

    Args:
        make: gives the loader; called each time where `fresh` is set, otherwise once.
    """

    make: Callable[[], Loader]
    n_epochs: int = 1
    fresh: bool = False
    loader: Loader | None = field(default=None, init=False)

    def run(self) -> tuple[Any, float]:
        if self.loader is None and not self.fresh:
            self.loader = self.make()
            list(map(len, self.loader))  # what is loaded or made once is not measured
        started = cpu_seconds()
        loader = self.make() if self.loader is None else self.loader
        n, first = 0, None
        for _ in range(self.n_epochs):
            for images, *_ in loader:
                n += len(images)
                first = np.array(images[0]) if first is None else first
        return first, (cpu_seconds() - started) * self.n_epochs / n


def cpu_seconds() -> float:
    """Of this process and of its workers that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _epoch(name: str, files: _Files, side: int) -> Case:
    peers: dict[str, Measured] = {"fastai": Epochs(lambda: files.fastai(side))}
    return Case(name, Epochs(lambda: files.ours(side)), peers, equal=_same_pictures)


def _cached(name: str, files: _Files, side: int, work: Path) -> Case:
    ours = Epochs(lambda: files.ours(side, times=10, cache=work / "cache"))
    return Case(name, ours, {"fastai": Epochs(lambda: files.fastai(side))}, equal=_same_pictures)


def _five_epochs(name: str, files: _Files, side: int, work: Path) -> Case:
    """The first epoch fills a cache that was not there."""
    folder = work / "fresh cache"

    def begin() -> Loader:
        shutil.rmtree(folder, ignore_errors=True)
        loader: Loader = files.ours(side, cache=folder)
        return loader

    peers: dict[str, Measured] = {"fastai": Epochs(lambda: files.fastai(side), EPOCHS)}
    return Case(name, Epochs(begin, EPOCHS, fresh=True), peers, equal=_same_pictures)


def _same_pictures(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Filters differ, so sharp noise does; another framing would differ by far more."""
    if ours.shape != theirs.shape:
        return False
    return float(np.abs(ours.astype(int) - theirs.astype(int)).mean()) < FAR


# ---- seconds on the clock, and memory ----------------------------------------------------------


@dataclass
class FirstBatch:
    """Seconds on the clock from asking for an epoch to its first batch."""

    loader: Any

    def run(self) -> tuple[Any, float]:
        gc.collect()
        started = time.perf_counter()
        batches = iter(self.loader)
        images = next(batches)[0]
        taken = time.perf_counter() - started
        first = np.array(images[0])
        del batches
        return first, taken


def _first_batch(files: _Files) -> Case:
    peers: dict[str, Measured] = {"fastai": FirstBatch(files.fastai(224))}
    return Case("first_batch", FirstBatch(files.ours(224)), peers, equal=_same_pictures, unit="s")


class Fresh:
    """A function of an area in a process of its own, run once; one of its figures counts."""

    def __init__(self, figure: str, call: str, module: str = "image_loader") -> None:
        self.figure, self.call, self.module = figure, call, module

    def run(self) -> tuple[Any, float]:
        if self.call not in _figures:
            own = f"from benchmarks import {self.module} as own"
            code = f"import json; {own}; print(json.dumps(own.{self.call}))"
            ended = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code],
                cwd=paths.repository(),
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                check=True,
            )
            _figures[self.call] = json.loads(ended.stdout.splitlines()[-1])
        return None, _figures[self.call][self.figure]


_figures: dict[str, Any] = {}


def _memory(files: _Files) -> Case:
    folder = str(files.paths[0].parent)
    peers: dict[str, Measured] = {"fastai": Fresh("megabytes", f"their_memory({folder!r})")}
    ours = Fresh("megabytes", f"our_memory({folder!r})")
    return Case("memory", ours, peers, unit="MB")


def our_memory(folder: str) -> dict[str, float]:
    """The peak of an epoch over a folder's files, each many times."""
    import fastai.vision.all  # noqa: F401 - a learner loads it on both sides

    from common.data.images import ImageDataset, ImageLoader, Target

    files = sorted(Path(folder).iterdir())
    dataset = ImageDataset(files * TIMES, target=Target(224, 224, method="crop"))
    list(map(len, ImageLoader(dataset, policy=None, bs=BATCH)))
    return {"megabytes": peak_megabytes()}


def their_memory(folder: str) -> dict[str, float]:
    """The same with fastai: the most that this process had at the end of a batch, and its workers
    for themselves alone."""
    import fastai.vision.all  # noqa: F401 - see above

    loader = stock_loader(sorted(Path(folder).iterdir()) * TIMES, 224)
    return {"megabytes": max(_megabytes_of_all() for _ in loader)}


def peak_megabytes() -> float:
    """Megabytes that this process had at most. (`ru_maxrss` would count its parent's as well.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _megabytes_of_all() -> float:
    own = os.getpid()
    workers = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    return (_kilobytes(own, "Rss:") + sum(_kilobytes(pid, "Private_") for pid in workers)) / 1024


def _kilobytes(pid: int | str, kind: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except ProcessLookupError:  # a worker that has ended
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind))


def _size_of_the_set(work: Path) -> list[Case]:
    """Two epochs, of which the first fills a cache: per picture they cost the same in a small set
    as in a large one, and hardly more memory."""
    few, many = (f"two_epochs({str(work)!r}, {n})" for n in (FEW, MANY))
    return [
        Case(f"{name}_{MANY}", Fresh(figure, many), {f"{FEW:,}": Fresh(figure, few)}, unit=unit)
        for name, figure, unit in (("cost", "seconds", "CPU s"), ("memory", "megabytes", "MB"))
    ]


def two_epochs(work: str, n: int) -> dict[str, float]:
    """Over n links to a few small pictures."""
    from common.data.images import ImageDataset, ImageLoader, Target

    folder = Path(work) / f"set of {n}"
    small = Photos(96, 96, falloff=1.5, noise=3, n=4).write(folder)
    links = [f"{folder}/link {k}.jpg" for k in range(n)]
    for k, link in enumerate(links):
        os.link(small[k % len(small)], link)
    warm = ImageDataset(small, target=Target(64, 64))
    list(map(len, ImageLoader(warm, policy=None)))
    started = cpu_seconds()
    dataset = ImageDataset(links, target=Target(64, 64), cache=folder / "cache")
    loader = ImageLoader(dataset, policy=None, bs=BATCH, shuffle=True)
    for _ in range(2):
        list(map(_rows, loader))
    return {"seconds": (cpu_seconds() - started) / n, "megabytes": peak_megabytes()}


def _rows(batch: Any) -> int:
    return len(batch[0])
