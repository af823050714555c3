"""Joins the runs of fold groups into one run with all their folds.

What comes out is what one run over these folds would have written, except for the predictions of
the test set, which `predict` makes from the joined models.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import environment, files, paths
from common.collect import Predictions, load_predictions
from common.collect.base import load_table
from common.errors import RunError, UsageError
from common.kernels.attached_runs import record_of
from common.kernels.record import MERGED_FILE
from common.opening import check_train_data, fold_table, made_by, stored_folds, train_items
from common.pipeline import Context, Decision, Pipeline
from common.report import write_report
from common.run import check_same_folds, write_scores
from common.runfolder import LEFT_OUT, RunFolder
from common.score import FIXTURE_FILE

Say = Callable[[str], None]
SAME = ("competition", "slug", "pipeline", "preset", "settings", "seed", "data")
INDEX = ("sample", "id", "fold", "group")  # and the target columns


def merge_runs(
    folders: Sequence[Path],
    out: Path,
    *,
    decision: Decision | None = None,
    data: Path | None = None,
    scored: bool = True,
    say: Say = print,
) -> RunFolder:
    """Joins runs into a new folder; their order does not matter.

    Args:
        decision: of the joined run; None to fit it on all out-of-fold predictions.
        data: the host's files; None for data/<competition>, if they are there.
        scored: write the out-of-fold files, the scores and the report, which needs the data. Off
            in a kernel, where the models are linked and only the decision is made.

    Raises: RunError where the runs differ in settings, code, data or folds, or are not whole;
    UsageError where a fold is in two of them, or the target exists. Nothing is left then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{paths.shown(out)} exists; name a new folder for the joined run")
    runs, facts = _checked([RunFolder(Path(folder)) for folder in folders])
    merged = RunFolder(out)
    try:
        merged.begin(facts, overwrite=False, resume=False)
        with merged.claimed(), environment.computing_threads():
            _keep(runs, merged, link=not scored)
            _answer(runs, facts, merged, decision, data, scored, say)
            merged.finish()
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    say(f"{merged.shown}: folds {', '.join(map(str, facts['folds']))} of {len(runs)} runs")
    return merged


# ---- do they belong together? -------------------------------------------------------------------


def _checked(runs: list[RunFolder]) -> tuple[list[RunFolder], dict[str, Any]]:
    """The runs in the order of their folds, and the facts of the joined run."""
    if len(runs) < 2:
        raise UsageError(f"{len(runs)} run was named; expected two or more to join")
    known = [(run.open_with_models(), run) for run in runs]
    _check_folds(known)
    known.sort(key=lambda pair: min(map(int, pair[0]["folds"])))
    (first_facts, first), others = known[0], known[1:]
    for facts, run in others:
        for name in SAME:
            if facts.get(name) != first_facts.get(name):
                _refuse(first, run, name, first_facts.get(name), facts.get(name))
        _check_files(first, run)
        if _code_of(first, run) != _code_of(run, first):
            _refuse(first, run, "code", _code_of(first, run), _code_of(run, first))
    folds = sorted(int(fold) for facts, _ in known for fold in facts["folds"])
    besides = [facts.get("beside") for facts, _ in known]
    beside = besides[0] if all(one == besides[0] for one in besides) else None
    return [run for _, run in known], {**first_facts, "beside": beside, "folds": folds}


def _check_folds(known: list[tuple[dict[str, Any], RunFolder]]) -> None:
    holders: dict[str, RunFolder] = {}
    for facts, run in known:
        for fold in map(str, facts["folds"]):
            if fold == "all":
                raise RunError(f"{run.shown} holds one model on every row; expected single folds")
            if fold in holders:
                raise RunError(
                    f"fold {fold} is in {holders[fold].shown} and in {run.shown}; expected every "
                    "fold in one run"
                )
            holders[fold] = run


