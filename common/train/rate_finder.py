"""The learning-rate finder: a short sweep over rates, and the rate that its curve suggests."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.learner import Learner

from common import files
from common.errors import DataError, RunError, UsageError
from common.randomness import generators_restored, seed_generators
from common.train.batches import inputs_and_targets, on_device
from common.train.callbacks import Events
from common.train.history import read_rows
from common.train.optimizer import make_optimizer, set_step
from common.train.settings import TrainSettings
from common.train.stepping import Steps

CURVE, RATE = "rate_finder.csv", "rate.json"
RULE = "valley"
SMOOTHING = 0.98  # of the running mean of the losses
BLOW_UP = 4.0  # times the lowest loss; beyond it the sweep ends
FIRST_SHARE, N_LAST = 10, 5  # a tenth at the start and five steps at the end are not looked at
FEWEST_STEPS = 20
FEWEST_FALLS = 5  # steps that a stretch has to go down to be one


@dataclass(frozen=True)
class RateCurve:
    """What a sweep found.

    Args:
        rates: of the optimizer's step, rising, (n,); with groups of rates the highest of them.
        losses: the running mean of the losses, (n,).
        choice: the rate to train with, one of `rates`.
    """

    rates: np.ndarray
    losses: np.ndarray
    choice: float

    def save(self, folder: Path) -> None:
        """Writes `rate_finder.csv` and `rate.json`."""
        rows = zip(self.rates.tolist(), self.losses.tolist(), strict=True)
        lines = ["rate,loss", *(f"{rate!r},{loss!r}" for rate, loss in rows)]
        files.write_text(folder / CURVE, "\n".join(lines) + "\n")
        files.write_json(folder / RATE, {"rate": self.choice, "rule": RULE})

    @classmethod
    def load(cls, folder: Path) -> RateCurve:
        """The curve that was saved in a folder.

        Raises: DataError where it is missing, cut or edited.
        """
        found = files.read_json(folder / RATE)
        path = folder / CURVE
        if not path.is_file():
            raise DataError(f"{path} is missing")
        try:
            rows = read_rows(path)
            rates = np.array([row["rate"] for row in rows])
            losses = np.array([row["loss"] for row in rows])
            return cls(rates, losses, float(found["rate"]))
        except (KeyError, TypeError, ValueError):
            raise DataError(
                f"{path} or {RATE} beside it is not what the rate finder wrote; delete both"
            ) from None


def find_rate(
    learner: Learner,
    settings: TrainSettings,
    steps: Steps,
    *,
    seed: int,
    n_steps: int = 100,
    lowest: float = 1e-7,
    highest: float = 10.0,
) -> RateCurve:
    """Trains for some steps at rates that rise geometrically, and leaves the learner as it was.

    The net's parameters, buffers and modes, the loaders' order and the global generators are the
    same to the last bit afterwards. A train loader with fewer batches is gone through again. The
    sweep ends early where the running mean of the losses is beyond four times its lowest, or where
    a loss is not finite. Rates of parameter groups keep their ratios.

    Args:
        settings: whose weight decay and groups of rates are used; its learning rate is not.
        steps: what happens to a batch, as in `fit`.

    Raises: RunError where no rate can be chosen; UsageError for fewer than 20 steps, and for a
    callback that the training loop does not run.
    """
    if n_steps < FEWEST_STEPS:
        raise UsageError(f"{n_steps} steps are too few to find a rate; expected {FEWEST_STEPS}")
    rates = np.geomspace(lowest, highest, n_steps)
    with _as_it_was(learner), generators_restored():
        losses = np.array(_sweep(learner, settings, steps, rates, seed))
    return RateCurve(rates[: len(losses)], losses, _choose(rates, losses))


# ---- the sweep ----------------------------------------------------------------------------------


def _sweep(
    learner: Learner, settings: TrainSettings, steps: Steps, rates: np.ndarray, seed: int
) -> list[float]:
    """The running mean of the losses, one for each rate that was reached."""
    optimizer = make_optimizer(learner, settings)
    n_batches = len(learner.dls.train)
    if n_batches == 0:
        raise RunError("the train loader has no batch; lower the batch size")
    events = Events(learner, math.ceil(len(rates) / n_batches))
    mean, curve = _RunningMean(), []

    events("before_fit")
    batches = _batches(learner, events)
    for step, rate in enumerate(rates.tolist()):
        batch = next(batches)
        seed_generators(seed, "rate finder", step)  # after the loader, which may draw
        learner.xb, learner.yb = batch
        set_step(optimizer, rate, settings.momentum)
        loss = _step(learner, steps, optimizer, events)
        if not math.isfinite(loss):
            break
        curve.append(mean.add(loss))
        if curve[-1] > BLOW_UP * min(curve):
            break
    batches.close()
    events("after_train")
    events("after_epoch")
    events("after_fit")
    return curve


def _batches(learner: Learner, events: Events) -> Generator[tuple[Any, Any]]:
    """Inputs and targets of the train loader, epoch after epoch without an end."""
    loader = learner.dls.train
    learner.dl, learner.n_iter, learner.training = loader, len(loader), True
    device = next(learner.model.parameters()).device
    for epoch in itertools.count():
        if epoch:
            events("after_train")
            events("after_epoch")
        if hasattr(loader, "set_epoch"):
            loader.set_epoch(epoch)
        learner.epoch = epoch
        events("before_epoch")
        learner.model.train()
        events("before_train")
        for position, batch in enumerate(loader):
            learner.iter = position
            batch = on_device(batch, device)
            yield inputs_and_targets(batch, getattr(learner.dls, "n_inp", None))


def _step(
    learner: Learner, steps: Steps, optimizer: torch.optim.Optimizer, events: Events
) -> float:
    """One step of training, with fastai's events; gives the loss."""
    events("before_batch")
    learner.pred = steps.forward(learner)
    events("after_pred")
    learner.loss_grad = steps.loss(learner)
    learner.loss = learner.loss_grad.detach().clone()
    events("after_loss")
    events("before_backward")
    learner.loss_grad.backward()
    events("after_backward")
    events("before_step")
    optimizer.step()
    events("after_step")
    optimizer.zero_grad()
    events.advance()
    events("after_batch")
    return float(learner.loss)


