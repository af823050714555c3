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
from common.errors import DataError

ARRAYS = "svc.npz"
ROWS_AT_ONCE = 1024


@dataclass
class SvcFold:
    """One fold's machine.

    Args:
        vectors: the support vectors, (n_vectors, n_features), as `centre` and `spread` scale them.
        coefficients: of the pairs, (n_classes - 1, n_vectors), as libsvm lays them out.
        intercepts: one per pair of classes.
        n_vectors: of each class.
        gamma: width of the kernel exp(-gamma · distance²).
        centre, spread: of the features; (value - centre) / spread is what the kernel sees.
        known: the classes that were trained on, as positions in `names`.
        names: of the prediction columns, one per class of the competition.
    """

    vectors: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    n_vectors: np.ndarray
    gamma: float
    centre: np.ndarray
    spread: np.ndarray
    known: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls, images: Iterable[np.ndarray], labels: pd.Series, names: tuple[str, ...], settings: Any
    ) -> SvcFold:
        """Trains on pictures of one size, or on rows of numbers."""
        from sklearn.svm import SVC

        known = {name: position for position, name in enumerate(names)}
        targets = np.array([known[f"p_{label}"] for label in labels])
        if len(np.unique(targets)) < 2:
            raise DataError(
                f"the {len(targets)} rows that train in a fold hold one class; expected at least "
                "two: add rows, or lower folds with --set folds=2"
            )
        features = _rows(images)
        centre, spread = _scale(features, are_pictures=min(next(iter(images)).shape) > 1)
        machine = SVC(C=settings.cost, kernel="rbf", gamma="scale")
        machine.fit((features - centre) / spread, targets)
        sign = -1.0 if len(machine.classes_) == 2 else 1.0  # scikit-learn turns a single pair round
        return cls(
            vectors=machine.support_vectors_,
            coefficients=sign * machine.dual_coef_,
            intercepts=sign * machine.intercept_,
            n_vectors=machine.n_support_,
            gamma=float(machine._gamma),
            centre=centre,
            spread=spread,
            known=machine.classes_,
            names=names,
        )

    def predict(self, items: pd.DataFrame) -> Dense:
        """The share of all pairs that each class wins; the shares of a row add up to 1."""
        collector = Columns(self.names)
        n_pairs = len(self.intercepts)
        for start in range(0, len(items), ROWS_AT_ONCE):
            part = items.iloc[start : start + ROWS_AT_ONCE]
            votes = np.zeros((len(part), len(self.names)))
            votes[:, self.known] = self._votes((_rows(part["image"]) - self.centre) / self.spread)
            collector.add(part["sample"].to_numpy(), votes / n_pairs)
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
            "centre": self.centre,
            "spread": self.spread,
            "known": self.known,
        }
        save_arrays(folder / ARRAYS, arrays)

    @classmethod
    def load(cls, folder: Path, names: tuple[str, ...]) -> SvcFold:
        """The machine that `save` wrote."""
        arrays = load_arrays(folder / ARRAYS)
        gamma = float(arrays.pop("gamma"))
        return cls(**arrays, gamma=gamma, names=names)


def _rows(images: Iterable[np.ndarray]) -> np.ndarray:
    """Pictures as rows, (n_rows, n_features), as they are stored."""
    return np.stack([image.ravel() for image in images])


def _scale(features: np.ndarray, *, are_pictures: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread: pixels of 0–255 come to 0–1 all alike, other columns each to mean 0 and
    standard deviation 1."""
    if are_pictures and features.dtype == np.uint8:
        return np.array(0.0), np.array(255.0)
    spread = features.std(axis=0, dtype=np.float64)
    return features.mean(axis=0, dtype=np.float64), np.where(spread > 0, spread, 1.0)
