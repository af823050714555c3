"""The flow: what a finished run holds, and names and values that do not exist."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.files import read_json
from scripts import check_submission, predict, score, train, validate
from tests.runs import SMOKE, one_line

# ---- a finished run -----------------------------------------------------------------------------


def test_every_validated_row_is_predicted_by_a_model_that_did_not_train_on_it(
    smoke_run: Path,
) -> None:
    folds = pd.read_parquet(smoke_run / "folds.parquet")
    oof = pd.read_parquet(smoke_run / "oof.parquet")
    joined = folds.merge(oof, on="sample", suffixes=("", "_oof"), validate="1:1")
    assert len(joined) == len(folds) == 1297
    assert (joined["fold"] == joined["fold_oof"]).all()
    probabilities = oof[[f"p_{digit}" for digit in range(10)]].to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_validate_gives_the_same_scores_from_the_saved_models(run: Path, digits: Path) -> None:
    before = (run / "scores.json").read_bytes()
    oof = (run / "oof_submission.csv").read_bytes()
    assert validate.main(["digit-recognizer", "--run", str(run), "--data", str(digits)]) == 0
    assert (run / "scores.json").read_bytes() == before
    assert (run / "oof_submission.csv").read_bytes() == oof


def test_predict_gives_the_same_submission_from_the_saved_models(
    run: Path, digits: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.csv"
    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits), "--out", str(out)]
    assert predict.main(argv) == 0
    assert out.read_bytes() == (run / "submission.csv").read_bytes()


def test_predict_needs_no_training_data(run: Path, digits: Path, tmp_path: Path) -> None:
    only_test = tmp_path / "only_test"
    only_test.mkdir()
    for name in ("test.csv", "sample_submission.csv"):
        shutil.copy(digits / name, only_test)
    before = (run / "submission.csv").read_bytes()
    assert predict.main(["digit-recognizer", "--run", str(run), "--data", str(only_test)]) == 0
    assert (run / "submission.csv").read_bytes() == before


def test_test_predictions_are_the_mean_over_the_folds(run: Path, digits: Path) -> None:
    from common.opening import open_run

    pipeline, folder, context, _ = open_run("digit-recognizer", str(run), digits)
    items = pipeline.items("test", context).head(20)
    each = [pipeline.load_fold(folder.fold(fold), context).predict(items) for fold in (0, 1)]
    stored = pd.read_parquet(run / "test.parquet").head(20)[[f"p_{k}" for k in range(10)]]
    np.testing.assert_allclose((each[0].values + each[1].values) / 2, stored, atol=1e-6)


def test_a_fold_that_trains_on_everything_has_no_score_and_a_submission(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*SMOKE, "--set", "epochs=1", "--fold", "all", "--data", str(digits)]
    assert train.main([*argv, "--run", str(tmp_path / "all")]) == 0
    assert "nothing was held out" in capsys.readouterr().out
    assert not (tmp_path / "all" / "scores.json").exists()
    argv = ["digit-recognizer", "--submission", str(tmp_path / "all" / "submission.csv")]
    assert check_submission.main([*argv, "--sample", str(digits / "sample_submission.csv")]) == 0


def test_one_fold_scores_the_rows_of_that_fold(digits: Path, tmp_path: Path) -> None:
    argv = [*SMOKE, "--pipeline", "svc", "--fold", "1", "--data", str(digits)]
    assert train.main([*argv, "--run", str(tmp_path / "one")]) == 0
    scores = read_json(tmp_path / "one" / "scores.json")
    assert [entry["fold"] for entry in scores["folds"]] == [1]
    assert scores["rows"] == scores["folds"][0]["rows"] == 648
    assert scores["pooled"] == scores["folds"][0]["score"]


def test_another_run_on_the_same_folds_becomes_a_rung(
    run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*SMOKE, "--pipeline", "svc", "--data", str(digits), "--beside", str(run)]
    assert train.main([*argv, "--run", str(tmp_path / "svc")]) == 0
    scores = read_json(tmp_path / "svc" / "scores.json")
    rung = next(rung for rung in scores["rungs"] if rung["name"] == "net")
    assert rung["score"] == read_json(run / "scores.json")["pooled"]
    capsys.readouterr()
    other_seed = [*argv, "--seed", "5", "--run", str(tmp_path / "other")]
    assert train.main(other_seed) == 2
    assert "other folds" in one_line(capsys)


def test_the_fixture_is_judged_by_its_own_rungs_and_called_by_its_name(smoke_run: Path) -> None:
    scores = read_json(smoke_run / "scores.json")
    assert scores["data"].startswith("scikit-learn's bundled handwritten digits")
    assert [rung["name"] for rung in scores["rungs"]] == ["constant, all 0", "nearest class mean"]


# ---- one score everywhere -----------------------------------------------------------------------


def test_json_and_text_of_score_agree_with_the_run(
    smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["digit-recognizer", "--submission", str(smoke_run / "oof_submission.csv")]
    argv += ["--solution", str(smoke_run / "oof_solution.csv")]
    capsys.readouterr()
    assert score.main([*argv, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["score"] == read_json(smoke_run / "scores.json")["pooled"]
    assert result["competition"] == "digit-recognizer"
    assert result["higher_is_better"] is True


def test_a_synthetic_fixture_is_called_so_everywhere(run: Path) -> None:
    """The marker travels with the run, so nothing made from it can pass for the host's data."""
    assert read_json(run / "FIXTURE.json")["called"] == read_json(run / "scores.json")["data"]


# ---- names and values that do not exist ---------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--preset", "smok"], "did you mean 'smoke'"),
        (["--set", "epoch=3"], "did you mean 'epochs'"),
        (["--set", "epochs=three"], "epochs is 'three'; expected a value of type int"),
        (["--set", "epochs=0"], "epochs is 0; expected at least 1"),
        (["--set", "epochs"], "expected name=value"),
        (["--pipeline", "nett"], "did you mean 'net'"),
        (["--fold", "2"], "no fold '2'; there are 0 to 1"),
        (["--fold", "-1"], "no fold '-1'"),
        (["--set", "folds=2000"], "1297"),
    ],
)
def test_a_name_or_value_that_does_not_exist_is_one_line_and_writes_nothing(
    extra: list[str],
    words: str,
    digits: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), *extra]
    assert train.main(argv) == 2
    line = one_line(capsys)
    assert words in line or (extra[-1] == "folds=2000" and "folds" in line)
    assert not run.exists()


def test_a_misspelt_competition_is_offered_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["digit-recogniser"]) == 2
    assert "did you mean 'digit-recognizer'" in one_line(capsys)


def test_missing_data_says_how_to_download_and_how_to_do_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*SMOKE, "--data", str(tmp_path / "nowhere")]) == 2
    line = one_line(capsys)
    assert "kaggle competitions download digit-recognizer" in line
    assert "scripts/fixture.py digit-recognizer" in line


@pytest.mark.parametrize("seed", ["-1", "4294967296", "1.5", "x"])
def test_a_seed_that_no_generator_takes_is_refused(
    seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*SMOKE, "--seed", seed]) == 2
    assert "is no seed; expected 0 to 4294967295" in one_line(capsys)
