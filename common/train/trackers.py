"""Where else the course of a fit is written: TensorBoard, Weights & Biases, trackio.

None of them is required, and none opens a connection unless the person asked for one through the
package's own environment variables. `history.csv` is written in any case.
"""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Protocol

from common import files, paths
from common.errors import UsageError, unknown_name

Settings = dict[str, Any]


class Tracker(Protocol):
    """Takes the rows of one fit after the other.

    Args:
        look: what to type to see what was written; "" where nothing is.
    """

    look: str

    def begin(self, run_name: str, settings: Settings) -> None:
        """Opens the record of a fit, such as "fold0"; the settings are those of the experiment."""

    def log(self, row: dict[str, float], step: int) -> None:
        """Writes numbers by their names; `step` never falls."""

    def end(self, failed: bool) -> None:
        """Closes the record: everything is on the disk afterwards."""


class NoTracker:
    """Writes nothing."""

    look = ""

    def begin(self, run_name: str, settings: Settings) -> None: ...

    def log(self, row: dict[str, float], step: int) -> None: ...

    def end(self, failed: bool) -> None: ...


class TensorBoardTracker:
    """Event files in `<folder>/tensorboard/<run_name>`.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.module = _package("torch.utils.tensorboard", "tensorboard")
        self.folder = folder / "tensorboard"
        self.look = f"tensorboard --logdir {paths.shown(self.folder)}"

    def begin(self, run_name: str, settings: Settings) -> None:
        self.writer = self.module.SummaryWriter(str(self.folder / run_name))
        written = json.dumps(settings, indent=2, ensure_ascii=False, default=str)
        self.writer.add_text("settings", f"```\n{written}\n```")

    def log(self, row: dict[str, float], step: int) -> None:
        for name, value in row.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()  # a run that is killed has its rows

    def end(self, failed: bool) -> None:
        self.writer.close()


class WandbTracker:
    """A run of Weights & Biases in `<folder>/wandb`: offline unless the person set WANDB_MODE."""

    def __init__(self, folder: Path) -> None:
        paths.use_tracker_defaults(folder)
        self.module = _package("wandb", "wandb")
        self.folder = folder
        self.look = f"wandb sync {paths.shown(folder / 'wandb')}/offline-run-*"

    def begin(self, run_name: str, settings: Settings) -> None:
        files.make_folder(self.folder)  # where there is none, it would write somewhere else
        self.run = self.module.init(
            project=self.folder.resolve().parent.name,
            group=self.folder.name,
            name=f"{self.folder.name}-{run_name}",
            dir=str(self.folder),
            config=settings,
            # no lines of its own among ours; the commit is in environment.json
            settings={"silent": True, "console": "off", "disable_git": True, "save_code": False},
        )

    def log(self, row: dict[str, float], step: int) -> None:
        self.run.log(row, step=step)

    def end(self, failed: bool) -> None:
        self.run.finish(exit_code=int(failed))


class TrackioTracker:
    """A run of trackio in `<folder>/trackio`, unless the person set TRACKIO_DIR.

    trackio takes its folder when it is first loaded, so a process writes into one.
    """

    def __init__(self, folder: Path) -> None:
        paths.use_tracker_defaults(folder)
        self.module = _package("trackio", "trackio")
        self.folder = folder
        self.look = f"TRACKIO_DIR={paths.shown(folder / 'trackio')} trackio show"

    def begin(self, run_name: str, settings: Settings) -> None:
        with redirect_stdout(io.StringIO()):  # advertises its dashboard
            self.run = self.module.init(
                project=self.folder.resolve().parent.name,
                group=self.folder.name,
                name=f"{self.folder.name}-{run_name}",
                config=settings,
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, row: dict[str, float], step: int) -> None:
        self.run.log(row, step=step)

    def end(self, failed: bool) -> None:
        with redirect_stdout(io.StringIO()):
            self.module.finish()


class Guarded:
    """A tracker that cannot end the training.

    What it raises is told once, in one line, and from then on it is left alone: hours of training
    are worth more than a curve that `history.csv` has too.
    """

    def __init__(self, name: str, tracker: Tracker, say: Callable[[str], None]) -> None:
        self.name, self.tracker, self.say = name, tracker, say
        self.look, self.is_on = tracker.look, True

    def begin(self, run_name: str, settings: Settings) -> None:
        self._try(lambda: self.tracker.begin(run_name, settings))

    def log(self, row: dict[str, float], step: int) -> None:
        self._try(lambda: self.tracker.log(row, step))

    def end(self, failed: bool) -> None:
        self._try(lambda: self.tracker.end(failed))

    def _try(self, call: Callable[[], None]) -> None:
        if not self.is_on:
            return
        try:
            call()
        except Exception as error:
            self.is_on = False
            reason = next(iter(str(error).splitlines()), "")
            self.say(
                f"tracker {self.name} failed ({type(error).__name__}: {reason}); it is switched "
                "off, the training goes on, and history.csv has every row"
            )


TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    "tensorboard": TensorBoardTracker,
    "wandb": WandbTracker,
    "trackio": TrackioTracker,
}


def open_tracker(name: str, folder: Path, say: Callable[[str], None] = print) -> Tracker:
    """The tracker of that name, which writes into a run folder; "" or "none" for none.

    Raises: UsageError for a name that does not exist, or whose package is not installed.
    """
    if name in ("", "none"):
        return NoTracker()
    if name not in TRACKERS:
        raise UsageError(unknown_name("tracker", name, [*TRACKERS, "none"]))
    return Guarded(name, TRACKERS[name](folder), say)


def _package(module: str, package: str) -> Any:
    """The module, loaded now.

    Raises: UsageError where its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != package:
            raise  # the package is there, and something that it needs is not
        raise UsageError(
            f"the tracker {package} is not installed here; expected the package {package}: pip "
            f"install {package}, or leave the tracker out (history.csv is written anyway)"
        ) from None
