"""From names to values: which pipeline, which data, which rows, which folds, which run.

Whatever can be wrong with a request is found here, before anything is written.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from common import environment, files, paths, registry
from common.errors import DataError, RunError, UsageError, unknown_name
from common.folds import TRAIN_ONLY
from common.keys import Keys
from common.pipeline import ALL_ROWS, NAMES, Context, Pipeline, storable
from common.runfolder import RunFolder
from common.score import FIXTURE_FILE
from common.settings import preset
from common.spec import Rung
from common.submit import ids_of


@dataclass(frozen=True)
class Request:
    """What `train` was asked for.

    Args:
        folds: the folds to train; empty for all of them, ("all",) for one model on everything.
        data: the host's files; None for data/<folder>.
        run: a name under runs/<folder>/, or a path with a slash in it; "" for
            <pipeline>-<preset>.
        beside: a finished run on the same folds whose score becomes a rung.
        hours: that the whole command may take; None for no limit.
        checkpoint_every: seconds between two checkpoints; None for a minute, or more where they
            are slow to write.
        track: the tracker that takes the curves; "" for none.
        devices: on which folds are trained beside each other, or ("all",) for every CUDA device;
            empty for one of them, which is `device` where that is given.
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
    hours: float | None = None
    checkpoint_every: float | None = None
    track: str = ""
    devices: tuple[str, ...] = ()


def explore(
    competition: str, data: Path | str | None = None, pipeline: str = "", seed: int = 0
) -> tuple[Pipeline, pd.DataFrame, Context]:
    """What a notebook begins with: a pipeline, its train items with their folds, and a context.

    Raises: what training would raise for the same names and data.
    """
    # fastai gives its Learner lr_find, fine_tune and the pictures as these modules load
    for module in ("fastai.callback.all", "fastai.interpret", "fastai.vision.data"):
        importlib.import_module(module)
    root = None if data is None else Path(data)
    request = Request(competition, pipeline=pipeline, data=root, seed=seed)
    folder = registry.find(competition)
    name, chosen = chosen_pipeline(folder, request)
    context, _ = context_for(folder, name, chosen, request)
    return chosen, train_items(chosen, context), context


def train_items(pipeline: Pipeline, context: Context) -> pd.DataFrame:
    """The prepared and checked train items, with the column `fold`."""
    taken = sorted(set(NAMES) & set(pipeline.spec.submission.target_columns))
    if taken:
        raise DataError(
            f"the submission answers a column {taken[0]!r}, a name that the flow keeps for itself "
            f"({', '.join(sorted(NAMES))}); give the target another name in items() and spec.py"
        )
    pipeline.prepare(context)
    items = checked_items(pipeline.items("train", context), pipeline, "train")
    items["fold"] = pipeline.folds(items, context.seed)
    return items


LEAST_ROWS = 2  # that train a fold: batches are normalised over their rows
HASHED_WHOLE = 256 * 2**20  # bytes; of a larger file its ends are hashed


@dataclass(frozen=True)
class TestRows:
    """The test items, and the rows' names that the host asks for, in its order."""

    __test__ = False  # pytest takes the name for a test

    items: pd.DataFrame
    asked: Keys


def test_rows(pipeline: Pipeline, context: Context) -> TestRows:
    """The checked test items and what the sample submission asks for.

    Raises: DataError where an id that is asked for has no item.
    """
    items = checked_items(pipeline.items("test", context), pipeline, "test")
    sample = context.root / pipeline.spec.file("sample_submission").name
    asked = ids_of(sample, pipeline.spec.submission)
    return TestRows(pipeline.asked_items(items, asked).reset_index(drop=True), asked)


def fold_table(items: pd.DataFrame, pipeline: Pipeline) -> pd.DataFrame:
    """What `folds.parquet` holds: each row's names, fold, group and targets."""
    names = ["sample", "id", "fold", "group", *pipeline.spec.submission.target_columns]
    return storable(items[[name for name in names if name in items]])


