"""Datasets through the real command: made, grown, watched, fetched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_kaggle import FakeKaggle, KaggleCli, dataset_folder
from tests.fake_kaggle.blobs import zip_of
from tests.fake_kaggle.dataset_calls import unpacked

pytest_plugins = ["tests.fake_kaggle.fixtures"]


def test_a_dataset_is_made_grown_and_fetched(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    folder = dataset_folder(tmp_path / "nets", {"net.bin": b"\0" * 5000, "code/main.py": b"1\n"})
    made = kaggle_cli.run("datasets", "create", "-p", folder, "-r", "zip")
    assert made.code == 0
    assert "Your private Dataset is being created" in made.out
    nets = fake_kaggle.world.datasets["ada/leaf-nets"]
    assert nets.private
    # the archive of the folder was unpacked again
    assert nets.versions[0].files == {"net.bin": b"\0" * 5000, "code/main.py": b"1\n"}

    version = ("datasets", "version", "-p", folder, "-m", "more")
    early = kaggle_cli.run(*version)
    assert (early.code, "still being processed" in early.err) == (1, True)
    again = kaggle_cli.run("datasets", "create", "-p", folder)  # looks at the status once
    assert (again.code, "Dataset creation error: " in again.out) == (0, True)
    status = ("datasets", "status", "ada/leaf-nets")
    assert kaggle_cli.run(*status).out == "ready"
    (folder / "net.bin").write_bytes(b"new")
    assert kaggle_cli.run(*version).code == 0
    assert kaggle_cli.run(*status).out == "blobs_received"
    found = json.loads(kaggle_cli.run(*status, "--format", "json").out)
    assert found == {"status": "ready", "current_version_number": 2}

    fetched = ("datasets", "download", "ada/leaf-nets", "-p", tmp_path / "out")
    assert "License(s): CC0-1.0" in kaggle_cli.run(*fetched, "--unzip").out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["net.bin"]
    assert (tmp_path / "out" / "net.bin").read_bytes() == b"new"
    listed = kaggle_cli.run("datasets", "files", "ada/leaf-nets/1", "--csv")
    assert "net.bin,5000," in listed.out
    kaggle_cli.run("datasets", "metadata", "ada/leaf-nets", "-p", tmp_path / "out")
    metadata = json.loads((tmp_path / "out" / "dataset-metadata.json").read_text())
    assert metadata["info"]["title"] == "Leaf nets"


def test_an_interrupted_upload_goes_on_where_it_stopped(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    data = bytes(range(250)) * 40
    folder = dataset_folder(tmp_path / "nets", {"net.bin": data})
    fake_kaggle.fault("upload/net.bin", status=503, keep=4000)
    made = kaggle_cli.run("datasets", "create", "-p", folder)
    assert made.code == 0
    assert "Will resume upload at 4000." in made.out
    ranges = [request.headers.get("content-range") for request in fake_kaggle.log("upload/*")]
    assert ranges == [None, "bytes */10000", "bytes 4000-9999/10000"]
    assert fake_kaggle.world.datasets["ada/leaf-nets"].versions[0].files == {"net.bin": data}


def test_a_file_that_cannot_be_uploaded_is_missing_and_the_dataset_is_made(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    folder = dataset_folder(tmp_path / "nets", {"a.bin": b"1", "b.bin": b"2"})
    fake_kaggle.fault("upload/a.bin", status=400)
    made = kaggle_cli.run("datasets", "create", "-p", folder)
    assert (made.code, "Upload unsuccessful: a.bin" in made.out) == (0, True)
    assert fake_kaggle.world.datasets["ada/leaf-nets"].versions[0].files == {"b.bin": b"2"}


def test_uploads_wait_as_long_as_retry_after_says(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    folder = dataset_folder(tmp_path / "nets", {"a.bin": b"1"})
    fake_kaggle.fault("StartBlobUpload", status=429, retry_after=0, times=2)
    fake_kaggle.fault("CreateDataset", status=429, retry_after="Fri, 20 Nov 2020 00:00:00 GMT")
    made = kaggle_cli.run("datasets", "create", "-p", folder)
    assert made.code == 0
    assert made.err.count("Will retry in 0.0 seconds") == 3
    assert len(fake_kaggle.calls("StartBlobUpload")) == 3
    assert len(fake_kaggle.calls("CreateDataset")) == 2


@pytest.mark.parametrize("public", [True, False])
def test_without_credentials_only_public_datasets_are_shown(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path, public: bool
) -> None:
    fake_kaggle.world.add_dataset("bob/leaves", {"a.csv": b"id\n"}, private=not public)
    environment = kaggle_cli.environment()
    del environment["KAGGLE_USERNAME"], environment["KAGGLE_KEY"]
    fetched = kaggle_cli.run(
        "datasets", "download", "bob/leaves", "-f", "a.csv", environment=environment
    )
    assert fetched.code == (0 if public else 1)
    assert (kaggle_cli.folder / "a.csv").exists() == public


def test_archives_are_unpacked_and_wheels_are_not() -> None:
    archive = zip_of({"x/y.txt": b"1"})
    assert unpacked({"more.zip": archive, "kit-1.0-py3-none-any.whl": archive}) == {
        "more/x/y.txt": b"1",
        "kit-1.0-py3-none-any.whl": archive,
    }
