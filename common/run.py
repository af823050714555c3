"""The flow over any pipeline: prepare → items → folds → fit → out-of-fold → decide → submission →
score → report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import environment, files, paths, registry
from common.collect import Predictions, save_table
from common.errors import DataError, RunError, UsageError, unknown_name
from common.folds import TRAIN_ONLY
from common.oof import rung_of, score_oof, write_oof
from common.pipeline import ALL_ROWS, Context, Pipeline
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE
from common.settings import preset
from common.submit import ids_of, write_submission

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What `train` was asked for.

    Args:
        folds: the folds to train; empty for all of them, ("all",) for one model on everything.
        data: the host's files; None for data/<folder>.
        run: a name under runs/<folder>/, or a path with a slash in it; "" for
            <pipeline>-<preset>.
        beside: a finished run on the same folds whose score becomes a rung.
    """

    competition: str
    pipeline: str = ""
    preset: str = "baseline"
    changes: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    data: Path | None = None
    run: str = ""
    beside: str = ""
    seed: int = 0
    device: str = ""
    overwrite: bool = False
    resume: bool = False


def train(request: Request, say: Say = print) -> RunFolder:
    """The whole flow; gives the finished run folder.

    Everything that can be found wrong with the request or the data is found before an older run
    folder is touched.
    """
    started = time.perf_counter()
    folder = registry.find(request.competition)
    name, pipeline = _pipeline(folder, request)
    context = _context(folder, pipeline, request)
    pipeline.prepare(context)
    items = _checked(pipeline.items("train", context), pipeline, "train")
    items["fold"] = pipeline.folds(items, request.seed)
    folds = _folds_to_train(items, request.folds)
    beside = RunFolder(run_path(folder, request.beside)) if request.beside else None

    path = run_path(folder, request.run or f"{name}-{request.preset}")
    run = RunFolder.begin(
        path,
        _facts(folder, name, pipeline, request, folds),
        overwrite=request.overwrite,
        resume=request.resume,
    )
    context = _keep(run, context, items, pipeline)
    called = data_called(context.root)
    say(f"{pipeline.spec.title}, pipeline {name}, preset {request.preset}, seed {request.seed}")
    say(f"data: {called}, {len(items):,} rows; device {context.device}; {paths.shown(run.path)}")
    with environment.computing_threads():
        facts = environment.describe(context.device, request.seed)
        for fold in folds:
            _train_fold(pipeline, items, fold, run, context, say)
        _validate(pipeline, items, folds, run, context, beside, say)
        _predict_test(pipeline, folds, run, context, run / "submission.csv", say)
    facts["seconds"] = round(time.perf_counter() - started, 1)
    files.write_json(run / "environment.json", facts)
    _write_report(pipeline, items, run)
    run.finish()
    say(f"report: {paths.shown(run / 'report.html')}")
    return run


def validate(competition: str, run_name: str, data: Path | None, say: Say = print) -> RunFolder:
    """Predicts out of fold again from the saved models, decides, scores and reports anew.

    Raises: RunError where the run is not whole, or where the data are not those it was trained on.
    """
    pipeline, run, context, facts = open_run(competition, run_name, data)
    items = _checked(pipeline.items("train", context), pipeline, "train")
    items["fold"] = pipeline.folds(items, context.seed)
    _check_same_folds(items, pipeline, run)
    with environment.computing_threads():
        _validate(pipeline, items, _stored_folds(facts), run, context, None, say)
    _write_report(pipeline, items, run)
    return run


def predict(
    competition: str, run_name: str, data: Path | None, out: Path | None, say: Say = print
) -> Path:
    """Predicts the test set from the saved models and writes the submission; gives its path."""
    pipeline, run, context, facts = open_run(competition, run_name, data)
    with environment.computing_threads():
        target = out or run / "submission.csv"
        _predict_test(pipeline, _stored_folds(facts), run, context, target, say)
    return target


def run_path(folder: str, name: str) -> Path:
    """Where a run lies: under runs/<folder>/ by its name, or at a path with a slash in it."""
    return Path(name) if "/" in name else paths.runs_dir(folder) / name


