"""Loader workers that die or hang, told in one line.

torch waits for ever for a worker that hangs, unless the loader has a time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from common.errors import KitError, RunError

PATIENCE = 300.0  # seconds for one batch, where the loader has no `timeout` of its own

_HUNG = "DataLoader timed out"
_DIED = "DataLoader worker (pid"
_INSIDE = "Caught "  # how torch begins what it says of an exception in a worker


@contextmanager
def workers_watched(loader: Any, awaited: Callable[[], str]) -> Iterator[None]:
    """Within the block a worker that dies, or needs more than PATIENCE for a batch, is an error.

    Args:
        loader: torch's or fastai's; others are left alone.
        awaited: says what was waited for, such as "batch 3 of the validation".

    Raises: RunError that says which worker it was; an expected error of a worker as itself.
    """
    with _patient(loader):
        try:
            yield
        except (RuntimeError, KitError) as error:
            told = worker_fault(error, awaited)
            if told is None:
                raise
            raise told from error


def worker_fault(error: Exception, awaited: Callable[[], str]) -> KitError | None:
    """What an error says of a worker, for a person; None where it is about something else."""
    text = " ".join(str(error).split())
    if isinstance(error, KitError):
        return _from_inside(error)
    if text.startswith(_HUNG):
        return RunError(
            f"a loader's worker hangs: {text} for {awaited()}; look for what these rows wait for, "
            "or give the loader a longer timeout"
        )
    if text.startswith(_DIED):
        return RunError(
            f"a loader's worker died: {text}, while {awaited()} was awaited; a worker that is "
            "killed has mostly used up the memory: take fewer workers or smaller batches; with "
            "num_workers=0 a row's own error is shown"
        )
    return None


def _from_inside(error: KitError) -> KitError | None:
    """An expected error that a worker raised, without the traceback that torch wraps it into."""
    text = str(error)
    if not text.startswith(_INSIDE):
        return None
    kind = f"{type(error).__module__}.{type(error).__qualname__}: "
    return type(error)(text.rpartition(kind)[2].strip())


@contextmanager
def _patient(loader: Any) -> Iterator[None]:
    """The loader has a time limit for its workers."""
    own = getattr(loader, "fake_l", loader)  # fastai keeps what is torch's there
    if not getattr(own, "num_workers", 0) or getattr(own, "timeout", None) != 0:
        yield
        return
    own.timeout = PATIENCE
    try:
        yield
    finally:
        own.timeout = 0
