"""The feature table: 120 numbers that describe a segment, for many segments at once.

Everything but `mean` and `median` is taken from the signal less its median, so that the slow drift
of the recording does not tell one cycle from another. Sums of windows come from two running sums,
which are whole numbers and therefore exact; squares are of 64 bits, since int16 holds none above
181². Letters: S segments, R rows of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

WINDOWS = (10, 100, 1000)  # rows of the rolling statistics
LEAST_ROWS = WINDOWS[-1] + 100  # of a segment, so that the longest window moves at all
DRIFTING = ("mean", "median")
QUANTILES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.25, 0.75, 0.8, 0.9, 0.95, 0.99, 0.999)
SIZE_QUANTILES = (0.5, 0.9, 0.95, 0.99)
STD_QUANTILES = (0.01, 0.05, 0.2, 0.95, 0.99)
MEAN_QUANTILES = (0.01, 0.05, 0.95, 0.99)
LOUD = (5, 10, 20, 50, 100)  # distances from the median
PEAK_SUPPORT = 2  # rows on either side that a peak is above
PARTS = (3, 15)  # the first and the last third, and fifteenth
STA_LTA = ((300, 15), (30, 3))  # a segment's rows by these are the short and the long window
BANDS = 15  # of the spectrum, equally wide
SAMPLES_AT_ONCE = 250_000  # rows of all segments of a block: what the processor's cache holds


def _names() -> Iterator[str]:
    yield from DRIFTING
    yield from ("std", "skew", "kurtosis", "abs_mean", "abs_std", "min", "max", "abs_max")
    yield from (f"q{q:g}" for q in QUANTILES)
    yield "iqr"
    yield from (f"abs_q{q:g}" for q in SIZE_QUANTILES)
    yield from (f"louder_{limit}" for limit in LOUD)
    yield from ("crossings", "peaks", "high_peaks")
    for part in PARTS:
        for place in ("first", "last"):
            yield from (f"{place}_{part}_std", f"{place}_{part}_abs_max")
    yield from ("change_mean", "change_std", "change_max", "trend", "abs_trend")
    yield from (f"sta_lta_{short}_{long}" for short, long in STA_LTA)
    yield "hilbert_mean"
    yield from (f"power_{band}" for band in range(BANDS))
    for window in WINDOWS:
        statistics = ("mean", "std", "min", "max", "change")
        yield from (f"std_{window}_{name}" for name in statistics)
        yield from (f"std_{window}_q{q:g}" for q in STD_QUANTILES)
        yield from (f"mean_{window}_{name}" for name in statistics[1:])
        yield from (f"mean_{window}_q{q:g}" for q in MEAN_QUANTILES)


NAMES = tuple(_names())


def table(segments: Iterable[np.ndarray]) -> np.ndarray:
    """The features of blocks of segments, float32 (S, len(NAMES))."""
    parts = [describe(block) for block in segments]
    return np.concatenate([np.empty((0, len(NAMES)), np.float32), *parts])


def in_blocks(n_segments: int, length: int) -> Iterator[slice]:
    """Slices of segments that are described at once."""
    size = max(1, SAMPLES_AT_ONCE // length)
    return (slice(start, start + size) for start in range(0, n_segments, size))


def describe(samples: np.ndarray) -> np.ndarray:
    """The features of some segments, float32 (S, len(NAMES)).

    Args:
        samples: int16 (S, R), R at least LEAST_ROWS.
    """
    ordered = np.sort(samples, axis=1, kind="stable").astype(np.int32)  # by radix
    n_rows = samples.shape[1]
    middle = (ordered[:, (n_rows - 1) // 2] + ordered[:, n_rows // 2]) // 2
    signal = samples.astype(np.int32) - middle[:, None]
    ordered -= middle[:, None]
    sums, squares = _running(signal), _running(signal.astype(np.int64) ** 2)
    columns = [
        sums[:, -1] / n_rows + middle,
        middle,
        *_distribution(signal, ordered),
        *_shape(signal),
        *_parts(signal, sums, squares),
        *_course(signal),
        *_onsets(squares),
        *_spectrum(signal),
    ]
    for window in WINDOWS:
        columns += _rolling(sums, squares, window)
    return np.column_stack(columns).astype(np.float32)


def _running(values: np.ndarray) -> np.ndarray:
    """Sums up to each row, int64 (S, R + 1), from 0 on."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), dtype=np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _quantiles(ordered: np.ndarray, shares: Iterable[float]) -> list[np.ndarray]:
    """Quantiles of rows in rising order, linear between neighbours, each (S,)."""
    last = ordered.shape[1] - 1
    found = []
    for share in shares:
        place = share * last
        low = int(place)
        at, above = ordered[:, low], ordered[:, min(low + 1, last)]
        found.append(at + (place - low) * (above - at.astype(np.float64)))
    return found


