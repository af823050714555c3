"""The training loop: what a step costs beside the net, and what lasting costs.

Loops first train at a constant rate with one optimizer on all sides, and their weights are
compared; what is measured then is each side as it is used. One thread, so that CPU time is time.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import training_loops as loops
from benchmarks.image_loader import Fresh, peak_megabytes
from benchmarks.image_reader import SMALL
from benchmarks.runner import Case, Measured, Process
from benchmarks.training_loops import Task, perceptron_task, resnet_task, weights

STEPS = 1000  # of the tiny net
FEW, MANY = 2, 10  # batches of resnet18, until weights are compared, and measured
PICTURES = 512  # of an epoch that is cut in half
BATCH = 32

Loop = Callable[[Task], Any]


def cases(work: Path) -> list[Case]:
    torch.set_num_threads(1)
    found = [_overhead(), _resnet(), _checkpoints(work), _resume(work), _memory()]
    if not torch.cuda.is_available():
        print("training: no CUDA device, so the cases on a GPU are left out")
        return found
    gpu = importlib.import_module("benchmarks.training_gpu")
    return [*found, *gpu.cases(work)]


# ---- a step -------------------------------------------------------------------------------------


@dataclass
class Trained:
    """CPU seconds of a loop, per unit; the result is the weights that `compared` ends with.

    Args:
        less: what is taken off: the loop that nobody can do without.
    """

    loop: Loop
    compared: Loop
    task: Task
    small: Task
    n_units: int
    less: Loop | None = None
    result: torch.Tensor | None = field(default=None, init=False)

    def run(self) -> tuple[Any, float]:
        if self.result is None:
            self.result = weights(self.compared(self.small))
            self.loop(self.small)  # what is loaded or made once is not measured
        taken = cpu_seconds(self.loop, self.task)
        if self.less is not None:
            taken -= cpu_seconds(self.less, self.task)
        return self.result, taken / self.n_units


def cpu_seconds(loop: Loop, task: Task) -> float:
    """What a loop takes, threads included."""
    gc.collect()
    started = time.process_time()
    loop(task)
    return time.process_time() - started


def _overhead() -> Case:
    """Beside forward and backward: ours with schedule, EMA, clipping, bar and keyed draws; fastai
    with its one cycle and no bar; Lightning with nothing but the optimizer."""

    def side(loop: Loop, compared: Loop) -> Trained:
        task, few = perceptron_task(STEPS), perceptron_task(20)
        return Trained(loop, compared, task, few, STEPS, loops.forward_and_backward)

    peers: dict[str, Measured] = {"fastai": side(loops.fastai, loops.fastai_compared)}
    lightning = loops.lightning()
    if lightning is not None:
        peers["lightning"] = side(lightning, lightning)
    return Case("overhead", side(loops.ours, loops.ours_compared), peers, equal=torch.equal)


class Apart:
    """A loop in a fresh process for every sample. In one that has trained before, or by luck of
    where its memory lies, an optimizer with many temporary tensors is up to a quarter faster."""

    def __init__(self, loop: str, compared: str) -> None:
        self.loop, self.compared = loop, compared
        self.digest = ""

    def run(self) -> tuple[Any, float]:
        self.digest = self.digest or _printed_by(f"digest({self.compared!r})")
        return self.digest, float(_printed_by(f"seconds_per_picture({self.loop!r})"))


def _printed_by(call: str) -> str:
    """The last line of a process that prints what a function of this module gives."""
    code = f"from benchmarks import training; print(training.{call})"
    return Process((sys.executable, "-W", "ignore", "-c", code)).run()[0]


def digest(loop: str) -> str:
    """Of resnet18's weights after a few steps."""
    torch.set_num_threads(1)
    values = weights(getattr(loops, loop)(resnet_task(FEW))).numpy()
    return hashlib.blake2b(values.tobytes(), digest_size=8).hexdigest()


def seconds_per_picture(loop: str) -> float:
    """CPU seconds of this process from the third step of resnet18 to the last."""
    torch.set_num_threads(1)
    task, began = resnet_task(FEW + MANY), []

    class Noted(loops.InMemory):
        def __iter__(self) -> Iterator[Any]:
            for batch in self.batches:
                began.append(time.process_time())
                yield batch
            began.append(time.process_time())

    getattr(loops, loop)(replace(task, loader=Noted(task.loader.batches)))
    return (began[-1] - began[FEW]) / MANY / BATCH


def _resnet() -> Case:
    """resnet18 at 64 pixels; per picture."""
    peers: dict[str, Measured] = {
        "fastai": Apart("fastai", "fastai_compared"),
        "bare loop": Apart("bare", "bare"),
    }
    return Case("resnet18", Apart("ours", "ours_compared"), peers)


# ---- checkpoints --------------------------------------------------------------------------------


