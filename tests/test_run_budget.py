"""A run whose time runs out ends well with what it has, says what it left out, and resumes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common import files
from common import run as run_module
from common.budget import Budget
from common.merging import merge_runs
from common.opening import Request
from scripts import check_submission, predict, train, validate
from tests.conftest import REPOSITORY
from tests.runs import SMOKE

SAME = ("submission.csv", "oof.parquet", "oof_submission.csv", "scores.json", "decision.json")
AT_ONCE = ["--hours", "0.000001"]  # over before the first step


def arguments(digits: Path, run: Path, *more: str) -> list[str]:
    return [*SMOKE, "--data", str(digits), "--run", str(run), *more]


def is_valid(digits: Path, submission: Path) -> bool:
    sample = str(digits / "sample_submission.csv")
    return (
        check_submission.main(
            ["digit-recognizer", "--submission", str(submission), "--sample", sample]
        )
        == 0
    )


@pytest.fixture
def one_fold_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time for the first fold and for no other."""

    def fits(budget: Budget) -> bool:
        return budget.hours is None or not budget.fold_seconds

    monkeypatch.setattr(Budget, "fits_fold", fits)


def test_a_run_without_time_for_an_epoch_writes_a_valid_submission_and_resumes(
    digits: Path, tmp_path: Path, smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train.main(arguments(digits, run, *AT_ONCE)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("left out, as 1e-06 hours did not hold it: fold 0, of which 0 of 3")
    assert "1 of " in last
    assert "; fold 1; --resume goes on with it" in last
    left_out = files.read_json(run / "left_out.json")
    assert [line[:6] for line in left_out] == ["fold 0", "fold 1"]
    assert "Left out" in (run / "report.html").read_text()
    assert "fold 0, of which 0 of 3 epochs" in (run / "report.html").read_text()
    assert is_valid(digits, run / "submission.csv")

    assert train.main(arguments(digits, run, "--resume")) == 0
    for name in SAME:
        assert (run / name).read_bytes() == (smoke_run / name).read_bytes(), name
    for fold in ("fold0", "fold1"):
        weights = f"{fold}/weights.safetensors"
        assert (run / weights).read_bytes() == (smoke_run / weights).read_bytes()
    assert not (run / "left_out.json").exists()
    assert "Left out" not in (run / "report.html").read_text()


@pytest.mark.usefixtures("one_fold_only")
def test_a_run_with_time_for_one_fold_is_scored_and_predicts_with_it(
    digits: Path, tmp_path: Path, smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train.main(arguments(digits, run, "--hours", "1000")) == 0
    assert "left out, as 1000 hours did not hold it: fold 1;" in capsys.readouterr().out
    scores, whole = (files.read_json(path / "scores.json") for path in (run, smoke_run))
    assert scores["folds"] == [whole["folds"][0]]
    assert scores["rows"] == whole["folds"][0]["rows"]
    assert scores["pooled"] == whole["folds"][0]["score"]
    assert scores["interval"]["low"] < scores["pooled"] < scores["interval"]["high"]
    weights = "fold0/weights.safetensors"
    assert (run / weights).read_bytes() == (smoke_run / weights).read_bytes()

    before = (run / "submission.csv").read_bytes(), (run / "scores.json").read_bytes()
    where = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main(where) == 0
    assert validate.main(where) == 0
    assert ((run / "submission.csv").read_bytes(), (run / "scores.json").read_bytes()) == before
    assert is_valid(digits, run / "submission.csv")


@pytest.mark.usefixtures("one_fold_only")
def test_a_pipeline_without_epochs_keeps_to_its_budget(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    svc = ["--pipeline", "svc"]
    assert train.main(arguments(digits, run, *svc, "--hours", "1000")) == 0
    assert "left out, as 1000 hours did not hold it: fold 1;" in capsys.readouterr().out
    assert is_valid(digits, run / "submission.csv")
    assert train.main(arguments(digits, run, *svc, "--resume")) == 0
    assert train.main(arguments(digits, whole, *svc)) == 0
    for name in SAME:
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_joined_run_has_the_folds_that_its_parts_had_time_for(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [tmp_path / "one", tmp_path / "other"]
    small = ("--set", "folds=3", "--set", "epochs=1")
    assert train.main(arguments(digits, parts[0], *small, "--fold", "0")) == 0
    monkeypatch.setattr(Budget, "fits_fold", lambda self: not self.fold_seconds)
    assert train.main(arguments(digits, parts[1], *small, "--fold", "1,2", "--hours", "99")) == 0
    joined = merge_runs(parts, tmp_path / "joined", data=digits, say=lambda line: None)
    scores = files.read_json(joined / "scores.json")
    assert [entry["fold"] for entry in scores["folds"]] == [0, 1]
    assert files.read_json(joined / "left_out.json") == ["fold 2"]
    assert "fold 2" in (joined / "report.html").read_text()
    where = ["digit-recognizer", "--run", str(joined.path), "--data", str(digits)]
    assert predict.main(where) == 0


def test_a_command_with_little_time_ends_by_itself(digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    argv = arguments(digits, run, "--set", "epochs=5000", "--hours", "0.004")
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts/train.py", *argv],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("left out, as 0.004 hours did not hold it")
    assert is_valid(digits, run / "submission.csv")
    assert not (run / "UNFINISHED").exists()


def test_on_kaggle_the_time_counts_from_the_sessions_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.run.session_began", lambda: 100.0)
    monkeypatch.setattr("common.run.process_began", lambda: 500.0)
    request = Request("digit-recognizer", hours=9.0)
    assert run_module._budget(request).began == 500.0
    monkeypatch.setattr("common.paths.on_kaggle", lambda: True)
    assert run_module._budget(request).began == 100.0
