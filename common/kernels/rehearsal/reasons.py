"""From a kernel's log to the one line that says why it stopped."""

from __future__ import annotations

import re
from pathlib import Path

from common.kernels.rehearsal.absent import MARK

READ_AT_MOST = 2_000_000  # bytes of a log's end
_RAISED = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Stopped|Interrupt|Refused))\b.*")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NETWORK = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "nodename nor servname",
    "Max retries exceeded",
    "ConnectError",
    "URLError",
    "gaierror",
)
_HINTS = (
    (_NETWORK, "a pipeline must not reach for the network: attach what it needs as a data set"),
    (("No space left on device",), "the output or temporary files outgrow what the session has"),
    (
        ("Read-only file system",),
        "a file is written outside /kaggle/working: write under context.work or the run folder",
    ),
    (
        ("No module named",),
        "Kaggle's image lacks it: bring it as a wheel in a data set, or do without",
    ),
    (
        ("No such file or directory", "does not exist"),
        "a path that is not mounted, or one that holds on this machine only: use context.root",
    ),
    (("MemoryError", "Cannot allocate memory"), "the session's memory was used up"),
)


def reason(log: Path) -> str:
    """The last error of a log in one line, with what to do where that is known."""
    lines = _lines(log)
    found = _last_error(lines)
    if not found:
        shown = next((line for line in reversed(lines) if line), "the log is empty")
        return f"it ended without an error line; the log's last is: {shown}"
    for words, hint in _HINTS:
        if any(word in found for word in words):
            return f"{found} ({hint})"
    return found


def marks(log: Path) -> list[str]:
    """What was noticed inside the session, each line once."""
    noticed = [line.removeprefix(MARK) for line in _lines(log) if line.startswith(MARK)]
    return list(dict.fromkeys(noticed))


def _last_error(lines: list[str]) -> str:
    for line in reversed(lines):
        if line.startswith("error: "):
            return line.removeprefix("error: ")
        if _RAISED.match(line):
            return line
    return ""


def _lines(log: Path) -> list[str]:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - READ_AT_MOST))
        text = stream.read().decode(errors="replace")
    return [_COLOURS.sub("", line).rstrip() for line in text.splitlines()]
