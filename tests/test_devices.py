"""Folds beside each other: who takes which, what comes of it, and how it ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.budget import Budget
from common.devices import _Shift, devices_for
from common.errors import RunError, UsageError
from common.fold_training import FoldsToTrain, Trained
from common.opening import Request
from common.runfolder import RunFolder
from common.train.interrupts import Interrupts, Stopped
from common.train.ranks import ALONE, Ranks
from common.train.rate_finder import RATE
from scripts import train
from tests.conftest import REPOSITORY
from tests.processes import ended, environment
from tests.runs import SMOKE, one_line

TWO = ["--devices", "cpu,cpu"]
SAME = ("submission.csv", "oof.parquet", "oof_submission.csv", "scores.json")

# ---- with processes -----------------------------------------------------------------------------


def start(digits: Path, run: Path, *more: str) -> subprocess.Popen[str]:
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), *TWO, *more]
    return subprocess.Popen(
        [sys.executable, "-u", str(REPOSITORY / "scripts/train.py"), *argv],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, to which Ctrl-C can be sent
    )


def wait_for(process: subprocess.Popen[str], *beginnings: str) -> None:
    """Reads lines until one has come for each beginning."""
    assert process.stdout is not None
    awaited = set(beginnings)
    for line in process.stdout:
        awaited -= {words for words in awaited if line.startswith(words)}
        if not awaited:
            return
    raise AssertionError(f"{awaited} was never printed")


def children(process: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(word) for word in text.split()]


def worker_of(fold: int, process: subprocess.Popen[str]) -> int:
    """The workers were started in the order of the folds, of which each has one."""
    return sorted(children(process))[fold]


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_which_resumes_to_what_one_process_gives(
    digits: Path, tmp_path: Path, smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    process = start(digits, run)
    wait_for(process, "fold 1: epoch  1/")
    workers = children(process)
    os.kill(worker_of(1, process), signal.SIGKILL)
    code, _, errors = ended([process])[0]
    assert code == 2
    assert errors.startswith("error: the process of fold 1 on cpu was killed by SIGKILL")
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    # the other fold was finished before, or it has left a checkpoint
    assert (run / "fold0/resume.pt").is_file() or (run / "fold0/weights.safetensors").is_file()

    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--resume", *TWO]
    assert train.main(argv) == 0
    for name in SAME:
        assert (run / name).read_bytes() == (smoke_run / name).read_bytes(), name
    for fold in ("fold0", "fold1"):
        weights = f"{fold}/weights.safetensors"
        assert (run / weights).read_bytes() == (smoke_run / weights).read_bytes()
        assert not (run / fold / "resume.pt").exists()


@pytest.mark.slow
def test_ctrl_c_lets_every_worker_write_its_checkpoint(digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(digits, run, "--set", "epochs=500")
    wait_for(process, "fold 0: epoch  1/", "fold 1: epoch  1/")
    workers = children(process)
    os.killpg(process.pid, signal.SIGINT)  # to its own group, as a terminal does
    code, _, errors = ended([process])[0]
    assert (code, errors) == (130, "interrupted; nothing that was finished is lost\n")
    assert (run / "fold0/resume.pt").is_file()
    assert (run / "fold1/resume.pt").is_file()
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.slow
def test_a_worker_that_raises_ends_the_run_with_its_line(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*SMOKE, "--data", str(digits), "--run", str(tmp_path / "run"), *TWO]
    assert train.main([*argv, "--set", "learning_rate=1e30"]) == 2
    line = one_line(capsys)
    assert line.startswith(("error: fold 0 on cpu: the loss is", "error: fold 1 on cpu: the loss"))


# ---- who takes which ----------------------------------------------------------------------------


class FakeWorker:
    """Takes folds; says what the test lets it say."""

    def __init__(self, device: str, news: Any) -> None:
        self.device, self.news = device, news
        self.fold: int | None = None
        self.is_busy = False
        self.taken: list[int | None] = []

    def begin(self, fold: int | None, measured: dict[str, float]) -> None:
        self.fold, self.is_busy = fold, True
        self.taken.append(fold)

    def end_fold(self, message: dict[str, Any]) -> Trained:
        self.is_busy = False
        return Trained(self.fold, message["cut_short"], is_kept=False)

    def ends(self, cut_short: str = "", **measured: float) -> None:
        known = {**Budget().measured(), **measured}
        self.news.put((self, {"kind": "trained", "cut_short": cut_short, "measured": known}))

    def how_it_ended(self) -> str:
        return "ended with 7"


class Script:
    """A queue whose news are made when they are asked for: a step of the test each."""

    def __init__(self, *steps: Any) -> None:
        self.steps, self.said = [*steps], queue.Queue[Any]()

    def put(self, news: Any) -> None:
        self.said.put(news)

    def get(self, timeout: float) -> Any:
        if self.said.empty():
            self.steps.pop(0)()
        return self.said.get_nowait()  # raises Empty, as the true one does after a while


def shift(
    tmp_path: Path,
    script: Script,
    *,
    hours: float | None = None,
    clock: Any = None,
    **settings: Any,
) -> tuple[_Shift, list[FakeWorker]]:
    pipeline: Any = SimpleNamespace(
        settings=SimpleNamespace(**settings),
        splits=lambda items, fold: (np.arange(0), np.flatnonzero(items["fold"] == fold)),
    )
    budget = Budget(hours, 0.0, clock or (lambda: 0.0))
    context: Any = SimpleNamespace(session=SimpleNamespace(budget=budget))
    items = pd.DataFrame({"fold": [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]})
    folds: list[int | None] = [0, 1, 2, 3]
    work = FoldsToTrain(
        pipeline, items, folds, RunFolder(tmp_path), context, n_test=100, say=lambda line: None
    )
    workers = [FakeWorker(name, script) for name in ("cuda:0", "cuda:1")]
    return _Shift(work, workers, script, Interrupts()), workers  # type: ignore[arg-type]


def test_a_fast_worker_takes_more_folds(tmp_path: Path) -> None:
    script = Script(
        lambda: workers[1].ends(),
        lambda: workers[1].ends(),
        lambda: workers[1].ends(),
        lambda: workers[0].ends(),
    )
    working, workers = shift(tmp_path, script)
    assert working.train([0, 1, 2, 3]) == []
    assert [worker.taken for worker in workers] == [[0], [1, 2, 3]]


def test_finished_folds_are_not_handed_out(tmp_path: Path) -> None:
    script = Script(lambda: workers[0].ends(), lambda: workers[1].ends())
    working, workers = shift(tmp_path, script)
    assert working.train([1, 3]) == []
    assert [worker.taken for worker in workers] == [[1], [3]]


def test_folds_that_the_budget_does_not_hold_are_left_out_in_their_order(tmp_path: Path) -> None:
    seconds = [0.0]

    def an_hour_passes() -> None:
        seconds[0] = 3600.0
        workers[1].ends("1 of 3 epochs were trained", epoch_seconds=50.0)

    script = Script(an_hour_passes, lambda: workers[0].ends())
    working, workers = shift(tmp_path, script, hours=1.0, clock=lambda: seconds[0])
    assert working.train([0, 1, 2, 3]) == [
        "fold 1, of which 1 of 3 epochs were trained",
        "fold 2",
        "fold 3",
    ]
    assert [worker.taken for worker in workers] == [[0], [1]]
    assert working.budget.epoch_seconds == 50.0
    assert working.budget.rows_to_predict == 3 + 2 + 1 + 3 * 100  # of folds 0 to 2, at fold 1


def test_other_folds_wait_until_the_first_has_found_the_rate(tmp_path: Path) -> None:
    script = Script(
        lambda: taken.append([*workers[1].taken]),
        lambda: (tmp_path / RATE).write_text("{}"),
        lambda: workers[0].ends(),
        lambda: workers[1].ends(),
        lambda: workers[0].ends(),
        lambda: workers[1].ends(),
    )
    taken: list[list[int | None]] = []
    working, workers = shift(tmp_path, script, find_rate=True)
    working.train([0, 1, 2, 3])
    assert taken == [[]]
    assert [worker.taken for worker in workers] == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    ("message", "error", "text"),
    [
        ({"kind": "error", "text": "a.png is cut"}, RunError, "fold 1 on cuda:1: a.png is cut"),
        ({"kind": "end"}, RunError, "the process of fold 1 on cuda:1 ended with 7"),
        ({"kind": "crash", "text": "KeyError: 3"}, Exception, "fold 1 on cuda:1: KeyError: 3"),
        ({"kind": "system", "errno": 28, "text": "full", "path": "/x"}, OSError, "full: '/x'"),
    ],
)
def test_what_ends_a_worker_is_raised_with_its_fold(
    message: dict[str, Any], error: type[Exception], text: str, tmp_path: Path
) -> None:
    script = Script(lambda: script.put((workers[1], message)))
    working, workers = shift(tmp_path, script)
    with pytest.raises(error, match=text):
        working.train([0, 1])


def test_an_end_that_was_asked_for_ends_the_shift(tmp_path: Path) -> None:
    script = Script(lambda: working.interrupts._ask(signal.SIGTERM, None))
    working, _ = shift(tmp_path, script)
    with pytest.raises(Stopped):
        working.train([0, 1])


# ---- which devices ------------------------------------------------------------------------------


def test_devices_are_those_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Request("digits")
    monkeypatch.setattr("common.devices.default_device", lambda: "cpu")
    assert devices_for(asked, ALONE) == ("cpu",)
    assert devices_for(Request("digits", devices=("all",)), ALONE) == ("cpu",)
    assert devices_for(Request("digits", devices=("cpu", "cpu")), ALONE) == ("cpu", "cpu")
    with pytest.raises(UsageError, match="no device 'cuda:0'; there are: cpu, or all"):
        devices_for(Request("digits", devices=("cuda:0",)), ALONE)

    monkeypatch.setattr("common.devices.default_device", lambda: "cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert devices_for(asked, ALONE) == ("cuda",)
    assert devices_for(Request("digits", devices=("all",)), ALONE) == ("cuda:0", "cuda:1")
    assert devices_for(Request("digits", devices=("cuda:1",)), ALONE) == ("cuda:1",)


def test_a_process_among_several_has_the_device_of_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = Ranks(rank=3, world=4, local_rank=1)
    with pytest.raises(UsageError, match="--devices was given to 4 processes"):
        devices_for(Request("digits", devices=("cpu",)), second)
    monkeypatch.setattr("common.train.joining.default_device", lambda: "cpu")
    assert devices_for(Request("digits"), second) == ("cpu",)
    monkeypatch.setattr("common.train.joining.default_device", lambda: "cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert devices_for(Request("digits"), second) == ("cuda:1",)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(
        UsageError, match="process 2 on this machine has no GPU of its own; found 1"
    ):
        devices_for(Request("digits"), second)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert devices_for(Request("digits"), second) == ("cpu",)
