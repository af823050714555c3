"""The score, and its place on the ladder."""

from __future__ import annotations

from typing import Any

from common.report import charts
from common.report.evidence import Evidence
from common.report.markup import Html, columns, figure, join, note, paragraph, table, tag
from common.report.numbers import alike, counted
from common.report.page import Section

NO_SCORE = "Nothing was held out, so there is no score."
OURS = "this run"


def score(evidence: Evidence) -> Section:
    """The pooled score with all its digits, the interval, and the score of each fold."""
    found = evidence.scores
    if found is None:
        return Section("score", "Score", paragraph(NO_SCORE))
    between = found["interval"]
    numbers = [entry["score"] for entry in found["folds"]]
    shown = alike([*numbers, found["pooled"], between["low"], between["high"]])
    sentence = (
        f"A test set of {counted(between['n_test'], 'row')} should score {shown[-2]} to "
        f"{shown[-1]}: the 90 % interval."
    )
    names = [f"fold {entry['fold']}" for entry in found["folds"]]
    rows = [
        (name, f"{entry['rows']:,}", text)
        for name, entry, text in zip(names, found["folds"], shown, strict=False)
    ]
    rows.append(("pooled", f"{found['rows']:,}", shown[len(numbers)]))
    drawn = charts.fold_scores(
        list(zip(names, numbers, strict=True)), found["pooled"], between["low"], between["high"]
    )
    body = [
        _headline(found),
        paragraph(sentence, " ", _epoch(evidence)),
        columns(
            figure(drawn, f"{found['metric']}, out of fold"),
            table(("", "rows", found["metric"]), rows, numbers=(1, 2)),
        ),
    ]
    return Section("score", "Score", join(body))


def _headline(found: dict[str, Any]) -> Html:
    """The pooled score, digit for digit as scores.json has it."""
    digits = repr(float(found["pooled"]))
    direction = "higher" if found["higher_is_better"] else "lower"
    return tag(
        "p",
        tag("data", digits, id="pooled-score", value=digits),
        f"{found['metric']}, out of fold, over {counted(found['rows'], 'row')}; ",
        f"{direction} is better",
        class_="score",
    )


def _epoch(evidence: Evidence) -> str:
    """How the reported epoch was picked; nothing where there are no epochs."""
    if not evidence.histories or evidence.scores is None:
        return ""
    if evidence.scores["epoch"] == "fixed in advance":
        return "The reported epoch was fixed in advance."
    return (
        f"The reported epoch was {evidence.scores['epoch']}, so the score is a little too "
        "favourable."
    )


def place(evidence: Evidence) -> Section | None:
    """The rungs and this run, sorted; None where there are no rungs or no score."""
    found = evidence.scores
    if found is None or not found["rungs"]:
        return None
    sign = -1 if found["higher_is_better"] else 1
    ours = {"name": OURS, "score": found["pooled"], "source": ""}
    # the sort keeps the order of equals: this run stands before a rung that it has reached
    ordered = sorted([ours, *found["rungs"]], key=lambda rung: sign * rung["score"])
    shown = alike(rung["score"] for rung in ordered)
    marks = [(rung["name"], text, rung["score"]) for rung, text in zip(ordered, shown, strict=True)]
    position = next(place for place, rung in enumerate(ordered) if rung is ours)
    mark = marks.pop(position)
    rows: list[tuple[str, ...]] = [
        (rung["name"], text, rung["source"]) for rung, text in zip(ordered, shown, strict=True)
    ]
    rows[position] = (tag("strong", mark[0]), tag("strong", mark[1]), "")
    body = [
        paragraph(found["place"]),
        columns(
            figure(
                charts.ladder(marks, mark, position),
                f"{found['metric']}, the best on top, evenly spaced",
            ),
            table(("", found["metric"], "where the score comes from"), rows, numbers=(1,)),
        ),
        _whose_rungs(evidence),
    ]
    return Section("ladder", "Place on the ladder", join(body))


def _whose_rungs(evidence: Evidence) -> Html | None:
    if evidence.fixture is None:
        return None
    return note("These rungs belong to the data of this run, not to the competition's leaderboard.")
