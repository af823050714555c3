"""The adapters to other people's trackers.

The packages are optional. What the adapters ask of them is held against stand-ins that have the
same functions; what the packages then write is read back where they are installed.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from common.errors import UsageError
from common.train.trackers import Guarded, NoTracker, open_tracker
from tests.conftest import REPOSITORY

SETTINGS = {"epochs": 3, "learning_rate": 1e-3, "schedule": "one_cycle"}
VARIABLES = ("WANDB_", "TRACKIO_")

Calls = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def person_without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of its own for what the adapters set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
    monkeypatch.setattr("os.environ", kept)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder where the kit puts it."""
    folder = tmp_path / "leaf_classification" / "first"
    folder.mkdir(parents=True)
    return folder


def fit_twice(name: str, folder: Path) -> None:
    """Two folds of two epochs; the second one dies."""
    tracker = open_tracker(name, folder)
    for fold in range(2):
        tracker.begin(f"fold{fold}", SETTINGS)
        tracker.log({"epoch": 1.0, "train_loss": 0.75}, 1)
        tracker.log({"epoch": 2.0, "train_loss": 0.5, "dice": 0.25}, 2)
        tracker.end(fold == 1)


# ---- what the adapters ask ----------------------------------------------------------------------


class Writer:
    """Stands for TensorBoard's SummaryWriter."""

    calls: Calls

    def __init__(self, folder: str) -> None:
        self.calls.append(("open", folder))

    def add_text(self, name: str, text: str) -> None:
        self.calls.append((name, text))

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.calls.append((name, value, step))

    def flush(self) -> None:
        self.calls.append(("flush",))

    def close(self) -> None:
        self.calls.append(("close",))


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    module = ModuleType(name)
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, name, module)


