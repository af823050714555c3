"""Rows that the `kaggle` command prints as JSON, among other lines."""

from __future__ import annotations

import json
import re
from typing import Any

from common.errors import KaggleError
from common.kaggle.faults import Answer, Kind, shortened

Record = dict[str, Any]
_NEXT_PAGE = re.compile(r"^Next Page Token = (\S+)", re.IGNORECASE | re.MULTILINE)
_NOTHING = re.compile(r"^No \w+ found", re.MULTILINE)


def records(answer: Answer) -> tuple[list[Record], str]:
    """The rows of one page, and the token of the next page, "" at the last.

    Warnings and page tokens stand before the JSON, on the same stream.

    Raises: KaggleError where there are no rows to read.
    """
    lines = answer.stdout.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if line[:1] in "[{"), None)
    token = _NEXT_PAGE.search(answer.stdout)
    if start is None:
        if _NOTHING.search(answer.stdout):
            return [], ""
        raise _unreadable(answer)
    try:
        value, _ = json.JSONDecoder().raw_decode("".join(lines[start:]))
    except json.JSONDecodeError:
        raise _unreadable(answer) from None
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise _unreadable(answer)
    return rows, token[1] if token else ""


def _unreadable(answer: Answer) -> KaggleError:
    said = shortened(answer.stdout.strip() or answer.stderr.strip() or "nothing")
    return KaggleError(
        f"{answer.called} printed no table that can be read: {said}; run the same command again",
        Kind.GARBLED,
    )
