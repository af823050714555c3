"""The training loop: plain torch over the parts of a fastai Learner.

It reads from top to bottom. From the Learner it takes `dls`, `model`, `loss_func`, `splitter` and
the callbacks that carry training logic; rates, epochs and decay come from the settings. At the
same optimizer and rate it gives the same weights as fastai's own loop, bit for bit.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from fastai.learner import Learner
from fastai.torch_core import to_device
from tqdm.auto import tqdm

from common.errors import RunError
from common.metrics import Metric
from common.randomness import generators_restored, seed_generators
from common.train.callbacks import Events
from common.train.history import EpochRow, History
from common.train.optimizer import make_optimizer, set_step
from common.train.schedule import Schedule, make_schedule
from common.train.settings import TrainSettings


class Validator(Protocol):
    """Scores the valid set as a whole, never batch by batch."""

    def begin(self) -> None:
        """Forgets what was added."""

    def add(self, raw: Any) -> int:
        """Takes the net's raw output for a batch of the valid loader; gives its rows."""

    def finish(self) -> float:
        """The score of everything that was added."""


@dataclass(frozen=True)
class Steps:
    """What happens to one batch.

    Args:
        forward: the net's raw output for `learner.xb`.
        loss: the loss of `learner.pred` against `learner.yb`, a scalar.
    """

    forward: Callable[[Learner], Any]
    loss: Callable[[Learner], torch.Tensor]


def fit(
    learner: Learner,
    settings: TrainSettings,
    *,
    metric: Metric,
    steps: Steps,
    validator: Validator | None,
    seed: int,
    say: Callable[[str], None] = print,
) -> History:
    """Trains `learner.model` in place and gives the course of the fit.

    Args:
        metric: of the score that `validator` gives; its direction picks the best epoch.
        validator: None where nothing is held out.
        say: takes one line per epoch.

    Raises: RunError where the loss is no longer finite; UsageError for a callback that the loop
    does not run.
    """
    train = learner.dls.train
    schedule = make_schedule(settings, settings.epochs * len(train))
    optimizer = make_optimizer(learner, settings)
    events = Events(learner, settings.epochs)
    history = History(metric.name)
    keeper = _Keeper(learner.model, metric, settings.keep)

    with generators_restored():
        events("before_fit")
        for epoch in range(settings.epochs):
            started = time.perf_counter()
            learner.epoch = epoch
            events("before_epoch")
            loss = _train_epoch(learner, steps, optimizer, schedule, events, seed, history)
            row: EpochRow = {"epoch": epoch + 1, "train_loss": loss}
            if validator is not None:
                row["valid_loss"], row[metric.name] = _validate(learner, steps, validator, events)
            events("after_epoch")
            row["lr"] = history.steps[-1]["lr"]
            row["seconds"] = round(time.perf_counter() - started, 3)
            history.epochs.append(row)
            star = keeper.sees(epoch + 1, row.get(metric.name))
            say(_line(row, settings.epochs, metric.name, star))
        events("after_fit")
    history.kept_epoch = keeper.restore()
    learner.model.eval()
    return history


def _train_epoch(
    learner: Learner,
    steps: Steps,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    events: Events,
    seed: int,
    history: History,
) -> float:
    """One pass over the training rows; gives the mean loss per row."""
    loader = learner.dls.train
    if hasattr(loader, "set_epoch"):
        loader.set_epoch(learner.epoch)
    learner.dl, learner.n_iter, learner.training = loader, len(loader), True
    learner.model.train()
    first_step = learner.epoch * len(loader)
    losses: list[torch.Tensor] = []
    n_rows: list[int] = []

    events("before_train")
    for position, batch in enumerate(_with_bar(loader, f"epoch {learner.epoch + 1}")):
        step = first_step + position
        seed_generators(seed, "step", step)
        learner.iter = position
        learner.xb, learner.yb = _split(learner, batch)
        events("before_batch")

        learner.pred = steps.forward(learner)
        events("after_pred")
        learner.loss_grad = steps.loss(learner)
        learner.loss = learner.loss_grad.detach().clone()
        events("after_loss")

        events("before_backward")
        learner.loss_grad.backward()
        events("after_backward")
        set_step(optimizer, schedule, step)
        events("before_step")
        optimizer.step()
        events("after_step")
        optimizer.zero_grad()

        losses.append(learner.loss)
        n_rows.append(_count_rows(batch))
        events.advance()
        events("after_batch")
    events("after_train")

    values: list[float] = (
        torch.stack(losses).float().cpu().tolist()
    )  # one wait for the device per epoch
    _record(history, schedule, first_step, values)
    return sum(value * n for value, n in zip(values, n_rows, strict=True)) / sum(n_rows)


