"""A run folder made by hand, and a page taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import files
from common.collect import save_table
from common.metrics import accuracy
from common.pipeline import Pipeline
from common.runfolder import RunFolder
from common.settings import Settings
from common.spec import CompetitionSpec, HostFile, LabelColumn, SubmissionFormat
from common.train import History

HOSTILE = "<script>alert('x')</script>"
CLASSES = ("cat", "dog", HOSTILE)

# sample, fold, truth, probabilities of the three classes
ROWS = (
    ("a", 0, 0, (0.7, 0.2, 0.1)),
    ("b", 0, 1, (0.6, 0.3, 0.1)),
    ("c", 0, 2, (0.1, 0.1, 0.8)),
    ("d", 1, 0, (0.2, 0.7, 0.1)),
    ("e", 1, 1, (0.1, 0.9, 0.0)),
    ("f", 1, 2, (0.5, 0.5, 0.0)),
)


@dataclass(frozen=True)
class StubSettings(Settings):
    """Settings with the one field that the report asks for."""

    folds: int = 2
    keep: str = "last"


def stub_pipeline(classes: tuple[str, ...], keep: str, *, pictures: bool) -> Pipeline:
    """A pipeline that answers only what the report asks."""
    column = LabelColumn("kind", classes)

    class Stub(Pipeline):
        spec = CompetitionSpec(
            slug="animals",
            title="Animals & <others>",
            kind="image classification",
            metric=accuracy,
            submission=SubmissionFormat(("id",), (column,)),
            files=(HostFile("sample_submission", "sample.csv"),),
            classes=classes,
        )
        presets = {"baseline": StubSettings(keep=keep)}  # noqa: RUF012  fields are the base's

        def picture(self, item: Any) -> np.ndarray | None:
            return np.full((4, 4), item["shade"], dtype=np.uint8) if pictures else None

    return Stub()


def write_scores(run: RunFolder, pooled: float, rungs: list[dict[str, Any]], epoch: str) -> None:
    scores = {
        "metric": "accuracy",
        "higher_is_better": True,
        "data": "the host's",
        "pooled": pooled,
        "rows": 6,
        "folds": [{"fold": 0, "rows": 3, "score": 2 / 3}, {"fold": 1, "rows": 3, "score": 1 / 3}],
        "epoch": epoch,
        "interval": {"low": 0.125, "high": 0.875, "n_test": 1234},
        "place": "0.5 is better than the highest rung, constant (0.25)" if rungs else "",
        "rungs": rungs,
    }
    files.write_json(run / "scores.json", scores)


def write_history(folder: Path, accuracies: tuple[float, ...]) -> None:
    history = History("accuracy")
    for epoch, score in enumerate(accuracies, start=1):
        history.epochs.append(
            {"epoch": epoch, "train_loss": 2 / epoch, "valid_loss": 3 / epoch, "accuracy": score}
        )
    for step in range(8):
        history.steps.append({"step": step, "lr": 0.01 / (step + 1), "momentum": 0.9, "loss": 1.0})
    folder.mkdir(parents=True, exist_ok=True)
    history.save(folder)


Made = tuple[Pipeline, pd.DataFrame, RunFolder]
MakeRun = Callable[..., Made]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run folder by hand; gives what `write_report` takes.

    Args:
        scored: False for a run that held nothing out.
        trained: True for a pipeline with epochs.
        scale: of the probabilities; any but 1 makes votes of them.
    """

    def make(
        name: str = "run",
        *,
        classes: tuple[str, ...] = CLASSES,
        pooled: float = 0.5,
        rungs: list[dict[str, Any]] | None = None,
        fixture: dict[str, Any] | None = None,
        scored: bool = True,
        trained: bool = False,
        pictures: bool = True,
        keep: str = "last",
        scale: float = 1.0,
    ) -> Made:
        run = RunFolder(tmp_path / name)
        pipeline = stub_pipeline(classes, keep, pictures=pictures)
        items = pd.DataFrame(
            {
                "sample": [row[0] for row in ROWS] + ["g"],
                "id": [row[0] for row in ROWS] + ["g"],
                "fold": [row[1] for row in ROWS] + [-1],
                "kind": [CLASSES[row[2]] for row in ROWS] + ["dog"],
                "shade": range(7),
            }
        )
        folds: list[Any] = [0, 1] if scored else ["all"]
        facts = {"competition": "animals", "pipeline": "stub", "preset": "baseline", "seed": 7}
        files.write_json(
            run / "settings.json",
            {**facts, "settings": pipeline.settings.as_dict(), "folds": folds},
        )
        environment = {"commit": "0123abc", "versions": {"numpy": "2.0"}, "device": "cpu"}
        files.write_json(run / "environment.json", environment)
        save_table(run / "folds.parquet", items[["sample", "id", "fold", "kind"]])
        if fixture is not None:
            files.write_json(run / "FIXTURE.json", fixture)
        if scored:
            epoch = "chosen on this fold" if keep == "best" else "fixed in advance"
            write_scores(run, pooled, rungs or [], epoch)
            values = np.array([row[3] for row in ROWS], dtype=np.float32) * scale
            names = [f"p_{name}" for name in CLASSES]
            oof = items.iloc[:6][["sample", "id", "fold", "kind"]]
            save_table(run / "oof.parquet", oof.join(pd.DataFrame(values, columns=names)))
        for fold in folds if trained else []:
            write_history(run / f"fold{fold}", (0.25, 0.75, 0.5))
        return pipeline, items, run

    return make


# ---- reading ------------------------------------------------------------------------------------


@dataclass
class Part:
    """A section of the page: its text, its tables row by row, its pictures' alternative texts."""

    text: str = ""
    tables: list[list[list[str]]] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)


@dataclass
class Page(HTMLParser):
    """A page taken apart by the standard library's parser."""

    source: str
    head: Part = field(default_factory=Part)
    sections: dict[str, Part] = field(default_factory=dict)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    in_cell: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.part = self.head
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "section":
            self.part = self.sections.setdefault(attributes["id"], Part())
        elif tag == "table":
            self.part.tables.append([])
        elif tag == "tr":
            self.part.tables[-1].append([])
        elif tag in ("td", "th"):
            self.part.tables[-1][-1].append("")
            self.in_cell = True
        elif tag == "img":
            self.part.alts.append(attributes["alt"])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.part.text += data
        if self.in_cell:
            self.part.tables[-1][-1][-1] += data

    @property
    def pooled_score(self) -> str:
        """The digits of the score as the page shows them."""
        found = re.search(r'<data id="pooled-score" value="([^"]*)">([^<]*)</data>', self.source)
        assert found is not None
        assert found[1] == found[2]
        return found[1]


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    """Takes a written report apart."""
    return lambda path: Page(path.read_text(encoding="utf-8"))
