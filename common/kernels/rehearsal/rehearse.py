"""The whole rehearsal: build, train once, infer three times, look at everything.

train                    newer mounts
infer                    older mounts   the test set as it is
infer, larger test set   newer mounts   swapped, other ids
infer, scored rerun      older mounts   a placeholder of one row
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from common import files, paths, registry
from common.errors import RunError, UsageError
from common.fixtures import write_fixture
from common.kernels.build import Built, BuildRequest, build
from common.kernels.naming import kernels_dir
from common.kernels.rehearsal import growth, testsets
from common.kernels.rehearsal.absent import absent
from common.kernels.rehearsal.acts import INSIDE, Act, Acted, Stage, perform, run_of
from common.kernels.rehearsal.layouts import NEWER, OLDER, Layout
from common.score import FIXTURE_FILE
from common.spec import CompetitionSpec

Say = Callable[[str], None]
Mounted = dict[tuple[str, str], Path]

RESULT_FILE = "rehearsal.json"
PLACEHOLDER_ROWS = 1
TIMES_LARGER = 3
# whom kernels are built for where no user is known yet; Kaggle has no such user
NOBODY = "your-kaggle-name"


@dataclass(frozen=True)
class RehearsalRequest:
    """What `rehearse` was asked for.

    Args:
        build: what to build; both roles, or infer alone where it names runs.
        data: the host's files; None for the fixture.
        preset, changes: that train takes here, in place of the built one's.
        mode: of isolation; "auto" for the strongest that this machine allows.
        working_gib: what /kaggle/working holds here. It lies in memory.
        minutes: after which an act is stopped.
    """

    build: BuildRequest
    data: Path | None = None
    preset: str = "smoke"
    changes: tuple[str, ...] = ()
    mode: str = "auto"
    working_gib: float = 1.0
    minutes: float = 30.0


@dataclass(frozen=True)
class _Data:
    """The competition's data with three test sets."""

    usual: Path
    larger: Path
    placeholder: Path


def rehearse(request: RehearsalRequest, say: Say = print) -> list[Acted]:
    """Builds the kernels and runs them as Kaggle will; gives the acts.

    Raises: RunError, in one line, for the first thing that would have died on Kaggle. What the
    kernels printed is kept in kernels/<competition>/rehearsal/.
    """
    folder = registry.find(request.build.competition)
    spec = registry.load_spec(folder)
    built = build(_for_somebody(request.build))
    out = request.build.out or kernels_dir(folder)
    logs = out / "rehearsal"
    shutil.rmtree(logs, ignore_errors=True)
    for one in built:
        (one.folder / RESULT_FILE).unlink(missing_ok=True)
        say(f"built {paths.shown(one.folder)}: {one.size:,} bytes, code {one.config.code[:12]}")
    with tempfile.TemporaryDirectory(prefix="kit-rehearsal-") as place:
        data = _data(folder, spec, request.data, Path(place), say)
        stage = _stage(Path(place), request, spec)
        acted = _play(folder, spec, built, data, stage, logs, say)
    _say_end(acted, built, say)
    for one in built:
        files.write_json(one.folder / RESULT_FILE, _result(one, acted))
    return acted


def _for_somebody(request: BuildRequest) -> BuildRequest:
    """The request with a user: nobody's kernels can be rehearsed, and not pushed."""
    return replace(request, user=request.user or paths.kaggle_user() or NOBODY)


def _data(folder: str, spec: CompetitionSpec, given: Path | None, place: Path, say: Say) -> _Data:
    data = given
    if data is None:
        data = write_fixture(place / "fixture", registry.load_fixture(folder).write, seed=0)
    elif not data.is_dir():
        raise UsageError(f"{data} is no folder; expected the host's files of {folder}")
    called = "the host's"
    if (data / FIXTURE_FILE).is_file():
        called = str(files.read_json(data / FIXTURE_FILE)["called"])
    n_rows = testsets.n_rows_of(spec, data)
    say(f"data: {called}; {n_rows:,} rows to predict")
    testsets.link_rest(data, place / "usual")
    return _Data(
        place / "usual",
        testsets.swapped(folder, data, place / "larger", n_rows * TIMES_LARGER),
        testsets.swapped(folder, data, place / "placeholder", PLACEHOLDER_ROWS),
    )


def _stage(place: Path, request: RehearsalRequest, spec: CompetitionSpec) -> Stage:
    """The files that every session gets, and its limits."""
    asked = {
        "preset": request.preset,
        "changes": list(request.changes),
        "device": "cpu",
        "run": None,
        "name": f"{request.preset} on the CPU",
    }
    said = place / "said"
    files.write_json(said / "rehearsal.json", asked)
    files.write_json(said / "absent.json", absent(spec.kernel.packages))
    for source in sorted(INSIDE.glob("*.py")):
        if source.name != "__init__.py":
            files.write_bytes(said / source.name, source.read_bytes())
    return Stage(
        place / "acts",
        {path.name: path for path in sorted(said.iterdir())},
        request.mode,
        int(request.working_gib * 2**30),
        request.minutes,
    )


