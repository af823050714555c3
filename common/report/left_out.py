"""What the run's budget of time did not hold."""

from __future__ import annotations

from common.report.evidence import Evidence
from common.report.markup import join, paragraph, tag
from common.report.page import Section


def left_out(evidence: Evidence) -> Section | None:
    """What was left out, a line each; None for a run that was trained to its end."""
    if not evidence.left_out:
        return None
    body = [
        paragraph(
            "The time that this run was given did not hold all of it. Scores and predictions come "
            "from what was trained; --resume goes on with the rest."
        ),
        tag("ul", *(tag("li", line) for line in evidence.left_out)),
    ]
    return Section("left-out", "Left out", join(body))
