"""A push that is killed at a given point: `python -m tests.kaggle.killed POINT FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from common.kaggle import PushRequest, fetching, kernels, patience, push, waiting
from tests.kaggle.desk import SLUG, Clock

POINTS = (
    "before it is sent",
    "before its answer is kept",
    "while waiting",
    "before it is in place",
)


def die(*_: Any, **__: Any) -> Any:
    """What pulling the plug does to a process: no clean-up of any kind."""
    os.kill(os.getpid(), signal.SIGKILL)


def _send_and_die(*given: Any, **named: Any) -> Any:
    _send(*given, **named)
    die()


_send = kernels.push


def main(point: str, folder: str) -> None:
    if point == POINTS[0]:
        kernels.push = die
    if point == POINTS[1]:
        kernels.push = _send_and_die
    if point == POINTS[2]:
        waiting.Watch.until_ended = die  # type: ignore[method-assign]
    if point == POINTS[3]:
        fetching._check_record = die
    patience.DEFAULT = Clock().patience()
    push(PushRequest(SLUG, folder=Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
