"""Submits, after a check and a question, and reads the score back into the ledger."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common import paths, registry
from common.errors import KaggleError, UsageError
from common.kaggle import candidate, ledger
from common.kaggle import submissions as api
from common.kaggle.candidate import Candidate
from common.kaggle.cli import Kaggle, Say
from common.kaggle.faults import PASSING, Kind
from common.kaggle.fetching import SUBMISSION
from common.kaggle.ledger import Ledger, Row
from common.kaggle.locks import claimed
from common.kaggle.patience import Patience
from common.kaggle.submissions import Submission
from common.spec import CompetitionSource, CompetitionSpec

Ask = Callable[[str], bool]
_MESSAGE = 120  # characters; Kaggle's own limit is not known
# A file that cannot be told from one that was taken: look at Kaggle before anything else.
_OPEN = PASSING | {Kind.COMMAND, Kind.REFUSED}


@dataclass(frozen=True)
class SubmitRequest:
    """What `submit` was asked for: one of `run`, `file` and `kernel`, or none to refresh.

    Args:
        run: name under runs/<competition>/, or a path with a slash.
        kernel: "owner/slug", submitted as `version`; with `run`, its output lies there.
        message: said beside the id, the run and the commit.
        sample: the host's sample submission; None for the one under data/.
        yes: submit without asking.
        again: submit even what was submitted before.
        wait: for the score.
        refresh: read the scores of earlier submissions, submit nothing.
    """

    competition: str
    run: str = ""
    file: Path | None = None
    kernel: str = ""
    version: int = 0
    message: str = ""
    sample: Path | None = None
    yes: bool = False
    again: bool = False
    wait: bool = True
    refresh: bool = False


def submit(
    request: SubmitRequest,
    say: Say = print,
    patience: Patience | None = None,
    ask: Ask | None = None,
) -> Row | None:
    """Submits and gives the ledger's row, with the score where it came in time; None where nobody
    wanted it, or where only scores were read.

    A submission whose answer was lost is looked for at Kaggle before another slot is spent.

    Raises: SubmissionError where the competition would not accept the file; UsageError where it
    must not be sent; KaggleError where Kaggle refuses it or cannot score it.
    """
    folder = registry.find(request.competition)
    spec = registry.load_spec(folder)
    _check_request(request, spec)
    kaggle = Kaggle(say, patience)
    book = Ledger.of(folder)
    with claimed(kaggle, book.path, f"a submission to {spec.slug}"):
        desk = _Desk(kaggle, spec, book)
        if request.refresh:
            desk.refresh(api.submissions(kaggle, spec.slug))
            return None
        what = _candidate(kaggle, folder, request)
        found = api.submissions(kaggle, spec.slug)
        desk.refresh(found)
        row = desk.earlier(what, again=request.again)
        if row is None:
            question = desk.question(what, found)
            if not request.yes and not (ask or _ask)(question):
                say("nothing was submitted")
                return None
            if request.yes:
                say(question)
            row = desk.send(what, request.message)
        return desk.scored(row) if request.wait else row


def _check_request(request: SubmitRequest, spec: CompetitionSpec) -> None:
    """Raises UsageError where the request does not say one thing."""
    on_kaggle = any(isinstance(source, CompetitionSource) for source in spec.sources)
    if not on_kaggle:
        raise UsageError(f"{spec.slug} is no competition on Kaggle; there is nothing to submit to")
    named = [bool(request.file), bool(request.run), bool(request.kernel)]
    if not request.refresh and (not any(named) or (request.file and sum(named) > 1)):
        raise UsageError("expected one of --run, --file and --kernel; --run may go with --kernel")
    if bool(request.kernel) != bool(request.version):
        raise UsageError("--kernel and --version go together; expected owner/slug and a number")


def _candidate(kaggle: Kaggle, folder: str, request: SubmitRequest) -> Candidate:
    run = None
    if request.run:
        run = Path(request.run)
        run = run if "/" in request.run else paths.runs_dir(folder) / run
        if not run.is_dir():
            raise UsageError(f"{paths.shown(run)} does not exist; name a run with --run")
    if request.kernel:
        return candidate.of_kernel(
            kaggle, folder, request.kernel, request.version, run, request.sample
        )
    if run is not None:
        return candidate.of_run(folder, run, request.sample)
    assert request.file is not None  # checked above
    return candidate.of_file(folder, request.file, request.sample)


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"{question}; there is no terminal to ask at: --yes submits it")
    return input(f"{question}. Submit? [y/N] ").strip().lower() in ("y", "yes")


@dataclass(frozen=True)
class _Desk:
    """Submissions to one competition, and the ledger of them."""

    kaggle: Kaggle
    spec: CompetitionSpec
    book: Ledger

    def refresh(self, found: list[Submission]) -> None:
        """Brings all rows that are not settled up to date with what Kaggle lists."""
        for row in self.book.where(lambda row: row.status in ledger.OPEN or not row.private):
            known = api.with_id(found, row.id)
            if known is not None:
                self._note(row, known)

    def earlier(self, what: Candidate, *, again: bool) -> Row | None:
        """The submission of the same thing that Kaggle has already; None where there is none.

        Raises: UsageError where it is scored and another was not asked for.
        """
        for row in self.book.where(lambda row: row.sha256 == what.sha256):
            if row.status == ledger.SENDING:
                row = self._settled(row)
            if row.status == ledger.PENDING:
                self.kaggle.say(f"Kaggle has it already, sent {row.time_utc}; no slot is spent")
                return row
            if row.status in (ledger.COMPLETE, ledger.ERROR) and not again:
                raise UsageError(
                    f"{what.called} was submitted before, {row.time_utc}: {row.status}, public "
                    f"{row.public or 'not told'}; --again spends another slot on it"
                )
        return None

    def question(self, what: Candidate, found: list[Submission]) -> str:
        """What a person should know before a slot is spent.

        Raises: KaggleError where none is left.
        """
        slots = api.slots(self.kaggle, self.spec.slug, found)
        now = datetime.now(UTC)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        hours = (tomorrow - now).total_seconds() / 3600
        if slots.left == 0:
            raise KaggleError(
                f"all {slots.used} submissions of today are used; the day ends at 00:00 UTC, in "
                f"{hours:.1f} h",
                Kind.QUOTA,
            )
        left = (
            f"{slots.used} submissions today, the limit is not told"
            if slots.left is None
            else f"{slots.left} of {slots.used + slots.left} slots left today"
        )
        facts = [f"CV {what.cv}" if what.cv else "", f"commit {what.commit}" if what.commit else ""]
        known = ", ".join(fact for fact in facts if fact)
        return (
            f"{what.called}{f' ({known})' if known else ''} to {self.spec.slug}: {left} (it ends "
            f"in {hours:.1f} h)"
        )

    def send(self, what: Candidate, words: str) -> Row:
        """Sends it and gives the row of a submission that Kaggle has.

        Raises: KaggleError where Kaggle did not take it.
        """
        identity = secrets.token_hex(4)
        parts = (f"[{identity}]", what.run or Path(what.called).name, what.commit, words)
        message = " ".join(part for part in parts if part)[:_MESSAGE]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = self.book.put(
            Row(now, identity, message, what.called, what.sha256, what.commit, what.run, what.cv)
        )
        for pause in (*self.kaggle.patience.pauses(), None):
            try:
                self._submit(what, message)
                break
            except KaggleError as error:
                if self._settled(row, error.kind).status == ledger.PENDING:
                    break
                if error.kind != Kind.TOO_MANY or pause is None:
                    raise
                self.kaggle.say(f"{error}; trying again in {pause:.0f} s")
                self.kaggle.patience.sleep(pause)
                row = self.book.change(row, status=ledger.SENDING)
        return self.book.change(row, status=ledger.PENDING)

    def _submit(self, what: Candidate, message: str) -> None:
        if what.path is None:
            api.submit_kernel(
                *(self.kaggle, self.spec.slug, what.kernel, what.version),
                name=SUBMISSION,
                message=message,
            )
        else:
            api.submit_file(self.kaggle, self.spec.slug, what.path, message)

    def _settled(self, row: Row, kind: str = Kind.SILENT) -> Row:
        """The row of a submission whose answer never came, after a look at what Kaggle lists.

        Args:
            kind: of the fault that came in place of an answer.
        """
        if kind not in _OPEN:
            return self.book.change(row, status=ledger.REFUSED)
        may_arrive = kind in (Kind.SILENT, Kind.NETWORK, Kind.COMMAND)
        while True:
            known = api.with_id(api.submissions(self.kaggle, self.spec.slug), row.id)
            if known is not None:
                self.kaggle.say(f"submission {row.id} has reached Kaggle, although no answer came")
                return self._note(row, known)
            left = self.kaggle.patience.settle - row.age
            if not may_arrive or left <= 0:
                status = ledger.REFUSED if kind == Kind.REFUSED else ledger.LOST
                return self.book.change(row, status=status)
            self.kaggle.say(f"submission {row.id} may still arrive; looking again in {left:.0f} s")
            self.kaggle.patience.sleep(left)
            may_arrive = False

    def scored(self, row: Row) -> Row:
        """The row with its score, or as it is where that takes too long.

        Raises: KaggleError where Kaggle cannot score the submission.
        """
        patience = self.kaggle.patience
        until = patience.clock() + patience.readback
        for pause in patience.polls():
            known = api.with_id(api.submissions(self.kaggle, self.spec.slug), row.id)
            if known is not None:
                row = self._note(row, known)
            if row.status not in ledger.OPEN:
                break
            if patience.clock() + pause > until:
                self.kaggle.say(
                    f"submission {row.id} is not scored yet; scripts/submit.py {self.spec.slug} "
                    "--refresh reads the score later"
                )
                return row
            patience.sleep(pause)
        if row.status == ledger.ERROR:
            raise KaggleError(
                f"Kaggle could not score submission {row.id}; the command does not tell why: see "
                f"https://www.kaggle.com/competitions/{self.spec.slug}/submissions",
                Kind.ENDED,
            )
        self._say_score(row)
        return row

    def _say_score(self, row: Row) -> None:
        private = f", private {row.private}" if row.private else ""
        cv = f", CV {row.cv}" if row.cv else ""
        self.kaggle.say(f"public {row.public or 'not told'}{private}{cv}")
        try:
            place = self.spec.ladder.place(float(row.public), self.spec.metric)
        except ValueError:  # no score, or one in words
            place = ""
        if place:
            self.kaggle.say(place)
        self.kaggle.say(f"kept in {paths.shown(self.book.path)}")

    def _note(self, row: Row, known: Submission) -> Row:
        status = {api.SCORED: ledger.COMPLETE, api.FAILED: ledger.ERROR}
        return self.book.change(
            row,
            status=status.get(known.status, ledger.PENDING),
            public=known.public,
            private=known.private,
            ref=known.ref,
        )
