"""Attached data sets: checked, in the caches, on the path, without any connection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common import files, registry
from common.errors import DataError
from common.kernels import attached
from common.kernels.missing import missing_named
from common.kernels.packing import PackRequest, pack
from common.spec import KernelSpec
from tests.conftest import REPOSITORY
from tests.kernels.desk import a_config
from tests.kernels.test_dataset import wheel

# what a kernel without internet does: prepare, then load, with every socket refused
FRESH = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a connection was tried")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from common.kernels.attached import prepare
from common.kernels.config import KernelConfig
config = KernelConfig("digit_recognizer", "digit-recognizer", "infer", "k", datasets=("me/packed",))
prepare(config)
assert "torch" not in sys.modules
"""


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_INPUT", str(tmp_path / "input"))
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return tmp_path / "input/datasets/me/packed"


def packed(mount: Path, given: Path, **asked: Any) -> Path:
    request = PackRequest(name="me/packed", given=given, out=mount, **asked)
    return pack(request, say=lambda line: None)


def fresh(code: str) -> str:
    """What a new process says that runs code after `prepare`."""
    command = [sys.executable, "-W", "ignore", "-c", FRESH + code]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def read_only(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)


@pytest.mark.slow
def test_timm_loads_attached_weights_in_a_process_without_a_connection(
    mount: Path, tmp_path: Path
) -> None:
    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    given = tmp_path / "given"
    given.mkdir()
    model = timm.create_model("test_vit", pretrained=False)
    save_file(model.state_dict(), given / "test_vit.safetensors")
    packed(mount, given, weights=("timm/test_vit.r160_in1k",))
    read_only(mount)
    out = fresh(
        "import timm\n"
        "model = timm.create_model('test_vit', pretrained=True)\n"
        "print(float(model.state_dict()['cls_token'].double().sum()))"
    )
    assert float(out.split()[-1]) == float(model.state_dict()["cls_token"].double().sum())


@pytest.mark.slow
def test_torchvision_loads_attached_weights_in_a_process_without_a_connection(
    mount: Path, tmp_path: Path
) -> None:
    import torch
    from torchvision.models import resnet18

    given = tmp_path / "given"
    given.mkdir()
    model = resnet18()
    torch.save(model.state_dict(), given / "resnet18-f37072fd.pth")
    packed(mount, given, weights=("torchvision/resnet18",))
    read_only(mount)
    out = fresh(
        "from torchvision.models import resnet18\n"
        "model = resnet18(weights='DEFAULT')\n"
        "print(float(model.fc.weight.detach().double().sum()))"
    )
    assert float(out.split()[-1]) == float(model.fc.weight.detach().double().sum())


