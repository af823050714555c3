"""Items that are equal or look equal: across the splits of train, and between train and test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from common.duplicates import Duplicates, grouped_positions, joined_groups
from common.leaks.findings import LEAK, LISTED, NOTE, SHOWN, WARNING, Finding, counted
from common.leaks.sides import Split, crossings

if TYPE_CHECKING:
    from common.pipeline import Pipeline

CHECK = "duplicates"


def duplicate_findings(
    pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame, splits: Sequence[Split]
) -> list[Finding]:
    """Duplicates across a split are a leak, those that stay in one fold are a note; those of test
    items in train, and those with different targets, are warnings."""
    found = pipeline.duplicates(train, test)
    if not found.compared:
        text = "not looked for: the columns have so few values that rows are equal by chance"
        return [Finding(NOTE, CHECK, text)]
    groups = _Groups(found, train, test)
    return [
        *groups.across_splits(splits),
        *groups.in_train_and_test(),
        *groups.with_other_targets([*pipeline.spec.submission.target_columns]),
    ]


class _Groups:
    """The groups of equal items, by their positions through train and test."""

    def __init__(self, found: Duplicates, train: pd.DataFrame, test: pd.DataFrame) -> None:
        self.train, self.n_train = train, len(train)
        self.samples = [*train["sample"], *test["sample"]]
        self.codes = found.groups()
        self.members = grouped_positions(self.codes)
        self.exactly = joined_groups(found.n, found.exact)

    def across_splits(self, splits: Sequence[Split]) -> list[Finding]:
        within = [group for group in map(self._of_train, self.members) if len(group) > 1]
        crossed = crossings(self._codes_of(within), splits)
        leaks = {one.code for one in crossed}
        whole = [group for group in within if group[0] not in leaks]
        found = []
        if crossed:
            first = crossed[0]
            found.append(
                Finding(
                    LEAK,
                    CHECK,
                    f"{self._told([group for group in within if group[0] in leaks])} on both sides "
                    f"of a split, such as {self.samples[first.trains]}, which trains fold "
                    f"{first.fold}, and {self.samples[first.validates]}, which it validates; give "
                    "items() a column `group` that is the same for both, and let folds() keep it "
                    "whole",
                    self._facts([group for group in within if group[0] in leaks]),
                )
            )
        if whole:
            text = f"{self._told(whole)} of train, each within one fold"
            found.append(Finding(NOTE, CHECK, text, self._facts(whole)))
        return found

    def in_train_and_test(self) -> list[Finding]:
        both = [group for group in self.members if group[0] < self.n_train <= group[-1]]
        asked = [one for group in both for one in group if one >= self.n_train]
        if not both:
            return []
        known, first = both[0][0], next(one for one in both[0] if one >= self.n_train)
        n_test = len(self.samples) - self.n_train
        equal = {int(self.exactly[one]) for one in range(self.n_train)}
        n_exact = sum(int(self.exactly[one]) in equal for one in asked)
        text = (
            f"{len(asked):,} of {counted(n_test, 'test item')} "
            f"{'is' if len(asked) == 1 else 'are'} in train, too "
            f"({n_exact:,} equal, {len(asked) - n_exact:,} nearly so), such as "
            f"{self.samples[first]}, which is {self.samples[known]} in train; the test score will "
            "flatter"
        )
        return [Finding(WARNING, f"{CHECK} in train and test", text, self._facts(both))]

    def with_other_targets(self, targets: list[str]) -> list[Finding]:
        within = [group for group in map(self._of_train, self.members) if len(group) > 1]
        labels = {one: self._label(one, targets) for group in within for one in group}
        apart = [group for group in within if len({labels[one] for one in group}) > 1]
        if not apart:
            return []
        shown = "; ".join(
            ", ".join(f"{self.samples[one]} is {labels[one]}" for one in group[:SHOWN])
            for group in apart[:SHOWN]
        )
        text = (
            f"{counted(len(apart), 'group')} of equal items with different targets: {shown}"
            f"{' and more' if len(apart) > SHOWN else ''}; look at them, or leave them out"
        )
        return [Finding(WARNING, "targets", text, self._facts(apart))]

    def _of_train(self, group: list[int]) -> list[int]:
        return [one for one in group if one < self.n_train]

    def _codes_of(self, groups: Sequence[Sequence[int]]) -> np.ndarray:
        """A code per row of train, the group's first position; -1 for rows without a group."""
        codes = np.full(self.n_train, -1, dtype=np.int64)
        for group in groups:
            codes[list(group)] = group[0]
        return codes

    def _label(self, row: int, targets: list[str]) -> str:
        return ", ".join(str(self.train[name].iloc[row]) for name in targets)

    def _told(self, groups: Sequence[Sequence[int]]) -> str:
        """How many groups there are, of how many items, and how alike those are."""
        n_exact = sum(len({int(self.exactly[one]) for one in group}) == 1 for group in groups)
        return (
            f"{counted(len(groups), 'group')} of {sum(map(len, groups)):,} equal items "
            f"({n_exact:,} equal, {len(groups) - n_exact:,} nearly so)"
        )

    def _facts(self, groups: Sequence[Sequence[int]]) -> dict[str, Any]:
        named = [[str(self.samples[one]) for one in group] for group in groups[:LISTED]]
        return {"groups": named, "n_found": len(groups)}
