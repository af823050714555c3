"""How the training went: curves per epoch, the schedule per step."""

from __future__ import annotations

import math

from common.report import charts
from common.report.evidence import Evidence
from common.report.markup import Html, columns, figure, join, note, paragraph
from common.report.page import Section
from common.train.history import EpochRow


def learning_curves(evidence: Evidence) -> Section | None:
    """Losses and metric per epoch, one line per fold; None for a blend, which trains nothing."""
    if evidence.is_blend:
        return None
    histories, metric = evidence.histories, evidence.pipeline.spec.metric
    if not histories:
        sentence = "This pipeline trains without epochs, so there are no learning curves."
        return Section("curves", "Learning curves", paragraph(sentence))
    panels = [
        _panel(evidence, "train_loss", "Loss on the training rows", loss=True),
        _panel(evidence, "valid_loss", "Loss on the fold held out", loss=True),
        _panel(evidence, metric.name, f"{metric.name} on the fold held out", loss=False),
    ]
    which = "the last" if _keep(evidence) == "last" else "the one with the best score on its fold"
    body = [
        charts.legend([*histories]),
        columns(*panels, width="third"),
        note(f"A dot marks the epoch whose weights were kept: {which}."),
    ]
    return Section("curves", "Learning curves", join(body))


def _panel(evidence: Evidence, column: str, title: str, *, loss: bool) -> Html | None:
    """One chart; None where no fold has such numbers."""
    lines = [
        (name, [(row["epoch"], row[column]) for row in rows if _is_known(row, column)])
        for name, rows in evidence.histories.items()
    ]
    if not any(points for _, points in lines):
        return None
    kept = [kept_epoch(evidence, rows) for rows in evidence.histories.values()]
    last = ", ".join(f"{name} {points[-1][1]:.4g}" for name, points in lines if points)
    return figure(
        charts.curves(lines, kept, loss=loss, label=f"{title}; at the end: {last}"), title
    )


def _is_known(row: EpochRow, column: str) -> bool:
    """False for a number that is missing or not finite."""
    return math.isfinite(row.get(column, math.nan))


def kept_epoch(evidence: Evidence, rows: list[EpochRow]) -> int:
    """The epoch whose weights a fold ended with, as the training loop picks it."""
    metric = evidence.pipeline.spec.metric
    kept, best = rows[-1], None
    if _keep(evidence) == "best":
        for row in rows:
            score = row.get(metric.name)
            if score is not None and metric.is_better(score, best):
                kept, best = row, score
    return int(kept["epoch"])


def _keep(evidence: Evidence) -> str:
    """The setting of the training loop; a pipeline without that loop ends with its last epoch."""
    return str(getattr(evidence.pipeline.settings, "keep", "last"))


def schedule(evidence: Evidence) -> Section | None:
    """The learning rate and the momentum of every step; None where there are no steps."""
    if not evidence.steps:
        return None
    panels = [
        figure(charts.schedule(points, label=f"{title} per step"), title)
        for title, column in (("Learning rate", "lr"), ("Momentum", "momentum"))
        if (points := _steps(evidence, column))
    ]
    count = f"{len(evidence.steps):,} steps"
    body = [columns(*panels), note(f"{count} of the first fold; all folds share the schedule.")]
    return Section("schedule", "Learning rate and momentum", join(body))


def _steps(evidence: Evidence, column: str) -> charts.Points:
    return [(row["step"], row[column]) for row in evidence.steps if _is_known(row, column)]
