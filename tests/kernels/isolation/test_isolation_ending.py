"""How a session ends: exit codes, the time limit, its caller's death; and what is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from common import paths
from common.errors import RunError
from common.kernels.isolation import process
from tests.kernels.isolation.conftest import Execute, processes_with


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when a condition holds; fails after 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def word() -> str:
    """A word that marks the processes of one test."""
    return f"kit-{uuid.uuid4().hex}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise ValueError('seen')", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("os.abort()", 134),
    ],
)
def test_the_exit_code_is_the_command_s(
    mode: str, execute: Execute, code: str, expected: int
) -> None:
    outcome = execute(mode, code).outcome
    assert (outcome.exit_code, outcome.timed_out, outcome.over_size) == (expected, False, False)


def test_a_program_that_python_did_not_start_is_ended_by_a_closed_pipe(
    mode: str, execute: Execute
) -> None:
    command = ("sh", "-c", 'sh -c "kill -PIPE \\$\\$"; echo $?')  # Python itself ignores SIGPIPE
    assert execute(mode, "", command=command).text == f"{128 + signal.SIGPIPE}\n"


def test_a_command_that_does_not_exist_is_told_in_the_log(mode: str, execute: Execute) -> None:
    ran = execute(mode, "", command=("no-such-program", "x"))
    assert ran.outcome.exit_code == 127
    assert ran.text.startswith("cannot start no-such-program: ")


def test_the_log_holds_output_and_errors_in_order(mode: str, execute: Execute) -> None:
    ran = execute(
        mode, 'print("one", flush=True); print("two", file=sys.stderr); open("/dev/stdout", "w")'
    )
    assert ran.text == "one\ntwo\n"


def test_a_log_that_grows_without_end_is_cut(
    mode: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LARGEST_LOG_BYTES", 1000)
    ran = execute(mode, 'print("x" * 1_000_000); print("y")')
    assert ran.outcome.exit_code == 0
    assert ran.text == "x" * 1000 + "\n[the log ends here, after 1000 bytes]\n"


# leaves a process behind that has no parent and a session of its own, and heeds no request
SLEEPER = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execvp(sys.executable, [sys.executable, "-c",
            "import time; open('started', 'w').close(); time.sleep(600)", {word!r}])
    os._exit(0)
os.wait()
while not os.path.exists("started"):
    time.sleep(0.01)
print("started", flush=True)
"""


def test_the_time_limit_ends_every_process_and_keeps_the_results(
    mode: str, execute: Execute, word: str
) -> None:
    code = SLEEPER.format(word=word) + "time.sleep(600)"
    ran = execute(mode, code, time_limit_seconds=2.0)
    outcome = ran.outcome
    assert ran.text == "started\n"
    assert (outcome.exit_code, outcome.timed_out) == (137, True)
    assert outcome.seconds >= 2.0
    assert processes_with(word) == []
    assert os.listdir(outcome.working) == ["started"]


def test_the_end_of_the_command_ends_what_it_left_behind(
    mode: str, execute: Execute, word: str
) -> None:
    ran = execute(mode, SLEEPER.format(word=word) + "sys.exit(5)")
    assert (ran.outcome.exit_code, ran.text) == (5, "started\n")
    assert processes_with(word) == []


CALLER = """
import sys
from pathlib import Path
from common.kernels.isolation import Session, run
script, results, mode, word = sys.argv[1:]
command = (sys.executable, "/kaggle/src/script.py")
limits = {"working_bytes": 10**6, "temporary_bytes": 10**6, "time_limit_seconds": 600.0}
session = Session({}, {"script.py": Path(script)}, command, {}, **limits)
run(session, Path(results), mode)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_caller_ends_every_process(
    mode: str, tmp_path: Path, word: str, number: signal.Signals
) -> None:
    script = tmp_path / "script.py"
    head = "import os, signal, sys, time\n"
    script.write_text(head + SLEEPER.format(word=word) + "time.sleep(600)")
    results = tmp_path / "results"
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(script), str(results), mode, word],
        cwd=paths.repository(),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(paths.repository()),
            "TMPDIR": str(tmp_path),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until((results / "log.txt").is_file)
        wait_until(lambda: (results / "log.txt").read_text() == "started\n")
        assert len(processes_with(word)) == 2  # the caller and what was left behind
        caller.send_signal(number)
        _, errors = caller.communicate(timeout=20)
        wait_until(lambda: processes_with(word) == [])
    finally:
        caller.kill()
        caller.communicate()
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    wait_until(lambda: not list(tmp_path.glob("kit-*/working/*")))


def test_a_supervisor_that_is_killed_is_an_error_of_its_own(execute: Execute, word: str) -> None:
    with pytest.raises(RunError, match=r"ended with status -9 and no report .*'last words'"):
        execute("weak", 'print("last words", flush=True); os.kill(os.getppid(), signal.SIGKILL)')


def test_memory_is_that_of_all_processes_together(mode: str, execute: Execute) -> None:
    megabytes = (
        execute(
            mode,
            """
held = b"x" * 60_000_000
if os.fork() == 0:
    more = b"y" * 60_000_000
    time.sleep(0.6)
    os._exit(0)
os.wait()""",
        ).outcome.peak_rss_bytes
        / 1e6
    )
    # 120 MB and two interpreters; the parent's 60 are shared with the child and count once
    assert 120 < megabytes < 165


def test_memory_that_is_held_for_a_moment_is_seen(mode: str, execute: Execute) -> None:
    ran = execute(mode, 'subprocess.run([sys.executable, "-c", "b\'x\' * 90_000_000"])')
    assert 90 < ran.outcome.peak_rss_bytes / 1e6 < 130
