"""Adversarial validation: can a classifier tell the rows of test from those of train?

Where it can, the score at home is one of other data than the test set's. Some of that is by design:
folds by time or by cycle differ from what trains them, too, and are meant to differ as the test set
does. So a test set that differs is told only for what does not also tell the folds apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from common.leaks.findings import NOTE, WARNING, Finding, counted
from common.leaks.sides import Split

if TYPE_CHECKING:
    from common.pipeline import Pipeline

CHECK = "train against test"
THRESHOLD = 0.6  # an area under the curve (AUC) that is surely above this is told; 0.5 is chance
SURE = 3.0  # standard errors
MOST_ROWS = 2_000  # of each side that are compared
LEAST_ROWS = 5
PARTS = 5  # of the cross-validation
SMALL, REPEATS = 500, 3  # rows of a side below which the cross-validation is repeated
NAMED = 3  # traits that are named


@dataclass(frozen=True)
class Area:
    """How well rows of two kinds can be told apart.

    Args:
        auc: cross-validated, 0.5 for not at all, 1 for always.
        error: its standard error where nothing can be told.
    """

    auc: float
    error: float

    @property
    def low(self) -> float:
        """What the area surely is above."""
        return self.auc - SURE * self.error

    @property
    def is_told(self) -> bool:
        return self.low > THRESHOLD


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
    facts: dict[str, Any] = {"auc": _facts(whole), "threshold": THRESHOLD, "traits": [*traits]}
    if not whole.is_told:
        text = f"cannot surely be told apart, {_shown(whole)}"
        return [Finding(NOTE, CHECK, text, facts)]
    of_train = _Folds(traits[~is_test], rows[0], splits, seed)
    lawful = [name for name in traits if of_train.are_told_by([name])]
    others = traits.drop(columns=lawful)
    facts["traits_that_differ_between_folds"] = lawful
    rest = area(others, is_test, seed) if len(others.columns) else None
    of_folds = of_train.most([*others]) if rest is not None and rest.is_told else None
    if rest is None or of_folds is None or rest.low <= of_folds.auc:
        facts["folds_auc"] = _facts(of_folds)
        text = f"differ as the folds differ from what trains them, {_shown(whole)}: by design"
        return [Finding(NOTE, CHECK, text, facts)]
    ranked = _ranked(others, is_test, seed)
    facts |= {"auc_beyond_folds": _facts(rest), "folds_auc": _facts(of_folds), "by_trait": ranked}
    text = (
        f"train and test differ, {_shown(rest)}, most in "
        f"{'; '.join(_told(others[name], is_test) for name, _ in ranked[:NAMED])}; the score out of "
        "fold may not hold for the test set"
    )
    return [Finding(WARNING, CHECK, text, facts)]


def area(traits: pd.DataFrame, second: np.ndarray, seed: int, *, quick: bool = False) -> Area:
    """How well boosted trees tell rows apart that they have not seen.

    Args:
        traits: numbers and categories, a row each.
        second: the rows of the second kind, bool (n_rows,).
        quick: less exactly, for many questions.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    n_second = int(second.sum())
    n_first = len(second) - n_second
    fewest = min(n_first, n_second)
    if fewest < 2:
        return Area(0.5, 0.5)
    areas = []
    values, trees = _matrix(traits), _trees(traits, fewest, seed, n=15 if quick else 60)
    n_parts = min(2 if quick else PARTS, fewest)
    for repeat in range(REPEATS if fewest < SMALL and not quick else 1):
        parts = StratifiedKFold(n_parts, shuffle=True, random_state=seed + repeat)
        scores = np.empty(len(second))
        for known, asked in parts.split(values, second):
            scores[asked] = trees.fit(values[known], second[known]).predict_proba(values[asked])[:, 1]
        areas.append(roc_auc_score(second, scores))
    error = math.sqrt((n_first + n_second + 1) / (12 * n_first * n_second))
    return Area(float(np.mean(areas)), error)


def _trees(traits: pd.DataFrame, fewest: int, seed: int, n: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=n,
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
        self.sides = [
            (np.isin(rows, split.train), np.isin(rows, split.valid)) for split in splits
        ]

    def are_told_by(self, names: list[str]) -> bool:
        """Whether these traits alone surely tell a fold apart."""
        return any(own.is_told for own in self._areas(names, quick=True))

    def most(self, names: list[str]) -> Area:
        """The largest area of a fold."""
        return max(self._areas(names), key=lambda own: own.auc, default=Area(0.5, 0.5))

    def _areas(self, names: list[str], *, quick: bool = False) -> Iterator[Area]:
        table = self.traits[names]
        for train, valid in self.sides:
            either = train | valid
            yield area(table[either], valid[either], self.seed, quick=quick)


def _ranked(traits: pd.DataFrame, is_test: np.ndarray, seed: int) -> list[tuple[str, float]]:
    """Each trait with the area that it has alone, the largest first."""
    alone = {
        str(name): area(traits[[name]], is_test, seed, quick=True).auc
        for name in traits
    }
    return sorted(alone.items(), key=lambda one: -one[1])


def _told(trait: pd.Series, is_test: np.ndarray) -> str:
    """A trait with its median in train and in test; of categories the one that grew most."""
    train, test = trait[~is_test], trait[is_test]
    if isinstance(trait.dtype, pd.CategoricalDtype):
        shares = [side.value_counts(normalize=True) for side in (train, test)]
        most = (shares[1] - shares[0]).idxmax()
        return f"{trait.name} ({most}: train {shares[0][most]:.0%}, test {shares[1][most]:.0%})"
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
    columns = [
        own.cat.codes.replace(-1, np.nan) if is_category else own
        for is_category, (_, own) in zip(_categories(traits), traits.items(), strict=True)
    ]
    values = np.column_stack([own.to_numpy(np.float64) for own in columns])
    values[~np.isfinite(values)] = np.nan
    return values


def _categories(traits: pd.DataFrame) -> list[bool]:
    return [isinstance(kind, pd.CategoricalDtype) for kind in traits.dtypes]


def _facts(own: Area | None) -> dict[str, float] | None:
    return None if own is None else {**asdict(own), "low": own.low}


def _shown(own: Area) -> str:
    return f"AUC {own.auc:.2f}, surely {max(0.5, own.low):.2f} or more"
