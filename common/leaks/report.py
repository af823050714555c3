"""The report of all checks: a table of the folds, and what was found, a line each."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from common import files
from common.leaks.adversarial import adversarial_findings
from common.leaks.findings import LEAK, NOTE, WARNING, Finding, counted
from common.leaks.repeats import duplicate_findings
from common.leaks.sides import cheap_findings, splits_of
from common.leaks.sizes import FoldFacts, fold_facts, rows_without_fold, size_findings

if TYPE_CHECKING:
    from common.pipeline import Pipeline

LEVELS = (LEAK, WARNING, NOTE)
MOST_CLASSES = 10  # a column each; of more classes the table gives the number


@dataclass(frozen=True)
class LeakReport:
    """What was found about the folds of a pipeline.

    Args:
        title: what was looked at: the competition, the pipeline, the seed, the data.
        folds: sizes and classes, fold by fold.
        findings: leaks first, then warnings, then notes.
    """

    title: str
    n_train: int
    n_test: int
    folds: tuple[FoldFacts, ...]
    findings: tuple[Finding, ...]

    def of(self, level: str) -> list[Finding]:
        return [one for one in self.findings if one.level == level]

    @property
    def verdict(self) -> str:
        """What the report comes to, in a line."""
        found = [counted(len(self.of(level)), level) for level in (LEAK, WARNING) if self.of(level)]
        return ", ".join(found) or "clean: no leak and no warning"

    def lines(self) -> Iterator[str]:
        """The report for the terminal."""
        yield self.title
        yield f"{counted(self.n_train, 'train row')}, {counted(self.n_test, 'test row')}"
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            yield "  " + "  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True))
        yield from (one.line for one in self.findings)
        yield self.verdict

    def markdown(self) -> str:
        """The same as a page."""
        header, *rows = self._cells()
        ruled = [header, ["---:"] * len(header), *rows]
        table = "".join(f"| {' | '.join(row)} |\n" for row in ruled)
        found = "".join(f"- **{one.level}**: {one.check}: {one.text}\n" for one in self.findings)
        counts = f"{counted(self.n_train, 'train row')}, {counted(self.n_test, 'test row')}."
        return f"# {self.title}\n\n{counts} {self.verdict}.\n\n{table}\n{found}"

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "train_rows": self.n_train,
            "test_rows": self.n_test,
            "folds": [one.as_dict() for one in self.folds],
            "findings": [one.as_dict() for one in self.findings],
        }

    def _cells(self) -> list[list[str]]:
        """The table of the folds, its header first."""
        classes = list(self.folds[0].classes) if self.folds else []
        shown = classes if len(classes) <= MOST_CLASSES else []
        header = ["fold", "train", "validate", *shown]
        if classes and not shown:
            header.append("classes")
        has_mean = any(one.mean is not None for one in self.folds)
        header += ["mean", "std"] if has_mean else []
        rows = []
        for one in self.folds:
            row = [str(one.fold), f"{one.train:,}", f"{one.valid:,}"]
            row += [_share(one.classes[name], one.valid) for name in shown]
            if classes and not shown:
                row.append(f"{sum(n > 0 for n in one.classes.values())} of {len(classes)}")
            if has_mean:
                row += ["" if own is None else f"{own:.4g}" for own in (one.mean, one.spread)]
            rows.append(row)
        return [header, *rows]


def leak_report(
    pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame, seed: int, title: str
) -> LeakReport:
    """Every check over the items of a pipeline.

    Args:
        train: checked items with the column `fold`.
        test: checked items.
        seed: of what is drawn where there are many rows.

    Raises: DataError where a picture cannot be read.
    """
    splits = splits_of(pipeline, train)
    facts = fold_facts(pipeline, train, splits)
    checks: Sequence[Callable[[], list[Finding]]] = (
        lambda: cheap_findings(pipeline, train, test, splits),
        lambda: duplicate_findings(pipeline, train, test, splits),
        lambda: size_findings(pipeline, train, facts),
        lambda: adversarial_findings(pipeline, train, test, splits, seed),
    )
    found = [one for check in checks for one in check()]
    if n_unvalidated := rows_without_fold(train):
        text = f"{counted(n_unvalidated, 'row')} of train without a fold: they are never validated"
        found.append(Finding(NOTE, "folds", text))
    found.sort(key=lambda one: LEVELS.index(one.level))
    return LeakReport(title, len(train), len(test), tuple(facts), tuple(found))


def save_report(report: LeakReport, table: pd.DataFrame, folder: Path) -> None:
    """Writes folds.csv (sample, id, fold), leaks.json and folds.md into a folder.

    Args:
        table: of `common.opening.fold_table`.
    """
    text = io.StringIO()
    table[["sample", "id", "fold"]].to_csv(text, index=False, lineterminator="\n")
    files.write_text(folder / "folds.csv", text.getvalue())
    files.write_json(folder / "leaks.json", report.as_dict())
    files.write_text(folder / "folds.md", report.markdown())


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
