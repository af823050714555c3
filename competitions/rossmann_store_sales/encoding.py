"""Features as a model reads them: categories as codes, numbers on one scale.

Both are learned from the training days once, and kept with the run as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import files

UNKNOWN = 0  # the code of what training never saw


@dataclass(frozen=True)
class Encoding:
    """What codes and numbers mean.

    Args:
        classes: by category, its values in rising order; the first has the code 1.
        scales: by number, the mean and the spread of what training knew of it.
    """

    classes: dict[str, list[Any]]
    scales: dict[str, tuple[float, float]]

    @classmethod
    def learned(
        cls,
        table: pd.DataFrame,
        categories: Sequence[str],
        numbers: Sequence[str],
    ) -> Encoding:
        """The encoding of a table of training days."""
        classes = {name: sorted(table[name].unique().tolist()) for name in categories}
        scales = {name: _scale(table[name].to_numpy(np.float64)) for name in numbers}
        return cls(classes, scales)

    @classmethod
    def load(cls, path: Path) -> Encoding:
        """The encoding that `save` wrote."""
        stored = files.read_json(path)
        scales = {name: tuple(scale) for name, scale in stored["scales"].items()}
        return cls(stored["classes"], scales)

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        files.write_json(path, asdict(self))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, categories first."""
        return (*self.classes, *self.scales)

    def filled(self, table: pd.DataFrame, name: str) -> np.ndarray:
        """A number's column, float64 (n_rows,), with the mean of training where it is missing."""
        values = table[name].to_numpy(np.float64)
        filled: np.ndarray = np.where(np.isnan(values), self.scales[name][0], values)
        return filled

    def encoded(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table's categories as codes, UNKNOWN for what training never saw, and its numbers as
        they are."""
        columns = {name: self._codes(name, table[name]) for name in self.classes}
        return pd.DataFrame({**columns, **{name: table[name] for name in self.scales}})

    def _codes(self, name: str, cells: pd.Series) -> np.ndarray:
        places, values = pd.factorize(cells)
        code_of = {value: code for code, value in enumerate(self.classes[name], UNKNOWN + 1)}
        codes = [code_of.get(value, UNKNOWN) for value in values.tolist()]
        return np.array(codes, dtype=np.int16)[places]

    def scaled(self, table: pd.DataFrame) -> np.ndarray:
        """The numbers on one scale, float32 (n_rows, n_numbers); the mean where one is missing."""
        found = table[list(self.scales)].to_numpy(np.float32, copy=True)
        for column, (mean, spread) in enumerate(self.scales.values()):
            found[:, column] = np.nan_to_num((found[:, column] - mean) / spread, nan=0.0)
        return found


def _scale(values: np.ndarray) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return 0.0, 1.0
    spread = float(known.std())
    return float(known.mean()), spread if spread > 0 else 1.0
