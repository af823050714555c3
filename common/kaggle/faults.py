"""What an answer of the `kaggle` command means: nothing wrong, or one line that says what is.

The command's exit code says little (a refused push ends with 0), and of the server's answer it
shows the message without the status. So faults are told by what is written, in the order of
`_SIGNS`; what is specific to one command is judged where that command is called.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from common.errors import KaggleError
from common.kaggle import credentials
from common.kaggle.redaction import redacted

_LONGEST = 160  # characters of Kaggle's own words in a message


class Kind(enum.StrEnum):
    """What went wrong."""

    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    TOO_MANY = "too many requests"
    SERVER = "server"
    SILENT = "no answer"
    GARBLED = "garbled"
    NETWORK = "network"
    PLACE = "place"
    COMMAND = "command"
    REFUSED = "refused"
    SESSIONS = "sessions"  # all batch sessions are taken
    QUOTA = "quota"
    ENDED = "ended"  # a kernel that ended, but not well


# Faults after which the same call may well succeed; a call that fails so may have been carried out.
PASSING = frozenset({Kind.TOO_MANY, Kind.SERVER, Kind.SILENT, Kind.GARBLED, Kind.NETWORK})


@dataclass(frozen=True)
class Answer:
    """How one call of the command ended. `code` is None where it ran out of time."""

    words: tuple[str, ...]
    code: int | None
    stdout: str
    stderr: str

    @property
    def called(self) -> str:
        """The call as a message names it."""
        return f"`kaggle {' '.join(self.words[:2])}`"


_SIGNS: tuple[tuple[Kind, str], ...] = (
    (Kind.PLACE, r"\[Errno (28|122|27|30|13)\]|No space left on device"),
    (Kind.CREDENTIALS, r"^401\b|\bHTTP 401\b|\bUnauthori[sz]ed\b|\bUnauthenticated\b"),
    (Kind.TOO_MANY, r"^429\b|\bHTTP 429\b|too many requests|rate.?limit"),
    (Kind.FORBIDDEN, r"^403\b|\bHTTP 403\b|\bForbidden\b|permission\b.*\bdenied|accept.*\brules"),
    (Kind.MISSING, r"^404\b|\bHTTP 404\b|not found|does not exist|no such"),
    (
        Kind.SERVER,
        r"^5\d\d\b|\bHTTP 5\d\d\b|internal (server )?error|bad gateway|service unavailable|"
        r"server error|temporarily unavailable",
    ),
    (
        Kind.GARBLED,
        r"Expecting (value|property|',')|Extra data|Unterminated string|Invalid control character|"
        r"JSONDecodeError|Invalid \\escape",
    ),
    (
        Kind.NETWORK,
        r"Max retries exceeded|Failed to establish|NameResolution|Connection (refused|aborted|"
        r"broken|reset)|RemoteDisconnected|ConnectionError|IncompleteRead|ChunkedEncoding|"
        r"ProxyError|SSLError|timed out|Response ended prematurely",
    ),
)
_COMPILED = tuple((kind, re.compile(signs, re.IGNORECASE)) for kind, signs in _SIGNS)
_CANCELLED = "User cancelled operation"  # somebody else interrupted it; it ends with 0
_HELP = "Authentication required to call the Kaggle API"


def fault_of(answer: Answer, subject: str, competition: str = "") -> KaggleError | None:
    """What went wrong with a call; None where it ended with 0.

    Args:
        subject: what the call was about, such as "kernel me/digits-train".
        competition: the slug, where the rules of a competition may be in the way.
    """
    if answer.code is None:
        return _error(Kind.SILENT, answer, subject)
    if answer.stdout.count(_HELP) > 1:
        return KaggleError(_no_credentials(), Kind.CREDENTIALS)
    if _HELP in answer.stdout:
        return KaggleError(_rejected(), Kind.CREDENTIALS)
    if answer.code == 0:
        return _error(Kind.COMMAND, answer, subject) if _CANCELLED in answer.stdout else None
    said = last_line(answer.stderr) or last_line(answer.stdout)
    if answer.code == 2 and "usage:" in answer.stderr:
        return KaggleError(
            f"{answer.called} was not understood ({redacted(said)}); expected the command of "
            "version 2.2.4 or later: pip install --upgrade kaggle",
            Kind.COMMAND,
        )
    kind = kind_of(said)
    if answer.code < 0 or (kind is Kind.REFUSED and "Traceback (most recent" in answer.stderr):
        kind = Kind.COMMAND
    return _error(kind, answer, subject, said, competition)


def kind_of(said: str) -> Kind:
    """What a line of Kaggle's means."""
    said = re.sub(r"^(requests\.exceptions\.)?HTTPError: ", "", said.strip())
    return next((kind for kind, signs in _COMPILED if signs.search(said)), Kind.REFUSED)


