"""Reads run folders and their ledger into entries, best first.

Nothing is trained, scored or checked by hash here: a run is what its small files say. A folder that
cannot be read is an entry with a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common import paths
from common.errors import KitError, RunError
from common.runfolder import BLEND, MANIFEST, MARK, SETTINGS, RunFolder
from common.score import FIXTURE_FILE
from common.standings.board import Board, read_board
from common.standings.entry import BROKEN, FINISHED, HOST, UNFINISHED, Entry
from common.standings.facts import Facts
from common.standings.fold_sets import with_fold_sets

KERNEL_FILE = "kernel.json"
FIXED = "fixed in advance"


def competitions() -> list[str]:
    """The folders under runs/ that hold any, sorted."""
    place = paths.runs_dir("any").parent
    return sorted(path.name for path in place.glob("*") if path.is_dir())


def entries_of(folder: str) -> list[Entry]:
    """The runs of a competition, best first within one kind of data and metric."""
    place = paths.runs_dir(folder)
    board = read_board(folder)
    found = [Entry(folder, name, BROKEN, fault=fault) for name, fault in board.faults.items()]
    found += [_entry(path, folder, board) for path in sorted(place.glob("*")) if _is_run(path)]
    found = sorted(_with_metric(found), key=lambda one: one.order)
    return with_fold_sets(found, place)


def _is_run(path: Path) -> bool:
    """False for hidden folders, and for those of an infer kernel, which hold an answer alone."""
    if not path.is_dir() or path.name.startswith("."):
        return False
    return (path / SETTINGS).exists() or not (path / KERNEL_FILE).exists()


def _entry(path: Path, folder: str, board: Board) -> Entry:
    run = RunFolder(path)
    try:
        entry = _read(run, folder)
        return board.shown(entry, run) if entry.state == FINISHED else entry
    except KitError as error:
        return Entry(folder, path.name, BROKEN, fault=str(error))


def _read(run: RunFolder, folder: str) -> Entry:
    """A run as its small files tell it.

    Raises: KitError where they are missing, cut, or not what a run writes.
    """
    is_finished = not (run / MARK).is_file()
    if not (run / SETTINGS).is_file():
        if is_finished:
            raise RunError(f"it holds no run (no {SETTINGS}); move it away")
        return Entry(folder, run.path.name, UNFINISHED)
    entry = _begun(run, folder)
    if not is_finished:
        return entry
    if not (run / MANIFEST).is_file():
        raise RunError(f"it holds no {MANIFEST}; copy the whole run again")
    if (run / "environment.json").is_file():
        made_with = Facts.read(run / "environment.json")
        seconds = made_with.number("seconds") if made_with.has("seconds") else None
        entry = replace(entry, commit=made_with.text("commit"), seconds=seconds)
    return _scored(entry, Facts.read(run / "scores.json")) if _has_scores(run) else entry


def _has_scores(run: RunFolder) -> bool:
    return (run / "scores.json").is_file()


def _begun(run: RunFolder, folder: str) -> Entry:
    """What is known of a run before it has ended."""
    facts = Facts.read(run / SETTINGS)
    data, synthetic = HOST, False
    if (run / FIXTURE_FILE).is_file():
        fixture = Facts.read(run / FIXTURE_FILE)
        data, synthetic = fixture.text("called"), fixture.values.get("synthetic") is not False
    is_blend = facts.has(BLEND)
    rehearsed = (run / KERNEL_FILE).is_file() and Facts.read(run / KERNEL_FILE).has("rehearsal")
    return Entry(
        competition=folder,
        name=run.path.name,
        state=UNFINISHED if (run / MARK).is_file() else FINISHED,
        pipeline=BLEND if is_blend else facts.text("pipeline"),
        preset=facts.inside(BLEND).text("method") if is_blend else facts.text("preset"),
        data=data,
        synthetic=synthetic,
        folds=tuple(map(str, facts.items("folds"))),
        notes=("it was made by a rehearsal, not trained for real",) if rehearsed else (),
    )


def _scored(entry: Entry, scores: Facts) -> Entry:
    between, notes = scores.inside("interval"), entry.notes
    if scores.values.get("epoch", FIXED) != FIXED:
        notes += ("CV is a little too good: the epoch was chosen on the fold that scores it",)
    return replace(
        entry,
        metric=scores.text("metric"),
        higher_is_better=scores.values.get("higher_is_better") is not False,
        cv=scores.number("pooled"),
        low=between.number("low"),
        high=between.number("high"),
        notes=notes,
    )


def _with_metric(found: Sequence[Entry]) -> list[Entry]:
    """The entries; those without a score have the metric of the others, where they have one."""
    metrics = {(one.metric, one.higher_is_better) for one in found if one.metric}
    if len(metrics) != 1:
        return list(found)
    ((name, higher),) = metrics
    return [replace(one, metric=name, higher_is_better=higher) for one in found]
