"""Which classes are confused, and which samples are furthest off."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.collect import save_table
from common.report import write_report
from common.report.evidence import read_evidence

MakeRun = Callable[..., Any]
ReadPage = Callable[[Path], Any]
SCRIPT = "<script>alert('x')</script>"
CLASSES = ("cat", "dog", SCRIPT)


# ---- mistakes -----------------------------------------------------------------------------------


def test_confusion_counts(make_run: MakeRun, read_page: ReadPage) -> None:
    # a: cat taken for cat    d: cat taken for dog
    # b: dog taken for cat    e: dog taken for dog
    # c: script for script    f: script taken for cat, the first of two equal ones
    page = read_page(write_report(*make_run()))
    matrix, pairs = page.sections["confusion"].tables
    assert matrix == [
        ["", "cat", "dog", SCRIPT, "right"],
        ["cat", "1", "1", "0", "50.0%"],
        ["dog", "1", "1", "0", "50.0%"],
        [SCRIPT, "1", "0", "1", "50.0%"],
    ]
    assert pairs[1:] == [
        ["cat", "dog", "1", "50.0%"],
        ["dog", "cat", "1", "50.0%"],
        [SCRIPT, "cat", "1", "50.0%"],
    ]
    assert "3 rows of 6 are wrong" in page.sections["confusion"].text


def test_highest_losses_come_first(make_run: MakeRun, read_page: ReadPage) -> None:
    # -log of the truth's probability: a 0.357, b 1.204, c 0.223, d 1.609, e 0.105, f of 0
    part = read_page(write_report(*make_run())).sections["losses"]
    assert [alt.split()[1].rstrip(":") for alt in part.alts] == ["f", "d", "b", "a", "c", "e"]
    assert part.alts[1] == "Sample d: truth cat, predicted dog"
    assert "loss 34.539" in part.text  # -log(1e-15)
    assert "truth cat p\u00a00.200" in part.text
    assert "predicted dog p\u00a00.700" in part.text


def test_loss_is_clipped(make_run: MakeRun) -> None:
    answers = read_evidence(*make_run()).answers
    assert answers is not None
    assert answers.loss.max() == pytest.approx(-math.log(1e-15))
    assert np.isfinite(answers.loss).all()


def test_losses_are_a_table_where_there_is_nothing_to_see(
    make_run: MakeRun, read_page: ReadPage
) -> None:
    part = read_page(write_report(*make_run(pictures=False))).sections["losses"]
    assert part.alts == []
    assert [row[0] for row in part.tables[0][1:]] == ["f", "d", "b", "a", "c", "e"]
    assert part.tables[0][2] == ["d", "cat", "0.200", "dog", "0.700", "1.609"]


def test_votes_have_no_loss(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(scale=0.5)))
    assert "do not add up to 1" in page.sections["losses"].text
    assert page.sections["confusion"].tables


def test_predictions_of_other_kinds_have_no_matrix(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(classes=("cat", "dog", "cow"))))
    assert "losses" not in page.sections
    assert "confusion" not in page.sections


def test_submitted_classes_are_counted_where_predictions_are_no_probabilities(
    make_run: MakeRun, read_page: ReadPage
) -> None:
    pipeline, items, run = make_run(classes=("cat", "dog", "cow"))
    (run / "oof_solution.csv").write_text("id,kind\na,cat\nb,cow\nc,cow\n")
    (run / "oof_submission.csv").write_text("id,kind\nc,cow\nb,dog\na,cat\n")
    part = read_page(write_report(pipeline, items, run)).sections["confusion"]
    assert part.tables[0][1:] == [
        ["cat", "1", "0", "0", "100.0%"],
        ["dog", "0", "0", "0", "–"],
        ["cow", "0", "1", "1", "50.0%"],
    ]
    assert "1 row of 3 is wrong as submitted" in part.text


def test_questions_without_classes_have_no_matrix(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(classes=())))
    assert "confusion" not in page.sections
    assert page.sections["folds"].tables[0] == [
        ["", "fold 0", "fold 1", "train only", "all"],
        ["all", "3", "3", "1", "7"],
    ]


def test_many_classes_are_a_picture(make_run: MakeRun, read_page: ReadPage) -> None:
    more = tuple(f"class {number}" for number in range(40))
    pipeline, items, run = make_run(classes=(*CLASSES, *more))
    oof = pd.read_parquet(run / "oof.parquet")
    save_table(run / "oof.parquet", oof.assign(**{f"p_{name}": np.float32(0) for name in more}))
    part = read_page(write_report(pipeline, items, run)).sections["confusion"]
    assert part.alts == ["Confusion matrix of 43 classes; the pairs below name its largest cells"]
    assert part.tables[0][1] == ["cat", "dog", "1", "50.0%"]
