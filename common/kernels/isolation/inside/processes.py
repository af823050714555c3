"""The processes below this one: who they are, how much memory they hold, how they end."""

from __future__ import annotations

import os
import signal
import time

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PAUSE_SECONDS = 0.002  # for killed processes to go


def descendants() -> list[int]:
    """The processes that this one started, and those that they started."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            children.setdefault(_parent(int(name)), []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parent(process: int) -> int:
    """The parent of a process; -1 for one that has gone."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stream:
            # the name before the last parenthesis may hold anything, spaces too
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1


def memory(processes: list[int]) -> int:
    """The memory that processes hold together, in bytes: what they share is counted once.

    A control group would be exact, but it counts the files of folders in memory as well, and an
    ordinary user may rarely make one.
    """
    return sum(map(_memory_of, processes))


def _memory_of(process: int) -> int:
    try:
        try:
            with open(f"/proc/{process}/smaps_rollup", "rb") as stream:
                for line in stream:
                    if line.startswith(b"Pss:"):
                        return int(line.split()[1]) * 1024
        except (FileNotFoundError, PermissionError):
            with open(f"/proc/{process}/statm", "rb") as stream:
                return int(stream.read().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has gone meanwhile
    return 0


def kill_all() -> None:
    """Ends every process below this one; returns when all are gone.

    This process must be the one to which orphans fall.
    """
    while True:
        left = descendants()
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        reap()
        if not left:
            return
        time.sleep(_PAUSE_SECONDS)


def reap() -> dict[int, int]:
    """The wait statuses of children that have ended, by process."""
    ended: dict[int, int] = {}
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not process:
            return ended
        ended[process] = status
