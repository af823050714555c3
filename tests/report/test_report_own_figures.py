"""A pipeline's own charts stand in the report, between what every run has and how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.figures import Case, Figure, Gallery
from common.report import write_report

MakeRun = Callable[..., Any]
ReadPage = Callable[[Path], Any]


def test_figures_of_the_pipeline_are_drawn_in_the_colours_of_the_page(
    make_run: MakeRun, read_page: ReadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, items, run = make_run()
    given: list[Any] = []

    def figures(self: Any, *seen: Any) -> list[Figure]:
        given.extend(seen)
        return [Figure("tides", "Tides", "High & low water", lambda axes: axes.plot([1, 3, 2]))]

    monkeypatch.setattr(type(pipeline), "figures", figures)
    written = write_report(pipeline, items, run)
    page = read_page(written)
    order = list(page.sections)
    assert order.index("tides") == order.index("settings") - 1
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert "High & low water" in labels
    svg = written.read_text(encoding="utf-8").split('id="tides"', 1)[1].split("</svg>", 1)[0]
    assert "var(--c0)" in svg
    assert given[0] is items
    assert isinstance(given[1], pd.DataFrame)
    assert given[2].path == run.path


def test_a_gallery_shows_its_pictures_beside_each_other_with_what_they_show(
    make_run: MakeRun, read_page: ReadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, items, run = make_run()
    grey, red = np.full((4, 6), 90, np.uint8), np.zeros((4, 6, 3), np.uint8)
    cases = (Case("a<1>", {"picture": grey, "prediction": red}, ("Dice 0.25",)), Case("b", {}))
    gallery = Gallery("worst", "Worst cases", "Look at these first.", cases)
    monkeypatch.setattr(type(pipeline), "figures", lambda *given: [gallery])
    part = read_page(write_report(pipeline, items, run)).sections["worst"]
    assert part.alts == ["a<1>: picture", "a<1>: prediction"]
    for text in ("Look at these first.", "a<1>", "Dice 0.25", "prediction", "b"):
        assert text in part.text


def test_a_pipeline_without_figures_adds_no_section(make_run: MakeRun, read_page: ReadPage) -> None:
    sections = list(read_page(write_report(*make_run())).sections)
    assert sections[-2:] == ["settings", "commands"]


def test_a_question_with_one_class_has_no_matrix(make_run: MakeRun, read_page: ReadPage) -> None:
    pipeline, items, run = make_run()
    pipeline.spec = replace(pipeline.spec, classes=("pneumothorax",))  # masks of one kind
    sections = read_page(write_report(pipeline, items, run)).sections
    assert "confusion" not in sections
    assert "no class" not in sections["folds"].text
