"""Keyed randomness: every draw is a function of its key, not of what was drawn before.

Threads, workers, devices and resuming cannot change a draw, and no generator's state has to be
stored.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch


def key(*parts: int | str) -> int:
    """A 64-bit number for a key; equal on every machine and in every version of Python."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def names(samples: Iterable[object]) -> np.ndarray:
    """Numbers that name samples by their text, uint64 (n,): the same whatever else is there."""
    return np.array([key("sample", str(sample)) for sample in samples], dtype=np.uint64)


def copies(sample_names: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Names of further copies of samples, uint64 (n,), so that each draws for itself; copy 0 is
    the sample."""
    with np.errstate(over="ignore"):
        # odd, and not the constant by which `uniform` counts
        named: np.ndarray = sample_names + numbers.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    return named


def permutation(n: int, *parts: int | str) -> np.ndarray:
    """An order of 0 … n - 1, int64 (n,)."""
    return np.random.Generator(np.random.Philox(key=key(*parts))).permutation(n)


def uniform(samples: np.ndarray, n_draws: int, *parts: int | str) -> np.ndarray:
    """Numbers in [0, 1) for each sample, float64 (len(samples), n_draws).

    Row k depends on the key and on `samples[k]` alone, not on its neighbours in the batch.

    Args:
        samples: whole numbers that name the samples, (n,).

    Source: splitmix64's finaliser, https://prng.di.unimi.it/splitmix64.c
    """
    with np.errstate(over="ignore"):
        names = samples.astype(np.uint64)[:, None] * np.uint64(n_draws)
        counters = names + np.arange(n_draws, dtype=np.uint64)[None, :] + np.uint64(1)
        bits = np.uint64(key(*parts)) + counters * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def seed_generators(*parts: int | str) -> None:
    """Sets the generators of Python, numpy and torch from a key (for code that draws from them)."""
    number = key(*parts)
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002 - libraries draw from the global one
    _seed_torch(number % 2**63)


def _seed_torch(number: int) -> None:
    """What `torch.manual_seed` does; where there is no accelerator, that writes down a whole
    traceback at every call: 0.2 ms, or more than a small net's step."""
    if _has_accelerator():
        torch.manual_seed(number)
    else:
        torch.default_generator.manual_seed(number)


@cache
def _has_accelerator() -> bool:
    """True where another generator than the CPU's has to be seeded, too."""
    # counted before asked: asking may begin CUDA, after which no worker could be forked
    return torch.cuda.device_count() > 0 or torch.accelerator.is_available()


@contextmanager
def generators_restored() -> Iterator[None]:
    """Leaves the global generators as they were, whatever the block seeds or draws."""
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - see above
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)  # noqa: NPY002 - see above
