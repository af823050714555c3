"""The head of the page: what was run, on which data."""

from __future__ import annotations

from common.report.evidence import Evidence
from common.report.markup import Html, join, tag


def title(evidence: Evidence) -> str:
    """The title of the window."""
    facts = evidence.facts
    return f"{evidence.pipeline.spec.title}: {facts['pipeline']}, {facts['preset']}"


def head(evidence: Evidence) -> Html:
    """The heading and the facts; above them a badge where the data are synthetic."""
    spec, facts = evidence.pipeline.spec, evidence.facts
    shown = {
        "Pipeline": facts["pipeline"],
        "Preset": facts["preset"],
        "Seed": facts["seed"],
        "Training rows": f"{len(evidence.folds):,}",
        "Data": evidence.data_called,
    }
    terms = join(tag("div", tag("dt", name), tag("dd", value)) for name, value in shown.items())
    return tag(
        "header",
        _badge() if evidence.is_synthetic else None,
        tag("p", f"Run report · {spec.kind}", class_="eyebrow"),
        tag("h1", spec.title),
        tag("dl", terms, class_="facts"),
    )


def _badge() -> Html:
    return tag(
        "p",
        tag("strong", "synthetic data"),
        "The scores on this page say that the code works. They say nothing about the competition.",
        class_="badge",
        role="note",
    )
