"""A train kernel goes on from its own attached output, and from no other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.budget import Budget
from common.errors import RunError
from common.kernels.config import KernelConfig, SourceConfig
from common.kernels.earlier_run import take_earlier_run
from common.kernels.rehearsed import Rehearsal
from common.runfolder import RunFolder
from kernels import train
from tests.kernels.desk import a_config

CONFIG = a_config(code="c" * 64, changes=("epochs=2",), folds=("0", "1"))
SAME = ("submission.csv", "oof.parquet", "scores.json", "decision.json")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where inputs are mounted."""
    monkeypatch.setenv("KIT_INPUT", str(tmp_path / "input"))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return tmp_path / "input"


def write_run(
    folder: Path,
    config: KernelConfig = CONFIG,
    *,
    rehearsal: dict[str, Any] | None = None,
    ended: bool = True,
) -> Path:
    """What a train kernel leaves, as far as it is looked at."""
    run = RunFolder(folder / "run")
    written = [files.write_json(run / "settings.json", {"competition": "digit_recognizer"})]
    files.write_text(run / "fold0/resume.pt", "a checkpoint")
    record = {
        "kernel": config.kernel,
        "role": config.role,
        "rehearsal": rehearsal,
        "config": config.as_dict(),
    }
    if ended:
        written.append(files.write_json(run / "kernel.json", record))
    else:  # the record lies beside the run until the end
        files.write_json(folder / "kernel.json", record)
    run.record(written)
    return run.path


def taken(tmp_path: Path, config: KernelConfig = CONFIG, **options: Any) -> tuple[bool, list[str]]:
    """Whether a run was taken, and what was said."""
    lines: list[str] = []
    rehearsal = options.pop("rehearsal", None)
    found = take_earlier_run(config, rehearsal, tmp_path / "working/run", lines.append)
    assert (tmp_path / "working/run").exists() is found
    return found, lines


@pytest.mark.parametrize("ended", [True, False], ids=["ended well", "ended from outside"])
def test_its_own_output_is_copied_whole(root: Path, tmp_path: Path, ended: bool) -> None:
    run = write_run(root / "notebooks/me/digits-train", ended=ended)
    found, lines = taken(tmp_path)
    assert found
    assert lines == [f"goes on with {run}"]
    assert (tmp_path / "working/run/fold0/resume.pt").read_text() == "a checkpoint"


def test_what_the_earlier_run_left_out_is_said(root: Path, tmp_path: Path) -> None:
    run = write_run(root / "digits-train")
    files.write_json(run / "left_out.json", ["fold 1"])
    assert taken(tmp_path)[1] == [f"goes on with {run}, which left out fold 1"]


def test_without_an_attached_output_training_begins(root: Path, tmp_path: Path) -> None:
    (root / "competitions/digit-recognizer").mkdir(parents=True)
    assert taken(tmp_path) == (False, [])


DIFFERENT = {
    "code": ({"code": "d" * 64}, "code 'ccc"),
    "settings": ({"changes": ()}, r"changes \['epochs=2'\], and this kernel has \[\]"),
    "seed": ({"seed": 3}, "seed 0, and this kernel has 3"),
    "folds": ({"folds": ("0",)}, r"folds \['0', '1'\], and this kernel has \['0'\]"),
}


@pytest.mark.parametrize("changes", DIFFERENT)
def test_an_output_of_something_else_is_passed_over_with_a_line(
    root: Path, tmp_path: Path, changes: str
) -> None:
    values, expected = DIFFERENT[changes]
    write_run(root / "notebooks/me/digits-train")
    config = a_config(**{**CONFIG.as_dict(), **values})
    found, (line,) = taken(tmp_path, config)
    assert not found
    assert line.endswith("it is passed over, and training begins anew")
    with pytest.raises(RunError, match=expected):
        taken(tmp_path, a_config(**{**config.as_dict(), "resume": True}))


