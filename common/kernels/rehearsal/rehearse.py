"""The whole rehearsal: build, train once, infer three times, look at everything.

train                    newer mounts
infer                    older mounts   the test set as it is
infer, larger test set   newer mounts   swapped, other ids
infer, scored rerun      older mounts   a placeholder of one row
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from common import files, paths, registry
from common.errors import RunError, UsageError
from common.kernels.build import BuildRequest, Built, build
from common.kernels.folds import folds_needed
from common.kernels.metadata import NOBODY
from common.kernels.naming import kernels_dir
from common.kernels.rehearsal import data, growth, mounting, telling, testsets
from common.kernels.rehearsal.absent import absent
from common.kernels.rehearsal.acts import INSIDE, Act, Acted, Stage, perform
from common.kernels.rehearsal.layouts import NEWER, OLDER, Layout
from common.kernels.rehearsal.telling import Say
from common.spec import CompetitionSpec

RESULT_FILE = "rehearsal.json"
FEWEST_FOLDS = 2  # that any settings have
INFER = ("infer", "infer, larger test set", "infer, scored rerun")


@dataclass(frozen=True)
class RehearsalRequest:
    """What `rehearse` was asked for.

    Args:
        build: what to build: train and infer, or infer alone for runs that are there.
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


def rehearse(request: RehearsalRequest, say: Say = print) -> list[Acted]:
    """Builds the kernels and runs them as Kaggle will; gives the acts.

    Raises: RunError, in one line, for the first thing that would have died on Kaggle, and where
    another rehearsal of these kernels is running. What the kernels printed is kept in
    kernels/<competition>/rehearsal/.
    """
    if not request.working_gib > 0:
        raise UsageError(f"--working-gib is {request.working_gib:g}; expected more than 0")
    folder = registry.find(request.build.competition)
    out = request.build.out or kernels_dir(folder)
    held = f"another rehearsal writes into {paths.shown(out)}"
    lock = paths.lock_file(out / "rehearsal")
    with files.locked(lock, held, otherwise="name another folder with --out"):
        return _rehearse(folder, out, request, say)


def _rehearse(folder: str, out: Path, request: RehearsalRequest, say: Say) -> list[Acted]:
    spec = registry.load_spec(folder)
    shutil.rmtree(out / "rehearsal", ignore_errors=True)
    # nobody's kernels can be rehearsed, and not pushed
    user = request.build.user or paths.kaggle_user() or NOBODY
    before = telling.built_before(out)
    built = build(replace(request.build, user=user))
    for one in built:
        (one.folder / RESULT_FILE).unlink(missing_ok=True)
        telling.say_built(one, say)
        telling.say_changed(one, before.get(one.folder.name, {}), say)
    with (
        data.laid_out(folder, spec, request.data, out, say) as mounted,
        tempfile.TemporaryDirectory(prefix="kit-rehearsal-") as place,
    ):
        play = _Play(spec, _stage(Path(place), request, spec), out / "rehearsal", say)
        play.all_acts(built, mounted, request.build.runs)
    _check_growth(play.acted, say)
    telling.say_end(play.acted, built, say)
    for one in built:
        files.write_json(one.folder / RESULT_FILE, telling.result(one, play.acted))
    return play.acted


def _stage(place: Path, request: RehearsalRequest, spec: CompetitionSpec) -> Stage:
    """The files that every session gets, and its limits."""
    asked = {
        "preset": request.preset,
        "changes": _changes(request),
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


def _changes(request: RehearsalRequest) -> list[str]:
    """The changes that were asked for; and as many folds as the kernels are built for, where the
    preset of a rehearsal may have fewer."""
    n_folds = folds_needed(request.build.fold_groups)
    if n_folds <= FEWEST_FOLDS or any(text.startswith("folds=") for text in request.changes):
        return list(request.changes)
    return [f"folds={n_folds}", *request.changes]


@dataclass
class _Play:
    """A rehearsal under way.

    Args:
        logs: folder that keeps what the kernels print.
        acted: what has been played.
    """

    spec: CompetitionSpec
    stage: Stage
    logs: Path
    say: Say
    acted: list[Acted] = field(default_factory=list)

    def all_acts(self, built: list[Built], mounted: data.Data, given: tuple[Path, ...]) -> None:
        """All acts in their order; stops at the first that does not hold."""
        runs: mounting.Mounted = {}
        for one in built:
            if one.config.role == "train":
                runs |= mounting.trained(self.act(one.folder.name, one, NEWER, mounted.usual, {}))
        for one in built:
            if one.config.role == "infer":
                runs |= mounting.given_runs(one, given)
                self.act(INFER[0], one, OLDER, mounted.usual, runs)
                self.act(INFER[1], one, NEWER, mounted.larger, runs)
                self.act(INFER[2], one, OLDER, mounted.placeholder, runs, is_rerun=True)

    def act(
        self,
        called: str,
        one: Built,
        layout: Layout,
        root: Path,
        attached: mounting.Mounted,
        *,
        is_rerun: bool = False,
    ) -> Acted:
        """Plays one act.

        Raises: RunError, in one line, where it does not hold.
        """
        mounted = {**mounting.sources(one, root), **attached}
        act = Act(called, one, layout, mounted, testsets.n_rows_of(self.spec, root), is_rerun)
        sample = root / self.spec.file("sample_submission").name
        acted = perform(act, self.stage, self.spec, sample)
        self.acted.append(acted)
        log = self.logs / f"{len(self.acted)}-{called.replace(' ', '-').replace(',', '')}.log"
        files.write_bytes(log, acted.outcome.log.read_bytes())
        if len(self.acted) == 1:
            telling.say_isolation(acted, self.say)
        telling.say_act(acted, self.say)
        if acted.problem:
            raise RunError(
                f"{called} ({layout.name} mounts, {testsets.counted(act.rows)}) would fail on "
                f"Kaggle: {acted.problem}; see {paths.shown(log)}"
            )
        return acted


def _check_growth(acted: list[Acted], say: Say) -> None:
    """Raises RunError where cost grows faster than the test set."""
    found = {
        one.act.called: growth.Measured(
            one.act.rows, one.outcome.cpu_seconds, one.outcome.peak_rss_bytes
        )
        for one in acted
    }
    usual, many, few = (found[called] for called in INFER)
    trouble = growth.trouble(few, usual, many)
    if trouble:
        raise RunError(f"infer: {trouble}")
    say(f"growth: {growth.shown(few, usual, many)}")
