"""Which runs were made from the same rows and folds: only their scores can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from common import files
from common.standings.entry import BROKEN, Entry


def with_fold_sets(found: Sequence[Entry], place: Path) -> list[Entry]:
    """The entries with a letter for the rows and folds that each was made from, A for the first.

    The files are compared byte by byte, and by content where bytes differ: another version of the
    writer makes other bytes of the same table.
    """
    tables = {one.name: place / one.name / "folds.parquet" for one in found}
    digests = {name: files.sha256(path) for name, path in tables.items() if path.is_file()}
    if len(set(digests.values())) > 1:
        by_bytes = {digest: _content(tables[name]) for name, digest in digests.items()}
        digests = {name: by_bytes[digest] for name, digest in digests.items()}
    letters = _Letters()
    return [
        replace(one, fold_set=letters.of(digests[one.name]))
        if one.state != BROKEN and one.name in digests
        else one
        for one in found
    ]


@dataclass
class _Letters:
    """A letter per value, in the order in which they come: A to Z, then AA, AB …"""

    known: dict[str, str] = field(default_factory=dict)

    def of(self, value: str) -> str:
        number = len(self.known)
        letter = chr(ord("A") + number % 26)
        first = chr(ord("A") + number // 26 - 1) if number >= 26 else ""
        return self.known.setdefault(value, first + letter)


def _content(path: Path) -> str:
    """A digest of the table's rows, by sample, whatever wrote it; groups do not count."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
        names = sorted(name for name in table.column_names if name not in ("group",))
        table = table.select(names).sort_by("sample")
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return f"{path} cannot be read"  # a set of its own
    digest = hashlib.sha256()
    for name in names:
        digest.update(repr((name, table.column(name).to_pylist())).encode())
    return digest.hexdigest()