def open_run(
    competition: str, name: str, data: Path | None
) -> tuple[Pipeline, RunFolder, Context, dict[str, Any]]:
    """A finished run, with the pipeline and settings that made it."""
    folder = registry.find(competition)
    run = RunFolder(run_path(folder, name))
    facts = run.open_finished()
    if facts["competition"] != folder:
        raise RunError(
            f"{paths.shown(run.path)} is a run of {facts['competition']}; expected {folder}"
        )
    pipelines = registry.load_pipelines(folder)
    if facts["pipeline"] not in pipelines:
        raise UsageError(unknown_name("pipeline", facts["pipeline"], pipelines))
    known = pipelines[facts["pipeline"]]
    pipeline = known.configured(type(known.settings).from_dict(facts["settings"]))
    context = Context(
        root=_root(folder, pipeline, data),
        work=paths.work_dir(folder),
        shared=run.shared,
        seed=facts["seed"],
        device=environment.default_device(),
    )
    return pipeline, run, context, facts


def data_called(root: Path) -> str:
    """What the data are called: the fixture's own name, or the host's."""
    marker = root / FIXTURE_FILE
    return str(files.read_json(marker)["called"]) if marker.is_file() else "the host's"


# ---- before anything is written -----------------------------------------------------------------


def _pipeline(folder: str, request: Request) -> tuple[str, Pipeline]:
    pipelines = registry.load_pipelines(folder)
    name = request.pipeline or next(iter(pipelines))
    if name not in pipelines:
        raise UsageError(unknown_name("pipeline", name, pipelines))
    settings = preset(pipelines[name].presets, request.preset).override(request.changes)
    return name, pipelines[name].configured(settings)


def _context(folder: str, pipeline: Pipeline, request: Request) -> Context:
    work = paths.work_dir(folder)
    return Context(
        root=_root(folder, pipeline, request.data),
        work=work,
        shared=work / "shared",
        seed=request.seed,
        device=request.device or environment.default_device(),
    )


def _root(folder: str, pipeline: Pipeline, data: Path | None) -> Path:
    """The folder of the host's files.

    Raises: DataError that says how to get them.
    """
    root = data or paths.data_dir(folder)
    if root.is_dir():
        return root
    spec = pipeline.spec
    how = "; ".join(source.how_to_get(paths.shown(root)) for source in spec.sources)
    slug = folder.replace("_", "-")
    raise DataError(
        f"{paths.shown(root)} does not exist; expected {', '.join(f.name for f in spec.files)}. "
        f"To download: {how}. To try without: run `python scripts/fixture.py {slug}` and add "
        f"--data {paths.shown(paths.fixture_dir(folder))}"
    )


def _checked(items: pd.DataFrame, pipeline: Pipeline, split: str) -> pd.DataFrame:
    """The items, if they are what the contract asks for."""
    wanted = ["sample", "id"]
    if split == "train":
        wanted += [name for name in pipeline.spec.submission.target_columns if name not in items]
    missing = [name for name in wanted if name not in items]
    if missing:
        raise DataError(f"items() for {split} has no column {missing[0]!r}; found {[*items]}")
    twice = items["sample"][items["sample"].duplicated()]
    if len(twice):
        raise DataError(f"items() for {split} names sample {twice.iloc[0]!r} twice")
    return items.reset_index(drop=True)


def _folds_to_train(items: pd.DataFrame, asked: tuple[str, ...]) -> list[int | None]:
    known = sorted(int(fold) for fold in items["fold"].unique() if fold != TRAIN_ONLY)
    if asked == ("all",):
        return [ALL_ROWS]
    for text in asked:
        if not text.isdigit() or int(text) not in known:
            raise UsageError(f"no fold {text!r}; there are 0 to {known[-1]}, or all")
    return [int(text) for text in dict.fromkeys(asked)] or list(known)


def _facts(
    folder: str, name: str, pipeline: Pipeline, request: Request, folds: list[int | None]
) -> dict[str, Any]:
    return {
        "competition": folder,
        "slug": pipeline.spec.slug,
        "pipeline": name,
        "preset": request.preset,
        "settings": pipeline.settings.as_dict(),
        "seed": request.seed,
        "folds": ["all" if fold is ALL_ROWS else fold for fold in folds],
    }


def _stored_folds(facts: dict[str, Any]) -> list[int | None]:
    return [ALL_ROWS if fold == "all" else int(fold) for fold in facts["folds"]]


# ---- the run ------------------------------------------------------------------------------------


def _keep(run: RunFolder, context: Context, items: pd.DataFrame, pipeline: Pipeline) -> Context:
    """Puts into the run folder what it needs to stand alone."""
    if (run / "folds.parquet").is_file():
        _check_same_folds(items, pipeline, run)
    else:
        save_table(run / "folds.parquet", _fold_table(items, pipeline))
        run.record([run / "folds.parquet"])
    marker = context.root / FIXTURE_FILE
    if marker.is_file():
        files.write_bytes(run / FIXTURE_FILE, marker.read_bytes())
    if context.shared.is_dir():
        files.copy_folder(context.shared, run.shared)
        run.record([run.shared])
    return replace(context, shared=run.shared)


