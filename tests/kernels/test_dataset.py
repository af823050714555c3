"""Data sets for kernels: what is packed, and that it is found again where libraries look for it."""

from __future__ import annotations

import errno
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.errors import DataError, KitError, RunError, UsageError
from common.kernels import packed, packing
from common.kernels.attached_runs import attached_runs
from common.kernels.config import RunConfig
from common.kernels.dataset import (
    MOST_FILES,
    Part,
    checked_name,
    flat_name,
    run_part,
    write_dataset,
)
from common.kernels.expected_runs import expected_runs
from common.kernels.packing import PackRequest, pack
from common.kernels.weights import weights_parts
from common.kernels.wheels import wheel_part
from common.runfolder import RunFolder
from scripts import pack_dataset
from tests.kernels.desk import a_config


def part(name: str, content: bytes = b"content", kind: str = "weights") -> Part:
    return Part(name, kind, f"x/{name}", "timm/x", lambda path: path.write_bytes(content))


def safetensors(path: Path, n_bytes: int = 8) -> Path:
    """A whole file of weights with one tensor."""
    entry = {"dtype": "F32", "shape": [n_bytes // 4], "data_offsets": [0, n_bytes]}
    header = json.dumps({"w": entry}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(n_bytes))
    return path


def wheel(folder: Path, name: str = "tiny", needs: str = "", version: str = "1.0") -> Path:
    """A pure wheel with one module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "ANSWER = 42\n")
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {needs}"] if needs else []
        archive.writestr(f"{about}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


# ---- the folder ---------------------------------------------------------------------------------


def test_a_data_set_is_flat_private_and_names_every_file(tmp_path: Path) -> None:
    out = tmp_path / "digits-weights"
    write_dataset(out, "me/digits-weights", [part("b"), part("a", b"abc")])
    assert sorted(path.name for path in out.iterdir()) == [
        "a",
        "b",
        "dataset-metadata.json",
        "manifest.json",
    ]
    assert files.read_json(out / "dataset-metadata.json") == {
        "id": "me/digits-weights",
        "title": "digits weights",
        "licenses": [{"name": "other"}],
        "isPrivate": True,
    }
    first = files.read_json(out / "manifest.json")["files"][0]
    # the SHA-256 of "abc", from FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert first == {
        "name": "a",
        "sha256": digest,
        "bytes": 3,
        "kind": "weights",
        "path": "x/a",
        "of": "timm/x",
        "ref": "",
    }


def test_an_existing_folder_is_replaced_on_request_only(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_dataset(out, "me/some-name", [part("a")])
    with pytest.raises(UsageError, match="--overwrite"):
        write_dataset(out, "me/some-name", [part("b")])
    write_dataset(out, "me/some-name", [part("b")], overwrite=True)
    assert not (out / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        write_dataset(tmp_path, "me/some-name", [part("a")], overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_the_older_data_set_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    write_dataset(out, "me/some-name", [part("a")])

    def full(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    broken = [Part("b", "weights", "b", "timm/b", full)]
    monkeypatch.setattr(packing, "weights_parts", lambda *_: broken)
    argv = ["--weights", "timm/b", "--name", "me/some-name", "--out", str(out), "--overwrite"]
    assert pack_dataset.main(argv) == 2
    assert "No space left on device; free some room" in capsys.readouterr().err
    assert (out / "a").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_more_files_than_kaggle_takes_are_refused(tmp_path: Path) -> None:
    parts = [part(f"f{number}") for number in range(MOST_FILES)]
    with pytest.raises(UsageError, match=r"51 files; Kaggle takes 50"):
        write_dataset(tmp_path / "out", "me/some-name", parts)
    write_dataset(tmp_path / "out", "me/some-name", parts[1:])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("short", "6 to 50"), ("Has-Capitals", "lower-case"), ("a--b-cdef", "single -")],
)
def test_a_name_that_kaggle_would_refuse_is_refused_here(name: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        checked_name(name, "me")
    assert checked_name("you/some-name", "me") == "you/some-name"


def test_no_name_looks_like_an_archive() -> None:
    assert flat_name("timm/a.b_c", "w.tar.gz") == "timm-a.b_c--w.tar.gz.bin"
    assert flat_name("x-1.0-py3-none-any.whl") == "x-1.0-py3-none-any.whl"


# ---- weights ------------------------------------------------------------------------------------


def test_timm_weights_get_the_place_where_the_hub_keeps_them(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    source = safetensors(tmp_path / "test_vit.safetensors")
    (found,) = weights_parts("timm/test_vit", tmp_path)
    commit = files.sha256(source)[:40]
    folder = "huggingface/hub/models--timm--test_vit.r160_in1k/snapshots"
    assert found.path == f"{folder}/{commit}/model.safetensors"
    assert found.ref == "main"


def test_torchvision_weights_get_the_place_where_torch_keeps_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "resnet18-f37072fd.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    (found,) = weights_parts("torchvision/resnet18", tmp_path)
    assert found.path == "torch/hub/checkpoints/resnet18-f37072fd.pth"


def test_smp_weights_keep_the_revision_that_the_library_asks_for(tmp_path: Path) -> None:
    pytest.importorskip("segmentation_models_pytorch")
    safetensors(tmp_path / "resnet34.imagenet" / "model.safetensors")
    found = weights_parts("smp/resnet34.imagenet", tmp_path)
    assert [Path(one.path).name for one in found] == ["model.safetensors", "config.json"]
    assert len(Path(found[0].path).parent.name) == 40
    assert found[0].ref == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", "names no weights; expected timm/"),
        ("timm/resnet18.a1_in1x", "did you mean timm/resnet18.a1_in1k"),
        ("torchvision/resnet81", "did you mean torchvision/resnet1"),
        ("torchvision/resnet18.IMAGENET", "did you mean torchvision/resnet18.IMAGENET1K_V1"),
    ],
)
def test_unknown_weights_are_refused_with_the_nearest_names(name: str, expected: str) -> None:
    pytest.importorskip("timm")
    with pytest.raises(UsageError, match=expected):
        weights_parts(name)


def test_cut_and_missing_files_are_named(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    with pytest.raises(DataError, match=r"holds no file for timm/test_vit; expected test_vit"):
        weights_parts("timm/test_vit", tmp_path)
    path = safetensors(tmp_path / "test_vit.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"test_vit.safetensors is no whole file .*its end is"):
        weights_parts("timm/test_vit", tmp_path)
    (tmp_path / "resnet18-f37072fd.pth").write_bytes(b"half a pickle")
    with pytest.raises(DataError, match=r"nor the SHA-256 f37072fd… of its name"):
        weights_parts("torchvision/resnet18", tmp_path)


def test_a_hub_that_cannot_be_reached_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", _unreachable)
    with pytest.raises(DataError, match=r"cannot be fetched from https://.*f37072fd.pth.*--from"):
        weights_parts("torchvision/resnet18")
    assert not list((tmp_path / "checkpoints").iterdir())


def _unreachable(*_: object, **__: object) -> None:
    from urllib.error import URLError

    raise URLError("no such host")


def test_a_spec_names_what_one_command_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from common import registry
    from common.spec import KernelSpec

    spec = registry.load_spec("digit_recognizer")
    kernel = KernelSpec(short_name="digits", weights=("torchvision/resnet18",))
    wanting = replace(spec, kernel=kernel)
    monkeypatch.setattr(registry, "load_spec", lambda folder: wanting)
    with zipfile.ZipFile(tmp_path / "resnet18-f37072fd.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    argv = ["digit-recognizer", "--from", str(tmp_path), "--user", "me"]
    assert pack_dataset.main([*argv, "--out", str(tmp_path / "out")]) == 0
    assert "name 'digits-weights' in KernelSpec.datasets" in capsys.readouterr().out
    (entry,) = packed.entries_of(tmp_path / "out") or []
    assert entry.of == "torchvision/resnet18"


# ---- wheels -------------------------------------------------------------------------------------


def test_a_wheel_is_taken_from_a_folder_and_its_needs_are_told(tmp_path: Path) -> None:
    wheel(tmp_path, needs="faraway>=2")
    found, lacking = wheel_part("tiny==1.0", tmp_path)
    assert (found.kind, found.of, lacking) == ("wheel", "tiny==1.0", ["faraway>=2"])


def test_a_wheel_for_another_torch_is_refused(tmp_path: Path) -> None:
    wheel(tmp_path, needs="torch<2")
    with pytest.raises(DataError, match=r"needs torch <2; Kaggle's image has 2.10.0"):
        wheel_part("tiny==1.0", tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tiny-1.0.tar.gz", r"found tiny-1.0.tar.gz\); a source distribution"),
        ("tiny-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "no wheel of tiny==1.0 for Python 3.12"),
        ("tiny-1.0-cp312-cp312-win_amd64.whl", "no wheel of tiny==1.0"),
        ("tiny-2.0-py3-none-any.whl", "no wheel of tiny==1.0"),
    ],
)
def test_what_the_image_cannot_install_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=expected):
        wheel_part("tiny==1.0", tmp_path)


def test_a_cut_wheel_and_a_loose_version_are_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="no whole wheel"):
        wheel_part("tiny==1.0", tmp_path)
    with pytest.raises(UsageError, match="one exact version"):
        wheel_part("tiny>=1.0", tmp_path)


# ---- runs ---------------------------------------------------------------------------------------


def a_run(folder: Path, **facts: Any) -> RunFolder:
    """A finished run, with a sub-folder and a file that looks like an archive."""
    known = {"competition": "digit_recognizer", "pipeline": "net", "preset": "smoke"}
    known |= {"settings": {}, "seed": 0, "folds": [0], "data": {}, **facts}
    files.write_json(folder / "settings.json", known)
    for name in ("fold0/weights.safetensors", "shared/words.tar.gz", "decision.json"):
        files.write_bytes(folder / name, b"{}")
    run = RunFolder(folder)
    run.record([folder])
    return run


@pytest.fixture
def kaggle_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_INPUT", str(tmp_path / "input"))
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return tmp_path / "input"


def test_a_packed_run_is_found_by_infer_as_the_run_that_it_was(
    tmp_path: Path, kaggle_like: Path
) -> None:
    run = a_run(tmp_path / "run")
    place = kaggle_like / "datasets/me/digits-run"
    request = PackRequest(run=run.path, name="digits-run", user="me", out=place)
    pack(request, say=lambda line: None)
    assert len(list(place.iterdir())) == 3
    wanted = RunConfig(dataset="digits-run", run=run.identity())
    (found,) = attached_runs(a_config(role="infer", runs=(wanted,)), None)
    assert found.identity() == run.identity()
    found.open_finished()
    assert (found / "shared/words.tar.gz").read_bytes() == b"{}"
    (again,) = attached_runs(a_config(role="infer", runs=(wanted,)), None)
    assert again == found


def test_infer_is_built_for_a_packed_run(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    request = PackRequest(run=run.path, name="digits-run", user="me", out=tmp_path / "out")
    pack(request, say=lambda line: None)
    (expected,) = expected_runs([tmp_path / "out"], "digit_recognizer", "me")
    assert expected.config == RunConfig(dataset="digits-run", run=run.identity())


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    other = Path(shutil.copytree(run.path, tmp_path / "copy"))
    for folder in (run.path, other):
        run_part(folder).write(tmp_path / f"{folder.name}.tar")
    assert (tmp_path / "run.tar").read_bytes() == (tmp_path / "copy.tar").read_bytes()


def test_a_cut_packed_run_is_named(tmp_path: Path, kaggle_like: Path) -> None:
    run = a_run(tmp_path / "run")
    place = kaggle_like / "digits-run"
    pack(PackRequest(run=run.path, name="digits-run", user="me", out=place), say=lambda _: None)
    archive = place / "run.tar.bin"
    archive.write_bytes(archive.read_bytes()[:-512])
    config = a_config(role="infer", runs=(RunConfig(dataset="digits-run", run=run.identity()),))
    with pytest.raises(DataError, match=r"run.tar.bin has 9,728 bytes; expected 10,240"):
        attached_runs(config, None)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("UNFINISHED", "", "is unfinished"),
        ("decision.json", "{1}", "does not belong together"),
        ("kernel.json", '{"rehearsal": {}, "config": {}}', "made by a rehearsal"),
        ("merged.json", '[{"rehearsal": {}}]', "made by a rehearsal"),
    ],
)
def test_a_run_that_is_not_for_real_is_not_packed(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    run = a_run(tmp_path / "run")
    (run / name).write_text(content)
    with pytest.raises(RunError, match=expected):
        run_part(run.path)


def test_a_run_is_packed_alone(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    with pytest.raises(KitError, match="packed alone"):
        pack(PackRequest(run=run.path, weights=("timm/resnet18",), name="a-name", user="me"))


def test_the_script_says_what_to_do_next(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    argv = ["--run", str(run.path), "--user", "me", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "scripts/pack_dataset.py", *argv], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"-run-{run.identity()[:8]}, 1 files" in done.stdout
    assert "kaggle datasets create -p" in done.stdout
    assert "--role infer --run" in done.stdout
