"""What a person sees while a net is trained: bars in a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from tqdm import tqdm

from common.train.history import EpochRow

Batch = TypeVar("Batch")

LINE_EVERY = 180.0  # seconds between two lines in a log
BAR_EVERY = 1.0  # seconds between two readings of the loss for a bar
SHORT_EPOCH = 5.0  # seconds; the end of a fit of such epochs is not worth a word

MINUTE, HOUR, DAY = 60, 3600, 86400


class Progress:
    """Shows the steps of a fit and its epochs.

    Args:
        n_epochs: of the whole fit.
        metric_name: the score's column in the rows of the history.
        say: takes a line.
        terminal: True for bars, False for lines; None asks whether stderr is a terminal.
        every: the least seconds between two lines within an epoch.
        clock: gives seconds that never go back.
    """

    def __init__(
        self,
        n_epochs: int,
        metric_name: str,
        say: Callable[[str], None],
        *,
        terminal: bool | None = None,
        every: float = LINE_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.n_epochs, self.metric_name, self.say = n_epochs, metric_name, say
        self.terminal = sys.stderr.isatty() if terminal is None else terminal
        self.every, self.clock = every, clock
        self._said: float | None = None  # when the last line was printed
        self._bar: Any = None
        self._trained = 0.0  # seconds that the steps of the last epoch took
        self._besides = 0.0  # seconds that the rest of an epoch takes: validation, saving

    # ---- steps ----------------------------------------------------------------------------------

    def steps(
        self,
        batches: Iterable[Batch],
        total: int,
        name: str,
        *,
        epoch: int | None = None,
        loss: Callable[[], float] | None = None,
        first: int = 0,
    ) -> Iterator[Batch]:
        """The batches, one by one, with a bar or with lines.

        Args:
            total: how many steps there are, those before `first` included.
            name: what is being done, such as "epoch 3/12" or "validation".
            epoch: the epoch, from 1, where these are the steps of training.
            loss: reads the latest loss. It is called only when there is something to show, because
                reading makes the device wait.
            first: steps that were done before, by a fit that is resumed.
        """
        pace = _Pace(total, first, self.clock())
        self._said = shown = pace.began if self._said is None else self._said
        try:
            for batch in self._with_bar(batches, total, name, first):
                yield batch
                pace.step(self.clock())
                if self._bar is not None:
                    if pace.now - shown >= BAR_EVERY:
                        shown = pace.now
                        beside = [*_read(loss), *self._ends(pace, epoch)[1:]]
                        self._bar.set_postfix_str(", ".join(beside))
                elif pace.now - self._said >= self.every and pace.done < total:
                    self._said = pace.now
                    ends = ", ".join(self._ends(pace, epoch))
                    self.say("  ".join([name, *pace.shown(), *_read(loss), ends]))
        finally:
            self.close()
            if epoch is not None:
                self._trained = pace.now - pace.began

    def _ends(self, pace: _Pace, epoch: int | None) -> list[str]:
        """When the steps end, and when the fit does, where that is later."""
        if epoch is None:
            return [f"ends in {duration(pace.left)}"]
        ends = [f"epoch ends in {duration(pace.left + self._besides)}"]
        n_left = self.n_epochs - epoch
        if n_left > 0:
            fit = pace.left + self._besides + n_left * (pace.whole + self._besides)
            ends.append(f"fit in {duration(fit)}")
        return ends

    def _with_bar(
        self, batches: Iterable[Batch], total: int, name: str, first: int
    ) -> Iterable[Batch]:
        """A bar that erases itself; none is made where the output is no terminal, because one that
        Ctrl-C cuts short while it is being made prints an error of its own."""
        self.close()
        if not self.terminal:
            return batches
        self._bar = tqdm(batches, desc=name, total=total or None, initial=first, leave=False)
        bar: Iterable[Batch] = self._bar
        return bar

    def close(self) -> None:
        """Erases the bar, if there is one; to be called on the way out of a fit that raises."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    # ---- epochs ---------------------------------------------------------------------------------

    def epoch_line(self, row: EpochRow, star: bool) -> str:
        """One epoch as a line of a log.

        Args:
            row: of the history; the loss on the fold held out and the score where there are any.
            star: True at the best score so far.
        """
        epoch, seconds = int(row["epoch"]), row["seconds"]
        self._said, self._besides = self.clock(), max(0.0, seconds - self._trained)
        parts = [f"epoch {epoch:>2}/{self.n_epochs}", f"train_loss {row['train_loss']:.4f}"]
        if "valid_loss" in row:
            parts.append(f"valid_loss {row['valid_loss']:.4f}")
        if self.metric_name in row:
            parts.append(f"{self.metric_name} {row[self.metric_name]:.4f}{'*' if star else ' '}")
        parts += [f"lr {row['lr']:.1e}", f"{seconds:.1f} s"]
        n_left = self.n_epochs - epoch
        if n_left >= 2 and seconds > SHORT_EPOCH:
            parts.append(f"{duration(n_left * seconds)} left")
        return "  ".join(parts)


@dataclass
class _Pace:
    """How far a pass over the batches has come, and how long its steps take.

    Args:
        total: steps of the whole pass.
        done: steps that are done; before the first step those of an earlier process.
        began: when this process began the pass, in seconds.
    """

    total: int
    done: int
    began: float

    def __post_init__(self) -> None:
        self.now, self.n_timed = self.began, 0

    def step(self, now: float) -> None:
        """Counts a step that ended now."""
        self.now, self.done, self.n_timed = now, self.done + 1, self.n_timed + 1

    @property
    def whole(self) -> float:
        """Seconds that all steps take."""
        return self.total * (self.now - self.began) / max(1, self.n_timed)

    @property
    def left(self) -> float:
        """Seconds until the last step has ended."""
        return self.whole * max(0, self.total - self.done) / max(1, self.total)

    def shown(self) -> list[str]:
        """The share and the number of the steps done."""
        return [f"{self.done / max(1, self.total):.0%}", f"step {self.done:,}/{self.total:,}"]


def _read(loss: Callable[[], float] | None) -> list[str]:
    return [] if loss is None else [f"loss {loss():.4f}"]


def duration(seconds: float) -> str:
    """Seconds as a person says them: "45 s", "6 min", "1 h 12 min", "2 d 3 h"."""
    if round(seconds) < 100:
        return f"{round(seconds)} s"
    minutes = round(seconds / MINUTE)
    if minutes < HOUR // MINUTE:
        return f"{minutes} min"
    if minutes < 2 * DAY // MINUTE:
        return _two(minutes, HOUR // MINUTE, "h", "min")
    return _two(round(seconds / HOUR), DAY // HOUR, "d", "h")


def _two(count: int, per: int, large: str, small: str) -> str:
    """A count of small units in large and small ones; the small ones only where there are any."""
    many, few = divmod(count, per)
    return f"{many} {large} {few} {small}" if few else f"{many} {large}"
