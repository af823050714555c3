"""The train kernel: its output is a run folder."""

from __future__ import annotations

import shutil

from common import paths
from common.devices import ALL_DEVICES
from common.kernels.config import KernelConfig
from common.kernels.data import data_root
from common.kernels.earlier_run import take_earlier_run
from common.kernels.record import KERNEL_FILE, write_record
from common.kernels.rehearsed import Rehearsal
from common.opening import Request
from common.run import train


def run(config: KernelConfig, rehearsal: Rehearsal | None) -> None:
    """Trains what the config names and leaves working/run.

    Where an earlier output of this kernel is attached, it is gone on with. What an earlier try in
    the same interactive session left is replaced.
    """
    chosen = rehearsal or config
    target = paths.working_dir() / "run"
    if target.is_dir():
        shutil.rmtree(target)
    # until the run has a record of its own: what is ended from outside can be gone on with, too
    beside = paths.working_dir() / KERNEL_FILE
    write_record(beside, config, rehearsal)
    folder = train(
        Request(
            competition=config.competition,
            pipeline=config.pipeline,
            preset=chosen.preset,
            changes=chosen.changes,
            folds=config.folds,
            data=data_root(config),
            run=str(target),
            seed=config.seed,
            device=rehearsal.device if rehearsal else "",
            devices=() if rehearsal and rehearsal.device else ALL_DEVICES,  # a T4 x2 has two
            resume=take_earlier_run(config, rehearsal, target),
            hours=config.hours,
        )
    )
    write_record(folder / KERNEL_FILE, config, rehearsal)
    folder.record([folder / KERNEL_FILE])
    beside.unlink()
    print(f"run: {folder.identity()}")
