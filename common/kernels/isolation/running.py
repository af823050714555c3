"""Runs a session in the strongest mode that this machine allows."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import paths
from common.errors import UsageError, unknown_name
from common.files import make_folder
from common.kernels.isolation import bubblewrap, plan, weak
from common.kernels.isolation.inside.steps import Step
from common.kernels.isolation.process import SOURCE, Refused, command_line, isolate
from common.kernels.isolation.session import WORKING, Outcome, Session, check, interpreter_paths

MODES = ("bubblewrap", "namespaces", "weak")  # the strongest that is quick first
_INSIDE_PLACE = "/run/isolation/inside"  # where a session in bubblewrap finds its supervisor


def run(session: Session, results: Path, mode: str = "auto") -> Outcome:
    """Runs a session to its end, in a mode or in the strongest that is possible ("auto").

    Its log is `results`/log.txt, written as it runs; /kaggle/working is copied to
    `results`/working, also when the command fails or is stopped. When this process ends, however
    it does, the session ends too.

    Raises: UsageError for a mode that is unknown or not possible here, for another system than
    Linux, and for a folder `results` that holds something; UsageError or DataError for a session
    that cannot be laid out; RunError where the isolating process itself is killed.
    """
    if sys.platform != "linux":
        raise UsageError(f"a session needs Linux, and this is {sys.platform}; WSL will do")
    check(session)
    if mode not in ("auto", *MODES):
        raise UsageError(unknown_name("mode", mode, ("auto", *MODES)))
    if results.exists() and (not results.is_dir() or any(results.iterdir())):
        raise UsageError(f"{results} holds something; expected a new or empty folder for results")
    make_folder(results / "working")
    refused: list[str] = []
    for name in MODES if mode == "auto" else (mode,):
        try:
            return _attempt(session, results, name, tuple(refused))
        except Refused as why:
            refused.append(f"{name}: {why}")
    raise UsageError(
        f"a session in the mode {mode!r} is not possible on this machine ({'; '.join(refused)})"
    )


def _attempt(session: Session, results: Path, mode: str, refused: tuple[str, ...]) -> Outcome:
    log = results / "log.txt"
    working = os.open(results / "working", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with tempfile.TemporaryDirectory(prefix="kit-") as folder:
            command, order = _PREPARE[mode](session, Path(folder))
            ended, doubts = isolate(command, {**order, "mode": mode}, working, log)
    finally:
        os.close(working)
    return Outcome(
        mode=f"{mode} ({'; '.join(doubts)})" if doubts else mode,
        refused=refused,
        log=log,
        working=results / "working",
        **{**ended, "left_out": tuple(ended["left_out"])},
    )


# ---- what each mode lays out ---------------------------------------------------------------------

Prepared = tuple[list[str], dict[str, Any]]  # the command line, what is said on standard input


def _job(session: Session) -> dict[str, Any]:
    return {
        "command": session.command,
        "environment": dict(session.environment),
        "working": WORKING,
        "time_limit_seconds": session.time_limit_seconds,
    }


def _prepare_namespaces(session: Session, folder: Path) -> Prepared:
    plan.make_up(folder / "etc")
    (folder / "root").mkdir()
    steps = plan.steps(session, folder / "etc", (paths.repository(),))
    order = {"job": _job(session), "steps": steps, "root": str(folder / "root")}
    return command_line(str(SOURCE)), order


def _prepare_bubblewrap(session: Session, folder: Path) -> Prepared:
    program = shutil.which(bubblewrap.PROGRAM)
    if program is None:
        raise Refused(f"{bubblewrap.PROGRAM} is not installed")
    plan.make_up(folder / "etc")
    # the supervisor runs inside as well, and needs this interpreter
    seen = dataclasses.replace(session, python_paths=(*session.python_paths, *interpreter_paths()))
    steps = plan.steps(seen, folder / "etc", (paths.repository(),))
    steps.append(Step("bind", _INSIDE_PLACE, str(SOURCE)))
    command = bubblewrap.arguments(steps, command_line(_INSIDE_PLACE))
    return [program, *command[1:]], {"job": _job(session)}


def _prepare_weak(session: Session, folder: Path) -> Prepared:
    places = weak.Places.under(folder)
    weak.lay_out(session, places)
    job = _job(session) | {
        "command": [places.moved(word) for word in session.command],
        "environment": weak.environment(session, places),
        "working": str(places.working),
        "sizes": {
            str(places.working): session.working_bytes,
            str(places.temporary): session.temporary_bytes,
        },
    }
    writable = [str(places.working), str(places.temporary)]
    return command_line(str(SOURCE)), {"job": job, "writable": writable}


_PREPARE: dict[str, Callable[[Session, Path], Prepared]] = {
    "bubblewrap": _prepare_bubblewrap,
    "namespaces": _prepare_namespaces,
    "weak": _prepare_weak,
}
