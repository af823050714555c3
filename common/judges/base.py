"""What a judge gives, and what every judge can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from common.spec import CompetitionSpec


@dataclass(frozen=True)
class Breakdown:
    """Numbers of each class or relation, one row each.

    Args:
        title: what the numbers are.
        rows: a row's name and its numbers by column; all rows have the same columns.
    """

    title: str
    rows: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Verdict:
    """A score with what stands beside it.

    Args:
        score: by the competition's metric.
        n_rows: how many rows, images or classes were scored.
        parts: further numbers by name, such as public, private, or the terms of a sum.
        doubts: what is allowed and still looks wrong, one line each.
        counted: what `n_rows` counts, as a plural.
        weights: of the parts that the score is a weighted sum of, by their names.
        breakdowns: tables of further numbers, by name.
    """

    score: float
    n_rows: int
    parts: dict[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    counted: str = "rows"
    weights: dict[str, float] = field(default_factory=dict)
    breakdowns: dict[str, Breakdown] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """A submission that the competition would accept; `counted` says what `n_rows` counts."""

    n_rows: int
    doubts: tuple[str, ...] = ()
    counted: str = "rows"


class Judge(Protocol):
    """Reads, checks and scores submissions of one form.

    Both raise SubmissionError with every fault of a submission that the competition would not
    accept, and DataError for a solution or sample that is none.
    """

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The verdict on a submission: a file, or a folder where the host's form is one."""

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The same checks against the sample, without a solution."""