def _validate(
    learner: Learner, steps: Steps, validator: Validator, events: Events
) -> tuple[float, float]:
    """Mean loss per row and score on the whole valid set, with the net in eval mode."""
    loader = learner.dls.valid
    learner.dl, learner.n_iter, learner.training = loader, len(loader), False
    learner.model.eval()
    total, n_rows = 0.0, 0
    validator.begin()
    events("before_validate")
    with torch.no_grad():
        for position, batch in enumerate(loader):
            learner.iter = position
            learner.xb, learner.yb = _split(learner, batch)
            events("before_batch")
            learner.pred = steps.forward(learner)
            events("after_pred")
            learner.loss = learner.loss_grad = steps.loss(learner)
            events("after_loss")
            rows = validator.add(learner.pred)
            total += float(learner.loss) * rows
            n_rows += rows
            events("after_batch")
    events("after_validate")
    return total / max(1, n_rows), validator.finish()


def _record(history: History, schedule: Schedule, first_step: int, losses: list[float]) -> None:
    """Adds an epoch's steps to the history; stops at a loss that is not finite."""
    for step, loss in enumerate(losses, start=first_step):
        if not math.isfinite(loss):
            raise RunError(
                f"the loss is {loss} in step {step}; expected a finite number: lower the rate "
                "with --set learning_rate=…"
            )
        rate, momentum = float(schedule.rates[step]), float(schedule.momenta[step])
        history.steps.append({"step": step, "lr": rate, "momentum": momentum, "loss": loss})


class _Keeper:
    """Remembers which epoch's weights the fit ends with."""

    def __init__(self, model: torch.nn.Module, metric: Metric, keep: str) -> None:
        self.model, self.metric, self.keep = model, metric, keep
        self.best: float | None = None
        self.epoch = 0
        self.weights: dict[str, torch.Tensor] | None = None

    def sees(self, epoch: int, score: float | None) -> bool:
        """Takes an epoch's score; True where it is the best so far."""
        is_best = score is not None and self.metric.is_better(score, self.best)
        if is_best:
            self.best = score
        if self.keep == "last" or score is None:
            self.epoch = epoch
        elif is_best:
            self.epoch = epoch
            self.weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        return is_best

    def restore(self) -> int:
        """Puts the kept weights back and gives their epoch."""
        if self.weights is not None:
            self.model.load_state_dict(self.weights)
        return self.epoch


def _split(learner: Learner, batch: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The inputs and the targets of a batch, where the model is."""
    batch = to_device(batch, next(learner.model.parameters()).device)
    n_inputs = getattr(learner.dls, "n_inp", 1 if len(batch) == 1 else len(batch) - 1)
    return tuple(batch[:n_inputs]), tuple(batch[n_inputs:])


def _count_rows(batch: Any) -> int:
    """How many samples a batch holds: the length of its first tensor or list."""
    first = batch[0] if isinstance(batch, (tuple, list)) else batch
    return len(first)


def _with_bar(loader: Iterable[Any], name: str) -> Iterable[Any]:
    """A progress bar that erases itself; none is made where the output is no terminal, because one
    that Ctrl-C cuts short while it is being made prints an error of its own."""
    if not sys.stderr.isatty():
        return loader
    bar: Iterable[Any] = tqdm(loader, desc=name, leave=False)
    return bar


def _line(row: EpochRow, n_epochs: int, metric: str, star: bool) -> str:
    """One epoch as a line of a log; a star marks the best score so far."""
    parts = [f"epoch {row['epoch']:>2.0f}/{n_epochs}", f"train_loss {row['train_loss']:.4f}"]
    if metric in row:
        parts.append(f"valid_loss {row['valid_loss']:.4f}")
        parts.append(f"{metric} {row[metric]:.4f}{'*' if star else ' '}")
    return "  ".join([*parts, f"lr {row['lr']:.1e}", f"{row['seconds']:.1f} s"])
