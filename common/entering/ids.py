"""How a host names its rows: a pattern that all ids have, and a form that makes such ids."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import DataError

FIXED_FROM = 4  # digits: shorter ids of one length may be longer in the file that comes next
HEX_FROM = 6  # characters

_AROUND_DIGITS = re.compile(r"([^0-9]*)([0-9]+)([^0-9]*)")
ANY = r".+"


@dataclass(frozen=True)
class Naming:
    """The ids of a host.

    Args:
        pattern: a regular expression that every id matches as a whole.
        form: makes an id of a whole number, such as "g_{:05d}".
    """

    pattern: str
    form: str


ROW_NUMBERS = Naming("[1-9][0-9]*", "{}")


def naming_of(ids: pa.ChunkedArray, shown: str) -> Naming:
    """The narrowest pattern of a few that all ids match: a number, text around a number, hex of
    one length, or anything.

    Args:
        shown: what the ids are called in a message.

    Raises: DataError for an empty id or one that stands twice.
    """
    if pc.any(pc.equal(ids, "")).as_py():
        raise DataError(f"{shown} has an empty cell; expected an id in every row: get it again")
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(
            f"{shown} holds {twice[0]['values'].as_py()!r} {twice[0]['counts'].as_py()} times; "
            "expected every id once: get it again"
        )
    for naming in _namings(ids[0].as_py()):
        if all_match(ids, naming.pattern):
            return naming
    return Naming(ANY, "{}")


def _namings(first: str) -> list[Naming]:
    """The patterns that the first id suggests, the narrowest first."""
    namings = []
    around = _AROUND_DIGITS.fullmatch(first)
    if around:
        before, digits, after = around.groups()
        width = len(digits)
        left, right = re.escape(before), re.escape(after)
        opened, closed = _literal(before), _literal(after)
        fixed = Naming(f"{left}[0-9]{{{width}}}{right}", f"{opened}{{:0{width}d}}{closed}")
        if digits.startswith("0") and width >= FIXED_FROM:
            namings.append(fixed)
        namings.append(Naming(f"{left}(0|[1-9][0-9]*){right}", f"{opened}{{}}{closed}"))
        if width >= FIXED_FROM:
            namings.append(fixed)
        namings.append(Naming(f"{left}[0-9]+{right}", f"{opened}{{}}{closed}"))
    if len(first) >= HEX_FROM:
        for letters, kind in (("a-f", "x"), ("A-F", "X")):
            pattern = f"[0-9{letters}]{{{len(first)}}}"
            namings.append(Naming(pattern, f"{{:0{len(first)}{kind}}}"))
    return namings


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def all_match(ids: pa.ChunkedArray, pattern: str) -> bool:
    """True where every id matches the pattern as a whole."""
    return bool(pc.all(pc.match_substring_regex(ids, f"^(?:{pattern})$")).as_py())


def are_row_numbers(ids: pa.ChunkedArray) -> bool:
    """True where ids without a repetition are 1, 2, 3 … in any order."""
    if not all_match(ids, "[1-9][0-9]{0,17}"):
        return False
    numbers = pc.min_max(pc.cast(ids, pa.int64()))
    return bool(numbers["min"].as_py() == 1 and numbers["max"].as_py() == len(ids))


def n_missing(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> int:
    """How many ids are not among others."""
    found = pc.sum(pc.cast(pc.is_in(ids, value_set=pc.unique(among)), pa.int64())).as_py()
    return len(ids) - int(found or 0)
