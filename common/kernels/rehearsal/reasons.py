"""From a kernel's log to the one line that says why it stopped."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from common.kernels.rehearsal.absent import MARK

READ_AT_MOST = 2_000_000  # bytes of a log's end
LONGEST = 300  # characters of a reason
_RAISED = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Stopped|Interrupt|Refused))\b.*")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MISSING = re.compile(r"No such file or directory: '([^']*)'")
_NO_FILE = re.compile(r"^(.+) does not exist; download the data")  # the kit's own words for it
_EXPECTED = ("error: ", "common.kernels.start.KernelStopped: error: ", "KernelStopped: error: ")
_NETWORK = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "nodename nor servname",
    "Max retries exceeded",
    "ConnectError",
    "URLError",
    "gaierror",
    "OfflineModeIsEnabled",
)
ATTACH = "a pipeline must not reach for the network: attach what it needs as a data set"
WRITE_INSIDE = "a file is written outside /kaggle/working: write below context.work"
ELSEWHERE = "the host's files are not there: they lie below context.root"
_HINTS = (
    (_NETWORK, ATTACH),
    (
        ("No space left on device", "File too large"),
        "the output or the temporary files outgrow the session: write less, or rehearse with a "
        "larger --working-gib",
    ),
    (("Read-only file system", "Permission denied"), WRITE_INSIDE),
    (("MemoryError", "Cannot allocate memory"), "the session's memory was used up"),
    (("which the test data do not hold",), "the pipeline leaves rows of the test set out"),
)
_LACKING = "Kaggle's image lacks it: bring it as a wheel in a data set, or do without"
# what a person does at home: about a full disk, where it is the session's that is full, and about
# data that lack something, which they do not here
_AT_HOME = re.compile(
    r"; (free some room and run|the file is larger|the place is read-only|choose a place"
    r"|download the data or write|get both files again).*"
)


def reason(log: Path, exit_code: int = 1, mounted: Sequence[str] = ()) -> str:
    """The last error of a log in one line, with what to do where that is known.

    Args:
        mounted: the mounts below /kaggle/input, such as "competitions/digit-recognizer".
    """
    lines = _lines(log)
    found, is_expected = _last_error(lines)
    if not found:
        shown = next((line for line in reversed(lines) if line), "")
        last = f"the log's last line is: {shown}" if shown else "the log is empty"
        return shortened(f"{_ending(exit_code)} without an error line; {last}")
    hint = _hint(found, is_expected, mounted)
    if not hint:
        return shortened(found)
    return f"{shortened(_AT_HOME.sub('', found))} ({hint})"


def marks(log: Path) -> list[str]:
    """What was noticed inside the session, each line once."""
    noticed = [line.removeprefix(MARK) for line in _lines(log) if line.startswith(MARK)]
    return list(dict.fromkeys(noticed))


def shortened(line: str) -> str:
    """A line of at most 300 characters; of a longer one, its beginning and its end."""
    line = " ".join(line.split())
    if len(line) <= LONGEST:
        return line
    return f"{line[: LONGEST * 2 // 3]} … {line[3 - LONGEST // 3 :]}"


def _ending(exit_code: int) -> str:
    if exit_code == 128 + signal.SIGKILL:
        return "it was killed, as where memory is used up,"
    if exit_code > 128:
        return f"signal {exit_code - 128} ended it"
    return f"it ended with exit code {exit_code}"


def _hint(found: str, is_expected: bool, mounted: Sequence[str]) -> str:
    for words, hint in _HINTS:
        if any(word in found for word in words):
            return hint
    if is_expected:  # the line says itself what to do
        lacking = _NO_FILE.match(found)
        return (_of_path(lacking.group(1), mounted) or ELSEWHERE) if lacking else ""
    if found.startswith("ModuleNotFoundError: No module named"):
        return _LACKING
    missing = _MISSING.search(found)
    return _of_path(missing.group(1), mounted) if missing else ""


def _of_path(path: str, mounted: Sequence[str]) -> str:
    if not path.startswith("/"):
        return "a path relative to the working folder: take context.root or context.work"
    if any(path.startswith(f"/kaggle/input/{place}/") for place in mounted):
        return "the host's data have no such file here"
    if path.startswith("/kaggle/input/"):
        return "a hard-coded path: Kaggle mounts inputs in two layouts, so take context.root"
    if path.startswith(("/kaggle/", "/tmp/")):
        return ""
    return "a hard-coded path, which the session does not have: take context.root or context.work"


def _last_error(lines: list[str]) -> tuple[str, bool]:
    """The last line that is an error, and whether it is one that says what to do."""
    for line in reversed(lines):
        for beginning in _EXPECTED:
            if line.startswith(beginning):
                return line.removeprefix(beginning), True
        if _RAISED.match(line):
            return line, False
    return "", False


def _lines(log: Path) -> list[str]:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - READ_AT_MOST))
        text = stream.read().decode(errors="replace")
    return [_COLOURS.sub("", line).rstrip() for line in text.splitlines()]
