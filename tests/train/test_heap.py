"""What a step frees is there for the next one, and given back at the end of the fit."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

SIZE = 40 << 20  # bytes of a tensor, above every threshold that glibc finds by itself
PROGRAM = f"""
import resource
import sys
import torch
from common.train.heap import freed_memory_kept

def held():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones({SIZE} // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with freed_memory_kept(torch.device(sys.argv[1])):
    faults()
    count, most = faults(), held()
print(count, most - held())
"""

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc"
)


def run(device: str) -> tuple[int, int]:
    """Page faults of ten tensors within the block, and bytes given back at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, device],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    faults, given_back = ended.stdout.split()
    return int(faults), int(given_back)


def test_memory_is_used_again_on_a_cpu_and_given_back_at_the_end() -> None:
    faults, given_back = run("cpu")
    # a tensor of 40 MiB has 10,240 pages of 4 KiB, or 20 of 2 MiB; not one was made anew
    assert faults < 20
    assert given_back > 0.9 * SIZE


def test_nothing_is_changed_for_a_net_on_a_gpu() -> None:
    faults, _ = run("cuda")
    assert faults >= 10 * 20
