"""The training loop: plain torch over the parts of a fastai Learner.

It reads from top to bottom. From the Learner it takes `dls`, `model`, `loss_func`, `splitter` and
the callbacks that carry training logic; rates, epochs and decay come from the settings. At the
same optimizer and rate it gives the same weights as fastai's own loop, bit for bit.

What makes it last: every draw is keyed, so a checkpoint of model, optimizer and place is all that
a later process needs to reach the same result; time is measured, so nothing is begun that the
budget does not hold; memory that does not suffice is met with smaller parts of a batch.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Protocol

import torch
from fastai.learner import Learner

from common.budget import Budget
from common.metrics import Metric
from common.randomness import generators_restored
from common.train.callbacks import Events
from common.train.checkpoint import Checkpoints
from common.train.feeding import Feed
from common.train.gathering import gathered
from common.train.heap import freed_memory_kept
from common.train.history import EpochRow, History
from common.train.interrupts import Interrupts, Stopped, held_interrupts
from common.train.memory import Memory
from common.train.optimizer import freeze, make_optimizer
from common.train.progress import Progress
from common.train.ranks import ALONE, Ranks
from common.train.schedule import make_schedule
from common.train.settings import TrainSettings
from common.train.state import Fit
from common.train.stepping import Place, Step, Steps
from common.train.trackers import NoTracker, Tracker
from common.train.workers import workers_watched


class Validator(Protocol):
    """Scores the valid set as a whole, never batch by batch."""

    def begin(self) -> None:
        """Forgets what was added."""

    def add(self, raw: Any) -> int:
        """Takes the net's raw output for a batch of the valid loader; gives its rows."""

    def finish(self) -> float:
        """The score of everything that was added."""


@dataclass(frozen=True)
class Company:
    """What stands around a fit; each part may be left out.

    Args:
        folder: where checkpoints lie; None for none.
        checkpoint_every: seconds between two checkpoints; None for what costs little.
        budget: of the whole run.
        memory: which part of a batch is known to fit.
        tracker: takes the curves.
        ranks: the processes that train together.
        names: of the training rows, in the order of the train loader's data set; for messages.
        say: takes the lines.
    """

    folder: Path | None = None
    checkpoint_every: float | None = None
    budget: Budget | None = None
    memory: Memory | None = None
    tracker: Tracker | None = None
    ranks: Ranks = ALONE
    names: Sequence[object] = ()
    say: Callable[[str], None] = print


def fit(
    learner: Learner,
    settings: TrainSettings,
    *,
    metric: Metric,
    steps: Steps,
    validator: Validator | None,
    seed: int,
    company: Company | None = None,
) -> History:
    """Trains `learner.model` in place and gives the course of the fit.

    Where `company.folder` holds a checkpoint, the fit goes on from it, and the result is that of
    a fit which was never cut short.

    Args:
        metric: of the score that `validator` gives; its direction picks the best epoch.
        validator: None where nothing is held out.

    Raises: RunError where the loss is no longer finite, where the smallest part of a batch does
    not fit in memory, or where a checkpoint belongs to another fit; UsageError for a callback
    that the loop does not run; Stopped, after a checkpoint, where Ctrl-C or SIGTERM asked for it.
    """
    company = company or Company()
    with ExitStack() as around:
        around.enter_context(generators_restored())
        around.enter_context(freed_memory_kept(next(learner.model.parameters()).device))
        interrupts = around.enter_context(held_interrupts())
        loop = _Loop(learner, settings, metric, steps, validator, seed, company, interrupts)
        around.callback(loop.checkpoints.close)
        around.callback(loop.progress.close)
        return loop.run()


