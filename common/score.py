"""The judge: a submission against a solution, with the official metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files
from common.metrics import Metric
from common.spec import CompetitionSpec, Ladder, Rung
from common.submit import Answers, read_solution, read_submission

N_DRAWS = 200
LEVEL = 0.90
FIXTURE_FILE = "FIXTURE.json"


@dataclass(frozen=True)
class Aligned:
    """Truth and prediction of the same rows, in the solution's order.

    One target column gives arrays of shape (n_rows,), several give (n_rows, n_columns).
    """

    keys: list[tuple[str, ...]]
    y_true: np.ndarray
    y_pred: np.ndarray

    def score(self, metric: Metric, rows: np.ndarray | None = None) -> float:
        """The metric over all rows, or over some of them by position."""
        if rows is None:
            return metric.score(y_true=self.y_true, y_pred=self.y_pred)
        return metric.score(y_true=self.y_true[rows], y_pred=self.y_pred[rows])


def align(spec: CompetitionSpec, submission: Answers, solution: Answers) -> Aligned:
    """Joins truth and prediction on the rows' names; both must name the same rows."""
    names = spec.submission.target_columns
    given = submission.rows_of(solution.keys)
    y_true = [solution.values[name] for name in names]
    y_pred = [given[name] for name in names]
    if len(names) == 1:
        return Aligned(solution.keys, y_true[0], y_pred[0])
    return Aligned(solution.keys, np.stack(y_true, axis=1), np.stack(y_pred, axis=1))


def read_aligned(spec: CompetitionSpec, submission: Path, solution: Path) -> Aligned:
    """Reads both files and joins them.

    Raises: DataError for a solution that is none, SubmissionError for a submission that the
    competition would not accept.
    """
    truth = read_solution(solution, spec.submission)
    return align(spec, read_submission(submission, spec.submission, truth.keys), truth)


def ladder_beside(path: Path, spec: CompetitionSpec) -> tuple[Ladder, str]:
    """The rungs that fit a solution file, and what the data are called.

    A solution that lies beside a FIXTURE.json is judged by the fixture's own rungs; the spec's
    ladder is for the host's data only. The second value is "" for the host's data.
    """
    folder = path if path.is_dir() else path.parent
    marker = folder / FIXTURE_FILE
    if not marker.is_file():
        return spec.ladder, ""
    facts = files.read_json(marker)
    rungs = tuple(Rung(rung["name"], rung["score"], rung["source"]) for rung in facts["rungs"])
    return Ladder(rungs), str(facts["called"])


@dataclass(frozen=True)
class Interval:
    """A 90 % interval for the score on a test set of `n_test` rows."""

    low: float
    high: float
    n_test: int


def interval(
    aligned: Aligned,
    metric: Metric,
    *,
    groups: np.ndarray,
    folds: np.ndarray,
    n_test: int,
    seed: int,
    n_draws: int = N_DRAWS,
) -> Interval:
    """The interval in which the score on a test set of `n_test` rows is expected.

    Each draw resamples whole groups twice: once for the luck of the rows that we validated on,
    and once, from those, for the luck of a test set of `n_test` rows. What the folds' scores
    spread beyond such luck is added, because the next model may differ as much.

    Args:
        groups: (n_rows,), rows of one value are drawn together; all different where rows are
            independent.
        folds: (n_rows,), the fold in which a row was validated.
        seed: of the draws.

    Edge cases: with one group or one fold the part that cannot be estimated is left out.
    """
    generator = np.random.default_rng(seed)
    members = _members(groups)
    share = n_test / len(aligned.y_true)
    n_drawn = max(1, round(len(members) * share))
    draws = np.empty(n_draws)
    for draw in range(n_draws):
        ours = generator.integers(len(members), size=len(members))
        theirs = generator.choice(ours, size=n_drawn)
        draws[draw] = aligned.score(metric, np.concatenate([members[group] for group in theirs]))
    spread = _spread_beyond_luck(aligned, metric, folds, members, generator)
    draws += generator.normal(0.0, spread, size=n_draws)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high), n_test)


def _members(groups: np.ndarray) -> list[np.ndarray]:
    """The positions of each group's rows."""
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _spread_beyond_luck(
    aligned: Aligned,
    metric: Metric,
    folds: np.ndarray,
    members: list[np.ndarray],
    generator: np.random.Generator,
    n_draws: int = 50,
) -> float:
    """The standard deviation between folds that resampling the rows does not explain."""
    names = np.unique(folds)
    if len(names) < 2:
        return 0.0
    scores, luck = [], []
    for fold in names:
        inside = [rows for rows in members if folds[rows[0]] == fold]
        rows = np.flatnonzero(folds == fold)
        scores.append(aligned.score(metric, rows))
        if len(inside) > 1:
            drawn = [
                np.concatenate(
                    [inside[k] for k in generator.integers(len(inside), size=len(inside))]
                )
                for _ in range(n_draws)
            ]
            luck.append(np.var([aligned.score(metric, rows) for rows in drawn]))
    beyond = np.var(scores, ddof=1) - (np.mean(luck) if luck else 0.0)
    return float(np.sqrt(max(0.0, beyond)))
