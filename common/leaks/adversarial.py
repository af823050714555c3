"""Adversarial validation: can a classifier tell the rows of test from those of train?

Where it can, the score at home is one of other data than the test set's. Some of that is by design:
folds by time or by cycle differ from what trains them, too, and are meant to differ as the test set
does. So a test set that differs is told only for what does not also tell the folds apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from common.leaks.findings import NOTE, WARNING, Finding, counted
from common.leaks.sides import Split

if TYPE_CHECKING:
    from common.pipeline import Pipeline

CHECK = "train against test"
CHANCE, THRESHOLD = 0.5, 0.6  # areas under the curve (AUC); what is below the second is not told,
SURE = 3.5  # nor what is not so many standard errors above chance
MOST_ROWS = 2_000  # of each side that are compared
LEAST_ROWS = 5
SMALL = 500  # rows of a side from which on one pass is exact enough
NAMED = 3  # traits that are named


class Effort(NamedTuple):
    """How exactly an area is measured: boosted trees, parts of the cross-validation, passes."""

    trees: int
    parts: int
    passes: int


FULL, ONCE, QUICK = Effort(30, 5, 3), Effort(30, 5, 1), Effort(15, 2, 1)


@dataclass(frozen=True)
class Area:
    """How well rows of two kinds can be told apart.

    Args:
        auc: of rows that were not trained on, 0.5 for not at all, 1 for always.
        error: its standard error where nothing can be told.
    """

    auc: float
    error: float

    @property
    def is_sure(self) -> bool:
        """Whether the area is more than chance gives."""
        return self.auc - SURE * self.error > CHANCE

    @property
    def is_told(self) -> bool:
        return self.is_sure and self.auc > THRESHOLD

    def __str__(self) -> str:
        return f"AUC {self.auc:.2f} ± {self.error:.2f}"


def adversarial_findings(
    pipeline: Pipeline,
    train: pd.DataFrame,
    test: pd.DataFrame,
    splits: Sequence[Split],
    seed: int,
) -> list[Finding]:
    """Whether train and test differ, how surely, and by which traits. One finding."""
    if min(len(train), len(test)) < LEAST_ROWS:
        text = f"not compared: {counted(len(test), 'test row')}; {LEAST_ROWS} are needed"
        return [Finding(NOTE, CHECK, text)]
    rows = [_drawn(len(table), seed + part) for part, table in enumerate((train, test))]
    traits = pipeline.traits(*(own.iloc[at] for own, at in zip((train, test), rows, strict=True)))
    if traits.empty:
        return [Finding(NOTE, CHECK, "not compared: the items have no traits")]
    is_test = np.repeat([False, True], [len(at) for at in rows])
    whole = area(traits, is_test, seed)
    facts: dict[str, Any] = {"auc": asdict(whole), "threshold": THRESHOLD, "traits": [*traits]}
    if not whole.is_told:
        return [Finding(NOTE, CHECK, f"cannot surely be told apart, {whole}", facts)]
    of_train = _Folds(traits[~is_test], rows[0], splits, seed)
    lawful = [name for name in map(str, traits) if of_train.are_told_by([name])]
    others = traits[[name for name in map(str, traits) if name not in lawful]]
    rest, of_folds = area(others, is_test, seed), of_train.most(list(map(str, others)))
    facts |= {
        "traits_that_differ_between_folds": lawful,
        "auc_of_others": asdict(rest),
        "folds_auc_of_others": asdict(of_folds),
    }
    if not rest.is_told or rest.auc <= of_folds.auc + rest.error:
        text = f"differ as the folds differ from what trains them, {whole}: by design"
        return [Finding(NOTE, CHECK, text, facts)]
    ranked = _ranked(others, is_test, seed)
    facts["by_trait"] = {name: own.auc for name, own in ranked}
    telling = [name for name, own in ranked if own.is_sure] or [ranked[0][0]]
    text = (
        f"train and test differ, {rest}, most in "
        f"{'; '.join(_told(others[name], is_test) for name in telling[:NAMED])}; the score out of "
        "fold may not hold for the test set"
    )
    return [Finding(WARNING, CHECK, text, facts)]


def area(traits: pd.DataFrame, second: np.ndarray, seed: int, effort: Effort = FULL) -> Area:
    """How well rows of two kinds can be told apart: by boosted trees that have not seen them, or,
    where that is sure and more, by the one trait whose order tells most. The trees see everything,
    the order needs few rows.

    Args:
        traits: numbers and categories, a row each.
        second: the rows of the second kind, bool (n_rows,).
        effort: less than FULL for many questions.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    n_second = int(second.sum())
    n_first = len(second) - n_second
    fewest = min(n_first, n_second)
    if fewest < 2 or not len(traits.columns):
        return Area(CHANCE, CHANCE)
    areas = []
    values, trees = _matrix(traits), _trees(traits, fewest, seed, effort.trees)
    for number in range(effort.passes if fewest < SMALL else 1):
        parts = StratifiedKFold(min(effort.parts, fewest), shuffle=True, random_state=seed + number)
        scores = np.empty(len(second))
        for known, asked in parts.split(values, second):
            scores[asked] = trees.fit(values[known], second[known]).predict_proba(values[asked])[
                :, 1
            ]
        areas.append(roc_auc_score(second, scores))
    error = math.sqrt((n_first + n_second + 1) / (12 * n_first * n_second))
    by_trees, by_order = Area(float(np.mean(areas)), error), _by_order(values, second, error)
    return max(by_trees, by_order, key=lambda own: own.auc) if by_order.is_sure else by_trees


