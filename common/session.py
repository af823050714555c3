"""What surrounds the folds of one command and does not belong to the experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from common.budget import Budget

if TYPE_CHECKING:
    from common.train.ranks import Ranks

CHECKPOINT_EVERY = 60.0  # seconds between two checkpoints, at least, if nobody says otherwise


@dataclass(frozen=True)
class Session:
    """How this command trains.

    Args:
        run: the run folder, where what was learnt about the machine is remembered; None for none.
        budget: of time, shared by all folds.
        checkpoint_every: seconds between two checkpoints; None for a minute, or more where they
            are slow to write.
        track: the tracker that takes the curves; "" for none.
        say: takes the lines.
        ranks: the processes that train each fold together; None for this one alone.
    """

    run: Path | None = None
    budget: Budget = field(default_factory=Budget)
    checkpoint_every: float | None = None
    track: str = ""
    say: Callable[[str], None] = print
    ranks: Ranks | None = None
