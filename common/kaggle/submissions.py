"""What the command says about submissions: those made, the slots left, a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.errors import KaggleError
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Kind, last_line, shortened
from common.kaggle.records import Record, records

_REJECTED = "Could not submit to competition"  # the upload failed; the command ends with 0
_SLOWEST = 50_000  # bytes per second that an upload is given time for
SCORED = "COMPLETE"
FAILED = "ERROR"


@dataclass(frozen=True)
class Submission:
    """One submission as Kaggle lists it. Scores are text, "" where there is none."""

    ref: str
    date: datetime
    message: str
    status: str
    public: str
    private: str


@dataclass(frozen=True)
class Slots:
    """How many submissions were made today (UTC), and how many are left; None where Kaggle does
    not tell."""

    used: int
    left: int | None


def submissions(kaggle: Kaggle, slug: str) -> list[Submission]:
    """The latest 200, the newest first.

    Raises: KaggleError.
    """
    rows, _ = kaggle.table(
        *("competitions", "submissions", slug), subject=f"competition {slug}", competition=slug
    )
    return [_submission(row) for row in rows]


def with_id(found: list[Submission], identity: str) -> Submission | None:
    """The submission whose message holds an id."""
    return next((one for one in found if identity in one.message), None)


def slots(kaggle: Kaggle, slug: str, found: list[Submission]) -> Slots:
    """The slots of today, which ends at 00:00 UTC.

    Kaggle's own count, where the command knows it; it says nothing but zeros to who has not
    joined yet. Else the submissions of today are counted.

    Raises: KaggleError where Kaggle does not let one at the competition.
    """
    today = datetime.now(UTC).date()
    counted = sum(one.date.date() == today for one in found)
    try:
        answer = kaggle.read(
            *("competitions", "submission-limits", slug, "--json"),
            subject=f"competition {slug}",
            competition=slug,
        )
        rows, _ = records(answer)
    except KaggleError as error:
        if error.kind in (Kind.FORBIDDEN, Kind.CREDENTIALS):
            raise
        return Slots(counted, None)  # an older command does not know how to ask
    told = rows[0] if rows else {}
    if not any(told.values()):
        return Slots(counted, None)
    return Slots(int(told.get("numToday") or 0), int(told.get("numAllowedNow") or 0))


def submit_file(kaggle: Kaggle, slug: str, path: Path, message: str) -> None:
    """Uploads a file and submits it; made once.

    Raises: KaggleError; of one of the PASSING kinds where it is open whether Kaggle took it.
    """
    answer = kaggle.write(
        *("competitions", "submit", slug, "-f", str(path), "-m", message, "-q"),
        subject=f"the submission to {slug}",
        competition=slug,
        seconds=path.stat().st_size / _SLOWEST,
    )
    if _REJECTED in answer.stdout:
        said = [line for line in answer.stdout.splitlines() if _REJECTED not in line]
        why = shortened(last_line("\n".join(said)) or "it gave no reason")
        raise KaggleError(
            f"Kaggle did not take the upload of {path.name} ({why}); no slot was spent: run the "
            "same command again",
            Kind.REFUSED,
        )


def submit_kernel(
    kaggle: Kaggle, slug: str, ref: str, version: int, name: str, message: str
) -> None:
    """Submits the output file of a kernel's version; made once. It may print nothing.

    Raises: KaggleError, as above.
    """
    kaggle.write(
        *("competitions", "submit", slug, "-k", ref, "-v", str(version), "-f", name),
        *("-m", message, "-q"),
        subject=f"the submission of {ref} to {slug}",
        competition=slug,
    )


def _submission(row: Record) -> Submission:
    return Submission(
        ref=str(row.get("ref") or ""),
        date=_date(str(row.get("date") or "")),
        message=str(row.get("description") or ""),
        status=str(row.get("status") or "").rpartition(".")[2].upper(),
        public=str(row.get("publicScore") or ""),
        private=str(row.get("privateScore") or ""),
    )


def _date(text: str) -> datetime:
    """Kaggle writes UTC and does not say so; the beginning of time where there is no date."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
