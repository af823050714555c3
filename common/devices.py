"""Folds beside each other: a process per device, each of which takes the next untrained fold.

The parent hands out folds, enters their models into the run and speaks for the workers; it trains
nothing. A worker is a program of its own (`common.fold_worker`), so whatever called `train`, be it
a script, a notebook or a kernel, is not run a second time.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from common import fold_worker, paths
from common.environment import default_device
from common.errors import RunError, UsageError
from common.fold_training import FoldsToTrain, Trained, called, record
from common.opening import Request
from common.train.interrupts import Interrupts, held_interrupts
from common.train.joining import joint_device
from common.train.ranks import Ranks
from common.train.rate_finder import RATE

ALL_DEVICES = ("all",)
GRACE_SECONDS = 120.0  # for a worker that was asked to end: a step and a checkpoint
LOOK_EVERY = 0.2  # seconds between two looks at whether an end was asked for

Message = dict[str, Any]
News: TypeAlias = "queue.Queue[tuple[_Worker, Message]]"


def devices_for(request: Request, ranks: Ranks) -> tuple[str, ...]:
    """The devices that a request asks for: several for folds beside each other.

    "all" is every CUDA device, or the CPU where there is none; by default it is one device.

    Raises: UsageError for a device that is not there, and for several where a launcher has given
    each process its own.
    """
    if ranks.world > 1:
        if request.devices:
            raise UsageError(
                f"--devices was given to {ranks.world} processes that train together; leave it "
                "out: the launcher gives each its device"
            )
        return (request.device or joint_device(ranks.local_rank),)
    if not request.devices:
        return (request.device or default_device(),)
    n_cuda = torch.cuda.device_count() if default_device() != "cpu" else 0
    each = [f"cuda:{number}" for number in range(n_cuda)]
    if request.devices == ALL_DEVICES:
        return tuple(each) or ("cpu",)
    known = ["cpu", *each]
    for name in request.devices:
        if name not in known:
            raise UsageError(f"no device {name!r}; there are: {', '.join(known)}, or all")
    return request.devices


def train_folds_on(devices: tuple[str, ...], work: FoldsToTrain, lock: int) -> list[str]:
    """Trains the folds that the budget holds, one on each device at a time; gives what it left
    out, a line for each.

    Every fold gets the weights that it gets where folds are trained one after the other.

    Args:
        lock: descriptor of the run folder's lock, which the workers hold with the parent.

    Raises: what a worker raised, with the fold's name, after the others have written their
    checkpoints; RunError where one ended without a word; Stopped where an end was asked for.
    """
    todo = [fold for fold in work.folds if not work.run.has_fold(fold)]
    for fold in work.folds:
        if fold not in todo:
            work.say(f"{called(fold)}: finished before")
    news: News = queue.Queue()
    with held_interrupts() as interrupts, _crew(devices[: len(todo)], work, lock, news) as workers:
        return _Shift(work, workers, news, interrupts).train(todo)


class _Shift:
    """The folds that are still to be trained, and who trains them."""

    def __init__(
        self, work: FoldsToTrain, workers: list[_Worker], news: News, interrupts: Interrupts
    ) -> None:
        self.work, self.workers, self.interrupts = work, workers, interrupts
        self.news = news
        self.budget = work.context.session.budget
        self.left_out: dict[int | None, str] = {}

    def train(self, todo: list[int | None]) -> list[str]:
        """Trains folds until none is left or the budget holds no more of them."""
        waiting = [*todo]
        while True:
            for worker in self.workers:
                if waiting and not worker.is_busy and not self._waits_for_rate():
                    self._hand_out(waiting.pop(0), worker)
            if not waiting and not any(worker.is_busy for worker in self.workers):
                return self.work.write_left_out(self.left_out)
            if self.interrupts.asked:
                raise self.interrupts.stopped()
            with contextlib.suppress(queue.Empty):
                self._hear(*self.news.get(timeout=LOOK_EVERY))

    def _hand_out(self, fold: int | None, worker: _Worker) -> None:
        has_model = self.work.has_model() or any(other.is_busy for other in self.workers)
        if has_model and not self.budget.fits_fold():
            self.left_out[fold] = ""
            return
        place = self.work.folds.index(fold) + len(self.workers)  # those that begin meanwhile, too
        self.budget.rows_to_predict = self.work.rows_to_predict(place)
        worker.begin(fold, self.budget.measured())

    def _waits_for_rate(self) -> bool:
        """True while the first fold looks for the learning rate that all of them will have."""
        settings = self.work.pipeline.settings
        is_missing = getattr(settings, "find_rate", False) and not (self.work.run / RATE).is_file()
        return is_missing and any(worker.is_busy for worker in self.workers)

    def _hear(self, worker: _Worker, message: dict[str, Any]) -> None:
        """Does what a message asks for: shows a line, keeps a model, or raises an error."""
        name = f"{called(worker.fold)} on {worker.device}" if worker.is_busy else worker.device
        kind = message["kind"]
        if kind == "line":
            fold, text = called(worker.fold), message["text"]
            self.work.say(text if text.startswith(fold) else f"{fold}: {text}")
        elif kind == "trained":
            self._keep(worker.end_fold(message))
            self.budget.learn(message["measured"])
        elif kind == "error":
            raise RunError(f"{name}: {message['text']}")
        elif kind == "system":
            raise OSError(message["errno"], message["text"], message["path"])
        elif kind == "crash":
            raise WorkerCrashed(f"{name}: {message['text']}")
        else:
            how = worker.how_it_ended()
            raise RunError(
                f"the process of {name} {how}; expected it to say why: look at the lines above, "
                "and for a lack of memory, then go on with --resume"
            )

    def _keep(self, trained: Trained) -> None:
        record(trained, self.work.run)
        if trained.cut_short:
            self.left_out[trained.fold] = trained.left_out


class WorkerCrashed(Exception):
    """A fault of ours in a worker, which has printed its traceback."""


# ---- the processes ------------------------------------------------------------------------------


@dataclass
class _Worker:
    """A process that trains folds on one device."""

    device: str
    process: subprocess.Popen[str]
    fold: int | None = None
    is_busy: bool = False

    def begin(self, fold: int | None, measured: dict[str, float]) -> None:
        """Gives the worker a fold."""
        self.fold, self.is_busy = fold, True
        self.tell({"fold": fold, "measured": measured})

    def end_fold(self, message: Message) -> Trained:
        """What came of the worker's fold."""
        self.is_busy = False
        return Trained(self.fold, message["cut_short"], message["is_kept"])

    def tell(self, message: Message) -> None:
        assert self.process.stdin is not None
        # where it has ended, its last message, which is still to be heard, says why
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def listen(self, channel: int, news: News) -> None:
        """Takes in, on a thread, what the worker says, until it has ended."""

        def read() -> None:
            with os.fdopen(channel, encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):  # a killed process may leave a part of one
                        news.put((self, json.loads(line)))
            news.put((self, {"kind": "end"}))

        threading.Thread(target=read, daemon=True).start()

    def how_it_ended(self) -> str:
        code = self.process.wait()
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


