"""Gradient boosting: trained by scikit-learn, kept as arrays, a fold's model over item columns.

model = fit_trees(features, target, settings, seed)      # Trees
fold = BoostedFold.fit(train, columns, target, names, settings, seed)
fold.predict(items); fold.save(folder); BoostedFold.load(folder, columns, names)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.collect import Columns, Dense
from common.errors import DataError
from common.settings import Settings
from common.trees import LINKS, NO_CHILD, NO_SET, Trees, joined, places_among

ARRAYS = "trees.npz"
LINK_OF = {
    "squared_error": "identity",
    "absolute_error": "identity",
    "poisson": "log",
    "gamma": "log",
    "log_loss": "softmax",
}
MOST_CATEGORIES = 255  # of a column, as scikit-learn bins them


@dataclass(frozen=True)
class BoostingSettings(Settings):
    """Settings of the boosting.

    Args:
        loss: "squared_error", "absolute_error", "poisson", "gamma", or "log_loss" for classes.
        trees: rounds; fixed in advance, there is no early stopping.
        learning_rate: the share of a tree's answer that is added.
        leaves: at most, in a tree.
        smallest_leaf: rows in a leaf, at least.
        l2: the penalty on the values of leaves.
        feature_share: of the columns that a split may choose from.
        bins: of a column, at most 255.
    """

    loss: str = "squared_error"
    trees: int = 300
    learning_rate: float = 0.05
    leaves: int = 31
    smallest_leaf: int = 20
    l2: float = 0.0
    feature_share: float = 1.0
    bins: int = 255

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.loss in LINK_OF, "loss", " or ".join(LINK_OF))
        self.require(self.trees >= 1, "trees", "at least 1")
        self.require(0 < self.learning_rate <= 1, "learning_rate", "above 0, at most 1")
        self.require(self.leaves >= 2, "leaves", "at least 2")
        self.require(self.smallest_leaf >= 1, "smallest_leaf", "at least 1")
        self.require(self.l2 >= 0, "l2", "0 or more")
        self.require(0 < self.feature_share <= 1, "feature_share", "a share above 0, at most 1")
        self.require(2 <= self.bins <= 255, "bins", "2 to 255")


@dataclass
class BoostedFold:
    """One fold's trees over columns of the items.

    Args:
        columns: of the items, in the order in which the trees were trained on them.
        names: of the prediction columns.
    """

    trees: Trees
    columns: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        train: pd.DataFrame,
        columns: Sequence[str],
        target: np.ndarray,
        names: tuple[str, ...],
        settings: BoostingSettings,
        seed: int,
        *,
        categorical: Sequence[str] = (),
        weights: np.ndarray | None = None,
    ) -> BoostedFold:
        """Trains on some items; `categorical` names those of `columns` that hold categories."""
        features = _table(train, columns)
        which = np.array([name in set(categorical) for name in columns])
        trees = fit_trees(features, target, settings, seed, categorical=which, weights=weights)
        return cls(trees, tuple(columns), names)

    def predict(self, items: pd.DataFrame) -> Dense:
        """The predictions of some items, one row each."""
        collector = Columns(self.names)
        if len(items):
            values = self.trees.predict(_table(items, self.columns))
            collector.add(items["sample"].to_numpy(), values)
        return collector.finish()

    def save(self, folder: Path) -> None:
        """Writes the trees."""
        self.trees.save(folder / ARRAYS)

    @classmethod
    def load(cls, folder: Path, columns: Sequence[str], names: tuple[str, ...]) -> BoostedFold:
        """The model that `save` wrote."""
        return cls(Trees.load(folder / ARRAYS), tuple(columns), names)


def fit_trees(
    features: np.ndarray,
    target: np.ndarray,
    settings: BoostingSettings,
    seed: int,
    *,
    categorical: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Trees:
    """Trees for numbers, or for classes where the loss is "log_loss".

    Args:
        features: (n_rows, n_features), any numbers; nan for a missing value.
        target: (n_rows,); classes as whole numbers from 0 without gaps.
        categorical: the columns that hold categories, bool (n_features,): numbers without an
            order, at most 255 different ones. One that was not trained on counts as missing.
        weights: of the rows, (n_rows,).

    Raises: DataError for no rows, a target that is not finite, or too many categories.
    """
    if len(features) == 0 or not np.isfinite(target).all():
        raise DataError(
            f"{len(features)} rows train the trees, {int((~np.isfinite(target)).sum())} of them "
            "without a finite target; expected some rows, each with one"
        )
    n_features = features.shape[1]
    which = np.zeros(n_features, dtype=bool) if categorical is None else categorical
    known = [_known(features[:, k], k) if which[k] else np.empty(0) for k in range(n_features)]
    coded = np.array(features, dtype=np.float64)
    for column in np.flatnonzero(which):
        coded[:, column] = places_among(known[column], coded[:, column])
    machine = _estimator(settings, which, seed).fit(coded, target, sample_weight=weights)
    # scikit-learn puts the categorical columns first before it grows the trees
    order = np.concatenate([np.flatnonzero(which), np.flatnonzero(~which)])
    return _as_arrays(machine, settings.loss, order, which, known)


def _known(column: np.ndarray, position: int) -> np.ndarray:
    known = np.unique(column[~np.isnan(column)])
    if len(known) > MOST_CATEGORIES:
        raise DataError(
            f"column {position} of the features holds {len(known)} categories; expected at most "
            f"{MOST_CATEGORIES}: leave it a number, or put rare ones together"
        )
    return known


def _estimator(settings: BoostingSettings, which: np.ndarray, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    classes = settings.loss == "log_loss"
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(
        loss=settings.loss,
        max_iter=settings.trees,
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.smallest_leaf,
        l2_regularization=settings.l2,
        max_features=settings.feature_share,
        max_bins=settings.bins,
        categorical_features=which if which.any() else None,
        early_stopping=False,
        random_state=seed,
    )


def _as_arrays(
    machine: Any, loss: str, order: np.ndarray, which: np.ndarray, known: list[np.ndarray]
) -> Trees:
    """The trees of a trained estimator.

    Args:
        order: the column that stands at each place of those that scikit-learn saw.
    """
    grown = [tree for of_round in machine._predictors for tree in of_round]
    nodes = np.concatenate([tree.nodes for tree in grown])
    lengths = np.array([len(tree.nodes) for tree in grown])
    roots = np.cumsum(lengths) - lengths
    set_counts = np.array([len(tree.raw_left_cat_bitsets) for tree in grown])
    first_node = np.repeat(roots, lengths)
    first_set = np.repeat(np.cumsum(set_counts) - set_counts, lengths)
    is_leaf, by_set = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    sets = [tree.raw_left_cat_bitsets.reshape(-1, 8) for tree in grown]
    link = LINK_OF[loss]
    if link == "softmax" and machine.n_trees_per_iteration_ == 1:
        link = "logit"
    return Trees(
        roots=roots.astype(np.int64),
        feature=order[nodes["feature_idx"]].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(is_leaf, NO_CHILD, nodes["left"] + first_node).astype(np.int64),
        right=np.where(is_leaf, NO_CHILD, nodes["right"] + first_node).astype(np.int64),
        value=nodes["value"].astype(np.float64),
        chosen=np.where(by_set, nodes["bitset_idx"] + first_set, NO_SET).astype(np.int64),
        sets=np.concatenate([np.empty((0, 8), np.uint32), *sets]),
        baseline=np.asarray(machine._baseline_prediction, np.float64).reshape(-1),
        categories=joined(known, np.float64),
        category_ends=np.cumsum([len(values) for values in known]),
        categorical=which,
        link=np.array(LINKS.index(link)),
    )


def _table(items: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Some columns of the items, float64 (n_rows, n_columns).

    Raises: DataError for a column that the items do not have.
    """
    missing = [name for name in columns if name not in items]
    if missing:
        raise DataError(f"the items have no column {missing[0]!r}; the trees were trained on it")
    return items[list(columns)].to_numpy(dtype=np.float64)
