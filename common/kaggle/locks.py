"""One call at a time for one thing, also after a call was killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common import files, paths
from common.errors import KaggleError, RunError
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Kind

_LOOK = 0.2  # seconds between two looks at a lock of this machine


@contextmanager
def claimed(kaggle: Kaggle, place: Path, called: str) -> Iterator[None]:
    """Keeps other processes away from a file or folder for the length of the block.

    The lock goes on to every call of the command. So where this process is killed and the command
    is not, the next one waits for what was left behind.

    Args:
        called: what is under way, such as "a push of kernels/digit-recognizer/train".

    Raises: KaggleError where the lock is held for longer than a call may last.
    """
    until = time.monotonic() + kaggle.patience.write
    with ExitStack() as stack:
        descriptor = _lock(stack, place)
        if descriptor is None:
            kaggle.say(f"{called} is under way, or an interrupted one has not ended; waiting")
        while descriptor is None:
            if time.monotonic() > until:
                raise KaggleError(f"{called} is still under way; wait for it to end", Kind.SILENT)
            time.sleep(_LOOK)
            descriptor = _lock(stack, place)
        kaggle.hold = descriptor
        try:
            yield
        finally:
            kaggle.hold = -1


def _lock(stack: ExitStack, place: Path) -> int | None:
    try:
        return stack.enter_context(files.locked(paths.lock_file(place)))
    except RunError:
        return None
