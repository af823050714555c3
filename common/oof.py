"""Out-of-fold: decided across folds, written in the judge's form, scored by the judge."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from common.collect import Predictions
from common.errors import MetricError
from common.interval import interval
from common.keys import Keys
from common.metrics import Metric
from common.pipeline import Context, Pipeline, as_key, storable
from common.runfolder import RunFolder
from common.score import Aligned, ladder_beside, read_aligned
from common.spec import Ladder, Rung
from common.submit import ids_of
from common.writing import AnswerColumns, Row, joined, write_answers
from common.zipped import is_there

SUBMISSION, SOLUTION = "oof_submission.csv", "oof_solution.csv"


def write_oof(
    pipeline: Pipeline,
    items: pd.DataFrame,
    oof: Predictions,
    run: RunFolder,
    context: Context,
    decided_on: Callable[[int], Predictions] | None = None,
) -> dict[str, Any]:
    """Writes `oof.parquet`, `oof_submission.csv` and `oof_solution.csv`; gives the decision that
    is fitted on everything.

    Every fold's rows are answered with the decision that was fitted on the other folds.

    Args:
        items: the rows that were validated, with the column `fold`.
        decided_on: gives, for a fold, the predictions of the other folds' rows by which it is
            decided: where something was fitted before the decision, without that fold. None for
            `oof` itself.
    """
    form = pipeline.spec.submission
    solution = pipeline.solution(items, context)
    truth = {name: solution[name].tolist() for name in form.header}
    asked = Keys([[str(cell) for cell in truth[name]] for name in form.key_columns])
    write_answers(run / SOLUTION, form, AnswerColumns(truth), asked)
    known = pipeline.condensed(oof, solution)

    def known_for(fold: int) -> Predictions:
        return known if decided_on is None else pipeline.condensed(decided_on(fold), solution)

    answers = joined(_cross_fitted(pipeline, items, oof, context, known_for))
    write_answers(run / SUBMISSION, form, answers, asked)
    index = [name for name in ("sample", "id", "fold", "group") if name in items]
    index += [name for name in form.target_columns if name in items]
    run.record(oof.save(run.path, "oof", storable(items[index])))
    run.record([run / SUBMISSION, run / SOLUTION])
    return pipeline.decide(known, solution)


def _cross_fitted(
    pipeline: Pipeline,
    items: pd.DataFrame,
    oof: Predictions,
    context: Context,
    known_for: Callable[[int], Predictions],
) -> Iterator[Iterable[Row]]:
    """The answers of every fold, decided on the others, fold by fold."""
    for fold in sorted(items["fold"].unique()):
        inside = items[items["fold"] == fold]
        others = items[items["fold"] != fold]
        decision = {}
        if len(others):
            known = known_for(int(fold)).select(others["sample"].to_numpy())
            decision = pipeline.decide(known, pipeline.solution(others, context))
        yield pipeline.submission(inside, oof.select(inside["sample"].to_numpy()), decision)


def score_oof(
    pipeline: Pipeline,
    items: pd.DataFrame,
    run: RunFolder,
    context: Context,
    *,
    beside: tuple[Rung, ...],
    n_test: int = 0,
) -> dict[str, Any]:
    """What `scores.json` holds: pooled and per fold, interval, place on the ladder.

    The scores come from the files that `score` reads.

    Args:
        beside: rungs of other runs on the same folds.
        n_test: rows of the test set; 0 for as many as the sample submission has.
    """
    spec, metric = pipeline.spec, pipeline.spec.metric
    aligned, _ = read_aligned(spec, run / SUBMISSION, run / SOLUTION)
    folds, groups = _by_id(items, aligned)
    pooled = aligned.score(metric)
    ladder, called = ladder_beside(run / SOLUTION, spec)
    ladder = Ladder((*ladder.rungs, *beside))
    n_test = n_test or _n_test(pipeline, context) or len(aligned.keys)
    expect = partial(interval, aligned, metric, groups=groups, folds=folds, seed=context.seed)
    try:
        expected = expect(n_test=n_test)
    except MetricError:  # a test set of a row or two, of one class: told for one as large as ours
        expected = expect(n_test=len(aligned.keys))
    keep = getattr(pipeline.settings, "keep", "last")
    return {
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        "data": called or "the host's",
        "pooled": pooled,
        "rows": len(aligned.keys),
        "folds": _fold_scores(aligned, metric, folds),
        "epoch": "chosen on this fold" if keep == "best" else "fixed in advance",
        "interval": asdict(expected),
        "place": ladder.place(pooled, metric),
        "rungs": [asdict(rung) for rung in ladder.rungs],
    }


def _fold_scores(aligned: Aligned, metric: Metric, folds: np.ndarray) -> list[dict[str, Any]]:
    """The score of each fold on which the metric is defined."""
    scores = []
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        with contextlib.suppress(MetricError):  # one class alone in a small fold, say
            score = aligned.score(metric, rows)
            scores.append({"fold": int(fold), "rows": len(rows), "score": score})
    return scores


def _n_test(pipeline: Pipeline, context: Context) -> int:
    """The rows of the test set, by its sample submission; 0 where there is none."""
    sample = context.root / pipeline.spec.file("sample_submission").name
    return len(ids_of(sample, pipeline.spec.submission)) if is_there(sample) else 0


def _by_id(items: pd.DataFrame, aligned: Aligned) -> tuple[np.ndarray, np.ndarray]:
    """The fold and the group of each row that the judge scored."""
    first = items.drop_duplicates("id")
    groups = first["group"] if "group" in first else pd.Series(range(len(first)))
    folds = first["fold"].tolist()
    by_key = dict(zip(map(as_key, first["id"]), zip(folds, groups, strict=True), strict=True))
    pairs = [by_key[key] for key in aligned.keys]
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
