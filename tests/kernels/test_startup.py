"""A kernel's first lines, and the GPU that it must have."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from common.errors import DataError, UsageError
from common.kernels.rehearsed import Rehearsal, read_rehearsal
from common.kernels.startup import check_devices, say_devices, say_facts
from tests.kernels.desk import a_config

T4 = ("Tesla T4", (7, 5))
P100 = ("Tesla P100-PCIE-16GB", (6, 0))


def with_devices(monkeypatch: pytest.MonkeyPatch, *devices: tuple[str, tuple[int, int]]) -> None:
    """Lets torch tell of these GPUs."""

    def properties(number: int) -> SimpleNamespace:
        name, (major, minor) = devices[number]
        return SimpleNamespace(name=name, total_memory=15 * 2**30, major=major, minor=minor)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(devices))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(devices))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number=0: devices[number][0])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number=0: devices[number][1])
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)


@pytest.fixture
def on_kaggle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")


@pytest.mark.usefixtures("on_kaggle")
def test_two_t4_are_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch, T4, T4)
    check_devices(a_config(machine_shape="NvidiaTeslaT4"))


@pytest.mark.usefixtures("on_kaggle")
@pytest.mark.parametrize("devices", [(P100,), (T4, P100)])
def test_a_p100_stops_the_kernel(
    monkeypatch: pytest.MonkeyPatch, devices: tuple[tuple[str, tuple[int, int]], ...]
) -> None:
    with_devices(monkeypatch, *devices)
    with pytest.raises(UsageError, match=r"P100.* compute capability 6\.0.*NvidiaTeslaT4"):
        check_devices(a_config(machine_shape="NvidiaTeslaT4"))


@pytest.mark.usefixtures("on_kaggle")
def test_no_gpu_stops_a_kernel_that_was_built_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch)
    with pytest.raises(UsageError, match=r"no GPU; expected NvidiaTeslaT4.*quota"):
        check_devices(a_config(machine_shape="NvidiaTeslaT4"))
    check_devices(a_config(machine_shape=""))


def test_a_rehearsal_runs_on_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Rehearsal")
    with_devices(monkeypatch, P100)
    check_devices(a_config(machine_shape="NvidiaTeslaT4"))
    with_devices(monkeypatch)
    check_devices(a_config(machine_shape="NvidiaTeslaT4"))


def test_devices_are_told_with_memory_and_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with_devices(monkeypatch, T4)
    say_devices(said.append)
    assert said == ["device 0: Tesla T4, 15.0 GiB, compute 7.5"]


def test_the_first_lines_tell_what_this_is_and_where_it_runs(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "competitions/digit-recognizer").mkdir(parents=True)
    for name in ("KIT_INPUT", "KIT_WORKING", "KIT_TEMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("KAGGLE_USER_SECRETS_TOKEN", "0123secret")
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Rehearsal")
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    said: list[str] = []
    config = a_config(commit="abc+changes", changes=("epochs=2",), packages=("somewhat 1.2",))
    say_facts(config, Rehearsal(name="a try"), said.append)
    log = "\n".join(said)
    for words in (
        "kernel: digits-train, train, of digit_recognizer",
        f"commit: abc+changes; code {'0' * 64}",
        "preset baseline, epochs=2, all folds, seed 0",
        f"torch {torch.__version__.partition('+')[0]}",
        "packed: somewhat 1.2",
        "run type: Rehearsal, the scored rerun",
        "KAGGLE_USER_SECRETS_TOKEN",
        "GiB",
        "mounts: competitions/digit-recognizer",
        '"name": "a try"',
    ):
        assert words in log
    assert "0123secret" not in log


def test_a_rehearsal_is_read_from_its_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rehearsal.json"
    monkeypatch.delenv("KIT_REHEARSAL", raising=False)
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    assert read_rehearsal() is None
    monkeypatch.setenv("KIT_REHEARSAL", str(path))
    with pytest.raises(DataError, match="is missing"):
        read_rehearsal()
    path.write_text('{"preset": "smoke", "changes": ["folds=3"], "device": "cpu", "run": null}')
    assert read_rehearsal() == Rehearsal(changes=("folds=3",), device="cpu")
    path.write_text('{"presett": "smoke"}')
    with pytest.raises(DataError, match="did you mean 'preset'"):
        read_rehearsal()
    path.write_text("[]")
    with pytest.raises(DataError, match="no JSON object"):
        read_rehearsal()
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    assert read_rehearsal() is None
