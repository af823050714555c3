"""What the leaderboard said of a run: its submissions in the ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from common import files, paths
from common.errors import KitError
from common.kaggle.ledger import LEDGER_FILE, Ledger, Row
from common.runfolder import SETTINGS, RunFolder
from common.standings.entry import Entry
from common.standings.facts import Facts

KERNEL_FILE = "kernel.json"


@dataclass
class Board:
    """The submissions of a competition.

    Args:
        rows: of the ledger, the oldest first.
        answers: by the hash of a run, the folders with what an infer kernel answered with it.
        faults: by the name of a file or folder, why it cannot be read.
    """

    rows: list[Row] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def shown(self, entry: Entry, run: RunFolder) -> Entry:
        """The entry with the scores of its best submission, and what is odd about them."""
        names = {entry.name, *self.answers.get(run.identity(), ())}
        rows = [row for row in self.rows if row.run in names and _number(row.public) is not None]
        ours = [row for row in rows if _is_of_this_run(row, entry, run)]
        notes = entry.notes
        if len(ours) < len(rows):
            notes += (f"not shown: {len(rows) - len(ours)} submitted of an earlier run so named",)
        if ours:
            sign = 1 if entry.higher_is_better else -1
            best = max(ours, key=lambda row: sign * float(row.public))
            entry = replace(entry, public=_number(best.public), private=_number(best.private))
        return replace(entry, notes=(*notes, *_outside(entry)))


def read_board(folder: str) -> Board:
    """The ledger of a competition and the answers of its infer kernels; what cannot be read is
    named in `faults`."""
    board = Board()
    try:
        board.rows = Ledger.of(folder).rows()
    except KitError as error:
        board.faults[LEDGER_FILE] = str(error)
    for path in sorted(paths.runs_dir(folder).glob(f"*/{KERNEL_FILE}")):
        if (path.parent / SETTINGS).exists():
            continue  # a run that a kernel trained
        try:
            config = Facts.read(path).inside("config")
            runs = config.items("runs") if config.has("runs") else []
        except KitError as error:
            board.faults[path.parent.name] = str(error)
            continue
        if len(runs) == 1 and isinstance(runs[0], dict):  # of several runs it is no single one's
            board.answers.setdefault(str(runs[0].get("run")), []).append(path.parent.name)
    return board


def _is_of_this_run(row: Row, entry: Entry, run: RunFolder) -> bool:
    """False where the row tells of another run that had this name before."""
    if not row.cv or entry.cv is None or _number(row.cv) == entry.cv:
        return True
    path = run / "submission.csv"
    return path.is_file() and files.sha256(path) == row.sha256


def _outside(entry: Entry) -> list[str]:
    """The boards whose score the interval does not hold."""
    notes = []
    for board, score in (("public", entry.public), ("private", entry.private)):
        if score is None or entry.low is None or entry.high is None:
            continue
        if not entry.low <= score <= entry.high:
            is_better = (score > entry.high) == entry.higher_is_better
            side = (
                "better side: the test set may be easier, or leak"
                if is_better
                else "worse side: folds may leak, or the test set differs"
            )
            notes.append(f"{board} outside the interval, on the {side}")
    return notes


def _number(text: str | None) -> float | None:
    """A score as Kaggle writes it; None for anything that is no finite number."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
