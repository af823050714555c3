"""One optimizer step: forward, loss, backward, update; in parts where memory asks for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from fastai.learner import Learner

from common.errors import RunError
from common.randomness import seed_generators
from common.train.adamw import QuickAdamW
from common.train.batches import (
    count_rows,
    in_parts,
    inputs_and_targets,
    laid_out,
    on_device,
    resized,
)
from common.train.callbacks import Events
from common.train.clipping import clip_gradients
from common.train.ema import WeightAverage
from common.train.feeding import Feed
from common.train.history import EpochRow
from common.train.memory import Memory, is_out_of_memory
from common.train.optimizer import set_step
from common.train.precision import Precision, memory_format
from common.train.schedule import Schedule
from common.train.settings import TrainSettings
from common.train.smoothing import smoothed

if TYPE_CHECKING:
    from common.train.loop import Company

LOOK_EVERY = 50  # steps after which a GPU's losses are looked at
SHOWN = 8  # samples that a message names


@dataclass(frozen=True)
class Place:
    """How far a fit has come: `batch` batches of `epoch` are done, both counted from 0."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True)
class Steps:
    """What happens to one batch.

    Args:
        forward: the net's raw output for `learner.xb`.
        loss: the loss of `learner.pred` against `learner.yb`, a scalar.
    """

    forward: Callable[[Learner], Any]
    loss: Callable[[Learner], torch.Tensor]


