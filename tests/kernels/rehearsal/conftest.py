"""A stage on which tiny scripts stand for built kernels, in the real isolation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.errors import UsageError
from common.kernels.build import Built
from common.kernels.isolation import Session, run
from common.kernels.rehearsal.absent import absent
from common.kernels.rehearsal.acts import INSIDE, Act, Acted, Stage, perform
from common.kernels.rehearsal.layouts import NEWER
from competitions.digit_recognizer.spec import SPEC
from tests.kernels.desk import a_config

SAMPLE = "ImageId,Label\n1,0\n2,0\n3,0\n"
SUBMISSION = """\
with open("submission.csv", "w") as stream:
    stream.write("ImageId,Label\\n1,4\\n2,5\\n3,6\\n")
"""
# a competition's module, as a kernel unpacks it
HEAD = """\
import os, sys, tempfile
TEMP = os.environ.get("KIT_TEMP", "/kaggle/temp")
INPUT = os.environ.get("KIT_INPUT", "/kaggle/input")
folder = tempfile.mkdtemp(dir=TEMP) + "/code/competitions/digits"
os.makedirs(folder)
with open(folder + "/pipeline.py", "w") as stream:
    stream.write(PIPELINE)
exec(compile(PIPELINE, folder + "/pipeline.py", "exec"), {"__file__": folder + "/pipeline.py"})
"""


Play = Callable[..., Acted]


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a session needs besides a kernel."""
    folder = tmp_path_factory.mktemp("said")
    files.write_json(folder / "rehearsal.json", {"preset": "smoke"})
    files.write_json(folder / "absent.json", absent())
    for name in ("sitecustomize.py", "run_notebook.py"):
        files.write_bytes(folder / name, (INSIDE / name).read_bytes())
    return folder


@pytest.fixture
def play(tmp_path: Path, said: Path) -> Play:
    """Plays an infer kernel that holds some code; then `pipeline` runs as a competition's module.

    Further arguments: `mode`, `internet`, `role`, and those of a Stage.
    """
    data = tmp_path / "data"
    files.write_text(data / "sample_submission.csv", SAMPLE)
    files.write_text(data / "test.csv", "pixel0\n1\n2\n3\n")

    def playing(code: str, *, pipeline: str = "", name: str = "kernel.py", **changes: Any) -> Acted:
        text = f"PIPELINE = {pipeline!r}\n{HEAD}\n{code}" if pipeline else code
        file = files.write_text(tmp_path / name, text)
        asked = {"role": "infer", "internet": False}
        config = a_config(**{key: changes.pop(key, value) for key, value in asked.items()})
        stage = Stage(
            tmp_path / "acts",
            {path.name: path for path in said.iterdir()},
            changes.pop("mode", "auto"),
            working_bytes=20_000_000,
            minutes=1.0,
        )
        act = Act(
            "infer",
            Built(tmp_path, file, 0, config, {}),
            NEWER,
            {("competition", "digit-recognizer"): data},
            rows=3,
        )
        return perform(act, replace(stage, **changes), SPEC, data / "sample_submission.csv")

    return playing


def has_mode(mode: str, place: Path) -> str:
    """Why this machine lacks a mode of isolation; "" where it has it."""
    nothing = Session({}, {}, ("true",), {"PATH": "/usr/bin:/bin"}, 10**6, 10**6, 60.0)
    try:
        run(nothing, place, mode)
    except UsageError as error:
        return str(error)
    return ""


@pytest.fixture(params=["auto", "weak"])
def mode(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The strongest mode, and the weak one where this machine has it."""
    reason = has_mode(request.param, tmp_path / "tried")
    if reason:
        pytest.skip(reason)
    return str(request.param)
