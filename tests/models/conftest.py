"""Caches of the hub and of torch that hold what a test put there, and no connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from common.pretrained import WeightsFile, split_name, weights_file
from common.pretrained_smp import smp_file

Keep = Callable[[str, dict[str, Any]], Path]


def file_of(name: str) -> WeightsFile:
    library, model = split_name(name)
    return smp_file(name, model) if library == "smp" else weights_file(name)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, offline as a kernel without internet is."""
    from urllib.error import URLError

    from huggingface_hub import constants

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no such host")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    return tmp_path


@pytest.fixture
def keep(caches: Path) -> Keep:
    """Puts weights under the name by which a library finds them in its cache."""

    def kept(name: str, state: dict[str, Any]) -> Path:
        file = file_of(name)
        if file.url:
            path = caches / "torch/checkpoints" / file.file_names[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(state, path)
            return path
        commit = file.revision or "0" * 40
        repo = caches / "hub" / f"models--{file.repo.replace('/', '--')}"
        path = repo / "snapshots" / commit / file.file_names[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = {key: value.contiguous() for key, value in state.items()}
        path.write_bytes(safetensors.torch.save(whole))
        if not file.revision:
            (repo / "refs").mkdir(exist_ok=True)
            (repo / "refs/main").write_text(commit)
        return path

    return kept
