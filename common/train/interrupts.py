"""Ctrl-C, and the signal that ends a process, are obeyed between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from common.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Interrupted):
    """The person or the system asked for an end, and nothing is half done."""


class Interrupts:
    """Whether an end was asked for."""

    asked = 0  # the signal's number

    def stopped(self) -> Stopped:
        """What to raise where an end was asked of this process, or of one that it trains with."""
        return Stopped(self.asked or signal.SIGINT)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:  # a second time: at once
            raise Interrupted(number)
        self.asked = number


@contextmanager
def held_interrupts() -> Iterator[Interrupts]:
    """Within the block the first signal is only noted; the second one interrupts at once.

    In a thread, which gets no signals, nothing is changed.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {number: signal.signal(number, interrupts._ask) for number in SIGNALS}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
