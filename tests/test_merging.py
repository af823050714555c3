"""Fold runs that were trained apart and joined are the run that was trained whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.errors import KitError, RunError, UsageError
from common.merging import merge_runs
from common.runfolder import RunFolder
from scripts import merge_runs as script
from scripts import predict, train

WHOLE = ("decision.json", "scores.json", "oof.parquet", "oof_submission.csv", "oof_solution.csv")


@pytest.fixture(scope="module")
def folds(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of the digits' smoke preset, one per fold."""
    place = tmp_path_factory.mktemp("folds")
    with pytest.MonkeyPatch.context() as patch:
        # both of one commit, even where somebody commits while the tests run
        patch.setattr("common.environment.commit", lambda: "0123456789ab")
        for fold in ("0", "1"):
            argv = ["digit-recognizer", "--preset", "smoke", "--data", str(digits), "--fold", fold]
            assert train.main([*argv, "--run", str(place / f"fold-{fold}")]) == 0
    return place / "fold-0", place / "fold-1"


@pytest.fixture
def two(folds: tuple[Path, Path], tmp_path: Path) -> list[Path]:
    """The same, to be changed."""
    return [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in folds]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def edit(run: Path, name: str, **changes: Any) -> None:
    """Changes a JSON file of a run so that the run still belongs together."""
    values = files.read_json(run / name) if (run / name).is_file() else {}
    files.write_json(run / name, {**values, **changes})
    if name != "environment.json":
        RunFolder(run).record([run / name])


def test_joined_folds_are_the_run_that_was_trained_whole(
    folds: tuple[Path, Path], smoke_run: Path, digits: Path, tmp_path: Path
) -> None:
    out = tmp_path / "joined"
    argv = ["digit-recognizer", str(folds[1]), str(folds[0]), "--out", str(out)]
    assert script.main([*argv, "--data", str(digits)]) == 0
    for name in WHOLE:
        assert (out / name).read_bytes() == (smoke_run / name).read_bytes(), name
    assert (out / "report.html").is_file()
    assert RunFolder(out).open_finished()["folds"] == [0, 1]
    again = tmp_path / "again.csv"
    argv = ["digit-recognizer", "--run", str(out), "--data", str(digits), "--out", str(again)]
    assert predict.main(argv) == 0
    assert again.read_bytes() == (smoke_run / "submission.csv").read_bytes()


def test_the_order_of_the_runs_does_not_matter(
    folds: tuple[Path, Path], digits: Path, tmp_path: Path
) -> None:
    made = []
    for order in (folds, folds[::-1]):
        merge_runs(order, tmp_path / "joined", data=digits)
        made.append(tree(tmp_path / "joined"))
        shutil.rmtree(tmp_path / "joined")
    assert made[0] == made[1]


def test_in_a_kernel_models_are_linked_and_nothing_is_scored(
    folds: tuple[Path, Path], smoke_run: Path, digits: Path, tmp_path: Path
) -> None:
    merged = merge_runs(folds, tmp_path / "joined", data=digits, scored=False)
    assert merged.open_finished()["folds"] == [0, 1]
    assert not (merged / "scores.json").exists()
    assert any(path.is_symlink() for path in merged.fold(0).iterdir())
    out = tmp_path / "submission.csv"
    argv = ["digit-recognizer", "--run", str(merged.path), "--data", str(digits)]
    assert predict.main([*argv, "--out", str(out)]) == 0
    assert out.read_bytes() == (smoke_run / "submission.csv").read_bytes()


