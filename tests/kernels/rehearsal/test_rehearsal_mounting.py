"""Which folders of this machine stand for what a kernel attaches, and where data are laid out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from common import paths
from common.errors import DataError, UsageError
from common.kernels.build import Built
from common.kernels.config import RunConfig, SourceConfig
from common.kernels.rehearsal import mounting
from common.kernels.rehearsal.data import laid_out
from competitions.digit_recognizer.spec import SPEC
from tests.kernels.desk import a_config


def built(**changes: Any) -> Built:
    models = changes.pop("models", [])
    metadata = {"id": "somebody/digits-infer", "model_sources": models}
    config = a_config(**{"role": "infer", "kernel": "digits-infer", **changes})
    return Built(Path("infer"), Path("infer/digits-infer.py"), 0, config, metadata)


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where data sets lie."""
    folder = tmp_path / "datasets"
    monkeypatch.setattr(paths, "datasets_dir", lambda: folder)
    return folder


def test_every_source_stands_for_the_data_and_data_sets_are_taken_from_home(
    at_home: Path, tmp_path: Path
) -> None:
    for name in ("weights", "wheels"):
        (at_home / name).mkdir(parents=True)
    one = built(
        sources=(
            SourceConfig("competition", "digit-recognizer", ()),
            SourceConfig("dataset", "host/more", ()),
        ),
        datasets=("weights", "another/wheels"),
    )
    assert mounting.sources(one, tmp_path) == {
        ("competition", "digit-recognizer"): tmp_path,
        ("dataset", "host/more"): tmp_path,
        ("dataset", "somebody/weights"): at_home / "weights",
        ("dataset", "another/wheels"): at_home / "wheels",
    }


@pytest.mark.usefixtures("at_home")
def test_a_data_set_that_is_not_at_home_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs the data set 'weights'.*pack_dataset\.py"):
        mounting.sources(built(datasets=("weights",)), tmp_path)


def test_models_cannot_be_mounted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"attaches the model 'a/b/pytorch/c/1'"):
        mounting.sources(built(models=["a/b/pytorch/c/1"]), tmp_path)


def test_runs_that_infer_is_built_for_are_mounted_in_their_order() -> None:
    one = built(runs=(RunConfig(kernel="digits-train", run="1"), RunConfig(dataset="x/y", run="2")))
    assert mounting.given_runs(one, [Path("fetched"), Path("packed")]) == {
        ("kernel", "somebody/digits-train"): Path("fetched"),
        ("dataset", "x/y"): Path("packed"),
    }
    assert mounting.given_runs(built(runs=(RunConfig(kernel="digits-train"),)), []) == {}


# ---- where the data are laid out ----------------------------------------------------------------


@pytest.fixture
def another_disk(tmp_path: Path) -> Iterator[Path]:
    """A new folder on another disk than the temporary one."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one disk only")
    folder = memory / f"kit-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def host(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("label,pixel0\n1,2\n")
    (folder / "test.csv").write_text("pixel0\n7\n8\n")
    (folder / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    return folder


def test_data_of_another_disk_are_linked_there_and_nothing_is_left(
    another_disk: Path, tmp_path: Path
) -> None:
    data = host(another_disk / "data")
    beside = another_disk / "kernels"
    with laid_out("digit_recognizer", SPEC, data, beside, lambda _: None) as found:
        for place in (found.usual, found.larger, found.placeholder):
            assert (place / "train.csv").stat().st_ino == (data / "train.csv").stat().st_ino
    assert list(beside.iterdir()) == []


def test_data_that_can_only_be_copied_must_fit(
    another_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = host(another_disk / "data")
    said: list[str] = []
    with laid_out("digit_recognizer", SPEC, data, tmp_path / "kernels", said.append) as found:
        assert (found.usual / "train.csv").read_bytes() == (data / "train.csv").read_bytes()
    assert said == ["data: the host's; 2 rows to predict"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with (
        pytest.raises(DataError, match=r"on another disk than .* set TMPDIR to a folder"),
        laid_out("digit_recognizer", SPEC, data, tmp_path / "kernels", said.append),
    ):
        pass


def test_a_folder_that_can_only_judge_has_nothing_to_rehearse_with(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"biwi has no fixture\.py to rehearse with"),
        laid_out("biwi", SPEC, None, tmp_path, lambda _: None),
    ):
        pass
