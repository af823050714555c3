"""The flow over any pipeline: prepare → items → folds → fit → out-of-fold → decide → submission →
score → report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import environment, files, paths, registry
from common.budget import Budget, process_began, session_began
from common.collect import Predictions, save_table
from common.devices import devices_for, train_folds_on
from common.errors import RunError
from common.fold_training import FoldsToTrain, help_train_folds, train_folds
from common.leaks.sides import cheap_findings, splits_of
from common.oof import score_oof, write_oof
from common.opening import (
    Request,
    TestRows,
    check_folds,
    check_train_data,
    chosen_pipeline,
    context_for,
    data_called,
    facts_of,
    fold_table,
    folds_to_train,
    open_run,
    run_path,
    rung_of,
    rungs_of,
    same_folds,
    stored_folds,
    test_rows,
    train_items,
)
from common.pipeline import Context, Decision, Pipeline, storable
from common.report import write_report
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE, ladder_beside
from common.session import Session
from common.train.joining import joined
from common.train.ranks import Ranks
from common.writing import write_answers

Say = Callable[[str], None]
INDEX = ["sample", "id"]


def train(request: Request, say: Say = print) -> RunFolder:
    """The whole flow; gives the finished run folder.

    Where a launcher has started several processes, each of them calls this: they train together,
    and the first one does, writes and says everything else.

    Everything that can be found wrong with the request or the data is found before an older run
    folder is touched, and before anything is trained.
    """
    with joined() as ranks:
        devices = devices_for(request, ranks)
        request = replace(request, device=devices[0])
        if not ranks.is_first:
            return _train_beside(request, ranks)
        return _train(request, devices, ranks, say)


def _train(request: Request, devices: tuple[str, ...], ranks: Ranks, say: Say) -> RunFolder:
    started = time.perf_counter()
    folder = registry.find(request.competition)
    name, pipeline = chosen_pipeline(folder, request)
    context, stamps = context_for(folder, name, pipeline, request)
    session = _session(request, say)
    context = replace(context, session=session)  # what is prepared keeps to the hours, too
    with ranks.in_turn():
        items = train_items(pipeline, context)
        test = test_rows(pipeline, context)
    folds = folds_to_train(items, request.folds)
    check_folds(pipeline, items, folds)
    table = fold_table(items, pipeline)
    rung = rung_of(RunFolder(run_path(folder, request.beside)), table) if request.beside else None
    facts = facts_of(folder, name, pipeline, request, folds, rung, stamps)
    ladder_beside(context.root / "solution.csv", pipeline.spec)  # a broken fixture is told now

    run = RunFolder(run_path(folder, request.run or f"{name}-{request.preset}"))
    with run.claimed() as lock, environment.computing_threads(), _old_run_kept(run):
        if request.resume and (run / "folds.parquet").is_file():
            check_same_folds(table, run)
        run.begin(facts, overwrite=request.overwrite, resume=request.resume)
        context = _keep(run, context, table)
        context = replace(context, session=replace(session, run=run.path, ranks=ranks))
        say(f"{pipeline.spec.title}, pipeline {name}, preset {request.preset}, seed {request.seed}")
        called = data_called(context.root)
        say(f"data: {called}, {len(items):,} rows; {_where(devices, ranks)}; {run.shown}")
        for found in cheap_findings(pipeline, items, test.items, splits_of(pipeline, items)):
            say(found.line)
        work = FoldsToTrain(pipeline, items, folds, run, context, len(test.items), say)
        left_out = train_folds_on(devices, work, lock) if len(devices) > 1 else train_folds(work)
        _validate(pipeline, items, facts, run, context, say)
        _predict_test(pipeline, test, facts, run, context, run / "submission.csv", say)
        seconds = round(time.perf_counter() - started, 1)
        made_with = environment.describe(context.device, request.seed)
        files.write_json(run / "environment.json", {**made_with, "seconds": seconds})
        write_report(pipeline, items, run)
        run.finish()
    say(f"report: {paths.shown(run / 'report.html')}")
    if left_out:
        say(
            f"left out, as {request.hours:g} hours did not hold it: {'; '.join(left_out)}; "
            "--resume goes on with it"
        )
    return run


def _train_beside(request: Request, ranks: Ranks) -> RunFolder:
    """What a process does that trains with the first one: its part of each batch."""
    folder = registry.find(request.competition)
    name, pipeline = chosen_pipeline(folder, request)
    context, _ = context_for(folder, name, pipeline, request)
    with ranks.in_turn():
        items = train_items(pipeline, context)
    run = RunFolder(run_path(folder, request.run or f"{name}-{request.preset}"))
    silent = Session(budget=_budget(request), say=lambda line: None, ranks=ranks)
    with environment.computing_threads():
        help_train_folds(pipeline, items, replace(context, session=silent))
    return run


def _where(devices: tuple[str, ...], ranks: Ranks) -> str:
    """What trains, for the log."""
    place = f"device {devices[0]}" if len(devices) == 1 else f"devices {', '.join(devices)}"
    is_launched = ranks.world > 1 or paths.launched() is not None or paths.launched_for_cpu()
    return f"{place}, process 1 of {ranks.world}" if is_launched else place


def validate(competition: str, run_name: str, data: Path | None, say: Say = print) -> RunFolder:
    """Predicts out of fold again from the saved models, decides, scores and reports anew.

    Raises: RunError where the run is not whole, or where the data are not those it was trained on.
    """
    pipeline, run, context, facts = open_run(competition, run_name, data)
    check_train_data(facts, pipeline, run, context.root)
    items = train_items(pipeline, context)
    check_same_folds(fold_table(items, pipeline), run)
    with run.claimed(), environment.computing_threads():
        _validate(pipeline, items, facts, run, context, say)
        write_report(pipeline, items, run)
    return run


def predict(
    competition: str,
    run_name: str,
    data: Path | None,
    out: Path | None,
    say: Say = print,
    device: str = "",
    *,
    skip_unreadable: bool = False,
) -> Path:
    """Predicts the test set from the saved models and writes the submission; gives its path.

    Args:
        skip_unreadable: as the setting of this name, whatever the run was trained with.
    """
    pipeline, run, context, facts = open_run(competition, run_name, data, device)
    if skip_unreadable:
        pipeline = pipeline.configured(pipeline.settings.override(("skip_unreadable=true",)))
    test = test_rows(pipeline, context)
    target = out or run / "submission.csv"
    # a run that is only read may lie where nothing can be written
    claimed = run.claimed() if target.parent == run.path else contextlib.nullcontext()
    with claimed, environment.computing_threads():
        _predict_test(pipeline, test, facts, run, context, target, say)
    return target


# ---- the run ------------------------------------------------------------------------------------


def _keep(run: RunFolder, context: Context, table: pd.DataFrame) -> Context:
    """Puts into the run folder what it needs to stand alone."""
    if not (run / "folds.parquet").is_file():
        save_table(run / "folds.parquet", table)
        run.record([run / "folds.parquet"])
    marker = context.root / FIXTURE_FILE
    if marker.is_file():
        files.write_bytes(run / FIXTURE_FILE, marker.read_bytes())
    if context.shared.is_dir():
        files.copy_folder(context.shared, run.shared)
        run.record([run.shared])
    return replace(context, shared=run.shared)


@contextlib.contextmanager
def _old_run_kept(run: RunFolder) -> Iterator[None]:
    """Puts a run that was to be replaced back where the block raises before a fold is finished."""
    try:
        yield
    except BaseException:
        run.restore_replaced()
        raise


def check_same_folds(table: pd.DataFrame, run: RunFolder) -> None:
    """Raises RunError where a run was not made from these rows, labels and folds."""
    if not same_folds(table, run):
        raise RunError(
            f"{run.shown} was made from other rows, labels or folds; expected the data that it was "
            "trained on: name them with --data, or use --overwrite"
        )


def _session(request: Request, say: Say) -> Session:
    """How this command trains, before it has a run folder and before processes train together:
    what is prepared is prepared by each of them in turn."""
    return Session(None, _budget(request), request.checkpoint_every, request.track, say)


def _budget(request: Request) -> Budget:
    """The time that this command has. On Kaggle it counts from the session's start, at home from
    the command's."""
    return Budget(request.hours, session_began() if paths.on_kaggle() else process_began())


