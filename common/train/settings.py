"""Settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import Settings


@dataclass(frozen=True)
class TrainSettings(Settings):
    """What the loop takes from the experiment.

    Args:
        epochs: passes over the training rows.
        batch_size: rows per step.
        learning_rate: the highest rate; one-cycle begins at a 25th of it.
        weight_decay: decoupled; biases and norms are left out.
        schedule: "one_cycle" or "constant".
        keep: "last" fixes the reported epoch in advance; "best" takes the epoch with the best
            score on the fold, and the report says so.
    """

    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    schedule: str = "one_cycle"
    keep: str = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.epochs >= 1, "epochs", "at least 1")
        self.require(self.batch_size >= 1, "batch_size", "at least 1")
        self.require(self.learning_rate > 0, "learning_rate", "a number above 0")
        self.require(self.weight_decay >= 0, "weight_decay", "0 or more")
        self.require(
            self.schedule in ("one_cycle", "constant"), "schedule", "one_cycle or constant"
        )
        self.require(self.keep in ("last", "best"), "keep", "last or best")
