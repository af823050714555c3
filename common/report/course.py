"""How the training went: curves per epoch, the rate that was found, the schedule per step."""

from __future__ import annotations

import math

from common.report import charts
from common.report.evidence import Evidence
from common.report.markup import Html, columns, figure, join, note, paragraph, table
from common.report.numbers import alike
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
    starred = any(best_epoch(evidence, rows) for rows in histories.values())
    star = f" A star marks a fold's best {metric.name}." if starred else ""
    body = [
        charts.legend([*histories]),
        columns(*panels, width="third"),
        note(f"A dot marks the epoch whose weights were kept: {which}.{star}"),
        _ends(evidence),
    ]
    return Section("curves", "Learning curves", join(body))


def _ends(evidence: Evidence) -> Html:
    """Where each fold ended: the numbers of the epoch that was kept, and the best score."""
    metric, histories = evidence.pipeline.spec.metric, evidence.histories
    kept = [_row_of(rows, kept_epoch(evidence, rows)) for rows in histories.values()]
    best = [_row_of(rows, best_epoch(evidence, rows)) for rows in histories.values()]
    columns = {
        "epoch": [f"{row['epoch']:.0f}" for row in kept],
        "training loss": _column(kept, "train_loss"),
        "loss held out": _column(kept, "valid_loss"),
        metric.name: _column(kept, metric.name),
        f"best {metric.name}": _column(best, metric.name),
        "in epoch": [f"{row['epoch']:.0f}" if row else "" for row in best],
        "seconds": [_seconds(rows) for rows in histories.values()],
    }
    known = {name: cells for name, cells in columns.items() if any(cells)}
    rows = zip(histories, *known.values(), strict=True)
    return table(("", *known), rows, numbers=range(1, len(known) + 1))


def _column(rows: list[EpochRow], name: str) -> list[str]:
    """A number of each row with one count of decimals; "" where there is none."""
    values = [row[name] for row in rows if _is_known(row, name)]
    shown = iter(alike(values))
    return [next(shown) if _is_known(row, name) else "" for row in rows]


def _seconds(rows: list[EpochRow]) -> str:
    """What all epochs took; "" where nobody measured."""
    measured = [row["seconds"] for row in rows if _is_known(row, "seconds")]
    return f"{sum(measured):,.0f}" if measured else ""


def _row_of(rows: list[EpochRow], epoch: int) -> EpochRow:
    """The row of an epoch; an empty one where there is none."""
    return next((row for row in rows if row["epoch"] == epoch), {})


def _panel(evidence: Evidence, column: str, title: str, *, loss: bool) -> Html | None:
    """One chart; None where no fold has such numbers."""
    lines = [
        (name, [(row["epoch"], row[column]) for row in rows if _is_known(row, column)])
        for name, rows in evidence.histories.items()
    ]
    if not any(points for _, points in lines):
        return None
    kept = [kept_epoch(evidence, rows) for rows in evidence.histories.values()]
    best = [0 if loss else best_epoch(evidence, rows) for rows in evidence.histories.values()]
    last = ", ".join(f"{name} {points[-1][1]:.4g}" for name, points in lines if points)
    return figure(
        charts.curves(lines, kept, best, loss=loss, label=f"{title}; at the end: {last}"), title
    )


def _is_known(row: EpochRow, column: str) -> bool:
    """False for a number that is missing or not finite."""
    return math.isfinite(row.get(column, math.nan))


def kept_epoch(evidence: Evidence, rows: list[EpochRow]) -> int:
    """The epoch whose weights a fold ended with, as the training loop picks it."""
    best = best_epoch(evidence, rows) if _keep(evidence) == "best" else 0
    return best or int(rows[-1]["epoch"])


def best_epoch(evidence: Evidence, rows: list[EpochRow]) -> int:
    """The first epoch with the best score; 0 where there is none."""
    metric = evidence.pipeline.spec.metric
    epoch, best = 0, None
    for row in rows:
        score = row.get(metric.name)
        if score is not None and metric.is_better(score, best):
            epoch, best = int(row["epoch"]), score
    return epoch


def _keep(evidence: Evidence) -> str:
    """The setting of the training loop; a pipeline without that loop ends with its last epoch."""
    return str(getattr(evidence.pipeline.settings, "keep", "last"))


def rate_finder(evidence: Evidence) -> Section | None:
    """The sweep over learning rates and what it chose; None where none was asked for."""
    curve = evidence.rate_curve
    if curve is None:
        return None
    chart = charts.sweep(curve.rates, curve.losses, curve.choice)
    said = (
        f"The rate found is {curve.choice:.3g}: the middle of the longest stretch in which the "
        f"loss falls. Its {len(curve.rates)} steps, each at a higher rate, were made on the "
        "training rows of the first fold and undone; every fold trains with this rate."
    )
    body = columns(figure(chart, "Loss at each rate, smoothed"), paragraph(said))
    return Section("rate", "Learning-rate finder", body)


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
