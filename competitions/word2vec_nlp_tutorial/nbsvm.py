"""A linear model on n-grams that naive Bayes has weighted, kept as one array of weights.

Presence of an n-gram times its log-count ratio, then regularised logistic regression.

Source: Wang and Manning, "Baselines and Bigrams", https://aclanthology.org/P12-2018/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from common.collect import Columns, Dense, load_arrays, save_arrays
from common.settings import Settings

ARRAYS = "nbsvm.npz"
MOST_STEPS = 200  # of the solver; it ends before


@dataclass(frozen=True)
class NbSvmSettings(Settings):
    """Settings of the linear model.

    Args:
        longest: words in a row, 1 to 3.
        least: training reviews that hold an n-gram, at least.
        cost: the C of scikit-learn's logistic regression.
    """

    longest: int = 3
    least: int = 2
    cost: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(1 <= self.longest <= 3, "longest", "1 to 3")
        self.require(self.least >= 1, "least", "at least 1")
        self.require(self.cost > 0, "cost", "a number above 0")


@dataclass
class NbSvmFold:
    """One fold's weights.

    Args:
        weights: of the known n-grams, float32 (n_features,); 0 for those that the fold's training
            rows do not hold often enough.
        bias: of every review.
        name: of the prediction column.
    """

    weights: np.ndarray
    bias: float
    name: str

    @classmethod
    def fit(
        cls,
        features: Iterable[np.ndarray],
        labels: np.ndarray,
        n_features: int,
        *,
        cost: float,
        least: int,
        name: str,
    ) -> NbSvmFold:
        """Trains on reviews as positions of n-grams, and on labels of 0 and 1."""
        from sklearn.linear_model import LogisticRegression

        presence = _matrix(features, n_features)
        often = np.flatnonzero(np.bincount(presence.indices, minlength=n_features) >= least)
        weights = np.zeros(n_features, dtype=np.float32)
        if not len(often):  # reviews of a word or two that nothing else repeats
            return cls(weights, float(np.log(labels.sum() / (1 - labels).sum())), name)
        known = presence[:, often]
        ratios = log_count_ratios(known, labels)
        known.data = ratios[known.indices]
        model = LogisticRegression(C=cost, tol=1e-4, max_iter=MOST_STEPS)
        model.fit(known, labels)
        weights[often] = model.coef_[0] * ratios
        return cls(weights, float(model.intercept_[0]), name)

    def predict(self, items: pd.DataFrame) -> Dense:
        """The probability that each review is a good one. A review without a known n-gram has that
        of the bias."""
        collector = Columns((self.name,))
        if items.empty:
            return collector.finish()
        logits = _matrix(items["features"], len(self.weights)) @ self.weights + self.bias
        # in 64 bits, and by tanh, which no large logit overflows: equal ones would be ties
        chances = 0.5 + 0.5 * np.tanh(0.5 * logits.astype(np.float64))
        collector.add(items["sample"].to_numpy(), chances[:, None])
        return collector.finish()

    def save(self, folder: Path) -> None:
        """Writes the arrays."""
        save_arrays(folder / ARRAYS, {"weights": self.weights, "bias": np.array(self.bias)})

    @classmethod
    def load(cls, folder: Path, name: str) -> NbSvmFold:
        """What `save` wrote."""
        arrays = load_arrays(folder / ARRAYS)
        return cls(arrays["weights"], float(arrays["bias"]), name)


def log_count_ratios(presence: csr_matrix, labels: np.ndarray) -> np.ndarray:
    """How much more often good reviews hold each n-gram than bad ones, as a logarithm,
    float32 (n_features,); one is added to every count.

    Args:
        presence: (n_reviews, n_features).
        labels: 0 or 1, (n_reviews,).
    """
    counts = [
        np.bincount(presence[labels == label].indices, minlength=presence.shape[1])
        for label in (0, 1)
    ]
    of_bad, of_good = ((1 + n) / (1 + (labels == k).sum()) for k, n in enumerate(counts))
    ratios: np.ndarray = np.log(of_good / of_bad).astype(np.float32)
    return ratios


def _matrix(features: Iterable[np.ndarray], n_features: int) -> csr_matrix:
    """Presence as float32 (n_reviews, n_features)."""
    rows = list(features)
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
    ones = np.ones(len(columns), dtype=np.float32)
    return csr_matrix((ones, columns, ends), shape=(len(rows), n_features))
