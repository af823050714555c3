"""Waits for a kernel to end: one line per change, and the time on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from common.errors import KaggleError
from common.kaggle import kernels
from common.kaggle.cli import Kaggle, show_passing
from common.kaggle.faults import PASSING, Kind, in_passing
from common.kaggle.journal import Journal
from common.kaggle.kernels import ENDED, Status

_DENIALS = 3  # looks in a row at a kernel that Kaggle says is not there: it may be very new
_LASTING = PASSING | {Kind.REFUSED, Kind.COMMAND}  # borne until the outage is too long


class Watch:
    """Looks at one kernel's status until it ends."""

    def __init__(self, kaggle: Kaggle, journal: Journal, until: float) -> None:
        self.kaggle = kaggle
        self.journal = journal
        self.until = until
        self.started = kaggle.patience.clock()
        self.answered = self.started
        self.denials = 0
        self.trouble = ""

    def until_ended(self) -> Status:
        """The status that the run ended with.

        Raises: KaggleError where Kaggle cannot be asked for too long, and where the run goes on
        past the time that one is willing to wait.
        """
        last = ""
        confirmed = not self.journal.before  # an earlier version's end may be told at first
        for pause in self.kaggle.patience.polls():
            now = self._look()
            if now is not None and now.word != last:
                self._line(now.word)
                last = now.word
            if now is not None and now.word in ENDED:
                if confirmed:
                    return now
                confirmed = True
            elif now is not None:
                confirmed = True
            self._check_time(last, pause)
            self._show_elapsed(last)
            self.kaggle.patience.sleep(pause)
        raise AssertionError("polls have no end")

    def _look(self) -> Status | None:
        """The status; None where Kaggle could not be asked this time."""
        try:
            found = kernels.status(self.kaggle, self.journal.kernel)
        except KaggleError as error:
            self._bear(error)
            return None
        if self.trouble:
            self._line("Kaggle answers again")
        self.answered, self.denials, self.trouble = self.kaggle.patience.clock(), 0, ""
        return found

    def _bear(self, error: KaggleError) -> None:
        if error.kind in (Kind.FORBIDDEN, Kind.MISSING):
            self.denials += 1
            if self.denials < _DENIALS:
                return
            raise error
        if error.kind not in _LASTING:
            raise error
        if self.kaggle.patience.clock() - self.answered > self.kaggle.patience.outage:
            raise KaggleError(
                f"{error}. {self.journal.called} goes on at Kaggle; the same command waits on",
                error.kind,
            )
        if error.kind != self.trouble:
            self.trouble = error.kind
            self._line(f"{in_passing(error.kind)}; the run goes on, looking again")

    def _check_time(self, last: str, pause: float) -> None:
        if self.kaggle.patience.clock() + pause > self.until:
            raise KaggleError(
                f"{self.journal.called} is still {last or 'not to be seen'}, and the time to wait "
                f"is over; it goes on at {kernels.page_of(self.journal.kernel)}: the same command "
                "waits on, with --timeout for longer",
                Kind.SILENT,
            )

    def _line(self, text: str) -> None:
        show_passing("")
        self.kaggle.say(f"{datetime.now(UTC):%H:%M:%S} UTC  {text}")

    def _show_elapsed(self, last: str) -> None:
        minutes, seconds = divmod(int(self.kaggle.patience.clock() - self.started), 60)
        show_passing(f"{last} {minutes}:{seconds:02}")
