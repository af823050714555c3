"""How much of each run a blend takes: as a person says, or fitted across folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from common.blend_parts import Part
from common.cells import Cells, as_rows
from common.collect import Dense
from common.errors import UsageError
from common.mixing import best_weights, ranked
from common.pipeline import Context, Pipeline
from common.score import align
from common.spec import Column, NumberColumn, SubmissionFormat, parse_column
from common.submit import Answers, answers
from common.writing import AnswerColumns, Row

METHODS = ("mean", "rank", "weights")


@dataclass(frozen=True)
class Weights:
    """How much of each part is taken.

    Args:
        test: for the test set, (n_parts,), with the sum 1.
        by_fold: for the rows of a fold, fitted on the others; empty where nothing is fitted.
    """

    test: np.ndarray
    by_fold: dict[int, np.ndarray] = field(default_factory=dict)


def given_weights(method: str, given: Sequence[float], n_runs: int) -> np.ndarray:
    """The weights that a person gave, with the sum 1; equal ones where none were.

    Raises: UsageError for an unknown method, or for weights that do not fit the runs.
    """
    if method not in METHODS:
        raise UsageError(f"no method {method!r}; expected one of {', '.join(METHODS)}")
    if not given:
        return np.full(n_runs, 1 / max(1, n_runs))
    if method == "weights":
        raise UsageError(
            "--method weights fits the weights, and --weights names them; expected one of both"
        )
    if len(given) != n_runs:
        raise UsageError(f"{len(given)} weights were given for {n_runs} runs; expected one each")
    total = float(sum(given))
    if not (np.isfinite(total) and total > 0 and min(given) >= 0):
        raise UsageError(
            f"the weights are {tuple(given)}; expected numbers from 0, not all of them 0"
        )
    return np.array(given) / total


def prepared(parts: list[Part], method: str) -> list[Part]:
    """The parts with the predictions that are mixed: as they are, or as ranks.

    Raises: UsageError where maps are to be ranked, or weights fitted to them.
    """
    if method == "mean":
        return parts
    made = []
    for part in parts:
        if not (isinstance(part.oof, Dense) and isinstance(part.test, Dense)):
            raise UsageError(
                f"{part.run.shown} predicts maps; expected numbers for --method {method}: take "
                "--method mean, with --weights where one run counts more"
            )
        if method == "rank":
            part = replace(part, oof=ranked(part.oof), test=ranked(part.test))
        made.append(part)
    return made


def weights_of(
    parts: Sequence[Part],
    pipeline: Pipeline,
    context: Context,
    items: pd.DataFrame,
    method: str,
    given: np.ndarray,
) -> Weights:
    """The weights of a method: those that were given, or fitted on all folds but one at a time.

    Args:
        items: the validated rows.

    Raises: UsageError where weights are to be fitted and only one fold was validated.
    """
    if method != "weights":
        return Weights(given)
    folds = items["fold"].to_numpy()
    known = [int(fold) for fold in np.unique(folds)]
    if len(known) < 2:
        raise UsageError(
            f"the runs hold fold {known[0]} alone; expected two or more, because the weights are "
            "fitted on other folds: take --method mean, or train the others"
        )
    by_fold = {fold: _fitted(parts, pipeline, context, items[folds != fold]) for fold in known}
    return Weights(_fitted(parts, pipeline, context, items), by_fold)


def _fitted(
    parts: Sequence[Part], pipeline: Pipeline, context: Context, items: pd.DataFrame
) -> np.ndarray:
    """The weights whose mean scores best on some rows, by the competition's own metric.

    The answers are decided with what `decide` gives for the plain mean: it is fitted once, not for
    every weight that is tried.
    """
    spec, form = pipeline.spec, pipeline.spec.submission
    # as Python's own texts: Arrow's are slow to go through, and every weight goes through them
    items = items.astype({"sample": object, "id": object})
    samples = items["sample"].to_numpy()
    known = [part.oof.select(samples) for part in parts]
    dense = [part for part in known if isinstance(part, Dense)]
    stack = np.stack([part.values for part in dense])
    solution = pipeline.solution(items, context)
    truth = answers(form, solution[[*form.header]].itertuples(index=False))

    def mean(weights: np.ndarray) -> Dense:
        values = np.einsum("pnc,p->nc", stack, weights)
        return Dense(dense[0].samples, values.astype(np.float32), dense[0].names)

    plain = mean(np.full(len(parts), 1 / len(parts)))
    decision = pipeline.decide(pipeline.condensed(plain, solution), solution)

    def score(weights: np.ndarray) -> float:
        rows = pipeline.submission(items, mean(weights), decision)
        return align(spec, _read(form, rows, truth), truth).score(spec.metric)

    return best_weights(score, len(parts), spec.metric)


def _read(form: SubmissionFormat, rows: Iterable[Row], truth: Answers) -> Answers:
    """Answers as reading them from a file would give them.

    Whole columns that name the rows in the truth's order take no way through lines of text: they
    are read again for every weight that is tried.
    """
    if isinstance(rows, AnswerColumns) and not form.refusals:
        names = [map(str, as_rows(rows.columns[name])) for name in form.key_columns]
        values = {
            column.name: _values(column, rows.columns[column.name]) for column in form.targets
        }
        known = {name: found for name, found in values.items() if found is not None}
        if len(known) == len(values) and [*zip(*names, strict=True)] == truth.keys:
            return Answers(truth.keys, known)
    return answers(form, rows)


def _values(column: Column, cells: Cells) -> np.ndarray | None:
    """The values of a column; None where a cell is not allowed."""
    if isinstance(column, NumberColumn) and getattr(cells, "dtype", None) == np.float64:
        # its text would have all its digits
        inside = np.isfinite(cells) & (cells >= column.low) & (cells <= column.high)
        return cells if inside.all() else None
    values, bad = parse_column(column, map(str, as_rows(cells)))
    return None if bad else values
