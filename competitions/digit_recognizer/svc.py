"""A support vector machine as arrays: trained by scikit-learn, kept and read without pickles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.collect import Columns, Dense, load_arrays, save_arrays

ARRAYS = "svc.npz"
ROWS_AT_ONCE = 1024


@dataclass
class SvcFold:
    """One fold's machine.

    Args:
        vectors: the support vectors, (n_vectors, n_features), in [0, 1] for pixels.
        coefficients: of the pairs, (n_classes - 1, n_vectors), as libsvm lays them out.
        intercepts: one per pair of classes.
        n_vectors: of each class.
        gamma: width of the kernel exp(-gamma · distance²).
        known: the classes that were trained on, as positions in `names`.
        names: of the prediction columns, one per class of the competition.
    """

    vectors: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    n_vectors: np.ndarray
    gamma: float
    known: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls, images: Iterable[np.ndarray], labels: pd.Series, names: tuple[str, ...], settings: Any
    ) -> SvcFold:
        """Trains on pictures of one size."""
        from sklearn.svm import SVC

        known = {name: position for position, name in enumerate(names)}
        targets = np.array([known[f"p_{label}"] for label in labels])
        machine = SVC(C=settings.cost, kernel="rbf", gamma="scale")
        machine.fit(_features(images), targets)
        sign = -1.0 if len(machine.classes_) == 2 else 1.0  # scikit-learn turns a single pair round
        return cls(
            vectors=machine.support_vectors_,
            coefficients=sign * machine.dual_coef_,
            intercepts=sign * machine.intercept_,
            n_vectors=machine.n_support_,
            gamma=float(machine._gamma),
            known=machine.classes_,
            names=names,
        )

    def predict(self, items: pd.DataFrame) -> Dense:
        """The share of pairs that each class wins; a class's most possible wins make 1."""
        collector = Columns(self.names)
        for start in range(0, len(items), ROWS_AT_ONCE):
            part = items.iloc[start : start + ROWS_AT_ONCE]
            votes = np.zeros((len(part), len(self.names)))
            votes[:, self.known] = self._votes(_features(part["image"]))
            collector.add(part["sample"].to_numpy(), votes / max(1, len(self.known) - 1))
        return collector.finish()

    def _votes(self, features: np.ndarray) -> np.ndarray:
        """How many pairs each class wins, (n_rows, n_known)."""
        kernel = self._kernel(features)
        ends = np.cumsum(self.n_vectors)
        of_class = [slice(end - n, end) for end, n in zip(ends, self.n_vectors, strict=True)]
        votes = np.zeros((len(features), len(self.n_vectors)), dtype=np.int64)
        for pair, (first, second) in enumerate(combinations(range(len(self.n_vectors)), 2)):
            value = self.intercepts[pair] + (
                kernel[:, of_class[first]] @ self.coefficients[second - 1, of_class[first]]
                + kernel[:, of_class[second]] @ self.coefficients[first, of_class[second]]
            )
            votes[:, first] += value > 0
            votes[:, second] += value <= 0
        return votes

    def _kernel(self, features: np.ndarray) -> np.ndarray:
        squares = (features**2).sum(1)[:, None] + (self.vectors**2).sum(1)[None, :]
        distances = squares - 2 * features @ self.vectors.T
        kernel: np.ndarray = np.exp(-self.gamma * np.maximum(distances, 0))
        return kernel

    def save(self, folder: Path) -> None:
        """Writes the arrays."""
        arrays = {
            "vectors": self.vectors,
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "n_vectors": self.n_vectors,
            "gamma": np.array(self.gamma),
            "known": self.known,
        }
        save_arrays(folder / ARRAYS, arrays)

    @classmethod
    def load(cls, folder: Path, names: tuple[str, ...]) -> SvcFold:
        """The machine that `save` wrote."""
        arrays = load_arrays(folder / ARRAYS)
        gamma = float(arrays.pop("gamma"))
        return cls(**arrays, gamma=gamma, names=names)


def _features(images: Iterable[np.ndarray]) -> np.ndarray:
    """Pictures as rows of float64; pixels of 0–255 as 0–1."""
    stacked = np.stack([image.ravel() for image in images])
    return stacked / 255.0 if stacked.dtype == np.uint8 else stacked.astype(np.float64)
