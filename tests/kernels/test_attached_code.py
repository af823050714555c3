"""Code that is too large for a kernel comes in a data set, and runs as if it had not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.kernels.bundle import digest, pack
from common.kernels.packed import entries_of
from common.kernels.script_format import attached_name, script
from tests.fake_kaggle import FakeKaggle, KaggleCli
from tests.kernels.desk import TINY, a_config, build, copy_repository, run
from tests.kernels.test_dataset import a_run

pytest_plugins = ["tests.fake_kaggle.fixtures"]

ARCHIVE = pack(TINY)
NAME = attached_name(digest(ARCHIVE))


@pytest.fixture(params=["datasets/me/digits-code", "digits-code"])
def mount(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The data set in either of Kaggle's layouts."""
    place: Path = tmp_path / "input" / request.param
    place.mkdir(parents=True)
    (place / NAME).write_bytes(ARCHIVE)
    return place


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    text = script(a_config(), ARCHIVE, "Digits", attached=True)
    (folder / "digits-train.py").write_text(text)
    (folder / "working").mkdir()
    environment = {"KIT_INPUT": str(folder / "input")}
    command = (sys.executable, "-s", folder / "digits-train.py")
    return run(*command, cwd=folder / "working", environment=environment)


def test_attached_code_runs_and_the_script_is_small(tmp_path: Path, mount: Path) -> None:
    done = start(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["kernel"] == "digits-train"
    assert (tmp_path / "digits-train.py").stat().st_size < 5_000


def test_cut_code_is_refused(tmp_path: Path, mount: Path) -> None:
    (mount / NAME).write_bytes(ARCHIVE[:-1])
    done = start(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the attached code was cut or edited: upload its data set again\n"
    )


def test_code_that_is_not_attached_is_named(tmp_path: Path, mount: Path) -> None:
    (mount / NAME).rename(mount / "code-of-yesterday.bin")
    done = start(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {NAME} is in no data set below {tmp_path}/input")
    assert "pack_dataset.py --code" in line


def test_what_is_packed_is_what_the_built_kernel_looks_for(tmp_path: Path) -> None:
    repository = copy_repository(tmp_path / "repository", git=False)
    spec = repository / "competitions/digit_recognizer/spec.py"
    attached = 'KernelSpec(datasets=("digits-code",), code_attached=True, '
    spec.write_text(spec.read_text().replace("KernelSpec(short", f"{attached}short"))
    assert attached in spec.read_text()
    done = build(repository, "--user", "me")
    assert done.returncode == 0, done.stderr
    kernel = repository / "kernels/digit-recognizer/train"
    metadata = json.loads((kernel / "kernel-metadata.json").read_text())
    assert metadata["dataset_sources"] == ["me/digits-code"]

    place = tmp_path / "input/datasets/me/digits-code"
    packer = (sys.executable, repository / "scripts/pack_dataset.py", "digit-recognizer", "--code")
    environment = {"PYTHONPATH": str(repository), "KIT_INPUT": str(tmp_path / "input")}
    packed = run(
        *(*packer, "--user", "me", "--out", place), cwd=repository, environment=environment
    )
    assert packed.returncode == 0, packed.stderr
    (entry,) = entries_of(place) or []
    assert entry.of == json.loads((kernel / "build.json").read_text())["code"]

    (tmp_path / "working").mkdir()
    del environment["PYTHONPATH"]
    done = run(
        *(sys.executable, "-s", kernel / "digits-train.py"),
        cwd=tmp_path / "working",
        environment=environment,
    )
    # the code runs: it is the competition's data that nobody mounted
    assert done.returncode == 2
    assert f"code {entry.of}" in done.stdout
    assert "the competition 'digit-recognizer' is not mounted" in done.stderr


def test_kaggle_s_command_uploads_every_file_and_kaggle_leaves_them_whole(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    from common.kernels.packing import PackRequest
    from common.kernels.packing import pack as pack_dataset

    run_folder = a_run(tmp_path / "run").path
    out = tmp_path / "out"
    request = PackRequest(run=run_folder, name="ada/leaf-run", out=out)
    pack_dataset(request, say=lambda line: None)
    made = kaggle_cli.run("datasets", "create", "-p", out)
    assert made.code == 0, made.err
    stored = fake_kaggle.world.datasets["ada/leaf-run"]
    assert stored.private
    expected = {path.name: path.read_bytes() for path in out.iterdir()}
    del expected["dataset-metadata.json"]
    assert stored.versions[0].files == expected
