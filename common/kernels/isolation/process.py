"""The isolating process seen from outside: started, listened to, ended when the caller ends."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from common.errors import RunError

LARGEST_LOG_BYTES = 100_000_000
STOPPING_SECONDS = 10.0
SOURCE = Path(__file__).resolve().parent / "inside"

# `inside` is loaded without the packages above it, which take longer than all the rest
_BOOT = """\
import sys, types
for package in ("common", "common.kernels", "common.kernels.isolation"):
    sys.modules[package] = types.ModuleType(package)
sys.modules[package].__path__ = [sys.argv[1]]
from common.kernels.isolation.inside.start import main
main()
"""


class Refused(Exception):
    """This machine does not allow a mode. Nothing of the session has run."""


def command_line(source: str) -> list[str]:
    """What starts the isolating process; `source` is where the folder `inside` lies for it."""
    return [sys.executable, "-I", "-S", "-c", _BOOT, os.path.dirname(source)]


def isolate(
    command: Sequence[str], order: dict[str, Any], results: int, log: Path
) -> tuple[dict[str, Any], list[str]]:
    """What the isolating process reports of the session's end, and its doubts.

    Args:
        command: starts the isolating process.
        order: what it is told, see `inside.start`.
        results: a descriptor of the folder for the working folder's copy.
        log: a file for the output of all processes; what is beyond its largest size is dropped,
            and the log says so.

    Raises: Refused; RunError where no report came.
    """
    output, output_end = os.pipe()
    report, report_end = os.pipe()
    lines = bytearray()
    with os.fdopen(output, "rb", 0) as output_stream, os.fdopen(report, "rb", 0) as report_stream:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output_end,
                stderr=output_end,
                pass_fds=(report_end, results),
                start_new_session=True,
            )
        finally:
            os.close(output_end)
            os.close(report_end)
        with log.open("wb") as stream:
            sinks = {output_stream: _capped(stream), report_stream: lines.extend}
            try:
                _tell(process, {**order, "report": report_end, "results": results})
                _drain(sinks)
                process.wait()
            except BaseException:
                _stop(process)
                _drain({output_stream: sinks[output_stream]}, STOPPING_SECONDS)
                raise
    return _read_report(process.returncode, bytes(lines), log)


def _tell(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    assert process.stdin is not None
    # one that died at once is known by its missing report
    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
        stream.write(json.dumps({**order, "parent": os.getpid()}).encode())


Sink = Callable[[bytes], object]


def _drain(sinks: dict[Any, Sink], timeout: float | None = None) -> None:
    """Hands on what arrives until every writer has closed its end, or nothing comes in time."""
    with selectors.DefaultSelector() as selector:
        for stream, sink in sinks.items():
            selector.register(stream, selectors.EVENT_READ, sink)
        while selector.get_map():
            ready = selector.select(timeout)
            if not ready:
                return
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)


def _capped(stream: BinaryIO) -> Sink:
    """A sink that writes the first bytes to a file, and drops the rest."""
    left = LARGEST_LOG_BYTES

    def write(data: bytes) -> None:
        nonlocal left
        if left > 0:
            stream.write(data[:left])
            if len(data) > left:
                stream.write(f"\n[the log ends here, after {LARGEST_LOG_BYTES} bytes]\n".encode())
            stream.flush()
        left -= len(data)

    return write


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the isolating process, and with it the session."""
    process.terminate()
    try:
        process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_report(status: int, lines: bytes, log: Path) -> tuple[dict[str, Any], list[str]]:
    said: dict[str, Any] = {}
    for line in lines.splitlines():
        said |= json.loads(line)
    if "ended" in said:
        return said["ended"], said["notes"]
    if "refused" in said:
        raise Refused(said["refused"])
    last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    if "started" not in said and last.startswith("bwrap: "):  # which reports to nobody else
        raise Refused(last)
    raise RunError(
        f"the process that isolates the session ended with status {status} and no report (last "
        f"line of {log}: {last!r}); was it killed, or this machine out of memory?"
    )
