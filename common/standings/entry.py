"""One line of the standings: a run and what is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

FINISHED, UNFINISHED, BROKEN = "finished", "unfinished", "broken"
HOST = "the host's"


@dataclass(frozen=True)
class Entry:
    """One run, or one folder that should be a run.

    Args:
        pipeline, preset: of a blend "blend" and its method.
        data: what the data are called; "the host's" where they are real and the competition's.
        synthetic: True for a fixture that was made up.
        cv: pooled over the folds, cross-fitted; None where nothing was scored.
        low, high: the 90 % interval of a test set's score.
        public, private: the best public score among this run's submissions, and its private one.
        seconds: what making the run took, the last time.
        folds: the folds that were validated.
        fold_set: a letter; scores of runs with another letter are not comparable.
        notes: what looks suspicious, a line each.
        fault: of a broken folder.
    """

    competition: str
    name: str
    state: str
    pipeline: str = ""
    preset: str = ""
    data: str = HOST
    synthetic: bool = False
    metric: str = ""
    higher_is_better: bool = True
    cv: float | None = None
    low: float | None = None
    high: float | None = None
    public: float | None = None
    private: float | None = None
    seconds: float | None = None
    commit: str = ""
    folds: tuple[str, ...] = ()
    fold_set: str = ""
    notes: tuple[str, ...] = ()
    fault: str = ""

    @property
    def kind(self) -> tuple[bool, str, str]:
        """What must be the same in runs that are ranked together."""
        return self.data != HOST, self.data, self.metric

    @property
    def order(self) -> tuple[Any, ...]:
        """Best first; then what has no score, then what is unfinished or broken."""
        place = (FINISHED, UNFINISHED, BROKEN).index(self.state)
        score = math.inf if self.cv is None else -self.cv if self.higher_is_better else self.cv
        return (*self.kind, place, score, self.name)
