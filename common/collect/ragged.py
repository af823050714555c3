"""Any number of rows per sample: boxes, pairs, runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.collect.base import check_unique, load_arrays, positions_of, save_arrays, save_table
from common.errors import DataError


@dataclass(frozen=True)
class Ragged:
    """Any number of rows per sample.

    Args:
        samples: (N,), text, each once; a sample without rows stands here too.
        values: (n_rows, n_columns), float32.
        owners: (n_rows,), the position in `samples` that a row belongs to, rising.
        names: of the columns.
    """

    samples: np.ndarray
    values: np.ndarray
    owners: np.ndarray
    names: tuple[str, ...]

    def of(self, position: int) -> np.ndarray:
        """The rows of one sample, (n, n_columns)."""
        start, stop = np.searchsorted(self.owners, [position, position + 1])
        return self.values[start:stop]

    def select(self, samples: Sequence[str] | np.ndarray) -> Ragged:
        """The rows of some samples, in that order."""
        wanted = positions_of(self.samples, samples)
        parts = [self.of(position) for position in wanted]
        return _ragged(self.samples[wanted], parts, self.names)

    def save(self, folder: Path, stem: str, index: pd.DataFrame) -> list[Path]:
        """Writes `<stem>.parquet`, the index, and `<stem>_rows.npz`: samples, values, owners,
        names."""
        arrays = {
            "samples": self.samples,
            "values": self.values,
            "owners": self.owners,
            "names": np.array(self.names),
        }
        rows = save_arrays(folder / f"{stem}_rows.npz", arrays)
        return [save_table(folder / f"{stem}.parquet", index), rows]

    @classmethod
    def load(cls, folder: Path, stem: str) -> Ragged:
        """What `save` wrote."""
        arrays = load_arrays(folder / f"{stem}_rows.npz")
        names = tuple(arrays["names"].tolist())
        return cls(arrays["samples"], arrays["values"], arrays["owners"], names)

    @classmethod
    def concat(cls, parts: Sequence[Ragged]) -> Ragged:
        """The parts one after the other; no sample may stand in two."""
        samples = np.concatenate([part.samples for part in parts])
        check_unique(samples)
        rows = [part.of(position) for part in parts for position in range(len(part.samples))]
        return _ragged(samples, rows, parts[0].names)


class Rows:
    """Collects any number of rows per sample."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._samples: list[str] = []
        self._rows: list[np.ndarray] = []

    def add(self, samples: np.ndarray, outputs: Sequence[np.ndarray]) -> None:
        """Takes one array (n, n_columns) per sample; n may be 0."""
        for sample, rows in zip(samples, outputs, strict=True):
            self._samples.append(str(sample))
            self._rows.append(self._checked(np.asarray(rows, dtype=np.float32)))

    def _checked(self, rows: np.ndarray) -> np.ndarray:
        if rows.size == 0:
            return np.empty((0, len(self.names)), dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise DataError(
                f"the model gives rows of shape {rows.shape}; expected (n, {len(self.names)}), the "
                f"columns {', '.join(self.names[:5])}"
            )
        return rows

    def finish(self) -> Ragged:
        """All rows, in the order in which they were added."""
        samples = np.array(self._samples, dtype=str)
        check_unique(samples)
        return _ragged(samples, self._rows, self.names)


def _ragged(samples: np.ndarray, rows: Sequence[np.ndarray], names: tuple[str, ...]) -> Ragged:
    values = np.concatenate(rows) if rows else np.empty((0, len(names)), dtype=np.float32)
    owners = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    return Ragged(samples, values, owners, names)
