"""The train kernel: its output is a run folder."""

from __future__ import annotations

from common import paths
from common.devices import ALL_DEVICES
from common.kernels.config import KernelConfig
from common.kernels.data import data_root
from common.kernels.record import KERNEL_FILE, write_record
from common.kernels.rehearsed import Rehearsal
from common.opening import Request
from common.run import train


def run(config: KernelConfig, rehearsal: Rehearsal | None) -> None:
    """Trains what the config names and leaves working/run."""
    chosen = rehearsal or config
    folder = train(
        Request(
            competition=config.competition,
            pipeline=config.pipeline,
            preset=chosen.preset,
            changes=chosen.changes,
            folds=config.folds,
            data=data_root(config),
            run=str(paths.working_dir() / "run"),
            seed=config.seed,
            device=rehearsal.device if rehearsal else "",
            devices=() if rehearsal and rehearsal.device else ALL_DEVICES,  # a T4 x2 has two
            overwrite=True,  # an interactive session may run this twice
        )
    )
    write_record(folder / KERNEL_FILE, config, rehearsal)
    folder.record([folder / KERNEL_FILE])
    print(f"run: {folder.identity()}")
