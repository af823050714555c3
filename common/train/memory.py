"""The memory ladder: in how many parts a batch is computed, and where that is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from common import files
from common.errors import RunError

NAME = "memory.json"


class Memory:
    """How many parts a batch is computed in; doubled where memory does not suffice.

    Args:
        folder: the run folder, where the number is remembered; None for nowhere.
        batch_size, device: what the number holds for.
    """

    def __init__(
        self,
        folder: Path | None = None,
        batch_size: int = 0,
        device: str = "cpu",
        say: Callable[[str], None] = print,
    ) -> None:
        self.path = None if folder is None else folder / NAME
        self.key, self.say, self.parts = f"{device}, batch_size {batch_size}", say, 1
        if self.path is not None and self.path.is_file():
            self.parts = int(files.read_json(self.path).get(self.key, 1))

    def halve(self, n_rows: int, reason: str) -> None:
        """Doubles the parts of a batch of `n_rows` rows.

        Raises: RunError where one row alone does not fit.
        """
        if self.parts >= n_rows:
            raise RunError(
                f"one row at a time does not fit in memory ({reason}); expected room for the net "
                "and a row: take a smaller net or smaller pictures"
            )
        self.parts *= 2
        self.say(
            f"out of memory with {-(-n_rows * 2 // self.parts)} rows at once; goes on with "
            f"{-(-n_rows // self.parts)}, {self.parts} times for each batch"
        )
        if self.path is not None:
            known = files.read_json(self.path) if self.path.is_file() else {}
            files.write_json(self.path, {**known, self.key: self.parts})


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch raises where a device, or the machine, has no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in text or "CUBLAS_STATUS_ALLOC_FAILED" in text
    )
