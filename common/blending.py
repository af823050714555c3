"""Blends finished runs into a new one: out-of-fold predictions, test predictions, decision, scores.

What is fitted is reported cross-fitted: the rows of a fold are mixed with the weights, and decided
with the decision, that the other folds alone gave.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from common import environment, files, paths, registry
from common.blend_parts import Part, as_items, open_parts
from common.blend_weights import Weights, given_weights, prepared, weights_of
from common.collect import Predictions
from common.errors import RunError
from common.mixing import mixed
from common.oof import score_oof, write_oof
from common.opening import (
    TestRows,
    check_train_data,
    fold_table,
    made_by,
    run_path,
    test_rows,
    train_items,
)
from common.pipeline import Context, Pipeline
from common.report import write_report
from common.run import check_same_folds, say_scores, write_submission
from common.runfolder import BLEND, MARK, SETTINGS, RunFolder
from common.score import FIXTURE_FILE
from common.spec import Rung
from common.submit import ids_of

Say = Callable[[str], None]
CHOSEN = "chosen on this fold"


@dataclass(frozen=True)
class BlendRequest:
    """What `blend` was asked for.

    Args:
        runs: names under runs/<folder>/, or paths with a slash; the first one's pipeline answers.
        method: "mean" of the predictions, "rank" for the mean of their ranks, "weights" for a mean
            whose weights are fitted on out-of-fold predictions.
        weights: of a mean or rank mean, one per run, brought to the sum 1; () for equal ones.
        run: of the blend, a name or path likewise; "" for blend-<method>.
        data: the host's files; None where the runs' own files tell enough.
    """

    competition: str
    runs: tuple[str, ...]
    method: str = "mean"
    weights: tuple[float, ...] = ()
    run: str = ""
    data: Path | None = None
    overwrite: bool = False


def blend(request: BlendRequest, say: Say = print) -> RunFolder:
    """Makes the new run folder and gives it; its parts stay as they are.

    Everything that can be found wrong is found, and the weights are fitted, before anything is
    written. Where writing fails, what stood there before is back.

    Raises: UsageError for a request that cannot be met; RunError where the runs do not fit
    together, or where the new folder is taken.
    """
    started = time.perf_counter()
    folder = registry.find(request.competition)
    given = given_weights(request.method, request.weights, len(request.runs))
    run = RunFolder(run_path(folder, request.run or f"blend-{request.method}"))
    parts = open_parts(folder, request.runs)
    _check_free(run, parts, overwrite=request.overwrite)
    pipeline, context, rows = _rows_of(parts[0], request.data)
    parts = prepared(parts, request.method)
    weights = weights_of(parts, pipeline, context, rows.oof, request.method, given)
    facts = _facts(parts, request.method, weights)
    with run.claimed(), environment.computing_threads():
        run.begin(facts, overwrite=request.overwrite, resume=False)
        with _whole_or_gone(run):
            _write(run, parts, weights, pipeline, context, rows, say)
            seconds = round(time.perf_counter() - started, 1)
            made_with = environment.describe("cpu", context.seed)
            files.write_json(run / "environment.json", {**made_with, "seconds": seconds})
            write_report(pipeline, rows.pictured, run)
            run.finish()
    say(f"report: {paths.shown(run / 'report.html')}")
    return run


# ---- what was asked for -------------------------------------------------------------------------


def _check_free(run: RunFolder, parts: Sequence[Part], *, overwrite: bool) -> None:
    """Raises RunError where the blend would replace one of its parts, or a run unasked."""
    for part in parts:
        if part.run.path.resolve() == run.path.resolve():
            raise RunError(f"{run.shown} is a part of the blend; name another run with --run")
    holds_run = (run / SETTINGS).is_file() or (run / MARK).is_file()
    if holds_run and not overwrite:
        raise RunError(
            f"{run.shown} holds a run; name another with --run, or replace it with --overwrite"
        )


# ---- the rows -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """What the predictions are of.

    Args:
        oof: the validated items, with the column `fold`.
        pictured: the items whose pictures the report may show.
    """

    oof: pd.DataFrame
    test: TestRows
    pictured: pd.DataFrame


def _rows_of(first: Part, data: Path | None) -> tuple[Pipeline, Context, _Rows]:
    """The pipeline that answers, and the rows: as the run stored them, or from the host's files
    where they are named or where the pipeline's own answers are made from more than ids.

    Raises: DataError or RunError where files are needed that are not there, or are others.
    """
    # what is stored tells enough for any root: nothing is read from it
    pipeline, context = made_by(first.facts, first.run, data or first.run.path)
    form = pipeline.spec.submission
    default = (
        type(pipeline).solution is Pipeline.solution
        and type(pipeline).submission is Pipeline.submission
        and {*form.target_columns} <= {*first.rows}
    )
    if data is None and default:
        oof = as_items(first.rows, form)
        asked = ids_of(first.run / "submission.csv", form)
        test = TestRows(as_items(first.test_rows, form), asked)
        return pipeline, context, _Rows(oof, test, oof.iloc[:0])
    pipeline, context = made_by(first.facts, first.run, data)
    if not first.run.shared.is_dir():  # nothing is made in the folder of a part
        context = replace(context, shared=context.work / "shared" / BLEND)
    check_train_data(first.facts, pipeline, first.run, context.root)
    items = train_items(pipeline, context)
    check_same_folds(fold_table(items, pipeline), first.run)
    places = pd.Index(items["sample"]).get_indexer(pd.Index(first.rows["sample"]))
    return pipeline, context, _Rows(items.iloc[places], test_rows(pipeline, context), items)


# ---- the folder ---------------------------------------------------------------------------------


def _facts(parts: Sequence[Part], method: str, weights: Weights) -> dict[str, Any]:
    """What `settings.json` holds: that of the first run, and what was blended how."""
    made_of = [
        {
            "name": part.name,
            "run": part.run.identity(),
            "pipeline": part.facts["pipeline"],
            "pooled": part.scores["pooled"],
            "weight": float(weight),
        }
        for part, weight in zip(parts, weights.test, strict=True)
    ]
    by_fold = {str(fold): found.tolist() for fold, found in weights.by_fold.items()}
    facts = {**parts[0].facts, "preset": BLEND, "beside": None}
    return {**facts, BLEND: {"method": method, "parts": made_of, "by_fold": by_fold}}


@contextlib.contextmanager
def _whole_or_gone(run: RunFolder) -> Iterator[None]:
    """Removes what a block that raises has written; a run that it was to replace is back."""
    try:
        yield
    except BaseException:
        if run.replaced.exists():
            run.restore_replaced()
        else:
            shutil.rmtree(run.path)
        raise


def _write(
    run: RunFolder,
    parts: Sequence[Part],
    weights: Weights,
    pipeline: Pipeline,
    context: Context,
    rows: _Rows,
    say: Say,
) -> None:
    for name in ("folds.parquet", FIXTURE_FILE):
        if (parts[0].run / name).is_file():
            files.write_bytes(run / name, (parts[0].run / name).read_bytes())
    run.record([run / "folds.parquet"])
    for part, weight in zip(parts, weights.test, strict=True):
        say(f"{weight:.4f} of {part.name}, out of fold {part.scores['pooled']!r}")
    decision = _write_scores(run, parts, weights, pipeline, context, rows, say)
    test = mixed([part.test for part in parts], weights.test, context.work)
    write_submission(pipeline, rows.test, test, decision, run, run / "submission.csv", say)


def _write_scores(
    run: RunFolder,
    parts: Sequence[Part],
    weights: Weights,
    pipeline: Pipeline,
    context: Context,
    rows: _Rows,
    say: Say,
) -> dict[str, Any]:
    """Out-of-fold files, decision and scores; gives the decision."""
    known = [part.oof for part in parts]
    samples, folds = (rows.oof[name].to_numpy() for name in ("sample", "fold"))

    def with_weights_of(fold: int) -> Predictions:
        return mixed(known, weights.by_fold[fold], context.work)

    if weights.by_fold:
        by_fold = [with_weights_of(fold).select(samples[folds == fold]) for fold in weights.by_fold]
        kind: Any = type(by_fold[0])
        oof = kind.concat(by_fold).select(samples)
    else:
        oof = mixed(known, weights.test, context.work)
    decided_on = with_weights_of if weights.by_fold else None
    decision = write_oof(pipeline, rows.oof, oof, run, context, decided_on)
    files.write_json(run / "decision.json", decision)
    beside = tuple(
        Rung(part.name, part.scores["pooled"], f"{part.run.shown}, same folds, out of fold")
        for part in parts
    )
    n_test = len(rows.test.asked)
    scores = score_oof(pipeline, rows.oof, run, context, beside=beside, n_test=n_test)
    if any(part.scores["epoch"] == CHOSEN for part in parts):
        scores["epoch"] = CHOSEN
    files.write_json(run / "scores.json", scores)
    run.record([run / name for name in ("decision.json", "scores.json")])
    say_scores(scores, BLEND, say)
    say(_against_best(scores, beside))
    return decision


def _against_best(scores: dict[str, Any], parts: Sequence[Rung]) -> str:
    """One line that says whether blending was worth it."""
    sign = 1 if scores["higher_is_better"] else -1
    best = max(parts, key=lambda part: sign * part.score)
    gain = sign * (scores["pooled"] - best.score)
    word = "better" if gain > 0 else "worse" if gain < 0 else "neither better nor worse"
    by = f" by {abs(gain):.5g}" if gain else ""
    return f"{word} than its best part, {best.name} ({best.score:.5g}){by}"