def _fold_table(items: pd.DataFrame, pipeline: Pipeline) -> pd.DataFrame:
    names = ["sample", "id", "fold", "group", *pipeline.spec.submission.target_columns]
    return items[[name for name in names if name in items]]


def _check_same_folds(items: pd.DataFrame, pipeline: Pipeline, run: RunFolder) -> None:
    stored = pd.read_parquet(run / "folds.parquet")
    if not stored.equals(_fold_table(items, pipeline)):
        raise RunError(
            f"{paths.shown(run.path)} was made from other rows, labels or folds; expected the "
            "data that it was trained on: name them with --data, or use --overwrite"
        )


def _train_fold(
    pipeline: Pipeline,
    items: pd.DataFrame,
    fold: int | None,
    run: RunFolder,
    context: Context,
    say: Say,
) -> None:
    name = "all rows" if fold is ALL_ROWS else f"fold {fold}"
    if run.has_fold(fold):
        say(f"{name}: finished before")
        return
    train_rows, valid_rows = pipeline.splits(items, fold)
    say(f"{name}: {len(train_rows):,} rows train, {len(valid_rows):,} validate")
    model = pipeline.fit_fold(items, fold, context)
    run.fold(fold).mkdir(parents=True, exist_ok=True)
    model.save(run.fold(fold))
    run.record_fold(fold)


def _validate(
    pipeline: Pipeline,
    items: pd.DataFrame,
    folds: list[int | None],
    run: RunFolder,
    context: Context,
    beside: RunFolder | None,
    say: Say,
) -> None:
    """Out-of-fold predictions, decision and scores, from the models on disk."""
    parts: list[Predictions] = []
    validated: list[np.ndarray] = []
    for fold in folds:
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
    decision = write_oof(pipeline, rows, kind.concat(parts), run, context)
    files.write_json(run / "decision.json", decision)
    rungs = (rung_of(run, beside),) if beside else ()
    n_test = _n_test(pipeline, context) or len(rows)
    scores = score_oof(pipeline, rows, run, n_test=n_test, seed=context.seed, beside=rungs)
    files.write_json(run / "scores.json", scores)
    run.record([run / name for name in ("decision.json", "scores.json")])
    _say_scores(scores, say)


def _say_scores(scores: dict[str, Any], say: Say) -> None:
    by_fold = "  ".join(f"{entry['score']:.4f}" for entry in scores["folds"])
    low, high = scores["interval"]["low"], scores["interval"]["high"]
    say(f"{scores['metric']} per fold: {by_fold}")
    say(
        f"out of fold: {scores['pooled']!r} over {scores['rows']:,} rows; a test set of "
        f"{scores['interval']['n_test']:,} should score {low:.4f} to {high:.4f} (90 %)"
    )
    if scores["place"]:
        say(scores["place"])


def _n_test(pipeline: Pipeline, context: Context) -> int:
    """The rows of the test set, by its sample submission; 0 where there is none."""
    sample = context.root / pipeline.spec.file("sample_submission").name
    return len(ids_of(sample, pipeline.spec.submission)) if sample.is_file() else 0


def _predict_test(
    pipeline: Pipeline,
    folds: list[int | None],
    run: RunFolder,
    context: Context,
    target: Path,
    say: Say,
) -> None:
    """Predictions of the test set by every fold's model, combined, and the submission."""
    items = _checked(pipeline.items("test", context), pipeline, "test")
    models = [pipeline.load_fold(run.fold(fold), context) for fold in folds]
    predictions = pipeline.combine([model.predict(items) for model in models])
    decision = files.read_json(run / "decision.json")
    sample = context.root / pipeline.spec.file("sample_submission").name
    asked = ids_of(sample, pipeline.spec.submission)
    rows = pipeline.submission(items, predictions, decision)
    write_submission(target, pipeline.spec.submission, rows, asked)
    predictions.save(run.path, "test", items[["sample", "id"]])
    say(f"submission: {paths.shown(target)}, {len(asked):,} rows")


def _write_report(pipeline: Pipeline, items: pd.DataFrame, run: RunFolder) -> None:
    from common.report import write_report

    write_report(pipeline, items, run)
