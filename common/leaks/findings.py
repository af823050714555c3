"""What a check says, and how bad it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LEAK = "leak"  # what is asked for can be known otherwise: the score is too good
WARNING = "warning"  # look at it
NOTE = "note"  # was looked at, and is well
SHOWN = 3  # names in a line; leaks.json has up to LISTED
LISTED = 1_000


@dataclass(frozen=True)
class Finding:
    """One thing that was found, as a line and as facts.

    Args:
        level: LEAK, WARNING or NOTE.
        check: which check found it, such as "groups".
        text: what was found and what to do.
        facts: for programs, ready for JSON.
    """

    level: str
    check: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return f"{self.level}: {self.check}: {self.text}"

    def as_dict(self) -> dict[str, Any]:
        """The finding for leaks.json."""
        return {"level": self.level, "check": self.check, "text": self.text, **self.facts}


def counted(number: int, what: str) -> str:
    """A number with its noun, such as "1 id" or "2,000 ids"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def named(names: Sequence[object]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, names[:SHOWN])) + more
