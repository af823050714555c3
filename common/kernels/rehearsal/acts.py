"""One act of a rehearsal: a built kernel in a session of its own, and what was wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from common import files, paths
from common.errors import KitError
from common.judges import TableJudge
from common.kernels.build import Built
from common.kernels.isolation import Outcome, Session, run
from common.kernels.record import KERNEL_FILE
from common.kernels.rehearsal.layouts import Layout
from common.kernels.rehearsal.reasons import ATTACH, WRITE_INSIDE, marks, reason, shortened
from common.runfolder import RunFolder
from common.spec import CompetitionSpec

INSIDE = Path(__file__).resolve().parent / "inside"
MOST_FILES = 500  # of output; people met a limit near it
PLACE = "/kaggle/src/rehearsal"
RUN = "run"  # what train leaves in the working folder


@dataclass(frozen=True)
class Stage:
    """What all acts share.

    Args:
        folder: for results, one sub-folder per act.
        said: the files that a session needs besides the kernel, by their names.
        mode: of isolation; "auto" for the strongest.
    """

    folder: Path
    said: Mapping[str, Path]
    mode: str
    working_bytes: int
    minutes: float


@dataclass(frozen=True)
class Act:
    """What is run, on which mounts, with how many test rows.

    Args:
        mounted: folders of this machine by the source's kind and name.
    """

    called: str
    built: Built
    layout: Layout
    mounted: Mapping[tuple[str, str], Path]
    rows: int
    is_rerun: bool = False


@dataclass(frozen=True)
class Acted:
    """An act with its outcome; `problem` is "" where it held."""

    act: Act
    outcome: Outcome
    problem: str
    notes: tuple[str, ...] = ()


def perform(act: Act, stage: Stage, spec: CompetitionSpec, sample: Path) -> Acted:
    """Runs a kernel and looks at everything that it left."""
    results = stage.folder / act.called.replace(" ", "-").replace(",", "")
    outcome = run(_session(act, stage), results, stage.mode)
    acted = Acted(act, outcome, "", tuple(marks(outcome.log)))
    problem = _too_much(outcome, stage) or _noticed(acted) or _ended(acted) or _output(outcome)
    if not problem:
        problem = _run_folder(outcome) if act.built.config.role == "train" else ""
    if not problem and act.built.config.role == "infer":
        problem = _submission(outcome, spec, sample)
    return replace(acted, problem=problem)


def _session(act: Act, stage: Stage) -> Session:
    name = "script.py" if act.built.code_file.suffix == ".py" else "notebook.ipynb"
    program = [sys.executable, "-u"]
    program += [f"{PLACE}/run_notebook.py"] if name == "notebook.ipynb" else []
    source = {name: act.built.code_file}
    source |= {f"rehearsal/{key}": path for key, path in stage.said.items()}
    return Session(
        inputs={
            act.layout.place(kind, mounted): path for (kind, mounted), path in act.mounted.items()
        },
        source=source,
        command=(*program, f"/kaggle/src/{name}"),
        environment=_environment(act),
        working_bytes=stage.working_bytes,
        temporary_bytes=stage.working_bytes,
        time_limit_seconds=stage.minutes * 60,
    )


def _environment(act: Act) -> dict[str, str]:
    """What Kaggle sets, as far as it is known, and what a rehearsal needs."""
    programs = str(Path(sys.executable).parent)
    found = {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/kaggle/temp/home",
        "LANG": "C.UTF-8",
        "PYTHONPATH": PLACE,
        "KAGGLE_KERNEL_RUN_TYPE": "Rehearsal",
        "KAGGLE_WORKING_DIR": "/kaggle/working",
        "KAGGLE_URL_BASE": "https://www.kaggle.com",
        "KIT_REHEARSAL": f"{PLACE}/rehearsal.json",
    }
    threads = paths.threads_asked_for()
    if threads is not None:
        found["OMP_NUM_THREADS"] = str(threads)
    if act.is_rerun:
        found["KAGGLE_IS_COMPETITION_RERUN"] = "1"
    return found


def _too_much(outcome: Outcome, stage: Stage) -> str:
    if outcome.timed_out:
        return f"it was stopped after {stage.minutes:g} minutes"
    if outcome.over_size:
        return (
            f"its output or its temporary files outgrew {stage.working_bytes / 2**30:.2g} GiB; "
            "write less, or rehearse with a larger --working-gib"
        )
    return ""


def _noticed(acted: Acted) -> str:
    """What may end well here and would not be what it seems on Kaggle."""
    internet = acted.act.built.config.internet
    for note in acted.notes:
        if note.startswith("reached for the network"):
            # what a kernel does with an answer, if Kaggle gives it one, would be left unproved
            here = "here, so what follows is not proved" if internet else "for this kernel"
            return f"it {note}; there is none {here} ({ATTACH})"
        if note.startswith("wrote outside"):
            return f"it {note} ({WRITE_INSIDE})"
        if note.startswith("read a file"):
            return f"it {note} (a hard-coded path: take context.root or context.work)"
    return ""


def _ended(acted: Acted) -> str:
    if not acted.outcome.exit_code:
        return ""
    mounted = [acted.act.layout.place(kind, name) for kind, name in acted.act.mounted]
    return reason(acted.outcome.log, acted.outcome.exit_code, mounted)


def _output(outcome: Outcome) -> str:
    if outcome.output_files > MOST_FILES:
        return (
            f"it leaves {outcome.output_files:,} files; expected at most {MOST_FILES}: pack many "
            "small files into one"
        )
    return ""


def _run_folder(outcome: Outcome) -> str:
    folder = RunFolder(outcome.working / RUN)
    try:
        folder.open_finished()
    except KitError as error:
        return shortened(f"its run folder is not whole: {error}")
    record = folder / KERNEL_FILE
    if not record.is_file() or files.read_json(record).get("rehearsal") is None:
        return "its run folder does not say that a rehearsal made it"
    return ""


def _submission(outcome: Outcome, spec: CompetitionSpec, sample: Path) -> str:
    submission = outcome.working / "submission.csv"
    if not submission.exists():
        return "it wrote no submission.csv"
    try:
        (spec.judge or TableJudge()).check(spec, submission, sample)
    except KitError as error:
        return shortened(f"its submission would be refused: {error}")
    return ""