def _check_files(first: RunFolder, other: RunFolder) -> None:
    """Refuses other folds, and other shared files: a model predicts with those it was trained
    with."""
    one, two = _hashes(first), _hashes(other)
    if one.get("folds.parquet") != two.get("folds.parquet") and not load_table(
        first / "folds.parquet"
    ).equals(load_table(other / "folds.parquet")):
        raise RunError(
            f"{first.shown} and {other.shown} were made from other rows, labels or folds; expected "
            "the same in both: train again on the same data with the same seed"
        )
    shared = [{k: v for k, v in all_of.items() if k.startswith("shared/")} for all_of in (one, two)]
    for name in sorted({*shared[0], *shared[1]}):
        if shared[0].get(name) != shared[1].get(name):
            raise RunError(
                f"{name} is not the same in {first.shown} and {other.shown}; expected what was "
                "prepared once for all folds: train these folds in one run"
            )


def _hashes(run: RunFolder) -> dict[str, str]:
    entries: dict[str, str] = files.read_json(run / "manifest.json")
    return entries


def _code_of(run: RunFolder, other: RunFolder) -> str:
    """What made a run: the packed code where kernels made both, else the commit."""
    records = record_of(run), record_of(other)
    if records[0] is not None and records[1] is not None:
        return str(records[0].get("code"))
    made = run / "environment.json"
    return str(files.read_json(made).get("commit")) if made.is_file() else "unknown"


def _refuse(first: RunFolder, other: RunFolder, name: str, one: object, two: object) -> None:
    raise RunError(
        f"{first.shown} and {other.shown} differ in {name}: {one!r} and {two!r}; expected fold "
        "groups of one experiment"
    )


# ---- the joined run -----------------------------------------------------------------------------


def _keep(runs: list[RunFolder], merged: RunFolder, *, link: bool) -> None:
    """Puts models, folds and shared files into the joined run."""
    for run in runs:
        for fold in stored_folds(files.read_json(run / "settings.json"), run):
            _place(run.fold(fold), merged.fold(fold), link=link)
            merged.record_fold(fold)
    first = runs[0]
    kept = [files.write_bytes(merged / "folds.parquet", (first / "folds.parquet").read_bytes())]
    if first.shared.is_dir():
        _place(first.shared, merged.shared, link=link)
        kept.append(merged.shared)
    if (first / FIXTURE_FILE).is_file():
        files.write_bytes(merged / FIXTURE_FILE, (first / FIXTURE_FILE).read_bytes())
    if (first / "environment.json").is_file():
        files.write_json(merged / "environment.json", _environment(runs))
    missing = [line for run in runs for line in _left_out(run)]
    if missing:
        files.write_json(merged / LEFT_OUT, missing)
    kept.append(files.write_json(merged / MERGED_FILE, [_origin(run) for run in runs]))
    merged.record(kept)


def _left_out(run: RunFolder) -> list[str]:
    """What a run's budget did not hold."""
    path = run / LEFT_OUT
    return list(files.read_json(path)) if path.is_file() else []


def _place(source: Path, target: Path, *, link: bool) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            files.make_folder(place.parent)
            if link:
                place.symlink_to(path.resolve())
            else:
                shutil.copyfile(path, place)


def _environment(runs: list[RunFolder]) -> dict[str, Any]:
    """What the first folds were made with, and the seconds of all."""
    made: list[dict[str, Any]] = [
        files.read_json(run / "environment.json")
        for run in runs
        if (run / "environment.json").is_file()
    ]
    seconds = sum(float(one.get("seconds", 0)) for one in made)
    return {**made[0], "seconds": round(seconds, 1)}


def _origin(run: RunFolder) -> dict[str, Any]:
    """Which run some folds come from."""
    record = record_of(run) or {}
    return {
        "folds": files.read_json(run / "settings.json")["folds"],
        "run": run.identity(),
        "kernel": record.get("kernel"),
        "code": record.get("code"),
        "rehearsal": record.get("rehearsal"),
    }


# ---- the answer ---------------------------------------------------------------------------------


