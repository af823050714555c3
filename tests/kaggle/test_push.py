"""scripts/push_kernel.py: a built kernel on its way to Kaggle and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from common import files
from common.runfolder import RunFolder
from scripts.push_kernel import main
from tests.fake_kaggle import FakeKaggle, KaggleCli, Run
from tests.kaggle.desk import (
    SLUG,
    Clock,
    ends_well,
    infer_output,
    left_over,
    run_output,
    write_built,
)

ErrorLine = Callable[[], str]
TRAIN = "ada/digits-train"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return write_built(tmp_path / "kernels" / "train")


def push(folder: Path, *options: str) -> int:
    return main([SLUG, "--folder", str(folder), *options])


def test_a_train_kernel_comes_back_as_a_run_folder_with_its_log(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    clock: Clock,
    built: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends_well(fake, "train", run_output(tmp_path))
    assert push(built) == 0
    run = RunFolder(home / "runs/digit_recognizer/digits-train-v1")
    assert run.open_finished()["pipeline"] == "cnn"
    assert (run / "kernel.log").read_text() == "one\ntwo\n"
    assert left_over(home) == []
    assert len(fake.bodies("SaveKernel")) == 1
    lines = capsys.readouterr().out.splitlines()
    told = [line.split()[-1] for line in lines if "UTC" in line]
    assert told == ["QUEUED", "RUNNING", "COMPLETE"]
    assert clock.slept == sorted(clock.slept)  # looks come at growing intervals

    capsys.readouterr()
    calls = len(fake.calls())
    assert push(built) == 0
    assert "pushed and fetched" in capsys.readouterr().out
    assert len(fake.calls()) == calls
