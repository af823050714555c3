"""A process that trains the folds that `common.devices` gives it: python -m common.fold_worker.

It is told what to do in lines of JSON on its standard input: first the run, then fold after fold.
It answers in lines of JSON on a channel of its own, so what a library prints disturbs nothing.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from common import environment, files
from common.budget import Budget
from common.cli import keep_quiet
from common.errors import KitError
from common.fold_training import train_fold
from common.opening import fold_table, made_by, same_folds, train_items
from common.pipeline import Context, Pipeline
from common.runfolder import SETTINGS, RunFolder
from common.session import Session

Message = dict[str, Any]
Tell = Callable[[Message], None]
INTERRUPTED = 130  # the exit code that shells give to what Ctrl-C ended


def main(channel: int) -> int:
    """Trains folds until none is left; says on the channel how it ended."""
    keep_quiet()
    with os.fdopen(channel, "w", encoding="utf-8") as stream:

        def tell(message: Message) -> None:
            stream.write(json.dumps(message, default=str) + "\n")
            stream.flush()

        try:
            _work(_Orders(), tell)
        except KeyboardInterrupt:  # asked to end; the checkpoint is written
            return INTERRUPTED
        except KitError as error:
            tell({"kind": "error", "text": " ".join(str(error).split())})
            return 2
        except Exception as error:
            traceback.print_exc()
            tell(_fault(error))
            return 1
    return 0


def _work(orders: _Orders, tell: Tell) -> None:
    request = orders.next()
    with environment.computing_threads():
        pipeline, items, run, context = _opened(request, tell)
        budget = context.session.budget
        while "fold" in (order := orders.next()):
            budget.learn(order["measured"])
            began = time.perf_counter()
            say = context.session.say
            trained = train_fold(pipeline, items, order["fold"], run, context, say)
            budget.saw_fold(time.perf_counter() - began)
            kept = {"cut_short": trained.cut_short, "is_kept": trained.is_kept}
            tell({"kind": "trained", **kept, "measured": budget.measured()})


def _opened(request: Message, tell: Tell) -> tuple[Pipeline, pd.DataFrame, RunFolder, Context]:
    """The run's pipeline, rows and context, as the parent has them."""
    run = RunFolder(Path(request["run"]))
    facts = files.read_json(run / SETTINGS)
    pipeline, context = made_by(facts, run, Path(request["root"]), request["device"])
    session = Session(
        run=run.path,
        budget=Budget(request["hours"], request["began"]),
        checkpoint_every=request["checkpoint_every"],
        track=request["track"],
        say=lambda line: tell({"kind": "line", "text": line}),
    )
    context = replace(context, session=session)
    items = train_items(pipeline, context)
    if not same_folds(fold_table(items, pipeline), run):
        raise RuntimeError("items() and folds() gave other rows than in the parent process")
    return pipeline, items, run, context


def _fault(error: Exception) -> Message:
    """An error that is no KitError: what the machine refuses, or a fault of ours."""
    if isinstance(error, OSError) and error.errno is not None:
        place = error.filename2 or error.filename
        return {"kind": "system", "errno": error.errno, "text": error.strerror, "path": place}
    return {"kind": "crash", "text": f"{type(error).__name__}: {error}"}


class _Orders:
    """The parent's lines. Where the parent is gone, nobody wants the work: this process ends."""

    def __init__(self) -> None:
        self.lines: queue.Queue[Message] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> Message:
        """The next order; waits for it."""
        return self.lines.get()

    def _read(self) -> None:
        rest = b""
        # not sys.stdin, whose lock a thread would hold while the interpreter shuts down
        while part := os.read(0, 2**16):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                self.lines.put(json.loads(line))
        os._exit(1)  # at once, as the parent's end was: checkpoints are whole at any moment


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
