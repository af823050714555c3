"""What all predictions and collectors have in common."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from common import files
from common.errors import DataError, RunError

Part = TypeVar("Part", bound="Predictions")


class Predictions(Protocol):
    """Predictions of some samples."""

    @property
    def samples(self) -> np.ndarray:
        """The samples' names, (N,), text, each once."""

    def select(self: Part, samples: Sequence[str] | np.ndarray) -> Part:
        """The predictions of some samples, in that order."""

    def save(self, folder: Path, stem: str, index: pd.DataFrame) -> list[Path]:
        """Writes `<stem>.parquet`, one row per sample as in `index`, and whatever does not fit
        into a table beside it, under names that begin with `stem`; gives the files."""


class Collector(Protocol):
    """Gathers the outputs of batches."""

    def add(self, samples: np.ndarray, outputs: Any) -> None:
        """Takes the outputs of one batch, one per sample."""

    def finish(self) -> Predictions:
        """Everything that was added."""


def positions_of(samples: np.ndarray, wanted: Sequence[str] | np.ndarray) -> np.ndarray:
    """Where some samples stand.

    Raises: RunError for a sample that has no prediction.
    """
    position = {sample: row for row, sample in enumerate(samples.tolist())}
    try:
        return np.array([position[str(sample)] for sample in wanted], dtype=np.int64)
    except KeyError as error:
        raise RunError(f"sample {error.args[0]!r} has no prediction; predict it again") from None


def check_unique(samples: np.ndarray) -> None:
    """Raises DataError where a sample stands twice."""
    names, counts = np.unique(samples, return_counts=True)
    twice = np.flatnonzero(counts > 1)
    if len(twice):
        raise DataError(
            f"sample {str(names[twice[0]])!r} was predicted {counts[twice[0]]} times; expected "
            "every sample once: the column `sample` of items() must be unique"
        )


def save_table(path: Path, frame: pd.DataFrame) -> Path:
    """Writes a frame as parquet, whole or not at all."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return files.write_bytes(path, buffer.getvalue())


def load_table(path: Path) -> pd.DataFrame:
    """The frame that `save_table` wrote.

    Raises: RunError where the file is missing or cut.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # Arrow's errors are of these
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} cannot be read ({reason}); it was cut or edited") from None


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Writes arrays as `.npz` without pickles, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return files.write_bytes(path, buffer.getvalue())


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays in a `.npz`; pickles are refused.

    Raises: RunError where the file is missing or cut.
    """
    try:
        # opened here, because numpy leaves a file open that it cannot read
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise RunError(f"{path} is missing; train the fold again with --resume") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read ({error}); it was cut or edited") from None
