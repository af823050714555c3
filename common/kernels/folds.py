"""Fold groups as the command line names them."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UsageError


def fold_groups(texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups: ["0,1", "2"] is (("0", "1"), ("2",)); ["all"] is one model on every row.

    Raises: UsageError for what is no fold, and for a fold in two groups.
    """
    groups = tuple(
        tuple(part.strip() for part in text.split(",") if part.strip()) for text in texts
    )
    named = [fold for group in groups for fold in group]
    for text, group in zip(texts, groups, strict=True):
        if group != ("all",) and not (group and all(map(_is_number, group))):
            raise UsageError(f"--folds is {text!r}; expected numbers such as 0,1, or all")
    twice = sorted({fold for fold in named if named.count(fold) > 1})
    if twice:
        raise UsageError(f"fold {twice[0]} is named twice; expected every fold in one group")
    if "all" in named and len(named) > 1:
        raise UsageError("--folds all is one model on every row; expected no other group beside it")
    return groups


def check_fold_numbers(groups: Sequence[Sequence[str]], n_folds: int) -> None:
    """Raises UsageError for a fold that settings with so many folds do not have."""
    for fold in (fold for group in groups for fold in group if fold != "all"):
        if int(fold) >= n_folds:
            raise UsageError(
                f"no fold {fold!r}; there are 0 to {n_folds - 1}, or all: --set folds=N for more"
            )


def folds_needed(groups: Sequence[Sequence[str]]) -> int:
    """How many folds there must be for all that are named; 0 where none is."""
    return max((int(fold) + 1 for group in groups for fold in group if fold != "all"), default=0)


def _is_number(text: str) -> bool:
    """True for a fold as it is counted: 0, 1, 10, and not 01."""
    return text.isascii() and text.isdecimal() and str(int(text)) == text
