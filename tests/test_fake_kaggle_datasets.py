"""Datasets through the real command: made, grown, watched, fetched."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fake_kaggle import FakeKaggle, KaggleCli

pytest_plugins = ["tests.fake_kaggle.fixtures"]


def dataset_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder that `datasets create` takes."""
    metadata = {"id": "ada/leaf-nets", "title": "Leaf nets", "licenses": [{"name": "CC0-1.0"}]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset-metadata.json").write_text(json.dumps(metadata))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


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

    again = kaggle_cli.run("datasets", "create", "-p", folder)
    assert (again.code, "Dataset creation error: " in again.out) == (0, True)
