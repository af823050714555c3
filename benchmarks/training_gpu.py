"""The training loop on a GPU: ResNet-50 at 224 pixels, pictures of noise that lie on the device.

Seconds on the clock, between two moments at which the device has done all that it was given.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks import training_loops as loops
from benchmarks.image_reader import SMALL
from benchmarks.runner import Case, Measured
from benchmarks.training_loops import Batches, InMemory, Task

ROWS, SIDE = 128, 224
WARM_UP, TIMED = 20, 50  # steps
SAME = 1.0  # of the loss, after so few steps in half precision; it begins at 2.3
PICTURES = 4096  # of an epoch from files


def cases(work: Path) -> list[Case]:
    from common.train.precision import best_precision

    torch.backends.cudnn.benchmark = True
    dtype = best_precision(torch.device("cuda"))
    task = Task(_net, Timed(_batches()), {"precision": "auto", "memory_format": "auto"})
    peers: dict[str, Measured] = {
        "hand-written loop": Paced(lambda same: _by_hand(same, dtype), task),
        "fastai": Paced(loops.fastai, task),
    }
    peers.update(_timm(dtype))
    ours = Paced(loops.ours, task)
    few = replace(SMALL, n=8).write(work / "photographs of a GPU")
    return [
        Case("gpu_resnet50", ours, peers, equal=_alike, unit="s per picture"),
        Case("gpu_wait", Waiting(work, few), unit="of the time"),
    ]


def _net() -> nn.Module:
    return loops.residual_net(50).cuda()


def _batches() -> Batches:
    generator = torch.Generator("cuda").manual_seed(0)
    pictures = torch.randn(ROWS, 3, SIDE, SIDE, generator=generator, device="cuda")
    return [(pictures, torch.arange(ROWS, device="cuda") % 10)] * (WARM_UP + TIMED)


class Timed(InMemory):
    """Notes the time after the warm-up and at the end; every loop goes through it."""

    seconds = 0.0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        began = 0.0
        for number, batch in enumerate(self.batches):
            if number == WARM_UP:
                torch.cuda.synchronize()
                began = time.perf_counter()
            yield batch
        torch.cuda.synchronize()
        self.seconds = (time.perf_counter() - began) / TIMED / ROWS


@dataclass
class Paced:
    """A loop over the timed loader; the result is the loss that the trained net has."""

    loop: Callable[[Task], nn.Module]
    task: Task

    def run(self) -> tuple[Any, float]:
        net = self.loop(self.task).cuda()
        inputs, targets = self.task.loader.batches[0]
        with torch.no_grad():
            loss = nn.functional.cross_entropy(net(inputs).float(), targets)
        return float(loss), self.task.loader.seconds


def _alike(ours: float, theirs: float) -> bool:
    """Both learnt the one batch by heart; rates and precision differ."""
    return math.isnan(theirs) or abs(ours - theirs) < SAME


def _by_hand(task: Task, dtype: str) -> nn.Module:
    """Mixed precision, channels_last, fused AdamW, one cycle."""
    net, loss_of = task.net().to(memory_format=torch.channels_last), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    n_steps = len(task.loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, n_steps)
    scaler = torch.amp.GradScaler("cuda", enabled=dtype == "float16")
    for inputs, targets in task.loader:
        with torch.autocast("cuda", getattr(torch, dtype), enabled=dtype != "float32"):
            outputs = net(inputs.contiguous(memory_format=torch.channels_last))
        scaler.scale(loss_of(outputs.float(), targets)).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        schedule.step()
    return net


def _timm(dtype: str) -> dict[str, Measured]:
    """timm's own benchmark.py, where its folder is on PYTHONPATH; its package does not hold it."""
    if importlib.util.find_spec("benchmark") is None:
        print("training: timm's benchmark.py is not on PYTHONPATH, so it is left out")
        return {}

    class Timm:
        def run(self) -> tuple[Any, float]:
            benchmark = importlib.import_module("benchmark")
            precision = {"bfloat16": "amp_bfloat16", "float16": "amp"}.get(dtype, "float32")
            runner = benchmark.TrainBenchmarkRunner(
                "resnet50",
                device="cuda",
                precision=precision,
                channels_last=True,
                batch_size=ROWS,
                num_classes=10,
            )
            return math.nan, 1 / float(runner.run()["train_samples_per_sec"])

    return {"timm": Timm()}


@dataclass
class Waiting:
    """The share of an epoch in which the loop waits for its loader: pictures out of the cache,
    which a first epoch has filled."""

    work: Path
    few: list[Path]

    def run(self) -> tuple[Any, float]:
        from common.augment import photographs
        from common.data.images import ImageDataset, ImageLoader, Target

        waited = [0.0, 0.0]  # in each epoch
        began: list[float] = []

        class Noted(ImageLoader):
            def __iter__(self) -> Iterator[Any]:
                batches = iter(super().__iter__())
                began.append(time.perf_counter())
                while True:
                    asked = time.perf_counter()
                    batch = next(batches, None)
                    waited[len(began) - 1] += time.perf_counter() - asked
                    if batch is None:
                        return
                    yield batch

        files = [self.few[k % len(self.few)] for k in range(PICTURES)]
        dataset = ImageDataset(
            files,
            [k % 2 for k in range(PICTURES)],
            target=Target(SIDE, SIDE, method="crop"),
            vocab=[0, 1],
            cache=self.work / "cache of a GPU",
        )
        loader = Noted(dataset, policy=photographs(), bs=ROWS, shuffle=True, device="cuda")
        loops.ours(Task(_net, loader, {"epochs": 2, "precision": "auto", "memory_format": "auto"}))
        torch.cuda.synchronize()
        return None, waited[1] / (time.perf_counter() - began[1])
