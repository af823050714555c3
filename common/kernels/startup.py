"""The first lines of a kernel's log, and what must hold before anything expensive begins."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Callable

from common import paths
from common.errors import UsageError
from common.kernels.config import KernelConfig
from common.kernels.rehearsed import Rehearsal

Say = Callable[[str], None]

PACKAGES = (
    "torch",
    "torchvision",
    "fastai",
    "fastcore",
    "timm",
    "numpy",
    "pandas",
    "scikit-learn",
    "pyarrow",
    "pillow",
)
# The oldest GPU that the image's torch has code for. A P100 (6.0) allocates, then fails.
LEAST_CAPABILITY = (7, 0)
GIBIBYTE = 2**30


def versions() -> dict[str, str]:
    """The installed packages that matter, without importing them; those that are missing are
    left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def say_facts(config: KernelConfig, rehearsal: Rehearsal | None, say: Say = print) -> None:
    """What can be told before torch is imported."""
    say(f"kernel: {config.kernel}, {config.role}, of {config.competition}")
    say(f"commit: {config.commit}; code {config.code}")
    chosen = f"pipeline {config.pipeline or 'default'}, preset {config.preset}"
    changed = f", {', '.join(config.changes)}" if config.changes else ""
    folds = f"folds {', '.join(config.folds)}" if config.folds else "all folds"
    say(f"asked for: {chosen}{changed}, {folds}, seed {config.seed}")
    say(f"versions: {', '.join(f'{name} {number}' for name, number in versions().items())}")
    if config.role == "train":
        limit = f"{config.hours:g} hours" if config.hours is not None else "no limit"
        say(f"budget, from the session's start: {limit}")
    if config.packages:
        say(f"packed: {', '.join(config.packages)}")
    for run in config.runs:
        say(f"reads: {run.dataset or run.kernel}, {run.run or 'a run of this code'}")
    rerun = ", the scored rerun" if paths.is_rerun() else ""
    say(f"run type: {paths.run_type() or 'none, so not on Kaggle'}{rerun}")
    say(f"variables, names only: {', '.join(paths.variable_names('KAGGLE_', 'KIT_')) or 'none'}")
    say(f"free disk: {_free('working')}, {_free('temporary')}")
    say(f"mounts: {', '.join(paths.mounted_inputs()) or 'nothing is mounted'}")
    if rehearsal is not None:
        say(f"rehearsal: {json.dumps(dataclasses.asdict(rehearsal))}")


def _free(which: str) -> str:
    place = paths.working_dir() if which == "working" else paths.temp_dir()
    if not place.is_dir():
        return f"{which} (no such folder)"
    return f"{which} {shutil.disk_usage(place).free / GIBIBYTE:.1f} GiB"


def say_devices(say: Say = print) -> None:
    """The devices, each with its memory and compute capability. Imports torch."""
    import torch

    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        memory = found.total_memory / GIBIBYTE
        say(f"device {number}: {found.name}, {memory:.1f} GiB, compute {found.major}.{found.minor}")
    if not torch.cuda.device_count():
        say("device: cpu")


def check_devices(config: KernelConfig) -> None:
    """Stops a kernel on Kaggle that did not get the GPU it was built for. Imports torch.

    A rehearsal runs on what there is.

    Raises: UsageError where there is no GPU, or one that the image's torch has no code for.
    """
    if not (config.machine_shape.startswith("Nvidia") and paths.on_kaggle()):
        return
    import torch

    again = f"expected {config.machine_shape}: push again with that machine_shape"
    if not torch.cuda.is_available():
        raise UsageError(
            f"this session has no GPU; {again}, or see whether the week's quota is used up"
        )
    for number in range(torch.cuda.device_count()):
        capability = torch.cuda.get_device_capability(number)
        if capability < LEAST_CAPABILITY:
            name, shown = torch.cuda.get_device_name(number), ".".join(map(str, capability))
            raise UsageError(
                f"{name} has compute capability {shown}, for which this image's torch has no "
                f"code (it has from 7.0 on); {again}"
            )
