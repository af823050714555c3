"""The one way to Kaggle: the official `kaggle` command, every call with a time limit."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from common.errors import KaggleError
from common.kaggle import patience as patience_module
from common.kaggle.faults import PASSING, Answer, Kind, fault_of, in_passing
from common.kaggle.patience import Patience
from common.kaggle.records import Record, records

Say = Callable[[str], None]
Result = TypeVar("Result")
_LOOK = 1.0  # seconds between two looks at a folder that grows
_ANONYMOUS = (("datasets", "download"), ("datasets", "files"))
_PAGE = 200  # rows: the most that Kaggle gives at once


class Kaggle:
    """Calls the command and judges what it says.

    Args:
        patience: all time limits and pauses.
        say: takes the lines that tell of waiting.

    `hold` is the descriptor of a lock that every call keeps, even where this process is killed;
    -1 for none. `common.kaggle.locks` sets it.
    """

    def __init__(self, say: Say = print, patience: Patience | None = None) -> None:
        self.say = say
        self.patience = patience or patience_module.DEFAULT
        self.hold = -1

    # ---- judged calls --------------------------------------------------------------------------

    def read(
        self, *words: str, subject: str, competition: str = "", watch: Path | None = None
    ) -> Answer:
        """A call that changes nothing at Kaggle; tried again where the fault may pass.

        Args:
            subject: what the call is about, for messages.
            competition: the slug, where its rules may be in the way.
            watch: a folder that the call fills: the call may last as long as the folder grows.

        Raises: KaggleError.
        """
        return self.patiently(
            lambda: self.once(*words, subject=subject, competition=competition, watch=watch)
        )

    def once(
        self, *words: str, subject: str, competition: str = "", watch: Path | None = None
    ) -> Answer:
        """As `read`, without a second try."""
        answer = self.run(words, self.patience.read, watch=watch)
        _raise_fault(answer, subject, competition)
        return answer

    def write(
        self, *words: str, subject: str, competition: str = "", seconds: float = 0.0
    ) -> Answer:
        """A call that changes something at Kaggle; made once, because a fault may come after it
        was carried out.

        Args:
            seconds: what its bytes take, on top of the usual limit.

        Raises: KaggleError.
        """
        answer = self.run(words, self.patience.write + seconds)
        _raise_fault(answer, subject, competition)
        return answer

    def table(
        self, *words: str, subject: str, competition: str = "", pages: int = 1
    ) -> tuple[list[Record], bool]:
        """The rows of a listing, at most so many pages of 200, and whether there are more.

        Raises: KaggleError.
        """
        rows: list[Record] = []
        token = ""
        for _ in range(pages):
            more = ("--page-token", token) if token else ()
            command = (*words, "--page-size", str(_PAGE), "--format", "json", *more)

            def page(command: tuple[str, ...] = command) -> tuple[list[Record], str]:
                return records(self.once(*command, subject=subject, competition=competition))

            found, token = self.patiently(page)
            rows += found
            if not token:
                return rows, False
        return rows, True

    def patiently(self, call: Callable[[], Result]) -> Result:
        """What a call gives, tried again after growing pauses while its faults may pass.

        Kaggle's Retry-After does not reach us: the command keeps it to itself.

        Raises: KaggleError of the last try, or of a fault that does not pass.
        """
        for number, pause in enumerate(self.patience.pauses(), start=2):
            try:
                return call()
            except KaggleError as error:
                if error.kind not in PASSING:
                    raise
                self.say(
                    f"{in_passing(error.kind)}; trying again in {pause:.0f} s (try {number} of "
                    f"{self.patience.tries})"
                )
                self.patience.sleep(pause)
        return call()

    # ---- the process ----------------------------------------------------------------------------

    def run(self, words: Sequence[str], seconds: float, *, watch: Path | None = None) -> Answer:
        """Calls the command and gives what it said, however it ended.

        It runs in a session of its own, so that Ctrl-C reaches this process alone, which then
        ends it.
        """
        # -W keeps notes about newer versions off stdout; before these two it would hide from the
        # command that they need no account
        quiet = () if tuple(words[:2]) in _ANONYMOUS else ("-W",)
        command = [str(_command()), *quiet, *words]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=() if self.hold < 0 else (self.hold,),
        ) as process:
            try:
                stdout, stderr = self._communicate(process, seconds, watch)
                show_passing("")
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
                return Answer(tuple(words), None, stdout, stderr)
            except BaseException:
                process.kill()
                raise
        return Answer(tuple(words), process.returncode, stdout, stderr)

    def _communicate(
        self, process: subprocess.Popen[str], seconds: float, watch: Path | None
    ) -> tuple[str, str]:
        """Waits for the process; with `watch`, as long as the folder grows.

        Raises: subprocess.TimeoutExpired.
        """
        if watch is None:
            return process.communicate(timeout=seconds)
        size, since = size_of(watch), self.patience.clock()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=min(_LOOK, self.patience.stalled))
            now = size_of(watch)
            if now != size:
                size, since = now, self.patience.clock()
                show_passing(size_shown(size))
            elif self.patience.clock() - since >= self.patience.stalled:
                raise subprocess.TimeoutExpired(process.args, self.patience.stalled)


def show_passing(text: str) -> None:
    """Shows a text that the next one replaces, on a terminal; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder that another process may be filling."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def size_shown(n_bytes: int) -> str:
    """A number of bytes for a person: 1,234 bytes, 1.2 MB, 3.4 GB."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes:,} bytes"


def _command() -> Path:
    """The `kaggle` command: of this Python's environment, else the first on the path."""
    beside = Path(sys.executable).with_name("kaggle")
    if beside.is_file():
        return beside
    elsewhere = shutil.which("kaggle")
    if elsewhere is None:
        raise KaggleError(
            f"the `kaggle` command is neither beside {sys.executable} nor on the path; install "
            "it: pip install kaggle six",
            Kind.COMMAND,
        )
    return Path(elsewhere)


def _raise_fault(answer: Answer, subject: str, competition: str) -> None:
    error = fault_of(answer, subject, competition)
    if error is not None:
        raise error
