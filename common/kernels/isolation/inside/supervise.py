"""Runs one command, watches it, ends everything it started, and copies out what it wrote."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from common.kernels.isolation.inside import syscalls
from common.kernels.isolation.inside.copying import copy_out
from common.kernels.isolation.inside.processes import descendants, kill_all, memory, reap

FIRST_LOOK_SECONDS = 0.02
SHORTEST_PAUSE_SECONDS = 0.1  # between two looks at the memory
WATCHING_SHARE = 20  # a look may take a twentieth of the time
# by Python, or by this process, and a child would inherit it
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NOT_STARTED = 127  # what a shell says where a command cannot be started


@dataclass(frozen=True)
class Job:
    """What to run and how long.

    Args:
        command: the program, looked for in PATH, and its arguments.
        environment: every variable it sees.
        working: the folder it starts in, whose content is copied out.
        time_limit_seconds: after which everything is killed.
        sizes: bytes that folders may hold; watched, and everything is killed beyond.
    """

    command: list[str]
    environment: dict[str, str]
    working: str
    time_limit_seconds: float
    sizes: dict[str, int] = field(default_factory=dict)


class Stopped(Exception):
    """The caller has gone or has asked to stop."""


def supervise(job: Job, results: int, prepare: Callable[[], None]) -> dict[str, Any]:
    """Runs the command to its end; gives what `Outcome` says of it.

    Args:
        results: a descriptor of the folder into which the working folder is copied.
        prepare: called in the command's process before the command starts.

    Raises: Stopped, after everything was killed, when this process is sent SIGTERM.
    """
    syscalls.prctl(syscalls.CHILD_SUBREAPER, 1)
    started = time.monotonic()
    main = _start(job, prepare)
    try:
        watch = _watch(job, main, started)
    finally:
        kill_all()
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    copied = copy_out(job.working, results)
    return {
        **asdict(watch),
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_rss_bytes": max(watch.peak_rss_bytes, used.ru_maxrss * 1024),
        "output_bytes": copied.size,
        "output_files": copied.files,
        "left_out": copied.left_out,
    }


def _start(job: Job, prepare: Callable[[], None]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(job.working)
        prepare()
        syscalls.prctl(syscalls.NO_NEW_PRIVILEGES, 1)
        syscalls.prctl(syscalls.DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(NOT_STARTED)
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvpe(job.command[0], job.command, job.environment)
    except BaseException as error:
        os.write(2, f"cannot start {job.command[0]}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(NOT_STARTED)


@dataclass
class _Watch:
    exit_code: int = 128 + signal.SIGKILL
    timed_out: bool = False
    over_size: bool = False
    peak_rss_bytes: int = 0


def _watch(job: Job, main: int, started: float) -> _Watch:
    """Waits for the command to end, or for a reason to end it."""
    watch = _Watch()
    deadline = started + job.time_limit_seconds
    next_look = started + FIRST_LOOK_SECONDS
    while True:
        statuses = reap()
        if main in statuses:
            code = os.waitstatus_to_exitcode(statuses[main])
            watch.exit_code = code if code >= 0 else 128 - code
            return watch
        now = time.monotonic()
        watch.timed_out = now >= deadline
        if now >= next_look:
            watch.peak_rss_bytes = max(watch.peak_rss_bytes, memory(descendants()))
            watch.over_size = any(size_of(path) > most for path, most in job.sizes.items())
            took = time.monotonic() - now
            next_look = now + max(SHORTEST_PAUSE_SECONDS, WATCHING_SHARE * took)
        if watch.timed_out or watch.over_size:
            return watch
        pause = max(0.0, min(next_look, deadline) - time.monotonic())
        news = signal.sigtimedwait((signal.SIGCHLD, signal.SIGTERM), pause)
        if news is not None and news.si_signo == signal.SIGTERM:
            raise Stopped


def size_of(folder: str) -> int:
    """The bytes that a folder's files take on the disk."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total
