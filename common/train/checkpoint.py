"""Checkpoints: copied in memory between two steps, written beside by a thread, renamed.

A checkpoint that is being written when the process dies leaves the one before it as it was.
"""

from __future__ import annotations

import copy
import io
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import files
from common.errors import RunError
from common.runfolder import CHECKPOINT
from common.session import CHECKPOINT_EVERY

COST = 200  # times the cost of one: what checkpoints take stays below half a percent
BUFFER = 2**20  # bytes

State = dict[str, Any]


class Checkpoints:
    """Writes the checkpoints of one fit, and reads the last one.

    Args:
        folder: where they lie; None writes none.
        every: seconds between two of them; None for a minute, or more where that would take over
            half a percent of the time.
    """

    def __init__(
        self,
        folder: Path | None,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = None if folder is None else folder / CHECKPOINT
        self.every, self.clock = every, clock
        self.cost, self.last = 0.0, clock()
        self._writing: threading.Thread | None = None
        self._failure: Exception | None = None

    def due(self) -> bool:
        """True where it is time for the next one.

        Raises: what the last one met while it was written.
        """
        self._raise_failure()
        if self.path is None or (self._writing is not None and self._writing.is_alive()):
            return False
        seldom = max(CHECKPOINT_EVERY, COST * self.cost)
        return self.clock() - self.last >= (seldom if self.every is None else self.every)

    def save(self, state: State, *, wait: bool = False) -> None:
        """Copies a state and has it written; with `wait` returns when it is on the disk.

        Raises: OSError where there is no room.
        """
        if self.path is None:
            return
        self.close()
        began = self.clock()
        copied = copied_state(state)
        self._writing = threading.Thread(target=self._write, args=(copied, began), daemon=True)
        self._writing.start()
        self.last = self.clock()
        if wait:
            self.close()

    def _write(self, state: State, began: float) -> None:
        assert self.path is not None
        try:
            with files.replacing(self.path) as beside:
                _write_state(state, beside)
        except Exception as error:  # raised again by the thread that trains
            self._failure = error
        self.cost = self.clock() - began

    def close(self) -> None:
        """Waits for the checkpoint that is being written.

        Raises: what it met.
        """
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def load(self) -> State | None:
        """The last checkpoint; None where there is none. What a killed process left beside it is
        removed.

        Raises: RunError where it cannot be read.
        """
        if self.path is None or not self.path.parent.is_dir():
            return None
        for part in self.path.parent.glob(f".{CHECKPOINT}.*.part"):
            part.unlink()
        if not self.path.is_file():
            return None
        try:
            state: State = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(
                f"{self.path} is no checkpoint ({reason}); it was cut or replaced: delete it to "
                "begin the fold again"
            ) from None
        return state


class _Telling(io.BufferedWriter):
    """A file that keeps the error it met: torch raises one of its own in its place."""

    failure: OSError | None = None

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.failure = error
            raise


def _write_state(state: State, path: Path) -> None:
    """Writes a state.

    Raises: OSError where there is no room.
    """
    with _Telling(io.FileIO(path, "w"), BUFFER) as stream:
        try:
            torch.save(state, stream)
        except RuntimeError:
            if stream.failure is None:
                raise
            raise stream.failure from None


def copied_state(value: Any) -> Any:
    """A copy on the CPU that no later step changes."""
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor).to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: copied_state(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(copied_state(part) for part in value)
    return value.item() if isinstance(value, np.generic) else copy.copy(value)


def recurrent_state(model: torch.nn.Module) -> dict[str, Any]:
    """What a recurrent net carries from batch to batch and no state_dict holds."""
    return {
        name: {"hidden": module.hidden, "bs": module.bs}
        for name, module in model.named_modules()
        if hasattr(module, "hidden") and hasattr(module, "bs")
    }


def restore_recurrent_state(model: torch.nn.Module, state: dict[str, Any]) -> None:
    """Puts back what `recurrent_state` gave, where the net is."""
    device = next(model.parameters()).device
    modules = dict(model.named_modules())
    for name, own in state.items():
        modules[name].hidden = _moved(own["hidden"], device)
        modules[name].bs = own["bs"]


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(part, device) for part in value)
    return value
