"""kernel.json: what a kernel was, beside what it wrote."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from common import files, paths
from common.kernels.config import KernelConfig
from common.kernels.rehearsed import Rehearsal
from common.kernels.startup import versions

KERNEL_FILE = "kernel.json"
MERGED_FILE = "merged.json"  # in a joined run: which runs its folds come from


def write_record(path: Path, config: KernelConfig, rehearsal: Rehearsal | None) -> None:
    """Writes the facts of this kernel."""
    facts: dict[str, Any] = {
        "kernel": config.kernel,
        "role": config.role,
        "commit": config.commit,
        "code": config.code,
        "run_type": paths.run_type(),
        "rehearsal": None if rehearsal is None else dataclasses.asdict(rehearsal),
        "versions": versions(),
        "config": config.as_dict(),
    }
    files.write_json(path, facts)