@pytest.mark.slow
def test_models_take_attached_weights_and_name_those_that_are_not(
    mount: Path, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save_file

    given = tmp_path / "given"
    given.mkdir()
    state = timm.create_model("test_resnet", pretrained=False).state_dict()
    save_file(state, given / "test_resnet.safetensors")
    packed(mount, given, weights=("timm/test_resnet.r160_in1k",))
    read_only(mount)
    out = fresh(
        "from common.errors import DataError\n"
        "from common.models import classifier\n"
        "from common.models.unet import unet\n"
        "name = 'timm/test_resnet.r160_in1k'\n"
        "net = classifier(name, 2, weights='pretrained').backbone\n"
        "print(float(next(net.parameters()).detach().double().sum()))\n"
        "net = unet(name, 2, weights='pretrained').encoder\n"
        "print(float(next(net.parameters()).detach().double().sum()))\n"
        "try:\n"
        "    classifier('timm/test_vit.r160_in1k', 2, weights='pretrained')\n"
        "except DataError as error:\n"
        "    print(error)"
    )
    expected = float(next(iter(state.values())).double().sum())
    *_, first, second, missing = out.splitlines()
    assert [float(first), float(second)] == [expected, expected]
    assert "looked for model.safetensors of timm/test_vit.r160_in1k in " in missing
    assert "caches/huggingface/hub" in missing


@pytest.mark.slow
def test_an_smp_encoder_loads_attached_weights_in_a_process_without_a_connection(
    mount: Path, tmp_path: Path
) -> None:
    encoders = pytest.importorskip("segmentation_models_pytorch.encoders")
    from safetensors.torch import save_file

    given = tmp_path / "given"
    given.mkdir()
    encoder = encoders.get_encoder("resnet18")
    save_file(encoder.state_dict(), given / "resnet18.imagenet.safetensors")
    packed(mount, given, weights=("smp/resnet18",))
    out = fresh(
        "from segmentation_models_pytorch.encoders import get_encoder\n"
        "model = get_encoder('resnet18', weights='imagenet')\n"
        "print(float(model.conv1.weight.detach().double().sum()))"
    )
    assert float(out.split()[-1]) == float(encoder.conv1.weight.detach().double().sum())


def test_a_wheel_is_imported_here_and_in_child_processes(mount: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "given")
    packed(mount, tmp_path / "given", wheels=("tiny==1.0",))
    out = fresh(
        "import subprocess, tiny\n"
        "code = 'import tiny; print(tiny.ANSWER + 1)'\n"
        "child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
        "print(tiny.ANSWER, child.stdout)"
    )
    assert out.split()[-2:] == ["42", "43"]


@pytest.fixture
def tiny(mount: Path, tmp_path: Path) -> Path:
    """A data set with one wheel."""
    wheel(tmp_path / "given")
    return packed(mount, tmp_path / "given", wheels=("tiny==1.0",))


@pytest.fixture
def config() -> Any:
    return a_config(role="infer", datasets=("me/packed",), internet=False)


def test_a_changed_file_is_named_with_both_hashes(tiny: Path, config: Any) -> None:
    path = tiny / "tiny-1.0-py3-none-any.whl"
    expected = files.sha256(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = files.sha256(path)
    with pytest.raises(DataError, match=rf"{found}; expected {expected}: upload .* me/packed"):
        attached.prepare(config)


def test_a_cut_or_missing_file_is_named(tiny: Path, config: Any) -> None:
    path = tiny / "tiny-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"has [\d,]+ bytes; expected [\d,]+: upload the data set"):
        attached.prepare(config)
    path.unlink()
    with pytest.raises(DataError, match=r"whl is missing; expected .* for tiny==1.0"):
        attached.prepare(config)


def test_a_data_set_that_is_not_mounted_is_named(mount: Path, config: Any) -> None:
    with pytest.raises(DataError, match=r"data set 'me/packed' is not mounted.*dataset_sources"):
        attached.prepare(config)


def test_a_manifest_that_leads_elsewhere_is_refused(tiny: Path, config: Any) -> None:
    manifest = files.read_json(tiny / "manifest.json")
    manifest["files"][0]["path"] = "../../elsewhere"
    files.write_json(tiny / "manifest.json", manifest)
    with pytest.raises(DataError, match="leads elsewhere"):
        attached.prepare(config)


def test_a_data_set_of_somebody_else_is_taken_as_it_is(
    mount: Path, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount.mkdir(parents=True)
    (mount / "manifest.json").write_text("[1, 2]")
    monkeypatch.setattr("common.paths.use_caches", lambda folder, offline: None)
    said: list[str] = []
    attached.prepare(config, said.append)
    assert "nothing is checked" in said[0]


def test_weights_that_no_data_set_holds_are_named_before_anything_runs(
    tiny: Path, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    spec = registry.load_spec("digit_recognizer")
    wanting = replace(spec, kernel=KernelSpec(weights=("timm/resnet18.a1_in1k",)))
    monkeypatch.setattr(registry, "load_spec", lambda folder: wanting)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("common.paths.use_modules", lambda folder: None)
    with pytest.raises(DataError, match=r"timm/resnet18.a1_in1k are in none .*me/packed \(.*pack_"):
        attached.prepare(config)
    with pytest.raises(DataError, match=r"looked in none, as KernelSpec.datasets names none; pack"):
        attached.prepare(replace(config, datasets=()))


def test_a_file_that_a_library_cannot_fetch_is_named(config: Any) -> None:
    class LocalEntryNotFoundError(FileNotFoundError):
        pass

    def hf_hub_download(repo_id: str, filename: str) -> None:
        raise LocalEntryNotFoundError("offline")

    with (
        pytest.raises(
            DataError, match=r"model.safetensors of timm/x is missing: .*me/packed.*--we"
        ),
        missing_named(config),
    ):
        hf_hub_download("timm/x", "model.safetensors")


def test_other_errors_pass_and_with_internet_all_do(config: Any) -> None:
    from dataclasses import replace
    from urllib.error import URLError

    with pytest.raises(ZeroDivisionError), missing_named(config):
        print(1 / 0)
    with pytest.raises(URLError), missing_named(replace(config, internet=True)):
        raise URLError("gone")
    with pytest.raises(DataError, match="from the internet is missing"), missing_named(config):
        raise URLError("gone")
