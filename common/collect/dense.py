"""A row of numbers per sample."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.collect.base import check_unique, load_table, positions_of, save_table
from common.errors import DataError


@dataclass(frozen=True)
class Dense:
    """A row of numbers per sample.

    Args:
        samples: (N,), text, each once.
        values: (N, n_columns), float32 (probabilities, or numbers in the target's unit).
        names: of the columns.
    """

    samples: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]

    def select(self, samples: Sequence[str] | np.ndarray) -> Dense:
        """The rows of some samples, in that order."""
        rows = positions_of(self.samples, samples)
        return Dense(self.samples[rows], self.values[rows], self.names)

    def save(self, folder: Path, stem: str, index: pd.DataFrame) -> list[Path]:
        """Writes `<stem>.parquet`: the index and the values, one row per sample of the index."""
        values = self.select(index["sample"].to_numpy()).values
        columns = pd.DataFrame(values, columns=list(self.names))
        frame = pd.concat([index.reset_index(drop=True), columns], axis=1)
        return [save_table(folder / f"{stem}.parquet", frame)]

    @classmethod
    def load(cls, folder: Path, stem: str, index: Collection[str]) -> Dense:
        """What `save` wrote; `index` names the columns that are no predictions.

        Raises: RunError where the file is missing or cut.
        """
        frame = load_table(folder / f"{stem}.parquet")
        names = [name for name in frame if name not in index]
        values = frame[names].to_numpy(dtype=np.float32)
        return cls(frame["sample"].to_numpy(dtype=str), values, tuple(map(str, names)))

    @classmethod
    def concat(cls, parts: Sequence[Dense]) -> Dense:
        """The parts one after the other; no sample may stand in two."""
        samples = np.concatenate([part.samples for part in parts])
        check_unique(samples)
        return cls(samples, np.concatenate([part.values for part in parts]), parts[0].names)

    @classmethod
    def mean(cls, parts: Sequence[Dense]) -> Dense:
        """The mean of several models' predictions of the same samples."""
        first = parts[0]
        values = np.mean([part.select(first.samples).values for part in parts], axis=0)
        return cls(first.samples, values.astype(np.float32), first.names)


class Columns:
    """Collects a row of numbers per sample."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._samples: list[np.ndarray] = []
        self._values: list[np.ndarray] = []

    def add(self, samples: np.ndarray, outputs: np.ndarray) -> None:
        """Takes outputs (N, n_columns), or (N,) for one column."""
        values = np.asarray(outputs, dtype=np.float32)
        if len(values) != len(samples):
            raise DataError(
                f"the model gives {len(values)} rows for {len(samples)} samples; expected one each"
            )
        values = values.reshape(len(values), values.size // max(1, len(values)))
        if values.shape[1] != len(self.names):
            raise DataError(
                f"the model gives {values.shape[1]} columns; expected {len(self.names)}: "
                f"{', '.join(self.names[:5])}"
            )
        self._samples.append(np.asarray(samples, dtype=str))
        self._values.append(values)

    def finish(self) -> Dense:
        """All rows, in the order in which they were added."""
        if not self._samples:
            empty = np.empty((0, len(self.names)), dtype=np.float32)
            return Dense(np.empty(0, dtype=str), empty, self.names)
        samples = np.concatenate(self._samples)
        check_unique(samples)
        return Dense(samples, np.concatenate(self._values), self.names)
