"""The samples with the highest loss: where the model is most wrong, or the label is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from common.report.evidence import ClassAnswers, Evidence
from common.report.markup import Html, join, paragraph, table, tag
from common.report.page import Section
from common.report.pictures import image

TITLE = "Highest losses"
MOST_SHOWN = 24


@dataclass(frozen=True)
class Miss:
    """A sample, its truth and its prediction, as texts, and the sample as a picture."""

    name: str
    truth: str
    of_truth: str
    predicted: str
    of_predicted: str
    loss: str
    picture: np.ndarray | None


def highest_losses(evidence: Evidence) -> Section | None:
    """The samples with the highest loss; None where there are no answers with classes."""
    if evidence.answers is None:
        return None
    if not evidence.answers.are_probabilities:
        sentence = "The predictions of a sample do not add up to 1, so they have no loss."
        return Section("losses", TITLE, paragraph(sentence))
    misses = _misses(evidence, evidence.answers)
    intro = paragraph(
        "The loss is -log of the probability that the model gave to the true class. Look here for "
        "wrong labels first."
    )
    drawn = _gallery(misses) if any(miss.picture is not None for miss in misses) else _list(misses)
    return Section("losses", TITLE, join([intro, drawn]))


def _misses(evidence: Evidence, answers: ClassAnswers) -> list[Miss]:
    """The highest losses first; of equal ones the first row."""
    losses, predicted = answers.loss, answers.predicted
    order = np.argsort(-losses, kind="stable")[:MOST_SHOWN]
    rows = pd.Index(evidence.items["sample"].astype(str))
    place = rows.get_indexer(pd.Index(answers.samples[order].astype(str)))
    return [
        Miss(
            name=_name(answers, row),
            truth=answers.names[answers.truth[row]],
            of_truth=_shown(answers.probabilities[row, answers.truth[row]]),
            predicted=answers.names[predicted[row]],
            of_predicted=_shown(answers.probabilities[row, predicted[row]]),
            loss=f"{losses[row]:.3f}",
            picture=None if item < 0 else evidence.pipeline.picture(evidence.items.iloc[item]),
        )
        for row, item in zip(order.tolist(), place.tolist(), strict=True)
    ]


def _shown(probability: float) -> str:
    """A probability with three decimals; a very small one by its power of ten."""
    return f"{probability:.3f}" if probability >= 0.001 else f"{probability:.0e}"


def _name(answers: ClassAnswers, row: int) -> str:
    """The id, and the sample where it has a name of its own."""
    name, sample = str(answers.ids[row]), str(answers.samples[row])
    return name if name == sample else f"{name} (sample {sample})"


def _gallery(misses: list[Miss]) -> Html:
    return tag("ul", *map(_card, misses), class_="pictures")


def _card(miss: Miss) -> Html:
    if miss.picture is None:
        seen = tag("div", "no picture", class_="blank")
    else:
        alt = f"Sample {miss.name}: truth {miss.truth}, predicted {miss.predicted}"
        seen = image(miss.picture, alt)
    look = {"class_": "off"} if miss.predicted != miss.truth else {}
    lines = (
        tag("span", miss.name, class_="id"),
        tag("span", "truth ", tag("strong", miss.truth), f" p\u00a0{miss.of_truth}"),
        tag(
            "span",
            "predicted ",
            tag("strong", miss.predicted, **look),
            f" p\u00a0{miss.of_predicted}",
        ),
        tag("span", f"loss {miss.loss}"),
    )
    return tag("li", tag("figure", seen, tag("figcaption", *lines)))


def _list(misses: list[Miss]) -> Html:
    header = ("id", "truth", "its probability", "predicted", "its probability", "loss")
    rows = [
        (miss.name, miss.truth, miss.of_truth, miss.predicted, miss.of_predicted, miss.loss)
        for miss in misses
    ]
    return table(header, rows, numbers=(2, 4, 5))
