"""What a fit leaves behind: a row per epoch, a row per step."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from common import files

EpochRow = dict[str, float]


@dataclass
class History:
    """The course of a fit.

    Args:
        metric: the name of the score's column.
        epochs: one row per epoch: epoch (from 1), train_loss, valid_loss, the score, lr, seconds.
            valid_loss and score are missing where nothing is validated.
        steps: one row per step: step (from 0), lr, momentum, loss.
        kept_epoch: the epoch whose weights were kept.
        left_out: how far a fit came that its budget ended early; "" for a whole one.
    """

    metric: str
    epochs: list[EpochRow] = field(default_factory=list)
    steps: list[EpochRow] = field(default_factory=list)
    kept_epoch: int = 0
    left_out: str = ""

    def add_epoch(self, row: EpochRow, steps: list[EpochRow]) -> None:
        """Takes an epoch's row, and its steps, which are numbered on."""
        self.epochs.append(row)
        first = len(self.steps)
        self.steps += [{"step": number, **step} for number, step in enumerate(steps, first)]

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds; the steps as one table, because there may be many."""
        columns = [[row["lr"], row["momentum"], row["loss"]] for row in self.steps]
        own = {"metric": self.metric, "epochs": self.epochs, "kept_epoch": self.kept_epoch}
        return {**own, "steps": torch.tensor(columns, dtype=torch.float64)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> History:
        """What `state` gave."""
        steps = [
            {"step": number, "lr": lr, "momentum": momentum, "loss": loss}
            for number, (lr, momentum, loss) in enumerate(state["steps"].tolist())
        ]
        return cls(state["metric"], [*state["epochs"]], steps, state["kept_epoch"])

    def save(self, folder: Path) -> None:
        """Writes `history.csv` and `steps.csv`."""
        files.write_text(folder / "history.csv", _as_csv(self.epochs))
        files.write_text(folder / "steps.csv", _as_csv(self.steps))


def read_rows(path: Path) -> list[EpochRow]:
    """The rows of a `history.csv` or `steps.csv`; an absent file has none."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {name: float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(stream)
        ]


def _as_csv(rows: list[EpochRow]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
