"""Curves, schedule, folds, settings and commands: how the run came about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import files
from common.collect import save_table
from common.errors import DataError
from common.report import write_report
from common.report.evidence import read_evidence
from common.runfolder import RunFolder
from common.train.rate_finder import RateCurve

MakeRun = Callable[..., Any]
ReadPage = Callable[[Path], Any]


# ---- the course of the training -----------------------------------------------------------------


def test_curves_and_schedule_are_drawn(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(trained=True)))
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert any(
        text.startswith("Loss on the training rows; at the end: fold 0 0.6667") for text in labels
    )
    assert any(text.startswith("accuracy on the fold held out") for text in labels)
    assert "Learning rate per step" in labels
    assert "Momentum per step" in labels


def test_pipeline_without_epochs_says_so(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run()))
    assert "trains without epochs" in page.sections["curves"].text
    assert "schedule" not in page.sections
    assert "reported epoch" not in page.sections["score"].text


@pytest.mark.parametrize(("keep", "epoch"), [("last", 3), ("best", 2)])
def test_kept_epoch_is_the_one_the_loop_keeps(make_run: MakeRun, keep: str, epoch: int) -> None:
    from common.report.course import kept_epoch

    evidence = read_evidence(*make_run(keep=keep, trained=True))  # accuracy 0.25, 0.75, 0.5
    assert kept_epoch(evidence, evidence.histories["fold 0"]) == epoch


def test_numbers_at_the_end_of_each_fold(make_run: MakeRun, read_page: ReadPage) -> None:
    """Losses 2/epoch and 3/epoch, scores 0.25, 0.75, 0.5: the last epoch is kept, not the best."""
    pipeline, items, run = make_run(trained=True)
    header = "epoch,train_loss,valid_loss,accuracy,seconds"
    files.write_text(run / "fold1" / "history.csv", f"{header}\n1,2.0,inf,0.5,61.2\n")
    table = read_page(write_report(pipeline, items, run)).sections["curves"].tables[0]
    losses = ["training loss", "loss held out"]
    assert table == [
        ["", "epoch", *losses, "accuracy", "best accuracy", "in epoch", "seconds"],
        ["fold 0", "3", "0.6667", "1.0000", "0.50000", "0.75000", "2", ""],
        ["fold 1", "1", "2.0000", "", "0.50000", "0.50000", "1", "61"],
    ]


def test_fit_that_held_nothing_out_has_no_columns_for_it(
    make_run: MakeRun, read_page: ReadPage
) -> None:
    pipeline, items, run = make_run(scored=False, trained=True)
    files.write_text(run / "foldall" / "history.csv", "epoch,train_loss\n1,2.0\n2,0.5\n")
    part = read_page(write_report(pipeline, items, run)).sections["curves"]
    assert part.tables == [[["", "epoch", "training loss"], ["all rows", "2", "0.50000"]]]
    assert "star" not in part.text


def test_a_star_is_drawn_at_the_epoch_that_has_one() -> None:
    from common.report import charts

    lines = [("fold 0", [(1.0, 0.5), (2.0, 0.75), (3.0, 0.5)])]
    plain, starred = (
        charts.curves(lines, [3], [epoch], loss=False, label="accuracy") for epoch in (0, 2)
    )
    assert starred.count("<use") == plain.count("<use") + 1


def test_page_explains_the_star(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(trained=True)))
    assert "A star marks a fold's best accuracy." in page.sections["curves"].text


# ---- the learning-rate finder -------------------------------------------------------------------


def test_rate_that_was_found_is_drawn_and_named(make_run: MakeRun, read_page: ReadPage) -> None:
    pipeline, items, run = make_run(trained=True)
    assert "rate" not in read_page(write_report(pipeline, items, run)).sections
    losses = np.array([2.0, 2.0, 1.5, 1.0, 0.5, 4.0])
    RateCurve(np.geomspace(1e-5, 1.0, 6), losses, 1e-3).save(run.path)
    page = read_page(write_report(pipeline, items, run))
    assert "The rate found is 0.001:" in page.sections["rate"].text
    assert "Its 6 steps" in page.sections["rate"].text
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert "Loss over learning rates from 1e-05 to 1: lowest at 0.1, chosen 0.001" in labels


def test_rate_finder_whose_files_were_cut_is_told(make_run: MakeRun) -> None:
    pipeline, items, run = make_run(trained=True)
    RateCurve(np.array([0.1, 0.2]), np.array([2.0, 1.0]), 0.1).save(run.path)
    (run / "rate.json").unlink()
    with pytest.raises(DataError, match=r"rate.json is missing"):
        write_report(pipeline, items, run)


# ---- folds, settings, commands ------------------------------------------------------------------


def test_class_counts_per_fold(make_run: MakeRun, read_page: ReadPage) -> None:
    table = read_page(write_report(*make_run())).sections["folds"].tables[0]
    assert table == [
        ["", "fold 0", "fold 1", "train only", "all"],
        ["cat", "1", "1", "0", "2"],
        ["dog", "1", "1", "1", "3"],
        ["<script>alert('x')</script>", "1", "1", "0", "2"],
        ["all", "3", "3", "1", "7"],
    ]


def test_labels_that_are_no_class_are_counted_apart(make_run: MakeRun, read_page: ReadPage) -> None:
    table = read_page(write_report(*make_run(classes=("cat", "dog")))).sections["folds"].tables[0]
    assert table[3] == ["no class", "1", "1", "0", "2"]


def test_a_cell_of_several_classes_counts_for_each_of_them(
    make_run: MakeRun, read_page: ReadPage
) -> None:
    pipeline, items, run = make_run(classes=("cat", "dog"))
    folds = pd.DataFrame({"sample": [*"abc"], "id": [*"abc"], "fold": [0, 0, 1]})
    save_table(run / "folds.parquet", folds.assign(kind=["dog cat", "cat", "cow cat"]))
    table = read_page(write_report(pipeline, items, run)).sections["folds"].tables[0]
    assert table == [
        ["", "fold 0", "fold 1", "all"],
        ["cat", "2", "0", "2"],
        ["dog", "1", "0", "1"],
        ["no class", "0", "1", "1"],
        ["all", "2", "1", "3"],
    ]


def test_settings_and_environment_are_listed(make_run: MakeRun, read_page: ReadPage) -> None:
    settings, environment = read_page(write_report(*make_run())).sections["settings"].tables
    assert ["folds trained", "0, 1"] in settings
    assert ["keep", "last"] in settings
    assert ["numpy", "2.0"] in environment


def test_commands_name_this_run(make_run: MakeRun, read_page: ReadPage) -> None:
    fixture = {"seed": 3, "synthetic": False, "called": "real animals", "rungs": []}
    pipeline, items, run = make_run("my run", fixture=fixture)
    text = read_page(write_report(pipeline, items, run)).sections["commands"].text
    assert "python scripts/fixture.py animals --seed 3" in text
    assert f"python scripts/validate.py animals --run '{run.path}' --data" in text
    assert f"--solution '{run.path}/oof_solution.csv'" in text


def test_run_under_runs_is_named_without_its_path(
    make_run: MakeRun, read_page: ReadPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    pipeline, items, run = make_run("runs/animals/first")
    text = read_page(write_report(pipeline, items, RunFolder(run.path))).sections["commands"].text
    assert "python scripts/predict.py animals --run first\n" in text


def test_run_that_held_nothing_out(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(scored=False, trained=True)))
    assert "Nothing was held out, so there is no score" in page.sections["score"].text
    assert "Nothing was held out" in page.sections["confusion"].text
    assert "ladder" not in page.sections
    assert "losses" not in page.sections
    assert "scripts/score.py" not in page.sections["commands"].text
    assert "curves" in page.sections


def test_numbers_that_are_not_finite_are_left_out(make_run: MakeRun, read_page: ReadPage) -> None:
    pipeline, items, run = make_run(trained=True)
    header = "epoch,train_loss,valid_loss,accuracy"
    files.write_text(run / "fold0" / "history.csv", f"{header}\n1,2.0,inf,nan\n2,1.0,3.0,0.5\n")
    files.write_text(run / "fold1" / "history.csv", f"{header}\n1,2.0,inf,nan\n")
    page = read_page(write_report(pipeline, items, run))
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert "Loss on the fold held out; at the end: fold 0 3" in labels
