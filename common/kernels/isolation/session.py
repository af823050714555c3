"""A kernel session as a value: what is laid out, what runs, what came of it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from common.errors import DataError, UsageError

INPUT, SOURCE, WORKING = "/kaggle/input", "/kaggle/src", "/kaggle/working"
TEMPORARY = ("/kaggle/temp", "/tmp")


def interpreter_paths() -> tuple[Path, ...]:
    """The folders that this Python needs: those of its environment, and of what it was made from.

    An environment that lies inside the repository shows nothing else of it.
    """
    program = Path(os.path.realpath(sys.executable)).parent.parent
    return tuple(dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix), program)))


@dataclass(frozen=True)
class Session:
    """What a kernel session holds and runs.

    Args:
        inputs: folders of this machine by their name under /kaggle/input, such as
            "competitions/digit-recognizer". Read-only inside.
        source: files of this machine by their name under /kaggle/src. Read-only inside.
        command: the program and its arguments; it starts in /kaggle/working.
        environment: every variable that it sees; nothing is inherited. PATH, HOME and the like
            must be named.
        working_bytes: what /kaggle/working may hold. It lies in this machine's memory.
        temporary_bytes: what /tmp and /kaggle/temp may hold, each. They lie in memory as well.
        time_limit_seconds: after which every process is killed.
        python_paths: further folders that are visible at their own place, read-only.
    """

    inputs: Mapping[str, Path]
    source: Mapping[str, Path]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    working_bytes: int
    temporary_bytes: int
    time_limit_seconds: float
    python_paths: tuple[Path, ...] = field(default_factory=interpreter_paths)


@dataclass(frozen=True)
class Outcome:
    """What came of a session.

    Args:
        mode: "bubblewrap", "namespaces" or "weak"; the last with what it could not do, if any.
        refused: why stronger modes were not taken, one line each.
        exit_code: the command's; 128 + n where signal n ended it, 127 where it could not start.
        timed_out: the time limit was reached and everything was killed (exit code 137).
        over_size: a folder outgrew its size and everything was killed (exit code 137); only in
            the weak mode, elsewhere the command gets OSError (no space left on device).
        seconds: from the command's start to its end.
        cpu_seconds: of all processes together, whatever else this machine does.
        peak_rss_bytes: memory of all processes together, looked at about ten times a second (what
            they share counts once), or the largest of one process where that is more.
        output_bytes: of all files in /kaggle/working at the end.
        output_files: how many these are.
        left_out: what was not copied, being no file or folder: links, pipes, sockets.
        log: the command's standard output and error together.
        working: the copy of /kaggle/working on this machine.
    """

    mode: str
    refused: tuple[str, ...]
    exit_code: int
    timed_out: bool
    over_size: bool
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    output_bytes: int
    output_files: int
    left_out: tuple[str, ...]
    log: Path
    working: Path


def check(session: Session) -> None:
    """Raises UsageError or DataError for a session that cannot be laid out; else does nothing."""
    if not session.command:
        raise UsageError("a session without a command; expected a program and its arguments")
    for name in ("working_bytes", "temporary_bytes", "time_limit_seconds"):
        limit = getattr(session, name)
        if not (math.isfinite(limit) and limit > 0):
            raise UsageError(f"{name} is {limit}; expected a number above 0")
    _check_names("inputs", session.inputs)
    _check_names("source files", session.source)
    for place in (*session.inputs.values(), *session.python_paths):
        if not place.is_dir():
            raise DataError(f"{place} is no folder; expected one to show in the session")
    for place in session.python_paths:
        covered = [
            own for own in (*TEMPORARY, WORKING) if Path(own).is_relative_to(place.resolve())
        ]
        if covered:
            raise UsageError(f"{place} cannot be shown in a session: it would cover {covered[0]}")
    for place in session.source.values():
        if not place.is_file():
            raise DataError(f"{place} is no file; expected one to show in {SOURCE}")
    for name, value in session.environment.items():
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"{name!r} cannot be an environment variable")


def _check_names(what: str, names: Mapping[str, Path]) -> None:
    for name in names:
        parts = PurePosixPath(name).parts
        if not name or name != "/".join(parts) or ".." in parts or "\0" in name:
            raise UsageError(
                f"{name!r} cannot be a name among the {what}; expected a path such as 'a/b'"
            )
        for above in PurePosixPath(name).parents:
            if str(above) in names:
                raise UsageError(f"of the {what}, {name!r} lies inside {str(above)!r}")
