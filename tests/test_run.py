"""The flow and the run folder: what is promised when things go well, and when they do not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import KitError
from common.files import read_json
from scripts import check_submission, predict, score, train, validate
from tests.conftest import REPOSITORY

SMOKE = ["digit-recognizer", "--preset", "smoke"]


@pytest.fixture
def run(smoke_run: Path, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    return Path(shutil.copytree(smoke_run, tmp_path / "run"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


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


# ---- run folders --------------------------------------------------------------------------------


def test_an_existing_run_is_kept_unless_overwrite_is_asked_for(
    run: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(run)
    argv = [*SMOKE, "--data", str(digits), "--run", str(run)]
    assert train.main(argv) == 2
    line = one_line(capsys)
    assert "--overwrite" in line
    assert "--resume" in line
    assert tree(run) == before


def test_overwrite_keeps_the_old_run_where_the_data_are_broken(
    run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path(shutil.copytree(digits, tmp_path / "broken"))
    text = (broken / "train.csv").read_text()
    (broken / "train.csv").write_text(text[: len(text) - 700])
    before = tree(run)
    argv = [*SMOKE, "--data", str(broken), "--run", str(run), "--overwrite"]
    assert train.main(argv) == 2
    assert "was cut" in one_line(capsys)
    assert tree(run) == before


def test_a_folder_that_holds_other_files_is_no_run_folder(
    tmp_path: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    argv = [*SMOKE, "--data", str(digits), "--run", str(tmp_path), "--overwrite"]
    assert train.main(argv) == 2
    assert "holds other files" in one_line(capsys)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "name", ["fold1/weights.safetensors", "settings.json", "folds.parquet", "decision.json"]
)
def test_a_file_of_another_run_is_found_out(
    name: str, run: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / name
    path.write_bytes(path.read_bytes() + b" ")
    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main(argv) == 2
    line = one_line(capsys)
    assert "does not belong together" in line
    assert name in line


def test_a_missing_model_is_named(
    run: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "fold0" / "weights.safetensors").unlink()
    assert validate.main(["digit-recognizer", "--run", str(run), "--data", str(digits)]) == 2
    assert "fold0/weights.safetensors is missing" in one_line(capsys)


def test_validate_refuses_other_data(
    run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(digits, tmp_path / "other"))
    lines = (other / "train.csv").read_text().splitlines(keepends=True)
    (other / "train.csv").write_text("".join(lines[:-1]))
    assert validate.main(["digit-recognizer", "--run", str(run), "--data", str(other)]) == 2
    assert "train.csv is not the file that" in one_line(capsys)


def test_a_run_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main(["digit-recognizer", "--run", "no-such-run"]) == 2
    assert "holds no run" in one_line(capsys)


def test_an_output_that_cannot_be_written_leaves_the_old_submission(
    run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main([*argv, "--out", str(tmp_path / "file" / "s.csv")]) == 2
    assert "a file of that name stands where a folder is needed" in one_line(capsys)
    old = (run / "submission.csv").read_bytes()
    sample = Path(shutil.copytree(digits, tmp_path / "swapped"))
    (sample / "sample_submission.csv").write_text("ImageId,Label\n501,0\n")
    assert predict.main([*argv[:3], "--data", str(sample)]) == 2
    assert "asks in row 1 for id ('501',), which the test data do not hold" in one_line(capsys)
    assert (run / "submission.csv").read_bytes() == old
    assert not list(run.glob(".*.part"))


def test_a_full_disk_is_one_line_and_leaves_the_old_submission(
    run: Path, digits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    old = (run / "submission.csv").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    assert predict.main(["digit-recognizer", "--run", str(run), "--data", str(digits)]) == 2
    line = one_line(capsys)
    assert "No space left" in line
    assert "free some room" in line
    assert (run / "submission.csv").read_bytes() == old
    assert not list(run.rglob(".*.part"))


def test_a_sample_of_fewer_rows_is_answered_with_those(
    run: Path, digits: Path, tmp_path: Path
) -> None:
    few = Path(shutil.copytree(digits, tmp_path / "few"))
    (few / "sample_submission.csv").write_text("ImageId,Label\n7,0\n3,0\n")
    out = tmp_path / "few.csv"
    argv = ["digit-recognizer", "--run", str(run), "--data", str(few), "--out", str(out)]
    assert predict.main(argv) == 0
    whole = pd.read_csv(run / "submission.csv").set_index("ImageId")["Label"]
    assert out.read_text() == f"ImageId,Label\n7,{whole[7]}\n3,{whole[3]}\n"


def test_validate_and_resume_refuse_other_pixels_and_leave_the_run_as_it_was(
    run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(digits, tmp_path / "other"))
    lines = (other / "train.csv").read_text().splitlines(keepends=True)
    lines[5] = lines[5].rsplit(",", 1)[0] + ",77\n"
    (other / "train.csv").write_text("".join(lines))
    before = tree(run)
    where = ["--run", str(run), "--data", str(other)]
    assert validate.main(["digit-recognizer", *where]) == 2
    assert "train.csv is not the file" in one_line(capsys)
    assert train.main([*SMOKE, *where, "--resume"]) == 2
    assert "was begun with data" in one_line(capsys)
    assert tree(run) == before


def test_a_run_that_cannot_be_replaced_is_put_back(
    run: Path, digits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = tree(run)
    monkeypatch.setattr("common.run._train_fold", interrupted)
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--overwrite"]
    assert train.main(argv) == 130
    assert tree(run) == before
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_run_that_is_being_replaced_is_kept_until_the_new_one_has_ended(
    run: Path, digits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    before = tree(run)
    kept = run.with_name(f".{run.name}.replaced")
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--pipeline", "svc"]
    with monkeypatch.context() as patch:
        patch.setattr("common.run._validate", full)
        assert train.main([*argv, "--overwrite"]) == 2
    assert tree(kept) == before
    assert kept.name in (run / "UNFINISHED").read_text()
    assert train.main([*argv, "--overwrite"]) == 0  # the first run is still the one that is kept
    assert not kept.exists()
    assert not (run / "UNFINISHED").exists()


def test_a_run_is_read_where_nothing_can_be_written(
    run: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(run)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    out = tmp_path / "out.csv"
    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits), "--out", str(out)]
    try:
        assert predict.main(argv) == 0
    finally:
        for path in [run, *run.rglob("*")]:
            path.chmod(0o755)
    assert out.read_bytes() == before["submission.csv"]
    assert tree(run) == before


@pytest.mark.parametrize("seed", ["-1", "4294967296", "1.5", "x"])
def test_a_seed_that_no_generator_takes_is_refused(
    seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*SMOKE, "--seed", seed]) == 2
    assert "is no seed; expected 0 to 4294967295" in one_line(capsys)


# ---- runs that are cut short --------------------------------------------------------------------


def start(digits: Path, run: Path, *extra: str) -> subprocess.Popen[str]:
    """A run in a process of its own that is slow enough to be interrupted."""
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--set", "epochs=8", *extra]
    return subprocess.Popen(
        [sys.executable, "-u", str(REPOSITORY / "scripts/train.py"), *argv],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"{words!r} was never printed")


@pytest.fixture(scope="module")
def uninterrupted(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    argv = [*SMOKE, "--data", str(digits), "--run", str(run), "--set", "epochs=8"]
    assert train.main(argv) == 0
    return run


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_run_that_is_cut_short_says_so_and_resumes_to_the_same_result(
    how: signal.Signals,
    digits: Path,
    tmp_path: Path,
    uninterrupted: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    process = start(digits, run)
    wait_for(process, "fold 1:")
    time.sleep(0.2)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if how is signal.SIGINT else -9)
    if how is signal.SIGINT:
        assert errors.splitlines()[-1].startswith("interrupted")
        assert "Traceback" not in errors
    assert "unfinished" in (run / "UNFINISHED").read_text()
    assert "fold0" in (run / "UNFINISHED").read_text()

    argv = ["digit-recognizer", "--run", str(run), "--data", str(digits)]
    assert predict.main(argv) == 2
    assert "is unfinished" in one_line(capsys)

    again = [*SMOKE, "--data", str(digits), "--run", str(run), "--resume"]
    assert train.main([*again, "--set", "epochs=7"]) == 2
    assert "was begun with settings" in one_line(capsys)
    assert train.main([*again, "--set", "epochs=8"]) == 0
    assert "fold 0: finished before" in capsys.readouterr().out
    assert not (run / "UNFINISHED").exists()
    for name in ("submission.csv", "oof.parquet", "oof_submission.csv", "scores.json"):
        assert (run / name).read_bytes() == (uninterrupted / name).read_bytes(), name


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


def test_errors_of_the_kit_share_one_root() -> None:
    import inspect

    from common import errors

    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ]
    assert len(kinds) > 5
    assert all(issubclass(kind, KitError) for kind in kinds)
