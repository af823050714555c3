"""A picture of probabilities per sample, kept on disk: masks of a large test set never have to fit
in memory."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common import files
from common.collect.base import check_unique, load_arrays, positions_of, save_arrays, save_table
from common.errors import DataError, RunError


@dataclass(frozen=True)
class MapStack:
    """Maps of some samples.

    Args:
        samples: (N,), text, each once.
        values: uint8 (N, C, h, w), probability × 255; memory-mapped.
    """

    samples: np.ndarray
    values: np.ndarray

    def select(self, samples: Sequence[str] | np.ndarray) -> MapStack:
        """The maps of some samples, in that order (read into memory)."""
        rows = positions_of(self.samples, samples)
        return MapStack(self.samples[rows], self.values[rows])

    def save(self, folder: Path, stem: str, index: pd.DataFrame) -> list[Path]:
        """Writes `<stem>.parquet`, the index, `<stem>_maps.npy`, map by map, and
        `<stem>_maps.npz`, the maps' samples."""
        target = folder / f"{stem}_maps.npy"
        with files.replacing(target) as beside:
            stored = np.lib.format.open_memmap(
                beside, mode="w+", dtype=np.uint8, shape=self.values.shape
            )
            with beside.open("r+b") as room:
                files.take_room(room, beside.stat().st_size, target)
            for row in range(len(self.values)):
                stored[row] = self.values[row]
            stored.flush()
        names = save_arrays(folder / f"{stem}_maps.npz", {"samples": self.samples})
        return [save_table(folder / f"{stem}.parquet", index), target, names]

    @classmethod
    def load(cls, folder: Path, stem: str) -> MapStack:
        """What `save` wrote; the maps stay on disk."""
        samples = load_arrays(folder / f"{stem}_maps.npz")["samples"]
        path = folder / f"{stem}_maps.npy"
        try:
            values = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"{path} cannot be read ({error}); it was cut or edited") from None
        return cls(samples, values)

    @classmethod
    def concat(cls, parts: Sequence[MapStack]) -> MapStack:
        """The parts one after the other; no sample may stand in two."""
        samples = np.concatenate([part.samples for part in parts])
        check_unique(samples)
        return cls(samples, np.concatenate([part.values for part in parts]))

    @classmethod
    def mean(cls, parts: Sequence[MapStack]) -> MapStack:
        """The mean of several models' maps of the same samples, rounded to whole steps."""
        first = parts[0]
        mean = np.empty(first.values.shape, dtype=np.uint8)
        orders = [positions_of(part.samples, first.samples) for part in parts]
        for row in range(len(first.samples)):
            stack = [part.values[order[row]] for part, order in zip(parts, orders, strict=True)]
            mean[row] = np.rint(np.mean(stack, axis=0))
        return cls(first.samples, mean)


class Maps:
    """Collects maps straight into a file that nobody else can open, and that ends with the process.

    Args:
        folder: where there is room for the file.
        n_samples: how many maps will come.
        shape: (C, h, w) of one map.
    """

    def __init__(self, folder: Path, n_samples: int, shape: tuple[int, int, int]) -> None:
        files.make_folder(folder)
        self.shape = shape
        with tempfile.TemporaryFile(dir=folder) as room:
            size = (max(1, n_samples), *shape)
            files.take_room(room, math.prod(size), folder)
            self._room = np.memmap(room, mode="w+", dtype=np.uint8, shape=size)
        self._values: np.ndarray = self._room[:n_samples]
        self._samples: list[str] = []

    def add(self, samples: np.ndarray, outputs: np.ndarray) -> None:
        """Takes probabilities in [0, 1], (N, C, h, w)."""
        start = len(self._samples)
        if np.shape(outputs) != (len(samples), *self.shape):
            raise DataError(
                f"the model gives maps of shape {np.shape(outputs)}; expected "
                f"{(len(samples), *self.shape)}"
            )
        steps = np.rint(np.asarray(outputs) * 255)
        if not ((steps >= 0) & (steps <= 255)).all():
            raise DataError(
                f"the model gives maps from {np.min(outputs):.5g} to {np.max(outputs):.5g}; "
                "expected probabilities from 0 to 1: apply the activation first"
            )
        self._values[start : start + len(samples)] = steps
        self._samples.extend(str(sample) for sample in samples)

    def finish(self) -> MapStack:
        """All maps, in the order in which they were added."""
        self._room.flush()
        samples = np.array(self._samples, dtype=str)
        check_unique(samples)
        if len(samples) != len(self._values):
            raise RunError(f"{len(samples)} maps were predicted; expected {len(self._values)}")
        return MapStack(samples, self._values)
