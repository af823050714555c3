"""Infer takes the run that it was built for, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common import files
from common.errors import DataError, RunError
from common.kernels.attached_runs import attached_runs
from common.kernels.config import KernelConfig, RunConfig
from common.kernels.rehearsed import Rehearsal
from common.runfolder import RunFolder
from tests.kernels.desk import a_config

TRAINED = a_config(code="c" * 64, changes=("epochs=2",))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_INPUT", str(tmp_path))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return tmp_path


def write_run(
    folder: Path, config: KernelConfig | None = TRAINED, rehearsal: dict[str, Any] | None = None
) -> RunFolder:
    """What a train kernel leaves, as far as it is looked at before predicting."""
    files.write_json(folder / "settings.json", {"competition": "digit_recognizer"})
    run = RunFolder(folder)
    written = [folder / "settings.json"]
    if config is not None:
        record = {"kernel": config.kernel, "rehearsal": rehearsal, "config": config.as_dict()}
        written.append(files.write_json(folder / "kernel.json", record))
    run.record(written)
    return run


def infer(*runs: RunConfig, **changes: Any) -> KernelConfig:
    values = {"code": "c" * 64, "changes": ("epochs=2",), **changes}
    return a_config(role="infer", kernel="digits-infer", runs=runs, **values)


def test_the_run_is_found_by_its_hash_wherever_it_lies(root: Path) -> None:
    write_run(root / "notebooks/me/digits-train/older")
    wanted = write_run(root / "notebooks/me/digits-train/a/run", a_config(seed=7))
    config = infer(RunConfig(kernel="digits-train", run=wanted.identity()))
    assert attached_runs(config, None) == [wanted]


def test_another_run_than_the_expected_one_is_refused(root: Path) -> None:
    found = write_run(root / "notebooks/me/digits-train/run").identity()
    expected = "e" * 64
    with pytest.raises(RunError, match=rf"{found}; expected {expected}.*--run.*pack_dataset"):
        attached_runs(infer(RunConfig(kernel="digits-train", run=expected)), None)


def test_a_file_that_changed_is_another_run(root: Path) -> None:
    run = write_run(root / "digits-train/run")
    config = infer(RunConfig(kernel="digits-train", run=run.identity()))
    assert attached_runs(config, None) == [run]
    (run / "weights").write_text("other")
    run.record([run / "weights"])
    with pytest.raises(RunError, match="expected"):
        attached_runs(config, None)


def test_a_run_in_a_data_set_is_found(root: Path) -> None:
    run = write_run(root / "datasets/me/my-run/run", config=None)
    config = infer(RunConfig(dataset="me/my-run", run=run.identity()))
    assert attached_runs(config, None) == [run]


def test_without_a_hash_the_same_code_and_settings_will_do(root: Path) -> None:
    run = write_run(root / "notebooks/me/digits-train/run")
    assert attached_runs(infer(RunConfig(kernel="digits-train")), None) == [run]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "d" * 64}, "made with code 'c+'; expected 'd+'"),
        ({"pipeline": "svc"}, "made with pipeline ''; expected 'svc'"),
        ({"preset": "strong"}, "made with preset 'baseline'; expected 'strong'"),
        ({"changes": ()}, r"made with changes \['epochs=2'\]; expected \[\]"),
        ({"seed": 3}, "made with seed 0; expected 3"),
        ({"competition": "other"}, "made with competition 'digit_recognizer'"),
    ],
)
def test_without_a_hash_any_difference_is_refused(
    root: Path, changes: dict[str, Any], expected: str
) -> None:
    write_run(root / "notebooks/me/digits-train/run")
    with pytest.raises(RunError, match=expected):
        attached_runs(infer(RunConfig(kernel="digits-train"), **changes), None)


def test_other_folds_than_the_expected_ones_are_refused(root: Path) -> None:
    write_run(root / "notebooks/me/digits-train/run", a_config(code="c" * 64, folds=("0",)))
    config = infer(RunConfig(kernel="digits-train", folds=("1", "2")), changes=())
    with pytest.raises(RunError, match=r"made with folds \['0'\]; expected \['1', '2'\]"):
        attached_runs(config, None)


def test_a_run_that_no_kernel_made_needs_its_hash(root: Path) -> None:
    run = write_run(root / "notebooks/me/digits-train/run", config=None)
    with pytest.raises(RunError, match=r"not made by a kernel.*--run"):
        attached_runs(infer(RunConfig(kernel="digits-train")), None)
    config = infer(RunConfig(kernel="digits-train", run=run.identity()))
    assert attached_runs(config, None) == [run]


def test_under_another_name_a_run_is_found_by_its_record(root: Path) -> None:
    write_run(root / "first/run", a_config(kernel="digits-other"))
    run = write_run(root / "somewhere/else/run")
    assert attached_runs(infer(RunConfig(kernel="digits-train")), None) == [run]


def test_an_output_without_a_run_is_named(root: Path) -> None:
    (root / "notebooks/me/digits-train").mkdir(parents=True)
    with pytest.raises(RunError, match=r"digits-train holds no run .*digits-train that ended"):
        attached_runs(infer(RunConfig(kernel="digits-train")), None)
    with pytest.raises(DataError, match=r"output of the kernel 'digits-b' is not mounted"):
        attached_runs(infer(RunConfig(kernel="digits-b")), None)


def test_every_fold_group_must_be_there(root: Path) -> None:
    one = RunConfig(kernel="digits-train-folds-0", folds=("0",))
    two = RunConfig(kernel="digits-train-folds-1", folds=("1",))
    first = write_run(root / "digits-train-folds-0/run", a_config(code="c" * 64, folds=("0",)))
    with pytest.raises(DataError, match="digits-train-folds-1"):
        attached_runs(infer(one, two, changes=()), None)
    second = write_run(root / "digits-train-folds-1/run", a_config(code="c" * 64, folds=("1",)))
    assert attached_runs(infer(one, two, changes=()), None) == [first, second]


def test_a_rehearsed_run_is_refused_on_kaggle_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(root / "digits-train/run", rehearsal={"name": "a try"})
    config = infer(RunConfig(kernel="digits-train"))
    assert attached_runs(config, Rehearsal()) == [run]
    monkeypatch.setattr("common.paths.on_kaggle", lambda: True)
    monkeypatch.setattr("common.paths.input_root", lambda: root)
    for wanted in (RunConfig(kernel="digits-train"), RunConfig("digits-train", "", run.identity())):
        with pytest.raises(RunError, match=r"made by a rehearsal \(a try\).*on Kaggle"):
            attached_runs(infer(wanted), None)


def test_a_rehearsal_may_name_its_own_run(root: Path) -> None:
    run = write_run(root / "digits-train/run", rehearsal={"name": "a try"})
    config = infer(RunConfig(kernel="digits-train", run="e" * 64))
    assert attached_runs(config, Rehearsal(run=run.identity())) == [run]
    with pytest.raises(RunError, match="expected e"):
        attached_runs(config, Rehearsal())
