"""push.json: how far the push of a built kernel has come.

It is written before a push is sent and after every step, so that a second call, whenever the first
one was killed, knows what Kaggle may hold and goes on from there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common import files
from common.errors import DataError

JOURNAL_FILE = "push.json"

SENDING = "sending"  # the push may have reached Kaggle
REFUSED = "refused"  # Kaggle did not take it
DROPPED = "dropped"  # Kaggle took it without a source
WAITING = "waiting"  # it runs
ENDED = "ended"  # it has ended; nothing is fetched
FETCHED = "fetched"
STATES = (SENDING, REFUSED, DROPPED, WAITING, ENDED, FETCHED)


@dataclass(frozen=True)
class Journal:
    """The last push of a built kernel.

    Args:
        kernel: "owner/slug".
        content: hash of the file and the metadata that were pushed.
        state: one of STATES.
        sent: seconds since 1970 when the push was last sent.
        before: the version that Kaggle held before; 0 for none, None where it is not known.
        held: whether Kaggle held this very content before.
        version: None where it is not known.
        end: the status with which the run ended; "" before.
        run: the folder that the output was fetched into; "" before.
    """

    kernel: str
    content: str
    state: str
    sent: float
    before: int | None = None
    held: bool = False
    version: int | None = None
    end: str = ""
    run: str = ""

    def at(self, state: str, **changes: object) -> Journal:
        """The journal one step later."""
        return dataclasses.replace(self, state=state, **changes)  # type: ignore[arg-type]

    @property
    def called(self) -> str:
        """The kernel and its version, for messages."""
        return f"{self.kernel} version {self.version}" if self.version else self.kernel

    @property
    def latest(self) -> int | None:
        """The latest version that is known of."""
        return self.version if self.version is not None else self.before

    def write(self, folder: Path) -> Journal:
        """Writes it beside the built kernel, and gives it back."""
        facts = {**dataclasses.asdict(self), "sent_utc": _utc(self.sent)}
        files.write_json(folder / JOURNAL_FILE, facts)
        return self


def read(folder: Path) -> Journal | None:
    """The journal beside a built kernel; None where nothing was pushed from there.

    Raises: DataError where it is none of ours.
    """
    path = folder / JOURNAL_FILE
    if not path.is_file():
        return None
    facts = files.read_json(path)
    names = {field.name for field in dataclasses.fields(Journal)}
    if not isinstance(facts, dict) or not {"kernel", "content", "state", "sent"} <= set(facts):
        raise DataError(f"{path} is no journal of a push; look at Kaggle what runs, then remove it")
    return Journal(**{name: value for name, value in facts.items() if name in names})


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