class _Loop:
    """One fit. `run` tells the story; the other methods are its sentences."""

    def __init__(
        self,
        learner: Learner,
        settings: TrainSettings,
        metric: Metric,
        steps: Steps,
        validator: Validator | None,
        seed: int,
        company: Company,
        interrupts: Interrupts,
    ) -> None:
        self.learner, self.settings, self.metric = learner, settings, metric
        self.steps, self.validator, self.seed = steps, validator, seed
        self.company, self.interrupts = company, interrupts
        self.budget, self.ranks = company.budget or Budget(), company.ranks
        self.ranks.check_batches(learner.dls.train)
        self.tracker = company.tracker or NoTracker()
        self.checkpoints = Checkpoints(
            company.folder if self.ranks.is_first else None, company.checkpoint_every
        )
        self.phases = settings.phases()
        self.starts = list(accumulate([phase.epochs for phase in self.phases], initial=0))
        self.n_epochs, self.phase = self.starts[-1], -1
        self.events = Events(learner, self.n_epochs)
        speaks = None if self.ranks.is_first else False
        self.progress = Progress(self.n_epochs, metric.name, company.say, terminal=speaks)
        self.step = Step(learner, settings, steps, self.events, seed, company)
        self.fit = Fit(learner, settings, metric, self.step, self.n_epochs, seed)

    def run(self) -> History:
        place = self._begin()
        self.events("before_fit")
        try:
            while place.epoch < self.n_epochs:
                if self._decided(not self.budget.fits_epoch()) and place.epoch:
                    return self._stop_early(place)
                self._enter_phase(place)
                began, begun = time.perf_counter(), self.budget.clock()
                place = self._train_epoch(place)
                if self._decided(self.budget.is_over()):
                    return self._stop_early(place)
                place = self._end_epoch(place, began)
                self.budget.saw_epoch(self.budget.clock() - begun)
        except Stopped:
            self._save(wait=True)
            self.ranks.wait()  # a launcher kills the others when the first one has ended
            self.events("after_cancel_fit")
            raise
        self.events("after_fit")
        self.fit.end()
        return self.fit.history

    def _begin(self) -> Place:
        """Prepares the net; gives where the fit begins, or goes on."""
        self.trainable = {id(p) for p in self.learner.model.parameters() if p.requires_grad}
        self.place = Place()
        if self.settings.compile:
            self.learner.model.compile()
        state = self.ranks.share(self.checkpoints.load())
        if state is None:
            model = self.learner.model
            self.ranks.share_tensors([*model.parameters(), *model.buffers()])
        else:
            self.place = self.fit.place_of(state)
            self._enter_phase(self.place)
            self.fit.load(state)
            done = f"{self.place.batch} of {self.step.n_batches} batches are done"
            self.company.say(f"goes on in epoch {self.place.epoch + 1}, of which {done}")
        return self.place

    def _enter_phase(self, place: Place) -> None:
        """Freezes what the phase freezes; a new phase has a new optimizer and schedule."""
        number = min(bisect_right(self.starts, place.epoch), len(self.phases)) - 1
        if number == self.phase:
            return
        self.phase, phase = number, self.phases[number]
        freeze(self.learner, phase, self.trainable)
        optimizer = make_optimizer(self.learner, self.settings, phase)
        n_steps = phase.epochs * self.step.per_epoch
        schedule = make_schedule(
            self.settings.schedule, phase.learning_rate, n_steps, self.settings.momentum
        )
        self.step.begin_phase(optimizer, schedule, self.starts[number])

    # ---- an epoch ------------------------------------------------------------------------------

    def _train_epoch(self, place: Place) -> Place:
        """One pass over the training rows, from the place on."""
        learner, loader = self.learner, self.learner.dls.train
        learner.epoch, learner.dl, learner.n_iter = place.epoch, loader, len(loader)
        learner.training = True
        learner.model.train()
        if place.batch == 0:
            self.fit.restore_recurrent()  # what validation left, as callbacks that reset it find it
            self.step.begin_epoch()
        self.events("before_epoch")
        if place.batch >= self.step.n_batches:  # only its validation is still to be done
            self.fit.restore_recurrent()
            return place
        feed = self.step.feed = Feed(
            loader, seed=self.seed, epoch=place.epoch, first=place.batch, ranks=self.ranks
        )
        self.events("before_train")
        self.fit.restore_recurrent()
        name = f"epoch {place.epoch + 1}/{self.n_epochs}"
        batches = self.progress.steps(
            feed,
            self.step.n_batches,
            name,
            epoch=place.epoch + 1,
            loss=self._last_loss,
            first=place.batch,
        )
        with workers_watched(loader, self.step.awaited):
            for group in _grouped(batches, self.settings.accumulate):
                place = self.place = self.step.take(group, place)
                if self.checkpoints.due():
                    self._save()
                if self._must_end():
                    break
        self.step.check_finite()
        self.events("after_train")
        return place

    def _must_end(self) -> bool:
        """True where the budget is used up; all processes find the same.

        Raises: Stopped where an end was asked for.
        """
        asked, over = self.ranks.agree(bool(self.interrupts.asked), self.budget.is_over())
        if asked:
            raise self.interrupts.stopped()
        return over

    def _decided(self, flag: bool) -> bool:
        """True where it is true in any of the processes that train together."""
        return self.ranks.agree(flag)[0]

    def _save(self, *, wait: bool = False) -> None:
        """A checkpoint of the place that was reached, if its losses are finite."""
        self.step.check_finite()
        self.checkpoints.save(self.fit.state(self.place), wait=wait)

    def _last_loss(self) -> float:
        return float(self.step.losses[-1]) if self.step.losses else float("nan")

    def _end_epoch(self, place: Place, began: float) -> Place:
        """Validates, remembers the best weights, writes and says what came out."""
        row: EpochRow = {"epoch": place.epoch + 1, "train_loss": self.step.mean_loss()}
        with self.fit.average.applied():
            if self.validator is not None:
                row["valid_loss"], row[self.metric.name] = self._validate(self.validator)
            star = self.fit.sees(place.epoch + 1, row.get(self.metric.name))
        self.events("after_epoch")
        row["lr"] = self.step.rate
        row["seconds"] = round(time.perf_counter() - began, 3)
        self.fit.history.add_epoch(row, self.step.rows())
        self.company.say(self.progress.epoch_line(row, star))
        self.tracker.log(dict(row), place.epoch + 1)
        self.place = Place(place.epoch + 1, 0)
        if self.checkpoints.due():
            self._save()
        if self._decided(bool(self.interrupts.asked)):
            raise self.interrupts.stopped()
        return self.place

    def _validate(self, validator: Validator) -> tuple[float, float]:
        """Mean loss per row and score on the whole valid set, with the net in eval mode.

        Of several processes each predicts its rows; the first one has them all and scores them.
        """
        learner, loader = self.learner, self.learner.dls.valid
        learner.dl, learner.n_iter, learner.training = loader, len(loader), False
        learner.model.eval()
        self.ranks.share_tensors([*learner.model.buffers()])  # statistics differ by process
        total, n_rows, began = 0.0, 0, self.budget.clock()
        validator.begin()
        self.events("before_validate")
        feed = Feed(loader, seed=self.seed, epoch=0, ranks=self.ranks)
        with torch.no_grad(), workers_watched(loader, lambda: f"valid row {n_rows}"):
            batches = self.progress.steps(feed, len(loader), "validation")
            for position, batch in enumerate(batches):
                learner.iter = position
                parts = [] if batch is None else self.step.validate(batch)
                for loss, raw in gathered(self.ranks, feed, position, parts):
                    rows = validator.add(raw)
                    total += loss * rows
                    n_rows += rows
                if self._decided(bool(self.interrupts.asked)):
                    raise self.interrupts.stopped()
        self.events("after_validate")
        self.budget.saw_rows(n_rows, self.ranks.world * (self.budget.clock() - began))
        found = (total / max(1, n_rows), validator.finish()) if self.ranks.is_first else None
        loss, score = self.ranks.share(found)
        return loss, score

    # ---- the end -------------------------------------------------------------------------------

    def _stop_early(self, place: Place) -> History:
        """The budget is used up: the net is left as it is, the checkpoint stays for a later run."""
        self._save(wait=True)
        batches = f" and {place.batch} of {self.step.n_batches} batches" if place.batch else ""
        done = f"{place.epoch} of {self.n_epochs} epochs{batches}"
        self.fit.history.left_out = f"{done} were trained"
        self.events("after_fit")
        self.fit.end()
        return self.fit.history


def _grouped(batches: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Batches, `size` at a time; the last group may be shorter."""
    stream = iter(batches)
    while group := list(islice(stream, size)):
        yield group