def test_without_the_data_the_stored_predictions_are_joined_and_the_rest_is_named(
    folds: tuple[Path, Path], smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    said: list[str] = []
    merged = merge_runs(folds, tmp_path / "joined", say=said.append)
    assert (merged / "oof.parquet").read_bytes() == (smoke_run / "oof.parquet").read_bytes()
    assert (merged / "decision.json").read_bytes() == (smoke_run / "decision.json").read_bytes()
    assert not (merged / "scores.json").exists()
    assert "no scores and no report" in said[0]
    assert "--data" in said[0]


def test_a_given_decision_is_taken(folds: tuple[Path, Path], digits: Path, tmp_path: Path) -> None:
    decision = {"threshold": 0.25}
    merged = merge_runs(folds, tmp_path / "out", decision=decision, data=digits, scored=False)
    assert files.read_json(merged / "decision.json") == decision


def test_a_decision_is_fitted_on_the_rows_of_all_folds(
    folds: tuple[Path, Path], digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from competitions.digit_recognizer.pipeline import PIPELINES

    def decide(self: Any, oof: Any, solution: Any) -> dict[str, Any]:
        return {"rows": len(solution), "labels": int(solution["Label"].astype(int).sum())}

    monkeypatch.setattr(type(next(iter(PIPELINES.values()))), "decide", decide)
    merged = merge_runs(folds, tmp_path / "with", data=digits)
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    without = merge_runs(folds, tmp_path / "without")
    found = files.read_json(merged / "decision.json")
    assert found["rows"] == 1297
    assert files.read_json(without / "decision.json") == found


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("settings.json", {"seed": 3}, r"differ in seed: 0 and 3"),
        ("settings.json", {"settings": {"epochs": 9}}, r"differ in settings"),
        ("settings.json", {"data": {"train": "e" * 64}}, r"differ in data"),
        ("settings.json", {"pipeline": "svc"}, r"differ in pipeline"),
        ("environment.json", {"commit": "abc"}, r"differ in code: .* and 'abc'"),
        ("settings.json", {"folds": [0]}, r"fold 0 is in .*fold-0 and in .*fold-1"),
        ("settings.json", {"folds": ["all"]}, r"one model on every row"),
        ("shared/words.json", {"a": 1}, r"shared/words.json is not the same"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused_and_nothing_is_left(
    two: list[Path],
    digits: Path,
    tmp_path: Path,
    name: str,
    changes: dict[str, Any],
    expected: str,
) -> None:
    edit(two[1], name, **changes)
    with pytest.raises(KitError, match=expected):
        merge_runs(two, tmp_path / "joined", data=digits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold-0", "fold-1"]


def test_kernels_with_other_packed_code_are_refused(two: list[Path], tmp_path: Path) -> None:
    for run, code in zip(two, "cd", strict=True):
        edit(run, "kernel.json", kernel="k", code=code * 64, config={})
    with pytest.raises(RunError, match=r"differ in code: 'c+' and 'd+'"):
        merge_runs(two, tmp_path / "joined")


def test_other_folds_are_refused(two: list[Path], tmp_path: Path) -> None:
    import pandas as pd

    table = pd.read_parquet(two[1] / "folds.parquet")
    table.loc[0, "fold"] = 1 - table.loc[0, "fold"]
    table.to_parquet(two[1] / "folds.parquet", index=False)
    RunFolder(two[1]).record([two[1] / "folds.parquet"])
    with pytest.raises(RunError, match="other rows, labels or folds"):
        merge_runs(two, tmp_path / "joined")


def test_a_run_that_is_not_whole_or_alone_is_refused(
    two: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "joined")]
    assert script.main(["digit-recognizer", str(two[0]), *out]) == 2
    assert "expected two or more" in capsys.readouterr().err
    (two[1] / "UNFINISHED").write_text("")
    assert script.main(["digit-recognizer", *map(str, two), *out]) == 2
    assert "is unfinished" in capsys.readouterr().err
    assert script.main(["digit-recognizer", str(two[0]), str(tmp_path / "none"), *out]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_an_existing_folder_is_left_alone(two: list[Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        merge_runs(two, tmp_path / "out")
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_a_joined_run_says_where_its_folds_come_from(
    two: list[Path], digits: Path, tmp_path: Path
) -> None:
    merged = merge_runs(two, tmp_path / "joined", data=digits, scored=False)
    origins = json.loads((merged / "merged.json").read_text())
    assert [one["folds"] for one in origins] == [[0], [1]]
    assert [one["run"] for one in origins] == [RunFolder(run).identity() for run in two]
