"""A session for every mode that this machine has; a mode that it lacks is skipped with the reason.

A script in a session says what it found with `print(json.dumps(...))` as its last line.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from common.errors import UsageError
from common.kernels.isolation import MODES, Outcome, Session, run

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}


def session(**changes: Any) -> Session:
    """A session without inputs that does nothing, or what the changes say."""
    plain = Session(
        inputs={},
        source={},
        command=("true",),
        environment=ENVIRONMENT,
        working_bytes=4_000_000,
        temporary_bytes=2_000_000,
        time_limit_seconds=60.0,
    )
    return replace(plain, **changes)


@cache
def why_not(mode: str) -> str:
    """Why this machine does not have a mode; "" where it has it."""
    with TemporaryDirectory() as folder:
        try:
            run(session(), Path(folder) / "results", mode)
        except UsageError as error:
            return str(error)
    return ""


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Every mode that this machine has."""
    if why_not(request.param):
        pytest.skip(why_not(request.param))
    return str(request.param)


@pytest.fixture(params=[mode for mode in MODES if mode != "weak"])
def strong_mode(request: pytest.FixtureRequest) -> str:
    """Every mode with a root of its own that this machine has."""
    if why_not(request.param):
        pytest.skip(why_not(request.param))
    return str(request.param)


@dataclass(frozen=True)
class Ran:
    """A script that ran in a session."""

    outcome: Outcome
    text: str

    @property
    def said(self) -> Any:
        """What the script's last line holds."""
        assert self.outcome.exit_code == 0, self.text
        return json.loads(self.text.splitlines()[-1])


HEAD = """\
import errno, json, os, signal, socket, subprocess, sys, time
INPUT = os.environ.get("KIT_INPUT", "/kaggle/input")
WORKING = os.environ.get("KIT_WORKING", "/kaggle/working")
TEMP = os.environ.get("KIT_TEMP", "/kaggle/temp")

def error_of(attempt):
    "The name of the OSError that an attempt raises; None where it raises none."
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def writing(path):
    return error_of(lambda: open(path, "a").close())
"""

Execute = Callable[..., Ran]


@pytest.fixture
def execute(tmp_path: Path) -> Execute:
    """Runs code as the script of a session in a mode; further arguments change the session."""

    def run_code(mode: str, code: str, **changes: Any) -> Ran:
        script = tmp_path / "script.py"
        script.write_text(HEAD + code)
        changes.setdefault("source", {"script.py": script})
        # without the site's packages, which take longer to find than everything else
        changes.setdefault("command", (sys.executable, "-S", "/kaggle/src/script.py"))
        outcome = run(session(**changes), tmp_path / "results", mode)
        return Ran(outcome, outcome.log.read_text())

    return run_code


def refusal(mode: str) -> str:
    """How a write outside is refused: by a read-only mount, or by a fence."""
    return errno.errorcode[errno.EACCES if mode == "weak" else errno.EROFS]


def processes_with(word: str) -> list[int]:
    """The processes of this machine that have a word in their command line."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                line = (place / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            if word.encode() in line:
                found.append(int(place.name))
    return found