class Step:
    """Takes the steps of a fit and keeps what they need: optimizer, scaler, schedule, losses."""

    average: WeightAverage
    optimizer: torch.optim.AdamW
    feed: Feed | None = None

    def __init__(
        self,
        learner: Learner,
        settings: TrainSettings,
        steps: Steps,
        events: Events,
        seed: int,
        company: Company,
    ) -> None:
        self.learner, self.settings, self.steps = learner, settings, steps
        self.events, self.seed, self.ranks = events, seed, company.ranks
        self.names, self.say = company.names, company.say
        self.memory = company.memory or Memory(say=company.say)
        self.device = next(learner.model.parameters()).device
        self.precision = Precision(settings.precision, self.device)
        self.format = memory_format(settings.memory_format, self.device)
        learner.model.to(memory_format=self.format)
        self.n_batches = len(learner.dls.train)
        # asked once: to find it out fastai makes a batch, which draws, or takes a row of a stream
        self.n_inputs = getattr(learner.dls, "n_inp", None)
        self.per_epoch = -(-self.n_batches // settings.accumulate)
        self.n_skipped, self.rate = 0, 0.0
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Forgets the losses of the epoch before."""
        self.losses: list[torch.Tensor] = []
        self.n_rows: list[int] = []
        self.first_unseen = 0

    def begin_phase(
        self, optimizer: torch.optim.AdamW, schedule: Schedule, first_epoch: int
    ) -> None:
        """Takes the optimizer and the schedule of a phase that begins with an epoch."""
        self.optimizer, self.first_epoch = optimizer, first_epoch
        self.quick = QuickAdamW(optimizer)
        self.rates, self.momenta = schedule.rates.tolist(), schedule.momenta.tolist()
        self.trained = [p for group in optimizer.param_groups for p in group["params"]]

    # ---- training ------------------------------------------------------------------------

    def take(self, batches: Sequence[Any], place: Place) -> Place:
        """One step over some batches; gives the place after it."""
        set_aside = self._buffers() if self.settings.skip_nonfinite else None
        loss, n_rows = self._gradients_that_fit(batches, place)
        loss = self.ranks.sum_gradients(self.trained, loss)
        number = (place.epoch - self.first_epoch) * self.per_epoch
        number += place.batch // self.settings.accumulate
        self.rate = self.rates[number]
        if self._is_usable(loss, place, set_aside):
            self._update(self.rate, self.momenta[number])
        for _ in batches:
            self.events.advance()
        self.events("after_batch")
        self.losses.append(loss)
        self.n_rows.append(n_rows)
        if len(self.losses) - self.first_unseen >= LOOK_EVERY:
            self.check_finite()
        return Place(place.epoch, place.batch + len(batches))

    def _gradients_that_fit(self, batches: Sequence[Any], place: Place) -> tuple[torch.Tensor, int]:
        """`_gradients`, begun again with smaller parts where memory does not suffice."""
        while True:
            try:
                return self._gradients(batches, place)
            except (RuntimeError, MemoryError) as error:
                reason = self._out_of_memory(error)
            # outside of the handler, which holds on to the memory of the step that failed
            self._forget_gradients()
            self._halve(batches, reason)

    def _out_of_memory(self, error: Exception) -> str:
        """The first line of an error that a smaller part may not meet; others are raised."""
        if not is_out_of_memory(error):
            raise error
        reason = str(error).splitlines()[0]
        if hasattr(self.learner.model, "reset"):
            raise RunError(
                f"out of memory ({reason}); this net carries its state from batch to batch, so a "
                "batch cannot be taken in parts: set a smaller batch_size"
            )
        return reason

    def _halve(self, batches: Sequence[Any], reason: str) -> None:
        own = [batch for batch in batches if batch is not None]
        self.memory.halve(max(map(count_rows, own)), reason)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _gradients(self, batches: Sequence[Any], place: Place) -> tuple[torch.Tensor, int]:
        """Adds up the gradients of some batches; gives their mean loss and their rows."""
        losses: list[torch.Tensor] = []
        n_rows = 0
        for number, batch in enumerate(batches):
            position = place.batch + number
            step = place.epoch * self.n_batches + position
            seed_generators(self.seed, "step", step, *self.ranks.key)
            self.learner.iter = position
            rows = self._rows_of_all(batch, position)
            n_rows += rows
            if batch is None:  # other processes have all of its rows
                losses.append(self.precision.scaler.scale(torch.zeros((), device=self.device)))
                continue
            batch = on_device(batch, self.device)
            for part in in_parts(batch, self.memory.parts):
                if losses:
                    self.events("after_batch")
                share = count_rows(part) / rows / len(batches)
                losses.append(self._backward(part, share, place.epoch))
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum(), n_rows

    def _rows_of_all(self, batch: Any, position: int) -> int:
        """Rows of a batch over all processes."""
        return (self.feed.n_rows(position) if self.feed else 0) or count_rows(batch)

    def _backward(self, batch: Any, share: float, epoch: int) -> torch.Tensor:
        """The gradients of a part of a step; gives its share of the loss."""
        learner, events = self.learner, self.events
        learner.xb, learner.yb = self._inputs_and_targets(batch)
        if (size := self.settings.size_in(epoch)) is not None:
            learner.xb, learner.yb = resized(learner.xb, learner.yb, size)
        events("before_batch")
        with self.precision.autocast():
            learner.pred = self.steps.forward(learner)
        learner.pred = self.precision.outputs(learner.pred)
        events("after_pred")
        with smoothed(learner.loss_func, self.settings.label_smoothing):
            loss = self.steps.loss(learner)
        # a subclass, as fastai's losses give it, would pass through Python at every use
        learner.loss_grad = loss if type(loss) is torch.Tensor else loss.as_subclass(torch.Tensor)
        learner.loss = learner.loss_grad.detach().clone()
        events("after_loss")  # may add to the loss, so the share is taken afterwards
        if share != 1.0:
            learner.loss_grad, learner.loss = learner.loss_grad * share, learner.loss * share
        events("before_backward")
        self.precision.scaler.scale(learner.loss_grad).backward()
        events("after_backward")
        shown: torch.Tensor = learner.loss
        return shown

    def _inputs_and_targets(self, batch: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        inputs, targets = inputs_and_targets(batch, self.n_inputs)
        return laid_out(inputs, self.format), targets

    def _update(self, rate: float, momentum: float) -> None:
        """The optimizer's step with the gradients that lie there."""
        scaler, optimizer = self.precision.scaler, self.optimizer
        set_step(optimizer, rate, momentum)
        self.events("before_step")
        if self.settings.clip_norm:
            scaler.unscale_(optimizer)
            clip_gradients(self.trained, self.settings.clip_norm)
        if scaler.is_enabled():
            scaler.step(optimizer)
            scaler.update()
        else:
            self.quick.step()
        self.events("after_step")
        self._forget_gradients()
        self.average.update()

    def _forget_gradients(self) -> None:
        """What `zero_grad` does, without its hooks for the profiler."""
        for parameter in self.trained:
            parameter.grad = None

    # ---- losses that are not finite ------------------------------------------------------

    def _is_usable(
        self, loss: torch.Tensor, place: Place, set_aside: list[torch.Tensor] | None
    ) -> bool:
        """False where the step is to be left out.

        On a CPU every loss is looked at before it is used. A GPU would have to be waited for, so
        it is looked at every LOOK_EVERY steps and before each checkpoint, unless steps may be
        left out.
        """
        if set_aside is None and self.device.type != "cpu":
            return True
        if math.isfinite(float(loss)):
            return True
        if self.n_skipped >= self.settings.skip_nonfinite:
            raise self._nonfinite(float(loss), place.batch)
        self.n_skipped += 1
        samples = self._samples(place.batch)
        self.say(f"batch {place.batch}: the loss is {float(loss)}, left out; {samples}")
        self._forget_gradients()
        for buffer, before in zip(self.learner.model.buffers(), set_aside or (), strict=True):
            buffer.copy_(before)
        return False

    def check_finite(self) -> None:
        """Looks at the losses that were not looked at yet.

        Raises: RunError that names the batch and its samples.
        """
        unseen, self.first_unseen = self.losses[self.first_unseen :], len(self.losses)
        if not unseen or self.settings.skip_nonfinite:
            return
        values = torch.stack(unseen).float().cpu().tolist()
        for number, value in enumerate(values, start=len(self.losses) - len(values)):
            if not math.isfinite(value):
                raise self._nonfinite(value, number * self.settings.accumulate)

    def _nonfinite(self, loss: float, batch: int) -> RunError:
        return RunError(
            f"the loss is {loss} in epoch {self.learner.epoch + 1}, batch {batch}; expected a "
            f"finite number: look at its samples ({self._samples(batch)}), lower learning_rate, "
            "set clip_norm, or leave such steps out with skip_nonfinite; the last good checkpoint "
            "is kept"
        )

    def awaited(self) -> str:
        """The batch that the feed was asked for last, with its samples."""
        batch = 0 if self.feed is None else self.feed.position
        return f"batch {batch} of epoch {self.learner.epoch + 1} ({self._samples(batch)})"

    def _samples(self, batch: int) -> str:
        rows = [] if self.feed is None else self.feed.rows_of(batch)
        known = [self.names[row] if row < len(self.names) else f"row {row}" for row in rows]
        shown = ", ".join(map(str, known[:SHOWN]))
        return (
            f"{shown} and {len(known) - SHOWN} more" if len(known) > SHOWN else shown or "unknown"
        )

    def _buffers(self) -> list[torch.Tensor]:
        """Copies of what a forward pass changes: running means, counts."""
        return [buffer.clone() for buffer in self.learner.model.buffers()]

    # ---- validation ----------------------------------------------------------------------

    def validate(self, batch: Any) -> list[tuple[float, Any]]:
        """The loss and the raw outputs of the parts of a batch."""
        batch = on_device(batch, self.device)
        while True:
            try:
                return [self._validate_part(part) for part in in_parts(batch, self.memory.parts)]
            except (RuntimeError, MemoryError) as error:
                reason = self._out_of_memory(error)
            self._halve([batch], reason)

    def _validate_part(self, batch: Any) -> tuple[float, Any]:
        learner, events = self.learner, self.events
        learner.xb, learner.yb = self._inputs_and_targets(batch)
        events("before_batch")
        with self.precision.autocast():
            learner.pred = self.steps.forward(learner)
        learner.pred = self.precision.outputs(learner.pred)
        events("after_pred")
        learner.loss = learner.loss_grad = self.steps.loss(learner)
        events("after_loss")
        events("after_batch")
        return float(learner.loss), learner.pred

    # ---- what is kept --------------------------------------------------------------------

    def mean_loss(self) -> float:
        """The epoch's mean loss per row, without the steps that were left out."""
        pairs = zip(self._values(), self.n_rows, strict=True)
        finite = [(value, n) for value, n in pairs if math.isfinite(value)]
        return sum(value * n for value, n in finite) / max(1, sum(n for _, n in finite))

    def rows(self) -> list[EpochRow]:
        """A row of the history for each step of the epoch."""
        first = (self.learner.epoch - self.first_epoch) * self.per_epoch
        return [
            {"lr": self.rates[number], "momentum": self.momenta[number], "loss": value}
            for number, value in enumerate(self._values(), start=first)
        ]

    def _values(self) -> list[float]:
        if not self.losses:
            return []
        values: list[float] = torch.stack(self.losses).float().cpu().tolist()  # waits once
        return values

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "first_epoch": self.first_epoch,
            "scaler": self.precision.scaler.state_dict(),
            "losses": torch.stack(self.losses) if self.losses else torch.zeros(0),
            "n_rows": self.n_rows,
            "n_skipped": self.n_skipped,
            "rate": self.rate,
            "parts": self.memory.parts,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        if state["first_epoch"] == self.first_epoch:  # else a new phase begins, with a new one
            self.optimizer.load_state_dict(state["optimizer"])
        self.precision.scaler.load_state_dict(state["scaler"])
        self.losses = [*state["losses"].to(self.device)]
        self.n_rows, self.n_skipped = [*state["n_rows"]], state["n_skipped"]
        self.first_unseen, self.rate = len(self.losses), state["rate"]
        self.memory.parts = max(self.memory.parts, state["parts"])