def test_the_output_of_another_kernel_is_nobodys_business(root: Path, tmp_path: Path) -> None:
    write_run(root / "notebooks/me/digits-other", a_config(kernel="digits-other", code="d" * 64))
    assert taken(tmp_path) == (False, [])


def test_of_several_outputs_the_one_that_fits_is_taken(root: Path, tmp_path: Path) -> None:
    write_run(root / "a/older", a_config(code="d" * 64))
    run = write_run(root / "b/right")
    assert taken(tmp_path) == (True, [f"goes on with {run}"])


def test_a_kernel_that_is_to_go_on_ends_where_nothing_is_attached(
    root: Path, tmp_path: Path
) -> None:
    config = a_config(resume=True)
    with pytest.raises(RunError, match=r"--resume, and nothing of digits-train is attached"):
        taken(tmp_path, config)
    assert taken(tmp_path, config, rehearsal=Rehearsal()) == (False, [])


def test_a_rehearsed_output_is_gone_on_with_in_a_rehearsal_alone(
    root: Path, tmp_path: Path
) -> None:
    write_run(root / "digits-train", rehearsal={"name": "a try"})
    found, (line,) = taken(tmp_path)
    assert not found
    assert "was made by a rehearsal" in line
    assert taken(tmp_path, rehearsal=Rehearsal())[0]


# ---- the kernel itself --------------------------------------------------------------------------


@pytest.fixture
def kaggle(root: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session with the digits mounted; the folder of its output."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KIT_WORKING", str(tmp_path / "working"))
    (root / "competitions").mkdir(parents=True)
    (root / "competitions/digit-recognizer").symlink_to(digits)
    return tmp_path / "working"


def session(**changes: Any) -> None:
    """A session of the train kernel."""
    source = SourceConfig("competition", "digit-recognizer")
    train.run(a_config(preset="smoke", sources=(source,), **changes), None)


def attach(working: Path, root: Path) -> None:
    """The output of the last session is attached to the next one, which begins empty."""
    mounted = root / "notebooks/me/digits-train"
    shutil.rmtree(mounted, ignore_errors=True)
    mounted.parent.mkdir(parents=True, exist_ok=True)
    working.rename(mounted)


def assert_same(run: Path, smoke_run: Path) -> None:
    for name in SAME:
        assert (run / name).read_bytes() == (smoke_run / name).read_bytes(), name
    record = files.read_json(run / "kernel.json")
    assert record["kernel"] == "digits-train"
    assert RunFolder(run).open_finished()["competition"] == "digit_recognizer"
    assert sorted(path.name for path in run.parent.iterdir()) == ["run"]


def test_a_session_whose_time_ran_out_is_gone_on_with_in_the_next_one(
    root: Path, kaggle: Path, smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(hours=1e-6)
    assert "--resume goes on with it" in capsys.readouterr().out
    attach(kaggle, root)
    session(hours=1000.0)
    said = capsys.readouterr().out
    assert "goes on with" in said
    assert "goes on in epoch 1, of which 1 of" in said
    assert_same(kaggle / "run", smoke_run)


def test_a_session_that_was_ended_from_outside_is_gone_on_with(
    root: Path,
    kaggle: Path,
    smoke_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ended(self: Budget, seconds: float) -> None:
        raise SystemExit  # after the first fold was trained, before it is entered

    with monkeypatch.context() as patched:
        patched.setattr(Budget, "saw_fold", ended)
        with pytest.raises(SystemExit):
            session()
    assert sorted(path.name for path in kaggle.iterdir()) == ["kernel.json", "run"]
    attach(kaggle, root)
    session()
    assert "goes on with" in capsys.readouterr().out
    assert_same(kaggle / "run", smoke_run)


def test_a_second_try_in_one_session_begins_anew(
    kaggle: Path, smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(hours=1e-6)
    capsys.readouterr()
    session()
    assert "goes on" not in capsys.readouterr().out
    assert_same(kaggle / "run", smoke_run)
