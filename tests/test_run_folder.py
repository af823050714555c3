"""Run folders: none is lost, mixed with another, or taken for what it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from scripts import predict, train, validate
from tests.runs import SMOKE, one_line, tree


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
    monkeypatch.setattr("common.fold_training.train_fold", interrupted)
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