def _answer(
    runs: list[RunFolder],
    facts: dict[str, Any],
    merged: RunFolder,
    decision: Decision | None,
    data: Path | None,
    scored: bool,
    say: Say,
) -> None:
    """Decision, and where the data are at hand out-of-fold files, scores and report."""
    place = data or paths.data_dir(facts["competition"])
    has_data = data is not None or place.is_dir()
    # without data nothing is read from the root, so any folder will do
    pipeline, context = made_by(facts, merged, place if has_data else merged.path)
    joined = _joined(runs, pipeline)
    if joined is not None and scored and has_data:
        items = _items(pipeline, context, merged, facts)
        write_scores(pipeline, _rows(items, joined[0]), joined[1], facts, merged, context, say)
        write_report(pipeline, items, merged)
    elif joined is not None and scored:
        say(
            f"no scores and no report: they need the training data, and {paths.shown(place)} is "
            "not there; name them with --data"
        )
        merged.record(joined[1].save(merged.path, "oof", joined[0]))
    if decision is None and joined is not None and not (merged / "decision.json").is_file():
        decision = _decided(pipeline, context, merged, facts, joined, has_data=has_data)
    if decision is not None or joined is None:
        files.write_json(merged / "decision.json", decision or {})
    merged.record([merged / "decision.json"])


def _joined(runs: list[RunFolder], pipeline: Pipeline) -> tuple[pd.DataFrame, Predictions] | None:
    """The out-of-fold rows as the runs stored them and their predictions, fold by fold; None where
    nothing was held out."""
    holding = [run for run in runs if (run / "oof.parquet").is_file()]
    if not holding:
        return None
    names = {*INDEX, *pipeline.spec.submission.target_columns}
    tables = [load_table(run / "oof.parquet") for run in holding]
    parts = [load_predictions(run.path, "oof", names) for run in holding]
    kind: Any = type(parts[0])
    oof: Predictions = kind.concat(parts)
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[[name for name in rows if name in names]]
    order = np.argsort(rows["fold"].to_numpy(), kind="stable")
    if (order != np.arange(len(order))).any():  # groups such as 0,2 and 1
        rows = rows.iloc[order].reset_index(drop=True)
        oof = oof.select(rows["sample"].to_numpy())
    return rows, oof


def _items(
    pipeline: Pipeline, context: Context, merged: RunFolder, facts: dict[str, Any]
) -> pd.DataFrame:
    """The training rows, if they are those that the runs were trained on."""
    check_train_data(facts, pipeline, merged, context.root)
    items = train_items(pipeline, context)
    check_same_folds(fold_table(items, pipeline), merged)
    return items


def _rows(items: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """The items of the stored rows, in their order."""
    places = pd.Index(items["sample"]).get_indexer(pd.Index(stored["sample"]))
    rows: pd.DataFrame = items.iloc[places]
    return rows


def _decided(
    pipeline: Pipeline,
    context: Context,
    merged: RunFolder,
    facts: dict[str, Any],
    joined: tuple[pd.DataFrame, Predictions],
    *,
    has_data: bool,
) -> Decision:
    """The decision over all folds; from the stored rows where the truth is in them."""
    rows, oof = joined
    if type(pipeline).decide is Pipeline.decide:
        return {}
    targets = pipeline.spec.submission.target_columns
    if type(pipeline).solution is Pipeline.solution and {*targets} <= {*rows}:
        items = rows
        if len(pipeline.spec.submission.key_columns) > 1:
            ids: Any = [tuple(json.loads(name)) for name in rows["id"]]
            items = rows.assign(id=ids)
    elif has_data:
        items = _rows(_items(pipeline, context, merged, facts), rows)
    else:
        raise RunError(
            f"the decision of {facts['pipeline']} cannot be made without the training data; name "
            "them with --data"
        )
    solution = pipeline.solution(items, context)
    return pipeline.decide(pipeline.condensed(oof, solution), solution)
