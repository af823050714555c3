"""The wall-clock budget: nothing is begun that cannot be finished, and time is kept to predict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SAFETY = 1.5  # predicting may be slower than validating was
AFTERWARDS = 0.03  # share of the budget for scores, submission and report
MEASURED = ("rows_per_second", "rows_to_predict", "epoch_seconds", "fold_seconds")
UNKNOWN = 0.10  # share that is kept as long as nothing was measured
PROC = Path("/proc")


@dataclass
class Budget:
    """Seconds that a run may take, and what was measured on the way.

    Args:
        hours: from the beginning; None for no limit.
        began: when the session began, as `clock` gives it.
        clock: seconds since some fixed moment.
    """

    hours: float | None = None
    began: float = 0.0
    clock: Callable[[], float] = time.time
    rows_to_predict: int = 0
    rows_per_second: float = 0.0
    epoch_seconds: float = 0.0
    fold_seconds: float = 0.0

    def left(self) -> float:
        """Seconds for training: what remains without what must be kept for afterwards."""
        if self.hours is None:
            return float("inf")
        return self.began + self.hours * 3600 - self.clock() - self.reserve()

    def reserve(self) -> float:
        """Seconds that predicting, scoring and reporting will need."""
        whole = (self.hours or 0.0) * 3600
        if not self.rows_per_second:
            return UNKNOWN * whole
        return AFTERWARDS * whole + SAFETY * self.rows_to_predict / self.rows_per_second

    def is_over(self) -> bool:
        """True where training must end at once."""
        return self.hours is not None and self.left() <= 0

    def fits_epoch(self) -> bool:
        """True where another epoch, with its validation, would end in time. Of the first one
        nothing is known, so it is begun."""
        return self.hours is None or self.left() > self.epoch_seconds

    def fits_fold(self) -> bool:
        """True where another fold may be begun: where an epoch fits, after which a fit can be cut
        short, or, where models are not trained in epochs, all of it. Of the first one nothing is
        known, so it is begun where any time is left."""
        if self.hours is None:
            return True
        return self.left() > (self.epoch_seconds or self.fold_seconds)

    def saw_fold(self, seconds: float) -> None:
        """Takes in how long a fold took."""
        self.fold_seconds = max(self.fold_seconds, seconds)

    def saw_epoch(self, seconds: float) -> None:
        """Takes in how long an epoch took, validation included."""
        self.epoch_seconds = max(self.epoch_seconds, seconds)

    def saw_rows(self, n_rows: int, seconds: float) -> None:
        """Takes in how fast rows were predicted; the slowest counts."""
        if seconds > 0 and n_rows:
            speed = n_rows / seconds
            self.rows_per_second = min(self.rows_per_second or speed, speed)

    def measured(self) -> dict[str, float]:
        """What was measured, for another process that shares this budget."""
        return {name: getattr(self, name) for name in MEASURED}

    def learn(self, measured: dict[str, float]) -> None:
        """Takes in what another process measured; the slower of the two counts."""
        speeds = [self.rows_per_second, measured["rows_per_second"]]
        self.rows_per_second = min(filter(None, speeds), default=0.0)
        for name in MEASURED[1:]:
            setattr(self, name, max(getattr(self, name), measured[name]))


def process_began() -> float:
    """When this process began, in seconds since 1970."""
    return _began(os.getpid())


def session_began(records: Path = PROC) -> float:
    """When the machine's first process began: on Kaggle, the session.

    Args:
        records: where Linux keeps what it knows of its processes.
    """
    return _began(1, records)


def _began(process: int, records: Path = PROC) -> float:
    """When a process began, by Linux's own records; now, where there are none."""
    try:
        stat = (records / str(process) / "stat").read_text(encoding="ascii", errors="replace")
        up_since = time.time() - float((records / "uptime").read_text(encoding="ascii").split()[0])
        ticks = int(stat.rpartition(")")[2].split()[19])
        return up_since + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.time()
