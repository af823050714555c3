"""How long to wait for Kaggle, how often to ask again, and by which clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """All waiting in one value. Times are seconds.

    Args:
        read: time limit of a call that only reads.
        write: time limit of a call that pushes or submits, besides the time that its bytes take.
        stalled: how long a download may stand still.
        tries: how often a call is made that Kaggle did not answer well.
        first_pause: before the second try; every further pause is twice as long.
        longest_pause: no pause is longer.
        first_poll: between two looks at a kernel's status; every further one is a third longer.
        longest_poll: no look is later after the one before.
        session_pause: before a push is tried again that found all sessions taken.
        settle: how long an interrupted push or submission may still arrive at Kaggle.
        readback: how long to wait for a score after a submission.
        outage: how long a kernel's status may stay out of reach.
        sleep: what waits.
        clock: seconds that never run backwards.
    """

    read: float = 90.0
    write: float = 300.0
    stalled: float = 300.0
    tries: int = 5
    first_pause: float = 4.0
    longest_pause: float = 120.0
    first_poll: float = 10.0
    longest_poll: float = 120.0
    session_pause: float = 120.0
    settle: float = 90.0
    readback: float = 900.0
    outage: float = 3600.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pauses(self) -> Iterator[float]:
        """The pauses between `tries` tries, spread a little so that machines do not march in
        step."""
        for number in range(self.tries - 1):
            pause = min(self.first_pause * 2**number, self.longest_pause)
            yield pause * (1 + 0.1 * random.random())  # no result depends on it

    def polls(self) -> Iterator[float]:
        """The waits between two looks, without end."""
        wait = self.first_poll
        while True:
            yield wait
            wait = min(wait * 4 / 3, self.longest_poll)


DEFAULT = Patience()
