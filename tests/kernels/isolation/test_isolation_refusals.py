"""Sessions and modes that are refused, and what is done instead."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common import paths
from common.errors import DataError, UsageError
from common.kernels.isolation import bubblewrap, plan, run, running, weak
from common.kernels.isolation.inside import fences
from common.kernels.isolation.inside.steps import Step
from tests.kernels.isolation.conftest import session

HERE = Path(__file__)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"command": ()}, "without a command"),
        ({"working_bytes": 0}, "working_bytes is 0; expected a number above 0"),
        ({"temporary_bytes": -1}, "temporary_bytes is -1"),
        ({"time_limit_seconds": float("nan")}, "time_limit_seconds is nan"),
        ({"time_limit_seconds": float("inf")}, "time_limit_seconds is inf"),
        ({"inputs": {"": HERE.parent}}, "'' cannot be a name among the inputs"),
        ({"inputs": {"/etc": HERE.parent}}, "'/etc' cannot be a name among the inputs"),
        ({"inputs": {"a/../..": HERE.parent}}, "cannot be a name among the inputs"),
        ({"inputs": {"a//b": HERE.parent}}, "cannot be a name among the inputs"),
        (
            {"inputs": {"a": HERE.parent, "a/b": HERE.parent}},
            "of the inputs, 'a/b' lies inside 'a'",
        ),
        ({"source": {".": HERE}}, "cannot be a name among the source files"),
        ({"python_paths": (Path("/"),)}, "/ cannot be shown .* it would cover /kaggle/temp"),
        ({"python_paths": (Path("/tmp"),)}, "/tmp cannot be shown .* it would cover /tmp"),
        ({"environment": {"A=B": ""}}, "'A=B' cannot be an environment variable"),
        ({"environment": {"A": "\0"}}, "'A' cannot be an environment variable"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(session(**changes), tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"a": HERE}}, "is no folder; expected one"),
        ({"inputs": {"a": HERE / "missing"}}, "missing is no folder"),
        ({"python_paths": (HERE / "missing",)}, "missing is no folder"),
        ({"source": {"a.py": HERE.parent}}, "is no file; expected one to show in /kaggle/src"),
    ],
)
def test_files_that_are_missing_are_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        run(session(**changes), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_results_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(UsageError, match="holds something; expected a new or empty folder"):
        run(session(), tmp_path)
    assert os.listdir(tmp_path) == ["kept"]


def test_an_unknown_mode_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'namespaces'"):
        run(session(), tmp_path / "results", "namespace")


def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="needs Linux, and this is darwin"):
        run(session(), tmp_path / "results")


@pytest.fixture
def no_strong_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without bubblewrap on which nothing can be mounted."""
    monkeypatch.setattr(bubblewrap, "PROGRAM", "no-such-program")
    steps = plan.steps
    broken = Step("bind", "/broken", "/no/such/folder")
    monkeypatch.setattr(plan, "steps", lambda *given: [*steps(*given), broken])


@pytest.mark.usefixtures("no_strong_mode")
def test_a_mode_that_is_not_possible_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-program is not installed"):
        run(session(), tmp_path / "bubblewrap", "bubblewrap")
    with pytest.raises(UsageError, match=r"'namespaces' is not possible .* (mount|unshare)") as why:
        run(session(), tmp_path / "namespaces", "namespaces")
    assert "\n" not in str(why.value)


@pytest.mark.usefixtures("no_strong_mode")
def test_the_weak_mode_comes_last_and_says_what_was_refused(tmp_path: Path) -> None:
    outcome = run(session(command=("echo", "ran")), tmp_path / "results")
    assert outcome.mode.startswith("weak")
    assert [line.partition(":")[0] for line in outcome.refused] == ["bubblewrap", "namespaces"]
    assert outcome.log.read_text() == "ran\n"


def test_a_bubblewrap_that_fails_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1"
    )
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "PROGRAM", str(program))
    with pytest.raises(UsageError, match="bwrap: No permissions to create new namespace"):
        run(session(), tmp_path / "results", "bubblewrap")


def test_fences_that_are_refused_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "not allowed here")

    monkeypatch.setattr(fences, "cut_network", refuse)
    monkeypatch.setattr(fences, "WriteFence", refuse)
    assert fences.put_up(["/tmp"]) == (
        None,
        ["the network is open: not allowed here", "other files can be written: not allowed here"],
    )


def test_doubts_are_part_of_the_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate = running.isolate
    monkeypatch.setattr(
        running, "isolate", lambda *given: (isolate(*given)[0], ["the network is open: so"])
    )
    outcome = run(session(), tmp_path / "results", "weak")
    assert outcome.mode == "weak (the network is open: so)"


def test_a_machine_whose_calls_are_not_known_gets_no_filter() -> None:
    with pytest.raises(OSError, match="no filter is known for the machine 'pdp11'"):
        fences.network_filter("pdp11")


def test_without_landlock_weak_inputs_are_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "images/1.txt").write_text("one")
    monkeypatch.setattr(fences, "landlock_version", lambda: 0)
    (tmp_path / "kit").mkdir()
    places = weak.Places.under(tmp_path / "kit")
    weak.lay_out(session(inputs={"competitions/toy": data}), places)
    copied = places.inputs / "competitions/toy/images/1.txt"
    assert copied.read_text() == "one"
    assert not copied.is_symlink()
    assert copied.stat().st_mode & 0o222 == 0
    assert copied.parent.stat().st_mode & 0o222 == 0


def test_the_package_is_light() -> None:
    code = "import sys, common.kernels.isolation; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=paths.repository(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "pandas", "torch", "fastai", "sklearn", "pyarrow"}


def test_the_arguments_of_bubblewrap() -> None:
    steps = [
        Step("memory", "/tmp", size=1000),
        Step("memory", "/dev/shm"),
        Step("folder", "/kaggle/input"),
        Step("bind", "/usr", "/usr"),
        Step("hidden", "/usr/src/app"),
        Step("link", "/bin", "usr/bin"),
        Step("device", "/dev/null", "/dev/null"),
        Step("processes", "/proc"),
    ]
    words = " ".join(bubblewrap.arguments(steps, ["python", "-u", "x.py"]))
    head, _, tail = words.partition(" --perms ")
    assert head.startswith("bwrap --unshare-all ")
    assert "--die-with-parent" in head
    assert "--share-net" not in head
    assert "--cap-drop ALL" in head
    assert tail == (
        "1777 --size 1000 --tmpfs /tmp --perms 1777 --tmpfs /dev/shm --dir /kaggle/input "
        "--ro-bind /usr /usr --tmpfs /usr/src/app --symlink usr/bin /bin "
        "--dev-bind /dev/null /dev/null --proc /proc "
        "--remount-ro /usr/src/app --remount-ro /proc --remount-ro / -- python -u x.py"
    )