def test_tensorboard_gets_a_folder_per_fold_and_a_curve_per_number(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writer.calls = []
    stand_in(monkeypatch, "torch.utils.tensorboard", SummaryWriter=Writer)
    fit_twice("tensorboard", run)
    half = len(Writer.calls) // 2
    assert Writer.calls[0] == ("open", str(run / "tensorboard" / "fold0"))
    assert Writer.calls[half] == ("open", str(run / "tensorboard" / "fold1"))
    assert '"schedule": "one_cycle"' in Writer.calls[1][1]
    assert Writer.calls[2:half] == [
        ("epoch", 1.0, 1),
        ("train_loss", 0.75, 1),
        ("flush",),
        ("epoch", 2.0, 2),
        ("train_loss", 0.5, 2),
        ("dice", 0.25, 2),
        ("flush",),
        ("close",),
    ]


def test_wandb_is_offline_and_writes_into_the_run_folder(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Calls = []
    opened: list[dict[str, Any]] = []

    def init(**options: Any) -> SimpleNamespace:
        opened.append(options)
        return SimpleNamespace(
            log=lambda row, step: calls.append((row, step)),
            finish=lambda exit_code: calls.append(("finish", exit_code)),
        )

    stand_in(monkeypatch, "wandb", init=init)
    fit_twice("wandb", run)
    assert os.environ["WANDB_MODE"] == "offline"
    first = opened[0]
    assert (first["project"], first["group"]) == ("leaf_classification", "first")
    assert (first["name"], opened[1]["name"]) == ("first-fold0", "first-fold1")
    assert (first["dir"], first["config"]) == (str(run), SETTINGS)
    assert calls[1] == ({"epoch": 2.0, "train_loss": 0.5, "dice": 0.25}, 2)
    assert (calls[2], calls[5]) == (("finish", 0), ("finish", 1))


def test_trackio_writes_into_the_run_folder(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: Calls = []
    opened: list[dict[str, Any]] = []

    def init(**options: Any) -> SimpleNamespace:
        print("see the dashboard")
        opened.append(options)
        return SimpleNamespace(log=lambda row, step: calls.append((row, step)))

    stand_in(monkeypatch, "trackio", init=init, finish=lambda: calls.append(("finish",)))
    fit_twice("trackio", run)
    assert os.environ["TRACKIO_DIR"] == str(run / "trackio")
    assert [options["name"] for options in opened] == ["first-fold0", "first-fold1"]
    assert opened[0]["resume"] == "allow"  # a fold that is resumed goes on with its curve
    assert calls[1:3] == [({"epoch": 2.0, "train_loss": 0.5, "dice": 0.25}, 2), ("finish",)]
    assert capsys.readouterr().out == ""


def test_what_the_person_set_is_respected(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ["WANDB_MODE"], os.environ["TRACKIO_DIR"] = "online", "/elsewhere"
    stand_in(monkeypatch, "wandb")
    stand_in(monkeypatch, "trackio")
    open_tracker("wandb", run)
    open_tracker("trackio", run)
    assert (os.environ["WANDB_MODE"], os.environ["TRACKIO_DIR"]) == ("online", "/elsewhere")


# ---- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("tensorboard", "torch.utils.tensorboard"),
        ("wandb", "wandb"),
        ("trackio", "trackio"),
    ],
)
def test_a_missing_package_is_named_with_what_to_do(
    name: str, module: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, module, raising=False)
    if name == module:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf"pip install {name}, or leave the tracker out") as found:
        open_tracker(name, run)
    assert "\n" not in str(found.value)


def test_a_package_that_lacks_one_of_its_own_is_a_fault_of_the_installation(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        raise ModuleNotFoundError("No module named 'protobuf'", name="protobuf")

    monkeypatch.setattr("importlib.import_module", load)
    with pytest.raises(ModuleNotFoundError, match="protobuf"):
        open_tracker("wandb", run)


def test_an_unknown_name_lists_the_known_ones(run: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'wandb'.*none, tensorboard, trackio"):
        open_tracker("wandbb", run)


@pytest.mark.parametrize("name", ["", "none"])
def test_no_tracker_writes_nothing(name: str, run: Path) -> None:
    assert isinstance(open_tracker(name, run), NoTracker)
    fit_twice(name, run)
    assert list(run.iterdir()) == []


class Broken(NoTracker):
    """Writes two rows and fails from then on."""

    def __init__(self) -> None:
        self.n_calls = 0

    def log(self, row: dict[str, float], step: int) -> None:
        self.n_calls += 1
        if step > 2:
            raise OSError(28, "No space left on device")


def test_a_tracker_that_fails_is_told_once_and_switched_off() -> None:
    lines: list[str] = []
    broken = Broken()
    tracker = Guarded("wandb", broken, lines.append)
    tracker.begin("fold0", SETTINGS)
    for step in range(1, 7):
        tracker.log({"train_loss": 1.0}, step)
    tracker.end(False)
    assert broken.n_calls == 3
    assert len(lines) == 1
    assert "tracker wandb failed (OSError: [Errno 28] No space left on device)" in lines[0]
    assert "the training goes on" in lines[0]


def test_the_person_can_still_stop_what_is_logged() -> None:
    class Stopped(NoTracker):
        def log(self, row: dict[str, float], step: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guarded("wandb", Stopped(), print).log({}, 1)


# ---- what the packages write --------------------------------------------------------------------


def written_by(name: str, run: Path, home: Path) -> str:
    """Fits twice in a process of its own, because the packages keep state in theirs; gives what
    it printed. Skips where the package is not installed."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is optional and not installed; a stand-in is asked above")
    home.mkdir()
    code = (
        "from pathlib import Path; from tests.train.test_trackers import fit_twice; "
        f"fit_twice({name!r}, Path({str(run)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "HOME": str(home), "MPLCONFIGDIR": str(run.parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert list(home.rglob("*")) == []  # nothing lies outside the run folder
    return done.stdout + done.stderr


def test_tensorboard_reads_the_rows_back(run: Path, tmp_path: Path) -> None:
    printed = written_by("tensorboard", run, tmp_path / "home")
    event_accumulator = importlib.import_module(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    events = event_accumulator.EventAccumulator(str(run / "tensorboard" / "fold1")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("train_loss")] == [(1, 0.75), (2, 0.5)]
    assert [(e.step, e.value) for e in events.Scalars("dice")] == [(2, 0.25)]
    assert printed == ""


def test_wandb_writes_an_offline_run_per_fold(run: Path, tmp_path: Path) -> None:
    printed = written_by("wandb", run, tmp_path / "home")
    records = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
    assert len(records) == 2
    for record, name in zip(records, ("first-fold0", "first-fold1"), strict=True):
        content = record.read_bytes()
        assert name.encode() in content
        assert b"train_loss" in content
        assert b"0.75" in content
    assert printed == ""


def test_trackio_writes_its_database(run: Path, tmp_path: Path) -> None:
    printed = written_by("trackio", run, tmp_path / "home")
    with sqlite3.connect(run / "trackio" / "leaf_classification.db") as database:
        rows = database.execute(
            "select run_name, step, cast(metrics as text) from metrics order by id"
        ).fetchall()
    database.close()
    assert [row[:2] for row in rows] == [
        ("first-fold0", 1),
        ("first-fold0", 2),
        ("first-fold1", 1),
        ("first-fold1", 2),
    ]
    assert '"dice":0.25' in rows[1][2].replace(" ", "")
    assert printed == ""
