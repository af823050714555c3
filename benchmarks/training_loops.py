"""The same training by several loops: the kit's, fastai's, a bare one, Lightning's."""

from __future__ import annotations

import copy
import importlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.metrics import accuracy
from common.train import Company, Steps, TrainSettings, fit

Batches = list[tuple[torch.Tensor, torch.Tensor]]

RATE = 1e-3  # where it is constant, so that weights can be compared
STEPS = Steps(
    forward=lambda learner: learner.model(*learner.xb),
    loss=lambda learner: learner.loss_func(learner.pred, *learner.yb),
)


class InMemory:
    """A loader of batches that are there already."""

    def __init__(self, batches: Batches) -> None:
        self.batches, self.device = batches, batches[0][0].device

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.batches)

    def set_epoch(self, epoch: int) -> None:
        """Nothing is drawn."""

    def to(self, device: Any) -> InMemory:
        return self


class Terminal(io.StringIO):
    """Takes a progress bar as a terminal would, and shows it to nobody."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Task:
    """What is trained.

    Args:
        net: makes it, with the same weights each time.
        loader: of the training batches; anything that both loops can iterate.
        options: of TrainSettings.
    """

    net: Callable[[], nn.Module]
    loader: Any
    options: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    valid: Any = None

    def learner(self, **options: Any) -> Any:
        """A fastai Learner over it."""
        from fastai.data.core import DataLoaders
        from fastai.learner import Learner

        loaders = DataLoaders(self.loader, self.valid or self.loader, device=self.loader.device)
        return Learner(loaders, self.net(), loss_func=nn.CrossEntropyLoss(), **options)


def ours(task: Task) -> nn.Module:
    """The kit's loop, with its bar in a terminal."""
    learner = task.learner()
    settings = TrainSettings(**{"epochs": 1, "precision": "float32", **task.options})
    company = Company(say=lambda line: None, **task.company)
    with redirect_stderr(Terminal()):
        fit(
            learner,
            settings,
            metric=accuracy,
            steps=STEPS,
            validator=None,
            seed=0,
            company=company,
        )
    return trained(learner.model)


def ours_compared(task: Task) -> nn.Module:
    """The kit's loop at the constant rate at which loops are compared."""
    same = {"schedule": "constant", "learning_rate": RATE, "weight_decay": 0.0}
    return ours(Task(task.net, task.loader, same))


def fastai(task: Task) -> nn.Module:
    """Stock fastai: one cycle, its own Adam, no bar."""
    import fastai.callback.schedule  # noqa: F401 - it gives a Learner its fit_one_cycle

    learner = task.learner()
    _without_valid(learner, partial(learner.fit_one_cycle, 1))
    return trained(learner.model)


def fastai_compared(task: Task) -> nn.Module:
    """fastai's loop with torch's AdamW at the constant rate."""
    from fastai.optimizer import OptimWrapper

    learner = task.learner(opt_func=partial(OptimWrapper, opt=_constant_adamw))
    _without_valid(learner, partial(learner.fit, 1, RATE))
    return trained(learner.model)


def _without_valid(learner: Any, call: Callable[[], Any]) -> None:
    learner._do_epoch_validate = lambda *args, **options: None
    with learner.no_bar(), learner.no_logging():
        call()


def bare(task: Task) -> nn.Module:
    """The fewest lines that do the work: fused AdamW at one rate."""
    net, loss_of = task.net(), nn.CrossEntropyLoss()
    optimizer = _constant_adamw(net.parameters(), lr=RATE)
    for inputs, targets in task.loader:
        loss_of(net(inputs), targets).backward()
        optimizer.step()
        optimizer.zero_grad()
    return trained(net)


def forward_and_backward(task: Task) -> None:
    """What no loop can leave out."""
    net, loss_of = task.net(), nn.CrossEntropyLoss()
    for inputs, targets in task.loader:
        loss_of(net(inputs), targets).backward()
        net.zero_grad()


def _constant_adamw(parameters: Any, lr: float = RATE, **options: Any) -> torch.optim.AdamW:
    from common.train.schedule import MOMENTUM_HIGH

    betas = (MOMENTUM_HIGH, 0.999)
    return torch.optim.AdamW(parameters, lr, betas, weight_decay=0.0, fused=True, **options)


def lightning() -> Callable[[Task], nn.Module] | None:
    """Lightning's loop, as `bare` does it; None, with a line, where it is not installed."""
    try:
        lightning = importlib.import_module("lightning")
    except ImportError:
        print("training: lightning is not installed, so it is left out")
        return None
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    base: Any = lightning.LightningModule

    class Module(base):  # type: ignore[misc]
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: Any, position: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return _constant_adamw(self.net.parameters())

    def run(task: Task) -> nn.Module:
        module = Module(task.net())
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, task.loader)
        return trained(module.net)

    return run


def trained(net: nn.Module) -> nn.Module:
    """The net in training mode again, so that it is the same whichever loop left it."""
    return net.train()


def weights(net: nn.Module) -> torch.Tensor:
    """All of a net's weights and buffers, float64 (n,)."""
    return torch.cat([value.double().ravel() for value in net.state_dict().values()]).cpu()


# ---- what is trained ----------------------------------------------------------------------------


def perceptron_task(n_batches: int) -> Task:
    """A tiny net: 64 rows of 16 numbers through 32 units, with all that a step of ours can do."""
    generator = torch.Generator().manual_seed(0)
    batches = [
        (torch.randn(64, 16, generator=generator), torch.randint(0, 2, (64,), generator=generator))
        for _ in range(n_batches)
    ]

    def net() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))

    return Task(net, InMemory(batches), {"ema_decay": 0.99, "clip_norm": 1.0})


def resnet_task(n_batches: int, rows: int = 32, side: int = 64, depth: int = 18) -> Task:
    """A residual net over pictures of noise."""
    generator = torch.Generator().manual_seed(0)
    batches = [
        (
            torch.randn(rows, 3, side, side, generator=generator),
            torch.randint(0, 10, (rows,), generator=generator),
        )
        for _ in range(n_batches)
    ]
    net = residual_net(depth)
    return Task(lambda: copy.deepcopy(net), InMemory(batches))


def residual_net(depth: int = 18) -> nn.Module:
    """torchvision's, with ten classes and the same weights each time."""
    import torchvision  # type: ignore[import-untyped]

    torch.manual_seed(0)
    net: nn.Module = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    return net


def with_checkpoints(task: Task, folder: Path) -> Task:
    """The task with checkpoints in a folder."""
    return Task(task.net, task.loader, task.options, {"folder": folder}, task.valid)
