"""Folders that the command takes: of a kernel, of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fake_kaggle.state import Files


def kernel_folder(folder: Path, source: str = "print(1)\n", **more: Any) -> Path:
    """A folder for `kernels push`: `ada/leaf-cnn`, unless the metadata in `more` say otherwise."""
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


def dataset_folder(folder: Path, files: Files) -> Path:
    """A folder for `datasets create`: `ada/leaf-nets` with these files."""
    metadata = {"id": "ada/leaf-nets", "title": "Leaf nets", "licenses": [{"name": "CC0-1.0"}]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset-metadata.json").write_text(json.dumps(metadata))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
