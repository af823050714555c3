"""Pushes a built kernel, once, however often the command is given and wherever it was killed.

What is sent is written down first (push.json). A second call that finds a push whose answer never
came asks Kaggle what it holds, and pushes again only where that is something else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from common.errors import KaggleError
from common.kaggle import journal as journal_module
from common.kaggle import kernels
from common.kaggle.built import Built
from common.kaggle.cli import Kaggle
from common.kaggle.faults import PASSING, Kind, in_passing, rules_page
from common.kaggle.journal import DROPPED, ENDED, FETCHED, REFUSED, SENDING, WAITING, Journal
from common.kaggle.kernels import Held, Pushed

_MOST_VERSIONS = 4096
_OPEN = PASSING | {Kind.COMMAND}  # faults that leave open whether Kaggle took the push


@dataclass(frozen=True)
class Pusher:
    """Brings one built kernel to Kaggle.

    Args:
        until: on the patience's clock, when to stop waiting for a free session.
    """

    kaggle: Kaggle
    built: Built
    until: float

    def ensure_pushed(self, *, again: bool) -> Journal:
        """The journal of a push that Kaggle holds: of an earlier call, or of this one.

        Args:
            again: push even what Kaggle already holds, as another version.

        Raises: KaggleError where Kaggle refuses it, or drops one of its sources.
        """
        known = journal_module.read(self.built.folder)
        same = known is not None and known.content == self.built.content
        if known is not None and same:
            if known.state == SENDING:
                return self._resumed(known)
            if known.state in (WAITING, ENDED, FETCHED) and not again:
                return known
        theirs = kernels.held(self.kaggle, self.built.ref)
        held = theirs is not None and self.built.is_held_as(theirs)
        before = self._version_before(known, theirs)
        if theirs is not None and held and not again:
            self.kaggle.say(f"{self.built.ref}: Kaggle holds this build already, nothing is pushed")
            return self._taken(self._journal(WAITING, before, held), theirs)
        return self._push(self._journal(SENDING, before, held))

    # ---- one push -------------------------------------------------------------------------------

    def _push(self, journal: Journal) -> Journal:
        """Sends it, patiently; reads back wherever it is open whether it arrived."""
        pauses = iter(self.kaggle.patience.pauses())
        while True:
            journal = journal.at(SENDING, sent=time.time())
            journal.write(self.built.folder)
            try:
                pushed = kernels.push(self.kaggle, self.built.folder, self.built.ref)
                return self._accepted(journal, pushed)
            except KaggleError as error:
                if error.kind in _OPEN:
                    arrived = self._arrived(journal, settle=error.kind == Kind.SILENT)
                    if arrived is not None:
                        return arrived
                journal.at(REFUSED).write(self.built.folder)
                if error.kind == Kind.SESSIONS:
                    self._wait_for_session(error)
                elif error.kind in PASSING:
                    self._pause(error, next(pauses, None))
                else:
                    raise

    def _accepted(self, journal: Journal, pushed: Pushed) -> Journal:
        if pushed.dropped:
            journal.at(DROPPED, version=pushed.version).write(self.built.folder)
            raise self._dropped(pushed.dropped)
        version = pushed.version or self._version_of(journal.before)
        journal = journal.at(WAITING, version=version).write(self.built.folder)
        self.kaggle.say(f"pushed {journal.called}: {kernels.page_of(self.built.ref)}")
        return journal

    def _wait_for_session(self, error: KaggleError) -> None:
        patience = self.kaggle.patience
        if patience.clock() + patience.session_pause > self.until:
            raise error
        self.kaggle.say(f"{error}; trying again in {patience.session_pause:.0f} s")
        patience.sleep(patience.session_pause)

    def _pause(self, error: KaggleError, pause: float | None) -> None:
        if pause is None:
            raise error
        reason = in_passing(error.kind)
        self.kaggle.say(f"{reason}, and holds no push yet; trying again in {pause:.0f} s")
        self.kaggle.patience.sleep(pause)

    def _dropped(self, dropped: tuple[str, ...]) -> KaggleError:
        """What is to be said of a kernel that runs without data."""
        competitions = [name.partition(" ")[2] for name in dropped if name[:11] == "competition"]
        remedy = (
            f"accept the rules at {rules_page(competitions[0])}"
            if competitions
            else "check the names, and that you may read them"
        )
        return KaggleError(
            f"Kaggle took {self.built.ref} without {', '.join(dropped)}: it runs now and will "
            f"find no data. The command cannot cancel it: do so at "
            f"{kernels.page_of(self.built.ref)}; then {remedy} and run the same command again",
            Kind.REFUSED,
        )

    # ---- what Kaggle holds ----------------------------------------------------------------------

    def _resumed(self, journal: Journal) -> Journal:
        """Goes on after a push whose answer never came."""
        self.kaggle.say(f"an earlier push of {self.built.ref} was interrupted; asking Kaggle")
        arrived = self._arrived(journal, settle=True)
        if arrived is not None:
            return arrived
        self.kaggle.say("it did not arrive; pushing now")
        return self._push(journal)

    def _arrived(self, journal: Journal, *, settle: bool) -> Journal | None:
        """The journal of a push that Kaggle turns out to hold; None where it does not.

        Args:
            settle: what was sent may still be on its way: look until it would have come.
        """
        while True:
            theirs = kernels.held(self.kaggle, self.built.ref)
            if theirs is not None and self._is_new(journal, theirs):
                self.kaggle.say("Kaggle holds it")
                return self._taken(journal, theirs)
            left = journal.sent + self.kaggle.patience.settle - time.time()
            if not settle or left <= 0:
                return None
            self.kaggle.say(f"not there; it may still arrive, looking again in {left:.0f} s")
            self.kaggle.patience.sleep(left)
            settle = False

    def _is_new(self, journal: Journal, theirs: Held) -> bool:
        """Whether what Kaggle holds came with this push, and not with one before."""
        if not self.built.has_source_of(theirs):
            return False
        if not journal.held or journal.before is None:
            return True
        return kernels.held(self.kaggle, self.built.ref, journal.before + 1) is not None

    def _taken(self, journal: Journal, theirs: Held) -> Journal:
        missing = self.built.missing_in(theirs)
        if missing:
            journal.at(DROPPED).write(self.built.folder)
            raise self._dropped(tuple(missing))
        version = self._version_of(journal.before)
        return journal.at(WAITING, version=version).write(self.built.folder)

    def _journal(self, state: str, before: int | None, held: bool) -> Journal:
        return Journal(self.built.ref, self.built.content, state, time.time(), before, held)

    def _version_before(self, known: Journal | None, theirs: Held | None) -> int | None:
        if theirs is None:
            return 0
        return known.latest if known is not None and known.kernel == self.built.ref else None

    def _version_of(self, before: int | None) -> int | None:
        """The number of the version that Kaggle holds, found by asking which numbers exist; None
        where it cannot be told.

        Args:
            before: a number that it is higher than, mostly by one; None where nothing is known.
        """

        def exists(number: int) -> bool:
            return kernels.held(self.kaggle, self.built.ref, number) is not None

        try:
            low = 1 if before is None else before + 1
            stride = 1
            while exists(low + stride):
                low, stride = low + stride, 2 * stride
                if low > _MOST_VERSIONS:  # Kaggle does not look at the number
                    return None
            high = low + stride
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if exists(middle) else (low, middle)
        except KaggleError as error:  # the push itself stands; only its number is not known
            self.kaggle.say(f"the version's number could not be asked for: {error}")
            return None
        return low