def same_folds(table: pd.DataFrame, run: RunFolder) -> bool:
    """True where a run was made from these rows, labels and folds.

    Raises: RunError where the run's table cannot be read.
    """
    try:
        stored = pd.read_parquet(run / "folds.parquet")
    except (OSError, ValueError) as error:  # Arrow's errors are of these
        reason = str(error).splitlines()[0]
        raise RunError(f"{run / 'folds.parquet'} cannot be read ({reason}); train again") from None
    return stored.equals(table)


def data_stamps(pipeline: Pipeline, root: Path) -> dict[str, str]:
    """The host's files by role, as a hash of their content; of a large file its size and ends."""
    plain = {file.role: root / file.name for file in pipeline.spec.files}
    # a kernel finds some old competitions' files as the host zipped them, one by one
    zipped = {role: path.with_name(f"{path.name}.zip") for role, path in plain.items()}
    found = {**zipped, **{role: path for role, path in plain.items() if path.is_file()}}
    return {role: _stamp(path) for role, path in found.items() if path.is_file()}


def _stamp(path: Path) -> str:
    size = path.stat().st_size
    if size <= HASHED_WHOLE:
        return files.sha256(path)
    with path.open("rb") as stream:
        first = stream.read(2**20)
        stream.seek(-(2**20), 2)
        return hashlib.sha256(first + stream.read() + str(size).encode()).hexdigest()


def check_train_data(facts: dict[str, Any], pipeline: Pipeline, run: RunFolder, root: Path) -> None:
    """Raises RunError where a file that the run was trained on holds something else now."""
    now = data_stamps(pipeline, root)
    for role, stamp in facts["data"].items():
        if role not in ("test", "sample_submission") and now.get(role) != stamp:
            raise RunError(
                f"{root / pipeline.spec.file(role).name} is not the file that {run.shown} was "
                "trained on; name that data with --data, or train with --overwrite"
            )


def rung_of(other: RunFolder, table: pd.DataFrame) -> Rung:
    """Another run's pooled score as a rung.

    Raises: RunError where the other run is unfinished, has no score, or has other folds.
    """
    facts = other.open_finished()
    if not same_folds(table, other) or not (other / "scores.json").is_file():
        raise RunError(f"{other.shown} has other folds; compare runs of one seed on the same data")
    scores = files.read_json(other / "scores.json")
    return Rung(facts["pipeline"], scores["pooled"], f"{other.shown}, same folds, out of fold")


def rungs_of(facts: dict[str, Any]) -> tuple[Rung, ...]:
    """The rungs that a run was asked to stand beside."""
    return (Rung(**facts["beside"]),) if facts.get("beside") else ()


def run_path(folder: str, name: str) -> Path:
    """Where a run lies: under runs/<folder>/ by its name, or at a path with a slash in it."""
    return Path(name) if "/" in name else paths.runs_dir(folder) / name


def open_run(
    competition: str, name: str, data: Path | None, device: str = ""
) -> tuple[Pipeline, RunFolder, Context, dict[str, Any]]:
    """A finished run, with the pipeline and settings that made it, on the device that is named or
    on the default one."""
    folder = registry.find(competition)
    run = RunFolder(run_path(folder, name))
    facts = run.open_with_models()
    if facts["competition"] != folder:
        raise RunError(f"{run.shown} is a run of {facts['competition']}; expected {folder}")
    pipeline, context = made_by(facts, run, data, device)
    return pipeline, run, context, facts


def made_by(
    facts: dict[str, Any], run: RunFolder, data: Path | None, device: str = ""
) -> tuple[Pipeline, Context]:
    """The pipeline, with its settings, and the context that belong to a run's facts."""
    folder = facts["competition"]
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
        device=device or environment.default_device(),
    )
    return pipeline, context


def data_called(root: Path) -> str:
    """What the data are called: the fixture's own name, or the host's."""
    marker = root / FIXTURE_FILE
    return str(files.read_json(marker)["called"]) if marker.is_file() else "the host's"