def _play(
    folder: str,
    spec: CompetitionSpec,
    built: list[Built],
    data: _Data,
    stage: Stage,
    logs: Path,
    say: Say,
) -> list[Acted]:
    """All acts in their order; stops at the first that does not hold."""
    acted: list[Acted] = []
    runs: Mounted = {}

    def play(called: str, one: Built, layout: Layout, root: Path, *, rerun: bool = False) -> None:
        mounted = {**_sources(one, root), **(runs if one.config.role == "infer" else {})}
        rows = testsets.n_rows_of(spec, root)
        act = Act(called, one, layout, mounted, rows, is_rerun=rerun)
        sample = root / spec.file("sample_submission").name
        acted.append(perform(act, stage, spec, sample))
        log = logs / f"{len(acted)}-{called.replace(' ', '-').replace(',', '')}.log"
        files.write_bytes(log, acted[-1].outcome.log.read_bytes())
        if len(acted) == 1:
            say(_isolation(acted[0]))
        say(_line(acted[-1]))
        if acted[-1].problem:
            raise RunError(
                f"{called} ({layout.name} mounts, {rows:,} rows) would fail on Kaggle: "
                f"{acted[-1].problem}; its log is {paths.shown(log)}"
            )

    for one in built:
        if one.config.role == "train":
            part = one.folder.name
            play(part, one, NEWER, data.usual)
            runs["kernel", f"{_owner(one)}/{one.config.kernel}"] = run_of(acted[-1])
    for one in built:
        if one.config.role == "infer":
            runs.update(_real_runs(one))
            play("infer", one, OLDER, data.usual)
            play("infer, larger test set", one, NEWER, data.larger)
            play("infer, scored rerun", one, OLDER, data.placeholder, rerun=True)
    _check_growth(acted, say)
    return acted


def _sources(one: Built, root: Path) -> Mounted:
    """The competition's data, and the data sets that the kernel names, as found at home."""
    mounted: Mounted = {(source.kind, source.name): root for source in one.config.sources}
    for name in one.config.datasets:
        mounted["dataset", _full(name, one)] = _packed(name)
    return mounted


def _packed(name: str) -> Path:
    """A data set at home, as scripts/pack_dataset.py leaves it."""
    place = paths.datasets_dir() / name.rpartition("/")[2]
    if not place.is_dir():
        raise UsageError(
            f"the kernel needs the data set {name!r}, and {paths.shown(place)} is not there; make "
            "it with scripts/pack_dataset.py, or unzip the downloaded one there"
        )
    return place


def _real_runs(one: Built) -> Mounted:
    """The packed runs that infer was built for; those of kernels were put there by train."""
    return {
        ("dataset", _full(run.dataset, one)): _packed(run.dataset)
        for run in one.config.runs
        if run.dataset
    }


def _full(name: str, one: Built) -> str:
    return name if "/" in name else f"{_owner(one)}/{name}"


def _owner(one: Built) -> str:
    owner: str = one.metadata["id"].partition("/")[0]
    return owner


# ---- what is said --------------------------------------------------------------------------------


def _isolation(first: Acted) -> str:
    outcome = first.outcome
    strong = not outcome.mode.startswith("weak")
    held = (
        "a root of its own, inputs read-only, no network"
        if strong
        else "sockets refused, paths by environment variables: weaker than Kaggle's own walls"
    )
    return f"isolation: {outcome.mode}: {held}"


def _line(acted: Acted) -> str:
    outcome, act = acted.outcome, acted.act
    state = "FAILED" if acted.problem else "ok"
    return (
        f"  {act.called:<24} {act.layout.name} mounts {act.rows:>9,} rows {outcome.seconds:>7.1f} s"
        f" {outcome.peak_rss_bytes / 2**30:>6.2f} GiB {outcome.output_files:>4} files"
        f" {outcome.output_bytes / 1e6:>8.2f} MB  {state}"
    )


def _measured(acted: list[Acted]) -> Mapping[str, growth.Measured]:
    return {
        one.act.called: growth.Measured(
            one.act.rows, one.outcome.seconds, one.outcome.peak_rss_bytes
        )
        for one in acted
    }


def _check_growth(acted: list[Acted], say: Say) -> None:
    """Raises RunError where cost grows faster than the test set."""
    if not any(one.act.built.config.role == "infer" for one in acted):
        return
    found = _measured(acted)
    three = found["infer, scored rerun"], found["infer"], found["infer, larger test set"]
    trouble = growth.trouble(*three)
    if trouble:
        raise RunError(trouble)
    say(f"growth: {growth.shown(*three)}")


def _say_end(acted: list[Acted], built: list[Built], say: Say) -> None:
    shape = built[0].config.machine_shape or "Kaggle's CPU"
    say(f"hours on {shape}: not measured on one, so not projected")
    seconds = sum(one.outcome.seconds for one in acted)
    peak = max(one.outcome.peak_rss_bytes for one in acted) / 2**30
    say(f"passed: {len(acted)} runs in {seconds:.0f} s, {peak:.1f} GiB at most")
    if _owner(built[0]) == NOBODY:
        say("no Kaggle user is known yet: rehearse again with --user before pushing")
    else:
        for one in built:
            say(f"push: kaggle kernels push -p {paths.shown(one.folder)}")


def _result(one: Built, acted: list[Acted]) -> dict[str, object]:
    """What is kept beside a built kernel: which bytes passed, and their figures."""
    return {
        "passed": True,
        "code_file": {"name": one.code_file.name, "sha256": files.sha256(one.code_file)},
        "isolation": acted[0].outcome.mode,
        "acts": [
            {
                "called": act.act.called,
                "mounts": act.act.layout.name,
                "rows": act.act.rows,
                "seconds": round(act.outcome.seconds, 1),
                "peak_bytes": act.outcome.peak_rss_bytes,
                "output_bytes": act.outcome.output_bytes,
                "output_files": act.outcome.output_files,
                "notes": list(act.notes),
            }
            for act in acted
        ],
    }
