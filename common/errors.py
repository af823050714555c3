"""Every error that a person can cause or mend. Scripts turn each into one line and exit code 2.

    KitError
    ├── UsageError        a name, option or value that does not exist
    │   └── SettingsError     an unknown setting, or a value of another type
    ├── DataError         input files that are missing, cut or hold something unexpected
    ├── SubmissionError   a submission that the competition would not accept
    ├── RunError          a run folder that exists, is unfinished, or does not belong together
    ├── KaggleError       what Kaggle, or the `kaggle` command, refused or did not answer
    └── MetricError       a score that is not defined for this input

Messages have three parts: what was found, what was expected, what to do.
`Interrupted` is no error: Ctrl-C, or a signal that asks the program to end.
Anything else that is raised is a fault of ours: traceback, exit code 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KitError(Exception):
    """An expected error: one line for the person who can mend it."""


class UsageError(KitError):
    """A name, option or value that does not exist."""


class SettingsError(UsageError):
    """An unknown setting, or a value of another type."""


class DataError(KitError):
    """Input files that are missing, cut or hold something unexpected."""


class SubmissionError(KitError):
    """A submission that the competition would not accept.

    `faults` holds one line for every kind of fault; the message is the first of them.
    """

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults or (message,)


class RunError(KitError):
    """A run folder that exists, is unfinished, or does not belong together."""


class KaggleError(KitError):
    """What Kaggle, or the `kaggle` command, refused or did not answer.

    `kind` is one of `common.kaggle.faults.Kind`: code branches on it, never on the message.
    """

    def __init__(self, message: str, kind: str = "refused") -> None:
        super().__init__(message)
        self.kind = kind


class MetricError(KitError):
    """A score that is not defined for this input."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the program: no fault, but an exit code of its own.

    Args:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number  # as shells have it: 130 after Ctrl-C, 143 after SIGTERM


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that does not exist: the nearest one, and all that do."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"no {what} named {name!r}; {hint}There are: {', '.join(choices) or 'none'}"