def chosen_pipeline(folder: str, request: Request) -> tuple[str, Pipeline]:
    """The name of a pipeline, and the pipeline with its preset and changes.

    Raises: UsageError or SettingsError for a name that does not exist; the nearest is offered.
    """
    pipelines = registry.load_pipelines(folder)
    name = request.pipeline or next(iter(pipelines))
    if name not in pipelines:
        raise UsageError(unknown_name("pipeline", name, pipelines))
    settings = preset(pipelines[name].presets, request.preset).override(request.changes)
    return name, pipelines[name].configured(settings)


def context_for(
    folder: str, name: str, pipeline: Pipeline, request: Request
) -> tuple[Context, dict[str, str]]:
    """Where a run reads and prepares, and the stamps of its data.

    What is shared is kept apart by pipeline, settings, seed and data, so nothing that was made for
    another run is taken over.

    Raises: DataError where the data are not there.
    """
    root, work = _root(folder, pipeline, request.data), paths.work_dir(folder)
    stamps = data_stamps(pipeline, root)
    made_for = json.dumps([name, pipeline.settings.as_dict(), request.seed, stamps])
    context = Context(
        root=root,
        work=work,
        shared=work / "shared" / hashlib.sha256(made_for.encode()).hexdigest()[:16],
        seed=request.seed,
        device=request.device or environment.default_device(),
    )
    return context, stamps


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
    found = "is no folder" if root.exists() else "does not exist"
    raise DataError(
        f"{paths.shown(root)} {found}; expected {', '.join(f.name for f in spec.files)}. "
        f"To download: {how}. To try without: run `python scripts/fixture.py {slug}` and add "
        f"--data {paths.shown(paths.fixture_dir(folder))}"
    )


def checked_items(items: pd.DataFrame, pipeline: Pipeline, split: str) -> pd.DataFrame:
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


def folds_to_train(items: pd.DataFrame, asked: tuple[str, ...]) -> list[int | None]:
    """The folds that were asked for: all of them by default.

    Raises: UsageError for a fold that the items do not have.
    """
    known = sorted(int(fold) for fold in items["fold"].unique() if fold != TRAIN_ONLY)
    if asked == ("all",):
        return [ALL_ROWS]
    if not known:
        raise DataError(
            "folds() gives every row -1, so nothing is validated; give some rows a fold, or train "
            "with --fold all"
        )
    for text in asked:
        if not (text.isascii() and text.isdecimal()) or int(text) not in known:
            raise UsageError(f"no fold {text!r}; there are 0 to {known[-1]}, or all")
    return [int(text) for text in dict.fromkeys(asked)] or list(known)


def check_folds(pipeline: Pipeline, items: pd.DataFrame, folds: Sequence[int | None]) -> None:
    """Raises DataError for a fold that too few rows train: none is trained before it is found."""
    for fold in folds:
        n_rows = len(pipeline.splits(items, fold)[0])
        if n_rows < LEAST_ROWS:
            where = "all rows" if fold is ALL_ROWS else f"fold {fold}"
            raise DataError(
                f"{n_rows} of {len(items):,} rows train for {where}; expected at least "
                f"{LEAST_ROWS}: get more rows"
            )


def facts_of(
    folder: str,
    name: str,
    pipeline: Pipeline,
    request: Request,
    folds: list[int | None],
    rung: Rung | None,
    stamps: dict[str, str],
) -> dict[str, Any]:
    """What `settings.json` holds."""
    return {
        "competition": folder,
        "slug": pipeline.spec.slug,
        "pipeline": name,
        "preset": request.preset,
        "settings": pipeline.settings.as_dict(),
        "seed": request.seed,
        "data": stamps,
        "beside": asdict(rung) if rung else None,
        "folds": ["all" if fold is ALL_ROWS else fold for fold in folds],
    }


def stored_folds(facts: dict[str, Any], run: RunFolder) -> list[int | None]:
    """The folds of a run that have a model; without those that its budget left out."""
    folds = [ALL_ROWS if fold == "all" else int(fold) for fold in facts["folds"]]
    return [fold for fold in folds if run.predicts(fold)]