def _distribution(signal: np.ndarray, ordered: np.ndarray) -> list[np.ndarray]:
    n_rows = signal.shape[1]
    deviation = signal - signal.mean(axis=1, keepdims=True)
    second = deviation**2
    variance = second.mean(axis=1)
    spread = np.where(variance > 0, np.sqrt(variance), 1.0)  # of a dead signal all moments are 0
    skew = np.einsum("sr,sr->s", second, deviation) / n_rows / spread**3
    kurtosis = np.einsum("sr,sr->s", second, second) / n_rows / spread**4 - 3 * (variance > 0)
    sizes = np.sort(np.abs(ordered).astype(np.uint16), axis=1, kind="stable")
    quantiles = _quantiles(ordered, QUANTILES)
    iqr = quantiles[QUANTILES.index(0.75)] - quantiles[QUANTILES.index(0.25)]
    return [
        np.sqrt(variance * n_rows / (n_rows - 1)),
        skew,
        kurtosis,
        sizes.mean(axis=1),
        sizes.std(axis=1, ddof=1),
        ordered[:, 0],
        ordered[:, -1],
        sizes[:, -1],
        *quantiles,
        iqr,
        *_quantiles(sizes, SIZE_QUANTILES),
        *((sizes > limit).mean(axis=1) for limit in LOUD),
    ]


def _shape(signal: np.ndarray) -> list[np.ndarray]:
    above = signal > 0
    inner = signal[:, PEAK_SUPPORT:-PEAK_SUPPORT]
    is_peak = np.ones(inner.shape, dtype=bool)
    for away in range(1, PEAK_SUPPORT + 1):
        is_peak &= inner > signal[:, PEAK_SUPPORT - away : -PEAK_SUPPORT - away]
        is_peak &= inner > signal[:, PEAK_SUPPORT + away : signal.shape[1] - PEAK_SUPPORT + away]
    return [
        (above[:, 1:] != above[:, :-1]).mean(axis=1),
        is_peak.mean(axis=1),
        (is_peak & (inner > LOUD[1])).mean(axis=1),
    ]


def _parts(signal: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> list[np.ndarray]:
    n_rows = signal.shape[1]
    found = []
    for part in PARTS:
        n = n_rows // part
        for start in (0, n_rows - n):
            total, square = (kind[:, start + n] - kind[:, start] for kind in (sums, squares))
            found.append(np.sqrt((n * square - total**2) / (n * (n - 1))))
            found.append(np.abs(signal[:, start : start + n]).max(axis=1))
    return found


def _course(signal: np.ndarray) -> list[np.ndarray]:
    changes = np.diff(signal, axis=1)
    sizes = np.abs(changes)
    rows = np.arange(signal.shape[1]) - (signal.shape[1] - 1) / 2
    slope = rows / (rows**2).sum()
    return [
        sizes.mean(axis=1),
        changes.std(axis=1, ddof=1),
        sizes.max(axis=1),
        np.einsum("sr,r->s", signal, slope),
        np.einsum("sr,r->s", np.abs(signal), slope),
    ]


def _onsets(squares: np.ndarray) -> list[np.ndarray]:
    """Mean ratio of the energy of a short window to that of a long one that ends with it."""
    n_rows = squares.shape[1] - 1
    found = []
    for by_short, by_long in STA_LTA:
        short, long = max(1, n_rows // by_short), n_rows // by_long
        ends = squares[:, long:]
        near = (ends - squares[:, long - short : -short]) / short
        far = (ends - squares[:, :-long]) / long
        found.append(np.divide(near, far, out=np.zeros_like(far), where=far > 0).mean(axis=1))
    return found


def _spectrum(signal: np.ndarray) -> list[np.ndarray]:
    """The mean of the envelope (Hilbert), and the logarithm of the power in bands."""
    n_rows = signal.shape[1]
    wave = signal.astype(np.float32)
    waves = np.fft.rfft(wave, axis=1)
    power = waves.real**2 + waves.imag**2
    turned = np.complex64(-1j) * waves
    turned[:, 0] = 0
    if n_rows % 2 == 0:
        turned[:, -1] = 0
    quarter = np.fft.irfft(turned, n_rows, axis=1)
    edges = np.linspace(1, power.shape[1], BANDS + 1).astype(np.int64)
    bands = np.add.reduceat(power, edges[:-1], axis=1, dtype=np.float64) / np.diff(edges)
    envelope = np.sqrt(wave**2 + quarter**2).mean(axis=1)
    return [envelope, *np.log10(1 + bands.T / n_rows)]


def _rolling(sums: np.ndarray, squares: np.ndarray, window: int) -> list[np.ndarray]:
    """Statistics of the rolling standard deviation and of the rolling mean."""
    total, square = (kind[:, window:] - kind[:, :-window] for kind in (sums, squares))
    # both are kept times a constant until the end: whole numbers are exact, and quick to sort
    series = np.sqrt((window * square - total**2).astype(np.float32))
    scale = 1 / np.sqrt(window * (window - 1))
    ordered = np.sort(series, axis=1)
    spreads = [
        series.mean(axis=1),
        series.std(axis=1, ddof=1),
        ordered[:, 0],
        ordered[:, -1],
        np.abs(np.diff(series, axis=1)).mean(axis=1),
        *_quantiles(ordered, STD_QUANTILES),
    ]
    whole = total.astype(np.int32)
    ordered = np.sort(whole, axis=1)
    means = [
        whole.std(axis=1, ddof=1),
        ordered[:, 0],
        ordered[:, -1],
        np.abs(np.diff(whole, axis=1)).mean(axis=1),
        *_quantiles(ordered, MEAN_QUANTILES),
    ]
    return [scale * column for column in spreads] + [column / window for column in means]