def last_line(text: str) -> str:
    """The last line with something on it: of a traceback that is the exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def shortened(said: str) -> str:
    """Kaggle's own words, without secrets, cut where they are long."""
    plain = " ".join(redacted(said).split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def in_passing(kind: str) -> str:
    """What a passing fault is called in a progress line."""
    return _IN_PASSING.get(kind, "Kaggle did not answer well")


_IN_PASSING: dict[str, str] = {
    Kind.TOO_MANY: "Kaggle takes no more requests for now (429)",
    Kind.SERVER: "Kaggle failed (a fault on their side)",
    Kind.SILENT: "Kaggle did not answer in time",
    Kind.GARBLED: "Kaggle's answer was cut or no JSON",
    Kind.NETWORK: "the connection failed",
}


def rules_page(competition: str) -> str:
    """Where the rules of a competition are accepted."""
    return f"https://www.kaggle.com/competitions/{competition}/rules"


def _error(
    kind: Kind, answer: Answer, subject: str, said: str = "", competition: str = ""
) -> KaggleError:
    words = shortened(said)
    quoted = f" ({words})" if words else ""
    if kind is Kind.CREDENTIALS:
        return KaggleError(_rejected(), kind)
    return KaggleError(_MESSAGES[kind](answer, subject, quoted, words, competition), kind)


def _forbidden(_: Answer, subject: str, quoted: str, __: str, competition: str) -> str:
    if competition:
        return (
            f"Kaggle does not let you at {subject}{quoted}; mostly the rules are not accepted "
            f"yet: accept them at {rules_page(competition)} and run the same command again"
        )
    return (
        f"Kaggle does not let you at {subject}{quoted}; check the name, that it is your own or "
        "public, and that your credentials are still good"
    )


_MESSAGES = {
    Kind.SILENT: lambda answer, subject, *_: (
        f"Kaggle did not answer about {subject} in time ({answer.called}); look at the "
        "connection, then run the same command again"
    ),
    Kind.FORBIDDEN: _forbidden,
    Kind.MISSING: lambda answer, subject, quoted, *_: (
        f"Kaggle knows no {subject}{quoted}; check the name"
    ),
    Kind.TOO_MANY: lambda answer, subject, quoted, *_: (
        f"Kaggle takes no more requests for now{quoted}, asked about {subject}; wait some minutes, "
        "then run the same command again"
    ),
    Kind.SERVER: lambda answer, subject, quoted, *_: (
        f"Kaggle failed over {subject}{quoted}; this is on their side: run the same command again "
        "later"
    ),
    Kind.GARBLED: lambda answer, subject, quoted, *_: (
        f"Kaggle's answer about {subject} is a page for people or was cut{quoted}; expected JSON: "
        "check for a proxy or a login page in between, then run the same command again"
    ),
    Kind.NETWORK: lambda answer, subject, quoted, *_: (
        f"there is no connection to Kaggle, or it was cut, over {subject}{quoted}; look at the "
        "network, then run the same command again"
    ),
    Kind.PLACE: lambda answer, subject, quoted, *_: (
        f"the disk does not take what Kaggle sends of {subject}{quoted}; free some room or choose "
        "another folder, then run the same command again"
    ),
    Kind.COMMAND: lambda answer, subject, quoted, *_: (
        f"{answer.called} broke over {subject}{quoted}, exit code {answer.code}; run the same "
        "command again, and look for a newer one: pip install --upgrade kaggle"
    ),
    Kind.REFUSED: lambda answer, subject, quoted, words, *_: (
        f"Kaggle refused {answer.called} for {subject}: {words or 'it gave no reason'}"
    ),
}


def _no_credentials() -> str:
    return (
        "no Kaggle credentials were found; expected a token in ~/.kaggle/access_token or "
        f"$KAGGLE_API_TOKEN, or a kaggle.json: make one at {credentials.SETTINGS_PAGE}, or run "
        "`kaggle auth login`"
    )


def _rejected() -> str:
    """The credentials that were sent did not do; others may stand behind them."""
    known = credentials.found()
    if not known:
        return _no_credentials()
    used, *behind = known
    if behind:
        return (
            f"Kaggle rejected the credentials in {used.place} (401), which hide those in "
            f"{behind[0].place}; {used.remedy}, then run the same command again"
        )
    return (
        f"Kaggle rejected the credentials in {used.place} (401); make new ones at "
        f"{credentials.SETTINGS_PAGE}"
    )
