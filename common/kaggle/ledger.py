"""submissions.csv: every submission that was made from here, with what it was made of.

A row is written before a submission is sent, so that one whose answer was lost is found again.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common import files, paths
from common.errors import DataError

LEDGER_FILE = "submissions.csv"

SENDING = "sending"  # it may have reached Kaggle
LOST = "lost"  # it did not
REFUSED = "refused"
PENDING = "pending"
COMPLETE = "complete"
ERROR = "error"
OPEN = (SENDING, PENDING)


@dataclass(frozen=True)
class Row:
    """One submission.

    Args:
        time_utc: when it was sent, ISO 8601.
        id: eight letters, in the message that Kaggle keeps.
        file: what was submitted: a path, or "owner/slug version N".
        sha256: of the file.
        commit, run, cv: what made it; "" where that is not known.
        public, private: as Kaggle writes them; "" before.
        ref: Kaggle's number of the submission.
    """

    time_utc: str
    id: str
    message: str
    file: str
    sha256: str
    commit: str = ""
    run: str = ""
    cv: str = ""
    public: str = ""
    private: str = ""
    status: str = SENDING
    ref: str = ""

    @property
    def age(self) -> float:
        """Seconds since it was sent."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.time_utc)).total_seconds()


HEADER = tuple(field.name for field in dataclasses.fields(Row))


@dataclass(frozen=True)
class Ledger:
    """The ledger of a competition, under runs/."""

    path: Path

    @classmethod
    def of(cls, folder: str) -> Ledger:
        return cls(paths.runs_dir(folder) / LEDGER_FILE)

    def rows(self) -> list[Row]:
        """All rows, the oldest first.

        Raises: DataError where the file is none of ours.
        """
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != HEADER:
                raise DataError(
                    f"{paths.shown(self.path)} has other columns than a ledger ({', '.join(HEADER)}"
                    "); move it away"
                )
            return [Row(**line) for line in reader]

    def put(self, row: Row) -> Row:
        """Adds a row, or replaces the one with its id; gives the row."""
        rows = self.rows()
        known = [index for index, one in enumerate(rows) if one.id == row.id]
        if known:
            rows[known[0]] = row
        else:
            rows.append(row)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(dataclasses.astuple(one) for one in rows)
        files.write_text(self.path, stream.getvalue())
        return row

    def change(self, row: Row, **values: str) -> Row:
        """The row with other values, written down."""
        return self.put(dataclasses.replace(row, **values))

    def where(self, holds: Callable[[Row], bool]) -> Iterator[Row]:
        """The rows of which something holds, the newest first."""
        return (row for row in reversed(self.rows()) if holds(row))