@contextlib.contextmanager
def _crew(
    devices: tuple[str, ...], work: FoldsToTrain, lock: int, news: News
) -> Iterator[list[_Worker]]:
    """A worker for each device; all of them have ended when the block has.

    Where the block raises, each writes a checkpoint first.
    """
    workers: list[_Worker] = []
    try:
        for device in devices:
            workers.append(_started(device, work, lock, news))
        yield workers
        for worker in workers:
            worker.tell({"kind": "end"})
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        _wait_for(workers)


def _wait_for(workers: list[_Worker]) -> None:
    """Waits for the workers' end, and kills those that take too long."""
    ends = time.monotonic() + GRACE_SECONDS
    try:
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(timeout=max(0.0, ends - time.monotonic()))
    finally:  # a second Ctrl-C ends the waiting
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
            assert worker.process.stdin is not None
            worker.process.stdin.close()


def _started(device: str, work: FoldsToTrain, lock: int, news: News) -> _Worker:
    """A process that waits for its first fold."""
    session, context = work.context.session, work.context
    hear, speak = os.pipe()
    folders = [str(Path(place or ".").resolve()) for place in sys.path]
    # a Ctrl-C in the terminal is for the parent, which asks the workers to end
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", fold_worker.__name__, str(speak)],
            env=paths.child_environment([str(paths.repository()), *folders]),
            stdin=subprocess.PIPE,
            pass_fds=(speak, lock),
            text=True,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(speak)
    worker = _Worker(device, process)
    worker.listen(hear, news)
    worker.tell(
        {
            "run": str(work.run.path.resolve()),
            "root": str(context.root.resolve()),
            "device": device,
            "hours": session.budget.hours,
            "began": session.budget.began,
            "checkpoint_every": session.checkpoint_every,
            "track": session.track,
        }
    )
    return worker
