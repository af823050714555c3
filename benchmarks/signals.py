"""A long signal: converting its CSV, reading it again, and the features of its windows.

The features' peer is how public notebooks make them: a pandas Series per window, `rolling` for
every statistic, a quantile at a time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runner import Case, Function, Measured, Process
from competitions.lanl_earthquake_prediction import features
from competitions.lanl_earthquake_prediction.recording import HEADER, Recording, convert

ROWS = 2_000_000  # of the CSV
LENGTH = 150_000  # of a window
TOLERANCE = 2e-4


def cases(work: Path) -> list[Case]:
    path = work / "train.csv"
    write(path, ROWS)
    recording = convert(path, work / "recording")
    asked = segments(recording, 2)
    return [
        Case(
            "conversion",
            Function(lambda: converted(path, work)),
            {"polars": Function(lambda: streamed(path))},
        ),
        Case(
            "reading_again",
            Function(lambda: int(Recording.open(work / "recording").signal.sum(dtype=np.int64))),
            {"polars": Function(lambda: streamed(path))},
        ),
        Case(
            "features",
            Function(lambda: np.concatenate([features.describe(one[None]) for one in asked])),
            {"pandas": Function(lambda: np.stack([by_pandas(one) for one in asked]))},
            equal=alike,
        ),
        Case("memory", _peak(path, work), unit="MiB"),
    ]


def write(path: Path, n_rows: int) -> None:
    """Writes a recording like the host's."""
    import polars

    generator = np.random.default_rng(0)
    spread = 4 + 40 * (generator.random(n_rows // 1000 + 1) < 0.02)
    noise = np.repeat(spread, 1000)[:n_rows] * generator.normal(size=n_rows)
    rows = np.arange(n_rows)
    times = 11.54 - 0.00106 * (rows // 4096) - 1.1e-9 * (rows % 4096)
    samples = np.rint(4.5 + noise).clip(-5515, 5444).astype(np.int16)
    polars.DataFrame(dict(zip(HEADER, (samples, times), strict=True))).write_csv(
        path, float_precision=10
    )


def segments(recording: Recording, n: int) -> list[np.ndarray]:
    """The first windows of a recording."""
    return [np.array(recording.signal[k * LENGTH : (k + 1) * LENGTH]) for k in range(n)]
