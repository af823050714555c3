"""The isolating process: reads what to do from standard input, and says what came of it.

It writes lines of JSON to the descriptor `report`: {"refused": why} where this machine cannot
isolate in the mode asked for, else {"started": true}, and {"ended": {...}} at the end.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any

from common.kernels.isolation.inside import fences, namespaces, syscalls
from common.kernels.isolation.inside.steps import Step
from common.kernels.isolation.inside.supervise import Job, Stopped, supervise

# what root may still do in a container: change owners, and pass over modes of its own files
KEPT_CAPABILITIES = (0, 1, 3, 4)
REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """Runs one session."""
    order: dict[str, Any] = json.load(sys.stdin)
    report, results = order["report"], order["results"]
    for handle in (report, results):
        os.set_inheritable(handle, False)
    job = Job(**order["job"])
    try:
        prepare, notes = _ISOLATE[order["mode"]](order)
    except OSError as error:
        _say(report, {"refused": str(error)})
        return
    _say(report, {"started": True, "notes": notes})
    try:
        ended = supervise(job, results, prepare)
    except Stopped:
        if order["mode"] == "weak":  # elsewhere all of it was in memory, and has gone
            for folder in order["writable"]:
                shutil.rmtree(folder, ignore_errors=True)  # as far as it goes: nobody listens
        return
    _say(report, {"ended": ended})


def _say(report: int, line: dict[str, Any]) -> None:
    os.write(report, json.dumps(line).encode() + b"\n")


Isolated = tuple[Callable[[], None], list[str]]  # what the command's process does first; doubts


def _namespaces(order: dict[str, Any]) -> Isolated:
    _end_with(order["parent"])
    namespaces.enter([Step(*step) for step in order["steps"]], order["root"])
    _take_no_requests()
    return (lambda: syscalls.keep_capabilities(KEPT_CAPABILITIES)), []


def _bubblewrap(order: dict[str, Any]) -> Isolated:
    _take_no_requests()
    return (lambda: None), []


def _weak(order: dict[str, Any]) -> Isolated:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, *REQUESTS))  # waited for
    _end_with(order["parent"])
    fence, doubts = fences.put_up(order["writable"])
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(order["job"]["sizes"].values())
    largest = largest if most == resource.RLIM_INFINITY else min(largest, most)

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        if fence is not None:
            fence.close_gate()

    return prepare, doubts


def _take_no_requests() -> None:
    """Ignores what the session may send: only the end of this process's parent ends it."""
    for number in REQUESTS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))


def _end_with(parent: int) -> None:
    """Makes this process end when the caller does, however that happens."""
    syscalls.prctl(syscalls.DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


_ISOLATE = {"namespaces": _namespaces, "bubblewrap": _bubblewrap, "weak": _weak}
