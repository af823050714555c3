"""How much of each run a blend takes: as a person says, or fitted across folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from common.blend_parts import Part
from common.collect import Dense
from common.errors import UsageError
from common.mixing import best_weights, mixed, ranked
from common.pipeline import Context, Pipeline
from common.score import align
from common.submit import answers

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
    spec = pipeline.spec
    samples = items["sample"].to_numpy()
    known = [part.oof.select(samples) for part in parts]
    solution = pipeline.solution(items, context)
    truth = answers(spec.submission, solution[[*spec.submission.header]].itertuples(index=False))
    equal = np.full(len(parts), 1 / len(parts))
    decision = pipeline.decide(mixed(known, equal, context.work), solution)

    def score(weights: np.ndarray) -> float:
        rows = pipeline.submission(items, mixed(known, weights, context.work), decision)
        return align(spec, answers(spec.submission, rows), truth).score(spec.metric)

    return best_weights(score, len(parts), spec.metric)
