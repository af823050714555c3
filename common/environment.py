"""What a run was made with: commit, versions, device, threads."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from common import paths

PACKAGES = (
    "torch",
    "fastai",
    "fastcore",
    "numpy",
    "pandas",
    "scikit-learn",
    "pyarrow",
    "matplotlib",
    "pillow",
)


def describe(device: str, seed: int) -> dict[str, Any]:
    """The facts of `environment.json`."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu",
        "threads": torch.get_num_threads(),
        "seed": seed,
    }


def commit() -> str:
    """The commit of the code, with "+changes" where files differ from it; "unknown" outside a
    git repository, unless a kernel has written down what it was built from."""
    try:
        if paths.commit_file().is_file():
            return paths.commit_file().read_text(encoding="utf-8").strip()
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=paths.repository(), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def default_device() -> str:
    """A CUDA device that this build of torch can compute on, else the CPU."""
    if torch.cuda.is_available() and torch.cuda.get_device_capability() >= (7, 0):
        return "cuda"
    return "cpu"


@contextmanager
def computing_threads() -> Iterator[None]:
    """One CPU thread, unless OMP_NUM_THREADS asks for another number.

    Small nets are slower on several threads, ten times so where other work keeps the cores busy;
    and one thread adds up in one order, so the same seed gives the same bytes.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(paths.threads_asked_for() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
