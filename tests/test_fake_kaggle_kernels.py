"""Kernels through the real command: pushed, watched, fetched, pulled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fake_kaggle import FakeKaggle, KaggleCli, Run

pytest_plugins = ["tests.fake_kaggle.fixtures"]


def kernel_folder(folder: Path, source: str = "print(1)\n", **more: Any) -> Path:
    """A folder that `kernels push` takes."""
    metadata = {
        "id": "ada/leaf-cnn",
        "title": "Leaf CNN",
        "code_file": "main.py",
        "language": "python",
        "kernel_type": "script",
        "enable_internet": False,
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(source)
    (folder / "kernel-metadata.json").write_text(json.dumps(metadata))
    return folder


def test_a_pushed_kernel_runs_and_leaves_its_output(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    files = {f"part{number}.txt": b"%d" % number for number in range(3)} | {"a/b.csv": b"id\n"}
    fake_kaggle.world.next_run("ada/leaf-cnn", Run(output=files, log="one\ntwo\n"))
    fake_kaggle.world.add_competition("leaf-2", {"train.csv": b""})
    folder = kernel_folder(tmp_path / "kernel", competition_sources=["leaf-2"])

    pushed = kaggle_cli.run("kernels", "push", "-p", folder, "--accelerator", "NvidiaTeslaT4")
    assert pushed.code == 0
    assert "Kernel version 1 successfully pushed" in pushed.out
    assert "not valid" not in pushed.out
    (body,) = fake_kaggle.bodies("SaveKernel")
    assert body["text"] == "print(1)\n"
    assert body["enableInternet"] is False
    assert body["machineShape"] == "NvidiaTeslaT4"
    assert fake_kaggle.world.version("ada/leaf-cnn").accelerator == "GPU"

    for status in ("QUEUED", "RUNNING", "COMPLETE"):
        seen = kaggle_cli.run("kernels", "status", "ada/leaf-cnn")
        assert f'has status "KernelWorkerStatus.{status}"' in seen.out

    out = tmp_path / "out"
    fetched = kaggle_cli.run(
        "kernels", "output", "ada/leaf-cnn", "-p", out, "-o", "--page-size", "2"
    )
    assert fetched.code == 0
    assert {name: (out / name).read_bytes() for name in files} == files
    log = json.loads((out / "leaf-cnn.log").read_text())
    assert [event["data"] for event in log] == ["one\n", "two\n"]
    assert len(fake_kaggle.calls("ListKernelSessionOutput")) == 2
