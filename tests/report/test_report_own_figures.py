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


def test_a_pipeline_without_figures_adds_no_section(make_run: MakeRun, read_page: ReadPage) -> None:
    sections = list(read_page(write_report(*make_run())).sections)
    assert sections[-2:] == ["settings", "commands"]


def test_galleries_show_the_pictures_of_each_case_side_by_side(
    make_run: MakeRun, read_page: ReadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, items, run = make_run()
    seen, mask = np.zeros((4, 4), np.uint8), np.full((4, 4, 3), 9, np.uint8)
    case = Case("<a>", ("Dice 0.5", "7 pixels"), (("radiograph", seen), ("true mask", mask)))
    monkeypatch.setattr(
        type(pipeline),
        "galleries",
        lambda *_: (Gallery("worst", "Worst", "Lowest first.", (case,)), Gallery("x", "X", "", ())),
    )
    written = write_report(pipeline, items, run)
    page = read_page(written)
    assert "x" not in page.sections  # nothing to show
    assert list(page.sections).index("worst") == list(page.sections).index("settings") - 1
    alts = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert alts[-2:] == ["Sample <a>: radiograph", "Sample <a>: true mask"]
    text = written.read_text(encoding="utf-8")
    assert "Dice 0.5" in text
    assert "&lt;a&gt;" in text


def test_a_question_with_one_class_has_no_matrix(make_run: MakeRun, read_page: ReadPage) -> None:
    pipeline, items, run = make_run()
    pipeline.spec = replace(pipeline.spec, classes=("pneumothorax",))  # masks of one kind
    sections = read_page(write_report(pipeline, items, run)).sections
    assert "confusion" not in sections
    assert "no class" not in sections["folds"].text
