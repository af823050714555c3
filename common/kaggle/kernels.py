"""What the command says about kernels: pushed, running, held, written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import files
from common.errors import KaggleError
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Answer, Kind, kind_of, last_line, shortened

WAITING = ("NEW_SCRIPT", "QUEUED", "RUNNING", "CANCEL_REQUESTED")
ENDED = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")
_METADATA = "kernel-metadata.json"
SOURCE_KEYS = ("competition_sources", "dataset_sources", "kernel_sources", "model_sources")

# A name that stays inside its folder: neither absolute, nor through "..", nor a drive's.
SAFE_NAME = r"^(?![/\\~])(?![A-Za-z]:)(?!(?:.*[/\\])?\.\.(?:[/\\]|$))(?!.*[\\\x00-\x1f])."

_PUSHED = re.compile(r"Kernel version (?:(\d+) )?successfully pushed\.\s+.*?progress at (\S+)")
_DROPPED = re.compile(r"not valid (\w+) sources and could not be added to the kernel: \[(.*)\]")
_REFUSED = re.compile(r"^Kernel push error: (.*)$", re.MULTILINE)
_STATUS = re.compile(r'has status "(?:KernelWorkerStatus\.)?([A-Za-z_]+)"')
_FAILURE = re.compile(r'^Failure message: "(.*)"\s*\Z', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Pushed:
    """A push that Kaggle took.

    Args:
        version: None where the answer named none.
        dropped: sources that the kernel now runs without, such as "competition titanic".
    """

    version: int | None
    url: str
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """How a kernel's latest session stands; `word` is one of WAITING or ENDED."""

    word: str
    failure: str = ""


@dataclass(frozen=True)
class Held:
    """A version of a kernel as Kaggle holds it: its source, and the metadata beside it."""

    source: str
    metadata: dict[str, Any]


def page_of(ref: str) -> str:
    """Where a person looks at a kernel."""
    return f"https://www.kaggle.com/code/{ref}"


def push(kaggle: Kaggle, folder: Path, ref: str) -> Pushed:
    """Pushes a built folder, which runs it.

    Raises: KaggleError; of kind SESSIONS or QUOTA where Kaggle has no room now; of one of the
    PASSING kinds where it is open whether Kaggle took it.
    """
    answer = kaggle.write("kernels", "push", "-p", str(folder), subject=f"kernel {ref}")
    return _pushed(answer, ref)


def _pushed(answer: Answer, ref: str) -> Pushed:
    """The command ends with 0 whatever the server says, so its words are what counts."""
    text = " ".join(answer.stdout.split("\n"))
    refused = _REFUSED.search(answer.stdout)
    if refused:
        raise _refusal(refused[1], ref)
    done = _PUSHED.search(text)
    if not done:
        said = shortened(last_line(answer.stdout) or last_line(answer.stderr) or "nothing")
        raise KaggleError(f"the push of {ref} ended without a word of success: {said}", Kind.SERVER)
    dropped = [
        f"{match[1]} {name.strip(' ')[1:-1]}"
        for match in _DROPPED.finditer(answer.stdout)
        for name in match[2].split(",")
    ]
    return Pushed(int(done[1]) if done[1] else None, done[2], tuple(dropped))


def _refusal(words: str, ref: str) -> KaggleError:
    said = shortened(words)
    lower = words.lower()
    if "session count" in lower:
        return KaggleError(f"Kaggle has no free session for {ref}: {said}", Kind.SESSIONS)
    if "quota" in lower:
        return KaggleError(
            f"Kaggle does not run {ref}: {said} `kaggle quota` shows what is left and when it is "
            "renewed; push again then, or build for another accelerator",
            Kind.QUOTA,
        )
    if "notebook not found" in lower:
        return KaggleError(
            f"Kaggle refused {ref}: {said}; expected a title that gives the slug, both of 5 to 50 "
            "characters and beginning with a letter, and your own user name before it: build it "
            "again, with --user",
            Kind.REFUSED,
        )
    kind = kind_of(words)
    return KaggleError(f"Kaggle refused the push of {ref}: {said}", kind)


def status(kaggle: Kaggle, ref: str) -> Status:
    """How the kernel's latest session stands; tried once.

    Raises: KaggleError.
    """
    answer = kaggle.once("kernels", "status", ref, subject=f"kernel {ref}")
    found = _STATUS.search(answer.stdout)
    if not found:
        said = shortened(last_line(answer.stdout) or "nothing")
        raise KaggleError(f"Kaggle told no status of {ref}: {said}", Kind.GARBLED)
    failure = _FAILURE.search(answer.stdout)
    return Status(found[1].upper(), shortened(failure[1]) if failure else "")


def held(kaggle: Kaggle, ref: str, version: int | None = None) -> Held | None:
    """What Kaggle holds of a kernel, its latest version or a given one; None where there is none.

    Kaggle does not tell an unknown kernel from a forbidden one, so both are none.

    Raises: KaggleError.
    """
    named = f"{ref}/{version}" if version else ref
    with TemporaryDirectory() as folder:
        try:
            kaggle.read(*("kernels", "pull", named, "-p", folder, "-m"), subject=f"kernel {named}")
        except KaggleError as error:
            if error.kind in (Kind.MISSING, Kind.FORBIDDEN):
                return None
            if version and error.kind == Kind.REFUSED:  # a number that is not there yet
                return None
            raise
        metadata = files.read_json(Path(folder) / _METADATA)
        code = [path for path in Path(folder).iterdir() if path.name != _METADATA]
        source = code[0].read_text(encoding="utf-8") if code else ""
    return Held(source, metadata if isinstance(metadata, dict) else {})


def same_source(ours: str, theirs: str, kernel_type: str) -> bool:
    """Whether Kaggle holds this text: line ends and the outputs of a notebook do not count."""
    if kernel_type != "notebook":
        return _lines(ours) == _lines(theirs)
    try:
        return bool(_cells(ours) == _cells(theirs))
    except (json.JSONDecodeError, AttributeError, TypeError):
        return False


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip()


def _cells(text: str) -> Any:
    """A notebook's cells without outputs, each source as one string."""
    cells = json.loads(text).get("cells", [])
    return [(cell.get("cell_type"), "".join(cell.get("source", ""))) for cell in cells]


def output_files(kaggle: Kaggle, ref: str) -> dict[str, int]:
    """The latest session's output files with their sizes in bytes.

    Raises: KaggleError.
    """
    rows, _ = kaggle.table("kernels", "files", ref, subject=f"the output of {ref}", pages=10)
    return {str(row.get("name", "")): int(row.get("size") or 0) for row in rows}


def fetch_output(kaggle: Kaggle, ref: str, folder: Path, pattern: str = SAFE_NAME) -> None:
    """Fetches the latest session's output files and log into an empty folder; tried once.

    The command writes whatever name it is told, so it is given a pattern that lets pass only
    those that stay inside the folder.

    Raises: KaggleError.
    """
    kaggle.once(
        *("kernels", "output", ref, "-p", str(folder), "-o", "-q", "--file-pattern", pattern),
        subject=f"the output of {ref}",
        watch=folder,
    )
