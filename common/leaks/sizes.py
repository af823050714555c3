"""The folds themselves: how many rows they have, and of which classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from common.folds import TRAIN_ONLY
from common.leaks.findings import WARNING, Finding, counted, named
from common.leaks.sides import Split

if TYPE_CHECKING:
    from common.pipeline import Pipeline


@dataclass(frozen=True)
class FoldFacts:
    """A fold as the table shows it.

    Args:
        train, valid: numbers of rows.
        classes: rows of each class that it validates; empty where targets are no classes.
        mean, spread: of a target that is a number, else None.
    """

    fold: int
    train: int
    valid: int
    classes: dict[str, int]
    mean: float | None = None
    spread: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in (None, {})}


def fold_facts(pipeline: Pipeline, items: pd.DataFrame, splits: Sequence[Split]) -> list[FoldFacts]:
    """Sizes, and what the first target is like, fold by fold."""
    target = _target(pipeline, items)
    classes = [] if target is None or not _is_classes(pipeline, target) else _names(target)
    facts = []
    for fold, train, valid in splits:
        own = None if target is None else target.iloc[valid]
        mean = spread = None
        counts: dict[str, int] = {}
        if own is not None and classes:
            found = Counter(own.astype(str))
            counts = {name: found.get(name, 0) for name in classes}
        elif own is not None and len(own) and pd.api.types.is_numeric_dtype(own.dtype):
            mean, spread = float(own.mean()), float(own.std(ddof=0))
        facts.append(FoldFacts(fold, len(train), len(valid), counts, mean, spread))
    return facts


def size_findings(
    pipeline: Pipeline, items: pd.DataFrame, facts: Sequence[FoldFacts]
) -> list[Finding]:
    """Folds that are missing or empty, folds of one class, classes with fewer rows than folds."""
    n_folds = pipeline.settings.folds
    found = []
    missing = sorted(set(range(n_folds)) - {one.fold for one in facts if one.valid})
    if missing:
        text = (
            f"{counted(len(missing), 'fold')} of {n_folds} "
            f"{'validates' if len(missing) == 1 else 'validate'} nothing: {named(missing)}; lower "
            "folds with --set folds=N, or let folds() spread the rows"
        )
        found.append(Finding(WARNING, "folds", text, {"found": missing}))
    untrained = [one.fold for one in facts if not one.train]
    if untrained:
        text = f"nothing trains fold {named(untrained)}; let splits() give it rows"
        found.append(Finding(WARNING, "folds", text, {"found": untrained}))
    return found + _class_findings(n_folds, items, facts)


def _class_findings(n_folds: int, items: pd.DataFrame, facts: Sequence[FoldFacts]) -> list[Finding]:
    totals: Counter[str] = Counter()
    for one in facts:
        totals.update(one.classes)
    if sum(n > 0 for n in totals.values()) < 2:
        return []
    found = []
    alone = [one for one in facts if one.valid and sum(n > 0 for n in one.classes.values()) == 1]
    if alone:
        only = next(name for name, n in alone[0].classes.items() if n)
        text = (
            f"{counted(len(alone), 'fold')} of one class only, such as fold {alone[0].fold} of "
            f"{only}; a score there tells little: let folds() stratify, or lower folds"
        )
        found.append(Finding(WARNING, "classes", text, {"found": [one.fold for one in alone]}))
    rare = {name: n for name, n in totals.items() if n < n_folds}
    if rare:
        shown = named([f"{name} ({n})" for name, n in sorted(rare.items(), key=lambda one: one[1])])
        noun = "class has" if len(rare) == 1 else "classes have"
        text = (
            f"{len(rare):,} {noun} fewer rows than there are folds ({n_folds}), so some folds "
            f"validate none: {shown}; lower folds with --set folds=N, or join classes"
        )
        found.append(Finding(WARNING, "classes", text, {"found": rare}))
    return found


def _target(pipeline: Pipeline, items: pd.DataFrame) -> pd.Series | None:
    names = [name for name in pipeline.spec.submission.target_columns if name in items]
    return items[names[0]] if len(names) == 1 else None


def _is_classes(pipeline: Pipeline, target: pd.Series) -> bool:
    """Whether a target is one of the spec's classes, or one of two values."""
    known = set(map(str, pipeline.spec.classes))
    return target.nunique() == 2 or set(target.astype(str)) <= known


def _names(target: pd.Series) -> list[str]:
    """The classes in their order: numbers by value."""
    values = list(target.unique())
    return [str(one) for one in (sorted(values) if _sortable(values) else sorted(map(str, values)))]


def _sortable(values: Sequence[object]) -> bool:
    return len({type(one) for one in values}) == 1


def rows_without_fold(items: pd.DataFrame) -> int:
    """Rows that train in every fold and are never validated."""
    return int((items["fold"] == TRAIN_ONLY).sum())