def _validate(
    pipeline: Pipeline,
    items: pd.DataFrame,
    facts: dict[str, Any],
    run: RunFolder,
    context: Context,
    say: Say,
) -> None:
    """Out-of-fold predictions, decision and scores, from the models on disk."""
    parts: list[Predictions] = []
    validated: list[np.ndarray] = []
    for fold in stored_folds(facts, run):
        valid = pipeline.splits(items, fold)[1]
        if len(valid):
            model = pipeline.load_fold(run.fold(fold), context)
            parts.append(model.predict(items.iloc[valid]))
            validated.append(valid)
    if not parts:
        files.write_json(run / "decision.json", {})
        say("nothing was held out, so there is no score")
        return
    rows = items.iloc[np.concatenate(validated)]
    kind: Any = type(parts[0])
    write_scores(pipeline, rows, kind.concat(parts), facts, run, context, say)


def write_scores(
    pipeline: Pipeline,
    rows: pd.DataFrame,
    oof: Predictions,
    facts: dict[str, Any],
    run: RunFolder,
    context: Context,
    say: Say,
) -> None:
    """Decision and scores from out-of-fold predictions, in the run's files and told.

    Args:
        rows: the items that were validated, fold by fold, with the column `fold`.
    """
    decision = write_oof(pipeline, rows, oof, run, context)
    files.write_json(run / "decision.json", decision)
    scores = score_oof(pipeline, rows, run, context, beside=rungs_of(facts))
    files.write_json(run / "scores.json", scores)
    run.record([run / name for name in ("decision.json", "scores.json")])
    say_scores(scores, facts["pipeline"], say)


