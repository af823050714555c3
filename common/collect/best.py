"""The K best samples per class: memory does not grow with the number of samples."""

from __future__ import annotations

import numpy as np

from common.collect.ragged import Ragged


class BestK:
    """Keeps, for each class, the K samples with the highest outputs.

    What it gives is Ragged with the *classes* as samples, and the columns `row` (the position at
    which a sample was added, counted from 0) and `score`, best first; equal scores keep the order
    in which they came.
    """

    def __init__(self, classes: tuple[str, ...], k: int) -> None:
        self.classes, self.k = classes, k
        self._scores = np.empty((len(classes), 0), dtype=np.float32)
        self._rows = np.empty((len(classes), 0), dtype=np.int64)
        self._n_seen = 0

    def add(self, samples: np.ndarray, outputs: np.ndarray) -> None:
        """Takes outputs (N, n_classes)."""
        scores = np.asarray(outputs, dtype=np.float32).T
        rows = np.arange(self._n_seen, self._n_seen + len(samples))
        self._n_seen += len(samples)
        all_scores = np.concatenate([self._scores, scores], axis=1)
        all_rows = np.concatenate([self._rows, np.broadcast_to(rows, scores.shape)], axis=1)
        order = np.argsort(-all_scores, axis=1, kind="stable")[:, : self.k]
        self._scores = np.take_along_axis(all_scores, order, axis=1)
        self._rows = np.take_along_axis(all_rows, order, axis=1)

    def finish(self) -> Ragged:
        """The best of everything that was added."""
        kept = self._scores.shape[1]
        values = np.stack([self._rows.astype(np.float64), self._scores], axis=2).reshape(-1, 2)
        owners = np.repeat(np.arange(len(self.classes)), kept)
        return Ragged(np.array(self.classes), values, owners, ("row", "score"))
