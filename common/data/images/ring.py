"""Threads that fill a ring of preallocated batches.

Memory that was used before costs nothing to fill again; fresh memory costs more than the copy of a
cached picture. So a batch's memory comes back as soon as nobody holds a tensor of it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch

MOST_THREADS = 4  # by default; more would take the cores from what trains
MOST_KEPT = 8  # slots of a ring; whoever holds more batches at once does so for their time only

Layout = tuple[tuple[tuple[int, ...], Any], ...]  # shape and type of each array of a slot


def default_threads() -> int:
    """One per core that this process may use, four at most."""
    return min(MOST_THREADS, len(os.sched_getaffinity(0)))


class Slot:
    """The memory of one batch: an array per part (pictures, moved pictures, masks)."""

    def __init__(self, layout: Layout, pinned: bool) -> None:
        self.arrays = [_memory(shape, dtype, pinned) for shape, dtype in layout]
        self.busy = False
        self._lent: list[weakref.ref[np.ndarray]] = []
        self._copied: torch.cuda.Event | None = None

    def lend(self, part: int, n: int) -> torch.Tensor:
        """The first n rows of a part as a tensor; the slot stays taken while anybody holds it, a
        view of it, or a slice."""
        view = self.arrays[part][:n]
        self._lent.append(weakref.ref(view))
        return torch.from_numpy(view)

    def to(self, device: torch.device, part: int, n: int) -> torch.Tensor:
        """The first n rows of a part on a device, copied while the caller goes on."""
        own = torch.from_numpy(self.arrays[part][:n])
        copied = own.to(device, non_blocking=True)
        if device.type == "cuda":
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record(torch.cuda.current_stream(device))
        return copied if copied is not own else own.clone()

    def is_free(self) -> bool:
        """Whether its memory may be written again."""
        self._lent = [view for view in self._lent if view() is not None]
        return not (self.busy or self._lent)

    def wait(self) -> None:
        """Waits until copies to a device have ended."""
        if self._copied is not None:
            self._copied.synchronize()
            self._copied = None


def _memory(shape: tuple[int, ...], dtype: Any, pinned: bool) -> np.ndarray:
    if not pinned:
        return np.empty(shape, dtype)
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    own: np.ndarray = torch.empty(n_bytes, dtype=torch.uint8, pin_memory=True).numpy()
    return np.asarray(own.view(dtype).reshape(shape))


class Ring:
    """Slots of one layout; there are as many as are in use at once, of which a few are kept."""

    def __init__(self, layout: Layout, pinned: bool) -> None:
        self.layout, self.pinned = layout, pinned
        self.slots: list[Slot] = []

    def take(self) -> Slot:
        """A slot that nobody uses, made where there is none; `busy` until the taker clears it."""
        slot = next((slot for slot in self.slots if slot.is_free()), None)
        if slot is None:
            slot = Slot(self.layout, self.pinned)
            if len(self.slots) < MOST_KEPT:
                self.slots.append(slot)
        slot.wait()
        slot.busy = True
        return slot

    def __reduce__(self) -> tuple[Any, ...]:
        return Ring, (self.layout, self.pinned)  # a stored loader carries no pictures


class Crew:
    """Threads that do tasks in the order in which they come; a context manager that joins them.

    Inside, torch and OpenCV use one thread each: the crew is what is parallel.
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads

    def __enter__(self) -> Crew:
        self._opencv = opencv_on_one_thread()
        self._opencv.__enter__()
        self._pool = ThreadPoolExecutor(self.n_threads, thread_name_prefix="images")
        asked = torch.get_num_threads()
        ready = threading.Barrier(self.n_threads)
        for future in [self._pool.submit(_begin, ready) for _ in range(self.n_threads)]:
            future.result()
        torch.set_num_threads(asked)  # the threads' setting is also that of threads to come
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._opencv.__exit__(None, None, None)

    def start(self, task: Callable[..., None], parts: Sequence[Any]) -> list[Future[None]]:
        """Begins a task for each of the parts."""
        return [self._pool.submit(task, part) for part in parts]


def _begin(ready: threading.Barrier) -> None:
    torch.set_num_threads(1)
    ready.wait()


_counting = threading.Lock()
_users: list[int] = []  # what OpenCV's threads were before each user came


@contextmanager
def opencv_on_one_thread() -> Iterator[None]:
    """OpenCV's setting is one for the whole process: the first user turns it off, the last one
    restores it."""
    with _counting:
        _users.append(_users[0] if _users else cv2.getNumThreads())
        cv2.setNumThreads(0)
    try:
        yield
    finally:
        with _counting:
            before = _users.pop()
            if not _users:
                cv2.setNumThreads(before)
