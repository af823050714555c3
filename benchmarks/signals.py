"""A long signal: converting its CSV, reading it again, and the features of its windows.

The features' peer is how public notebooks make them: a pandas Series per window, `rolling` for
every statistic, a quantile at a time.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runner import Case, Function
from common import paths
from competitions.lanl_earthquake_prediction import features
from competitions.lanl_earthquake_prediction.recording import HEADER, Recording, convert

ROWS = 4_000_000  # of the CSV
LENGTH = 150_000  # of a window
TOLERANCE = 2e-4
WINDOWS = 2  # whose features are compared


def cases(work: Path) -> list[Case]:
    path = work / "train.csv"
    write(path, ROWS)
    write(quarter := work / "quarter.csv", ROWS // 4)
    recording = convert(path, work / "recording")
    asked = segments(recording, WINDOWS)
    return [
        Case(
            "conversion",
            Function(lambda: converted(path, work)),
            {"polars": Function(lambda: streamed(path))},
        ),
        Case(
            "reading_again",
            Function(lambda: int(Recording.open(work / "recording").signal.max())),
            {"polars": Function(lambda: streamed(path))},
        ),
        Case(
            "features",
            Function(lambda: np.concatenate([features.describe(one[None]) for one in asked])),
            {"pandas": Function(lambda: np.stack([by_pandas(one) for one in asked]))},
            equal=alike,
        ),
        Case("memory", Peak(path), {"a quarter of the rows": Peak(quarter)}, unit="MiB"),
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


def converted(path: Path, work: Path) -> int:
    """Converts the CSV anew; gives the largest sample."""
    folder = work / "again"
    shutil.rmtree(folder, ignore_errors=True)
    return int(convert(path, folder).signal.max())


def streamed(path: Path) -> int:
    """Reads the CSV with polars, batch by batch; gives the largest sample."""
    import polars

    types = dict(zip(HEADER, (polars.Int16, polars.Float64), strict=True))
    batches = polars.scan_csv(path, schema=types).collect_batches()
    return max(int(batch[HEADER[0]].to_numpy().max()) for batch in batches)


def alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """True where all features agree to TOLERANCE of their size."""
    return np.allclose(ours, theirs, rtol=TOLERANCE, atol=1e-9)


# ---- the features as public notebooks make them -------------------------------------------------


def by_pandas(samples: np.ndarray) -> np.ndarray:
    """The features of one window, float64 (len(features.NAMES),)."""
    import pandas as pd

    raw = pd.Series(samples.astype(np.float64))
    x = raw - np.floor(raw.median())
    row: dict[str, float] = {"mean": raw.mean(), "median": np.floor(raw.median())}
    _describe(row, x)
    _parts(row, x)
    _course(row, x)
    _spectrum(row, x.to_numpy())
    for window in features.WINDOWS:
        _rolling(row, x, window)
    return np.array([row[name] for name in features.NAMES])


def _describe(row: dict[str, float], x: Any) -> None:
    from scipy import stats

    row["std"] = x.std()
    row["skew"], row["kurtosis"] = stats.skew(x), stats.kurtosis(x)
    row["abs_mean"], row["abs_std"] = x.abs().mean(), x.abs().std()
    row["min"], row["max"], row["abs_max"] = x.min(), x.max(), x.abs().max()
    for q in features.QUANTILES:
        row[f"q{q:g}"] = np.quantile(x, q)
    row["iqr"] = np.quantile(x, 0.75) - np.quantile(x, 0.25)
    for q in features.SIZE_QUANTILES:
        row[f"abs_q{q:g}"] = np.quantile(np.abs(x), q)
    for limit in features.LOUD:
        row[f"louder_{limit}"] = len(x[np.abs(x) > limit]) / len(x)


def _parts(row: dict[str, float], x: Any) -> None:
    for part in features.PARTS:
        n = len(x) // part
        for place, rows in (("first", x[:n]), ("last", x[-n:])):
            row[f"{place}_{part}_std"] = rows.std()
            row[f"{place}_{part}_abs_max"] = np.abs(rows).max()


def _course(row: dict[str, float], x: Any) -> None:
    above = (x > 0).to_numpy()
    row["crossings"] = np.nonzero(np.diff(above))[0].size / (len(x) - 1)
    values, n = x.to_numpy(), features.PEAK_SUPPORT
    inner = values[n:-n]
    peaks = np.ones(len(inner), dtype=bool)
    for away in range(1, n + 1):
        peaks &= inner > np.roll(values, away)[n:-n]
        peaks &= inner > np.roll(values, -away)[n:-n]
    row["peaks"] = peaks.mean()
    row["high_peaks"] = (peaks & (inner > features.LOUD[1])).mean()
    changes = np.diff(values)
    row["change_mean"], row["change_max"] = np.abs(changes).mean(), np.abs(changes).max()
    row["change_std"] = changes.std(ddof=1)
    rows = np.arange(len(values))
    row["trend"] = np.polyfit(rows, values, 1)[0]
    row["abs_trend"] = np.polyfit(rows, np.abs(values), 1)[0]
    for by_short, by_long in features.STA_LTA:
        short, long = len(x) // by_short, len(x) // by_long
        sums = np.cumsum(np.concatenate([[0.0], values**2]))
        near = (sums[long:] - sums[long - short : -short]) / short
        far = (sums[long:] - sums[:-long]) / long
        row[f"sta_lta_{by_short}_{by_long}"] = (near / far).mean()


def _spectrum(row: dict[str, float], values: np.ndarray) -> None:
    from scipy.signal import hilbert

    row["hilbert_mean"] = np.abs(hilbert(values)).mean()
    power = np.abs(np.fft.rfft(values)) ** 2
    edges = np.linspace(1, len(power), features.BANDS + 1).astype(int)
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        row[f"power_{band}"] = np.log10(1 + power[low:high].mean() / len(values))


def _rolling(row: dict[str, float], x: Any, window: int) -> None:
    spreads = x.rolling(window).std().dropna().to_numpy()
    means = x.rolling(window).mean().dropna().to_numpy()
    for kind, series in (("std", spreads), ("mean", means)):
        name = f"{kind}_{window}"
        row[f"{name}_mean"], row[f"{name}_std"] = series.mean(), series.std(ddof=1)
        row[f"{name}_min"], row[f"{name}_max"] = series.min(), series.max()
        row[f"{name}_change"] = np.abs(np.diff(series)).mean()
        quantiles = features.STD_QUANTILES if kind == "std" else features.MEAN_QUANTILES
        for q in quantiles:
            row[f"{name}_q{q:g}"] = np.quantile(series, q)


# ---- memory -------------------------------------------------------------------------------------


class Peak:
    """The memory of converting a CSV in a process of its own, MiB; the largest that it had."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self) -> tuple[None, float]:
        """None, and the memory."""
        code = f"from benchmarks import signals; print(signals.peak({str(self.path)!r}))"
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=paths.repository(),
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
        return None, float(ended.stdout)


def peak(path: str) -> float:
    """Converts a CSV; gives the most MiB that this process had."""
    with tempfile.TemporaryDirectory() as folder:
        convert(Path(path), Path(folder) / "recording")
    # `ru_maxrss` would count the parent's as well
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