def _by_order(values: np.ndarray, second: np.ndarray, error: float) -> Area:
    """The largest area of one trait's order, either way round, less what the largest of so many
    is above one of them by chance."""
    ranks = pd.DataFrame(values).rank(na_option="top").to_numpy()
    n_second = int(second.sum())
    sums = ranks[second].sum(axis=0) - n_second * (n_second + 1) / 2
    most = float(np.abs(sums / (n_second * (len(second) - n_second)) - CHANCE).max())
    normal = NormalDist()
    chosen = normal.inv_cdf(1 - normal.cdf(-SURE) / (2 * values.shape[1]))
    return Area(CHANCE + most - (chosen - SURE) * error, error)


def _trees(traits: pd.DataFrame, fewest: int, seed: int, n: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=n,
        learning_rate=0.2,
        max_leaf_nodes=8,
        min_samples_leaf=max(2, min(20, fewest // 4)),
        early_stopping=False,
        categorical_features=_categories(traits),
        random_state=seed,
    )


class _Folds:
    """The same question between what a fold trains on and what it validates."""

    def __init__(
        self, traits: pd.DataFrame, rows: np.ndarray, splits: Sequence[Split], seed: int
    ) -> None:
        self.traits, self.seed = traits, seed
        self.sides = [(np.isin(rows, split.train), np.isin(rows, split.valid)) for split in splits]

    def are_told_by(self, names: list[str]) -> bool:
        """Whether these traits alone surely tell a fold apart."""
        return any(own.is_told for own in self._areas(names, QUICK))

    def most(self, names: list[str]) -> Area:
        """The largest area of a fold."""
        return max(self._areas(names, ONCE), key=lambda own: own.auc, default=Area(CHANCE, CHANCE))

    def _areas(self, names: list[str], effort: Effort) -> Iterator[Area]:
        table = self.traits[names]
        for train, valid in self.sides:
            either = train | valid
            yield area(table[either], valid[either], self.seed, effort)


def _ranked(traits: pd.DataFrame, is_test: np.ndarray, seed: int) -> list[tuple[str, Area]]:
    """Each trait with the area that it has alone, the largest first."""
    alone = {str(name): area(traits[[name]], is_test, seed, QUICK) for name in traits}
    return sorted(alone.items(), key=lambda one: -one[1].auc)


def _told(trait: pd.Series, is_test: np.ndarray) -> str:
    """A trait with its median in train and in test; of categories the one that grew most."""
    train, test = trait[~is_test], trait[is_test]
    if isinstance(trait.dtype, pd.CategoricalDtype):
        known, asked = (side.value_counts(normalize=True).fillna(0) for side in (train, test))
        most = int((asked - known.reindex(asked.index)).to_numpy().argmax())
        name = asked.index[most]
        return f"{trait.name} ({name}: train {known[name]:.0%}, test {asked.iloc[most]:.0%})"
    middles = (train.median(), test.median())
    if middles[0] == middles[1]:
        middles = (train.mean(), test.mean())
    return f"{trait.name} (train {middles[0]:.4g}, test {middles[1]:.4g})"


def _drawn(n_rows: int, seed: int) -> np.ndarray:
    """Positions in order, MOST_ROWS of them at most."""
    if n_rows <= MOST_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).permutation(n_rows)[:MOST_ROWS])


def _matrix(traits: pd.DataFrame) -> np.ndarray:
    """Numbers, and codes for categories, float64 (n_rows, n_traits)."""
    values = np.empty(traits.shape)
    for place, is_category in enumerate(_categories(traits)):
        column = traits.iloc[:, place]
        values[:, place] = column.cat.codes if is_category else column
        if is_category:
            values[values[:, place] < 0, place] = np.nan  # missing
    values[~np.isfinite(values)] = np.nan
    return values


def _categories(traits: pd.DataFrame) -> list[bool]:
    return [isinstance(kind, pd.CategoricalDtype) for kind in traits.dtypes]