@dataclass
class CheckpointShare:
    """What copying and writing a checkpoint takes, as a share of the time between two."""

    folder: Path

    def run(self) -> tuple[Any, float]:
        from common.session import CHECKPOINT_EVERY
        from common.train.checkpoint import COST, Checkpoints

        if not any(self.folder.glob("*")):
            _leave_checkpoint(self.folder)
        checkpoints = Checkpoints(self.folder)
        state = checkpoints.load()
        assert state is not None
        started = time.process_time()
        checkpoints.save(state, wait=True)
        taken = time.process_time() - started
        return None, taken / max(CHECKPOINT_EVERY, COST * checkpoints.cost)


def _leave_checkpoint(folder: Path) -> None:
    """Trains ResNet-34 with AdamW for a step, and is asked to end."""
    folder.mkdir(exist_ok=True)
    task = loops.with_checkpoints(resnet_task(2, rows=2, depth=34), folder)
    _stopped_after(1, task)


def _stopped_after(n_steps: int, task: Task) -> None:
    """Our loop, to which the system's signal to end comes in its nth step."""
    from common.train.interrupts import Stopped

    net, done = task.net(), 0

    def count(*anything: Any) -> None:
        nonlocal done
        done += 1
        if done == n_steps:
            os.kill(os.getpid(), signal.SIGTERM)

    net.register_forward_pre_hook(count)
    try:
        loops.ours(Task(lambda: net, task.loader, task.options, task.company, task.valid))
    except Stopped:
        return
    raise AssertionError("the loop did not stop")


def _checkpoints(work: Path) -> Case:
    return Case("checkpoints", CheckpointShare(work / "resnet34"), unit="of the time")


# ---- going on -----------------------------------------------------------------------------------


@dataclass
class GoingOn:
    """The second half of an epoch over JPEGs, after an end in its middle. The result is which rows
    were decoded; the figure what it takes until the first step, beyond what a whole epoch takes
    until its own, as a share of an epoch."""

    work: Path
    files: list[Path]

    def run(self) -> tuple[Any, float]:
        folder = self.work / "half"
        folder.mkdir(exist_ok=True)
        task, read = _picture_task(self.files)
        began = time.process_time()
        first = _until_first_step(task)
        epoch = time.process_time() - began
        half = len(task.loader) // 2
        _stopped_after(half, loops.with_checkpoints(task, folder))
        read.clear()
        again = _until_first_step(loops.with_checkpoints(task, folder))
        for file in folder.iterdir():
            file.unlink()
        return sorted(read), max(again - first, 1e-6) / epoch


@dataclass
class SecondHalf:
    """The rows that are left in the middle of an epoch, by its order alone; the figure is one."""

    files: list[Path]

    def run(self) -> tuple[Any, float]:
        from common.train.feeding import Feed

        task, _ = _picture_task(self.files)
        feed = Feed(task.loader, seed=0, epoch=0)
        next(iter(feed))
        assert feed.order is not None
        left = [int(row) for row in feed.order[len(task.loader) // 2 * BATCH :]]
        return sorted(left), 1.0


def _picture_task(files: list[Path]) -> tuple[Task, list[int]]:
    """A small net over files that are decoded every time, and the rows that were."""
    from common.augment import unchanged
    from common.data.images import ImageDataset, ImageLoader, Target

    decoded: list[int] = []

    class Counting(ImageDataset):
        def read(self, positions: np.ndarray, pictures: np.ndarray, masks: Any) -> None:
            decoded.extend(positions.tolist())
            super().read(positions, pictures, masks)

    labels = np.arange(len(files)) % 2
    dataset = Counting(files, labels, target=Target(64, 64, method="crop"), vocab=[0, 1])
    loader = ImageLoader(dataset, policy=unchanged(), bs=BATCH, shuffle=True, threads=1)
    return Task(_small_net, loader), decoded


def _small_net() -> torch.nn.Module:
    from torch import nn

    torch.manual_seed(0)
    body = (nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(8, 2))


def _until_first_step(task: Task) -> float:
    """CPU seconds of this thread from calling the loop to its first forward pass. What other
    threads decode meanwhile is decoded in any case."""
    net, at_first = task.net(), []

    def note(*anything: Any) -> None:
        at_first.append(time.thread_time())

    net.register_forward_pre_hook(note)
    started = time.thread_time()
    loops.ours(Task(lambda: net, task.loader, task.options, task.company, task.valid))
    return at_first[0] - started


def _resume(work: Path) -> Case:
    few = replace(SMALL, n=8).write(work / "photographs")
    files = [few[k % len(few)] for k in range(PICTURES)]
    peers: dict[str, Measured] = {"an epoch": SecondHalf(files)}
    return Case("resume", GoingOn(work, files), peers, unit="of an epoch")


# ---- memory -------------------------------------------------------------------------------------


def _memory() -> Case:
    peers: dict[str, Measured] = {"fastai": _fresh("fastai")}
    return Case("memory", _fresh("ours"), peers, unit="MB")


def _fresh(loop: str) -> Fresh:
    return Fresh("megabytes", f"peak_of({loop!r})", module="training")


def peak_of(loop: str) -> dict[str, float]:
    """The peak of a process that trains resnet18 for some steps, in megabytes."""
    torch.set_num_threads(1)
    getattr(loops, loop)(resnet_task(8))
    return {"megabytes": peak_megabytes()}
