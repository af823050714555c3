"""A kernel's folder as it is about to be pushed: built, or built and then edited by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import DataError, UsageError
from common.kernels.build import BUILD_FILE
from common.kernels.bundle import LARGEST_SOURCE, digest
from common.kernels.config import KernelConfig
from common.kernels.metadata import METADATA_FILE, check_metadata
from common.kernels.notebook_format import KERNELSPEC, sent_size


@dataclass(frozen=True)
class KernelFolder:
    """What will be pushed.

    Args:
        sha256: of the code file.
        config: what the kernel was built as; None where `build.json` is missing or tells of
            another file, so the kernel was not built here or was edited since.
    """

    path: Path
    metadata: dict[str, Any]
    code_file: Path
    sha256: str
    config: KernelConfig | None


def open_kernel_folder(path: Path) -> KernelFolder:
    """A kernel's folder, after everything that Kaggle's command lets pass was checked.

    Raises: UsageError for metadata that Kaggle would misread, for a code file that is missing or
    too large, and for a notebook that would die at its start; DataError for what cannot be read.
    """
    shown = paths.shown(path)
    if not (path / METADATA_FILE).is_file():
        raise UsageError(f"{shown} has no {METADATA_FILE}; expected a folder of build_kernel.py")
    values = check_metadata(files.read_json(path / METADATA_FILE), f"{shown}/{METADATA_FILE}")
    code_file = path / values["code_file"]
    if not code_file.is_file():
        raise UsageError(f"{paths.shown(code_file)} is missing; build the kernel again")
    content = code_file.read_bytes()
    size = _checked_size(content, code_file, values["kernel_type"])
    if size > LARGEST_SOURCE:
        raise UsageError(
            f"{paths.shown(code_file)} has {size:,} bytes; Kaggle takes {LARGEST_SOURCE:,}: build "
            "the kernel again, which names what is too large"
        )
    return KernelFolder(path, values, code_file, digest(content), _config(path, digest(content)))


def _checked_size(content: bytes, code_file: Path, kind: str) -> int:
    """The bytes that Kaggle will be sent."""
    shown = paths.shown(code_file)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{shown} is no UTF-8 text; build the kernel again") from None
    if kind == "script":
        return len(content)
    try:
        value = json.loads(text)
        name = value["metadata"]["kernelspec"]["name"]
        size = sent_size(text)
    except (json.JSONDecodeError, KeyError, TypeError):
        raise DataError(
            f"{shown} is no notebook that names its kernelspec; without it the run dies at its "
            "start: build the kernel again"
        ) from None
    if name != KERNELSPEC["name"]:
        raise UsageError(f"{shown} names the kernelspec {name!r}; expected {KERNELSPEC['name']!r}")
    return size


def _config(path: Path, sha256: str) -> KernelConfig | None:
    if not (path / BUILD_FILE).is_file():
        return None
    facts = files.read_json(path / BUILD_FILE)
    if not isinstance(facts, dict) or facts.get("code_file", {}).get("sha256") != sha256:
        return None
    return KernelConfig.from_dict(facts["config"])
