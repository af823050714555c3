"""How a process joins those that `torchrun` or `accelerate launch` has started beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from common import paths
from common.environment import default_device
from common.errors import UsageError
from common.train.ranks import ALONE, Ranks

HANG_SECONDS = 600.0  # a process that does not answer for so long within training ends it
PATIENT_SECONDS = 24 * 3600.0  # what the first one may take for work of its own


@contextmanager
def joined(hang_seconds: float = HANG_SECONDS) -> Iterator[Ranks]:
    """The processes that were started together, for the length of the block.

    A block that raises ends this process's part; the others then find out at once, or, where this
    one hangs, after `hang_seconds`.

    Raises: UsageError where a launcher was asked for several processes and started one.
    """
    place = paths.launched()
    if place is None or place.world == 1:
        _check_number()
        yield ALONE
        return
    backend = "gloo"
    if joint_device(place.local_rank).startswith("cuda"):
        torch.cuda.set_device(place.local_rank)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=timedelta(seconds=hang_seconds))
    patient = dist.new_group(backend="gloo", timeout=timedelta(seconds=PATIENT_SECONDS))
    try:
        yield Ranks(place.rank, place.world, place.local_rank, patient)
    finally:  # gloo's threads must not outlive the interpreter
        dist.destroy_process_group()


def joint_device(local_rank: int) -> str:
    """The device of a process among several on one machine.

    Raises: UsageError where there are more processes than GPUs.
    """
    if paths.launched_for_cpu() or default_device() == "cpu":
        return "cpu"
    n_devices = torch.cuda.device_count()
    if local_rank >= n_devices:
        raise UsageError(
            f"process {local_rank + 1} on this machine has no GPU of its own; found {n_devices}: "
            f"start {n_devices}, or hide the GPUs with CUDA_VISIBLE_DEVICES="
        )
    return f"cuda:{local_rank}"


def _check_number() -> None:
    """Raises UsageError where more processes were asked for than were started."""
    asked = paths.processes_asked_for()
    if asked > 1:
        raise UsageError(
            f"the launcher was asked for {asked} processes and started 1, as `accelerate launch "
            f"--cpu` does; expected {asked}: use `torchrun --nproc-per-node {asked}`, or "
            "`accelerate launch --multi_gpu`"
        )
