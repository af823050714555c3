"""Boosted trees as plain arrays: what predicts, with numpy alone and without pickles.

`common.boosting` makes them from scikit-learn's histogram boosting; a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from common.collect import load_arrays, save_arrays
from common.errors import DataError, RunError

LINKS = ("identity", "log", "logit", "softmax")
ROWS_AT_ONCE = 65_536  # a block's features stay in the cache of the processor
NO_CHILD = -1
NO_SET = -1
WORD = 32  # bits of a word of a set of categories


@dataclass(frozen=True)
class Trees:
    """Trees one after another, their nodes in one array for each property.

    A row goes left where its value is at most the threshold, or where its category stands in the
    node's set; nan, and a category that was not trained on, go where `missing_left` says.

    Args:
        roots: the first node of each tree, (n_trees,); tree t adds to output t % n_outputs.
        feature: the column that a node asks for, (n_nodes,).
        threshold: (n_nodes,), float64.
        missing_left: (n_nodes,), bool.
        left, right: the nodes below, (n_nodes,); -1 for a leaf.
        value: what a leaf adds, (n_nodes,), float64.
        chosen: the node's row in `sets`, (n_nodes,); -1 where a node compares numbers.
        sets: categories that go left, (n_sets, 8) words of 32 bits.
        baseline: what every row begins with, (n_outputs,).
        categories: the values of all categorical columns, each column's in rising order.
        category_ends: where each column's values end in `categories`, (n_features,).
        categorical: the columns that hold categories, (n_features,), bool.
        link: the place in LINKS of what turns sums into predictions.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    chosen: np.ndarray
    sets: np.ndarray
    baseline: np.ndarray
    categories: np.ndarray
    category_ends: np.ndarray
    categorical: np.ndarray
    link: np.ndarray

    @property
    def n_features(self) -> int:
        """The number of columns that the trees were trained on."""
        return len(self.categorical)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The predictions of some rows, float64 (n_rows, n_outputs): numbers, or a probability for
        each class.

        Args:
            features: (n_rows, n_features); nan for a missing value.

        Raises: DataError for another number of columns.
        """
        sums: np.ndarray = self.sums(features)
        link = LINKS[int(self.link)]
        if link == "log":
            numbers: np.ndarray = np.exp(sums)
            return numbers
        if link == "logit":
            positive = 1 / (1 + np.exp(-sums))
            return np.hstack([1 - positive, positive])
        if link == "softmax":
            shares: np.ndarray = np.exp(sums - sums.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            return shares
        return sums

    def sums(self, features: np.ndarray) -> np.ndarray:
        """The sums of the leaves before the link, float64 (n_rows, n_outputs).

        Raises: DataError for another number of columns.
        """
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise DataError(
                f"the features have the shape {features.shape}; the trees were trained on "
                f"{self.n_features} columns: make the features as they were made in training"
            )
        sums = np.tile(self.baseline, (len(features), 1))
        for start in range(0, len(features), ROWS_AT_ONCE):
            block = features[start : start + ROWS_AT_ONCE]
            columns = self.coded(np.ascontiguousarray(block.T, dtype=np.float64))
            self._add(columns, sums[start : start + ROWS_AT_ONCE])
        return sums

    def coded(self, columns: np.ndarray) -> np.ndarray:
        """Columns (n_features, n_rows) with categories as their places among those that were
        trained on; nan for any other."""
        coded = columns.copy() if self.categorical.any() else columns
        for column in np.flatnonzero(self.categorical):
            start = self.category_ends[column - 1] if column else 0
            known = self.categories[start : self.category_ends[column]]
            coded[column] = places_among(known, columns[column])
        return coded

    def _add(self, columns: np.ndarray, sums: np.ndarray) -> None:
        """Adds every tree's leaves to the sums of a block, tree by tree as scikit-learn does."""
        n_outputs, everyone = len(self.baseline), np.arange(columns.shape[1])
        has_missing = np.isnan(columns).any(axis=1)
        for tree, root in enumerate(self.roots.tolist()):
            leaves = np.empty(columns.shape[1])
            below = [(root, everyone)]
            while below:
                node, rows = below.pop()
                if self.left[node] == NO_CHILD:
                    leaves[rows] = self.value[node]
                elif len(rows):
                    feature = self.feature[node]
                    goes_left = self._goes_left(node, columns[feature][rows], has_missing[feature])
                    below.append((self.left[node], rows[goes_left]))
                    below.append((self.right[node], rows[~goes_left]))
            sums[:, tree % n_outputs] += leaves

    def _goes_left(self, node: int, values: np.ndarray, may_miss: bool) -> np.ndarray:
        goes_left: np.ndarray
        missing = np.isnan(values) if may_miss else np.zeros(len(values), dtype=bool)
        if self.chosen[node] == NO_SET:
            goes_left = values <= self.threshold[node]
        else:
            codes = np.where(missing, 0, values).astype(np.int64)
            words = self.sets[self.chosen[node]][codes // WORD]
            goes_left = (words >> (codes % WORD).astype(np.uint32)) & np.uint32(1) == 1
        if may_miss:
            goes_left = np.where(missing, self.missing_left[node], goes_left)
        return goes_left

    def save(self, path: Path) -> None:
        """Writes the arrays as .npz."""
        save_arrays(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Trees:
        """The trees that `save` wrote.

        Raises: RunError where the file is missing, cut, or holds something else.
        """
        arrays = load_arrays(path)
        if {*arrays} != {field.name for field in fields(cls)}:
            raise RunError(
                f"{path} holds {', '.join(sorted(arrays))[:80]}; expected trees: train the fold "
                "again with --resume"
            )
        return cls(**arrays)


def places_among(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The place of each value among known ones in rising order, float64; nan where it is none of
    them."""
    if len(known) == 0:
        return np.full(len(values), np.nan)
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.where(known[places] == values, places, np.nan)


def joined(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Arrays one after another; an empty one of none."""
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