def say_scores(scores: dict[str, Any], pipeline: str, say: Say) -> None:
    """Scores per fold and pooled, and the ladder with ours on it."""
    by_fold = "  ".join(f"{entry['score']:.4f}" for entry in scores["folds"])
    low, high, n_test = (scores["interval"][name] for name in ("low", "high", "n_test"))
    say(f"{scores['metric']} per fold: {by_fold}")
    say(
        f"out of fold: {scores['pooled']!r} over {scores['rows']:,} rows; a test set of "
        f"{n_test:,} should score {low:.4f} to {high:.4f} (90 %)"
    )
    if scores["place"]:
        say(scores["place"])
    ours = {"name": f"{pipeline}, this run", "score": scores["pooled"]}
    rungs = [*scores["rungs"], ours] if scores["rungs"] else []
    best_first = scores["higher_is_better"]
    for rung in sorted(rungs, key=lambda rung: float(rung["score"]), reverse=best_first):
        say(f"  {rung['score']:.4f}  {rung['name']}")


def _predict_test(
    pipeline: Pipeline,
    test: TestRows,
    facts: dict[str, Any],
    run: RunFolder,
    context: Context,
    target: Path,
    say: Say,
) -> None:
    """Predictions of the test set by every fold's model, combined, and the submission."""
    models = [pipeline.load_fold(run.fold(fold), context) for fold in stored_folds(facts, run)]
    predictions = pipeline.combine([model.predict(test.items) for model in models])
    decision = files.read_json(run / "decision.json")
    write_submission(pipeline, test, predictions, decision, run, target, say)


def write_submission(
    pipeline: Pipeline,
    test: TestRows,
    predictions: Predictions,
    decision: Decision,
    run: RunFolder,
    target: Path,
    say: Say,
) -> None:
    """The submission, told; and, where it lies in the run folder, the test set's predictions
    beside it, both entered into the run."""
    answers = pipeline.submission(test.items, predictions, decision)
    write_answers(target, pipeline.spec.submission, answers, test.asked)
    if target.parent == run.path:
        run.record([target, *predictions.save(run.path, "test", storable(test.items[INDEX]))])
    say(f"submission: {paths.shown(target)}, {len(test.asked):,} rows")