class _RunningMean:
    """An exponential mean without the pull of its start."""

    def __init__(self) -> None:
        self.value, self.weight = 0.0, 0.0

    def add(self, loss: float) -> float:
        """Takes a loss; gives the mean of all so far, the latest weighing most."""
        self.value = SMOOTHING * self.value + (1 - SMOOTHING) * loss
        self.weight = SMOOTHING * self.weight + (1 - SMOOTHING)
        return self.value / self.weight


@contextmanager
def _as_it_was(learner: Learner) -> Iterator[None]:
    """Puts a learner back as it was, to the last bit."""
    model, loader, loss_func = learner.model, learner.dls.train, learner.loss_func
    kept = {name: value.detach().clone() for name, value in _tensors(model)}
    modes = [(module, module.training) for module in model.modules()]
    drawn = getattr(loader, "rng", None)  # fastai's loaders replace theirs in every epoch
    state = drawn.getstate() if drawn is not None else None
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in _tensors(model):
                value.copy_(kept[name])
        model.zero_grad()
        if hasattr(model, "reset"):  # forgets the hidden state of a recurrent net
            model.reset()
        for module, mode in modes:
            module.training = mode
        if drawn is not None:
            drawn.setstate(state)
            loader.rng = drawn
        if hasattr(loader, "set_epoch"):
            loader.set_epoch(0)
        learner.loss_func = loss_func
        learner.pred = learner.loss_grad = None  # the graph of the last step, and its memory


def _tensors(model: torch.nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters and buffers by name, those that no state_dict holds included."""
    return [*model.named_parameters(), *model.named_buffers()]


# ---- the choice ---------------------------------------------------------------------------------


def _choose(rates: np.ndarray, losses: np.ndarray) -> float:
    """The rate in the valley of a curve.

    Raises: RunError where the curve has none.
    """
    first = len(rates) // FIRST_SHARE
    seen = losses[first : max(first, len(losses) - N_LAST)].tolist()
    end, length = longest_fall(seen)
    if length < FEWEST_FALLS:
        reached = f"{rates[max(0, len(losses) - 1)]:.1e}"
        raise RunError(
            f"the rate finder found no rate: between {rates[0]:.1e} and {reached} the loss never "
            "falls for long; expected targets that can be learned: look at them and at loss(), or "
            "set learning_rate"
        )
    return float(rates[first + valley(end, length)])


def valley(end: int, length: int) -> int:
    """The position in the middle of a stretch of so many points that ends there.

    The middle is that of the second of three equal parts, each cut to whole points.

    Source: the rule "valley" of fastai's `lr_find`,
    https://docs.fast.ai/callback.schedule.html#learner.lr_find
    """
    return max(0, end - length + length // 3 + length // 6)


def longest_fall(values: Sequence[float]) -> tuple[int, int]:
    """Where the longest falling subsequence ends, and its length.

    Points between that are higher are passed over, so that a curve that jitters on its way down is
    still one stretch. Of equally long ones it is the one that ends first; (0, 0) without values.

    >>> longest_fall([5.0, 3.0, 4.0, 2.0, 6.0, 1.0, 7.0])  # 5, 3, 2, 1
    (5, 4)
    """
    lowest_ends: list[float] = []  # of the falls of length 1, 2, …: the highest end, negated
    end = longest = 0
    for position, value in enumerate(values):
        place = bisect.bisect_left(lowest_ends, -value)
        lowest_ends[place : place + 1] = [-value]
        if place + 1 > longest:
            end, longest = position, place + 1
    return end, longest
