"""A stick-slip recording in small, with a hundredth of the host's rows per second.

Noise whose spread follows the place in the cycle, bursts that come more often as the failure nears,
one large burst 0.3 s before the reset and calm after it, a mean that drifts, a loudness of each
cycle's own. The test segments are cut from two cycles of other lengths, with gaps, at any phase.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import files
from common.fixtures import rung, write_csv
from competitions.lanl_earthquake_prediction import features
from competitions.lanl_earthquake_prediction.recording import HEADER
from competitions.lanl_earthquake_prediction.spec import SPEC

VERSION = 1
SEGMENT_ROWS = 1_500
CYCLES = (1.5, 11.5, 14.2, 8.9, 12.7, 8.1, 7.1, 16.0, 9.6, 11.0, 14.8, 8.5)  # seconds
FIRST_WAS, LAST_GOES_ON = 8.0, 4.5  # seconds of the first before the record, of the last after it
HIDDEN_CYCLES = (7.6, 14.5)  # of the test set
N_TEST = 100
BLOCK_ROWS, BLOCK_SECONDS, ROW_SECONDS = 41, 1.06e-3, 1.1e-9
SHORT_EVERY = 1_280  # blocks; the first of them has a row less
BURST_BEFORE = 0.3  # seconds before the reset
LARGE = 600.0  # height of the burst there
RING = np.exp(-np.arange(400) / 40).astype(np.float32)  # how a burst dies away, row by row
DRIFTED_BY = 4  # of the mean of one test segment
RIDGE = 100.0  # penalty of the trivial model, on standardised features
FARTHEST = 5.0  # standard deviations


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes train.csv, test/, sample_submission.csv and solution.csv."""
    import polars

    generator = np.random.default_rng(seed)
    clock = _clock(CYCLES, FIRST_WAS, LAST_GOES_ON)
    signal, times = _signal(clock, generator), clock.times
    columns = dict(zip(HEADER, (signal, times), strict=True))
    polars.DataFrame(columns).write_csv(folder / "train.csv", float_precision=10)

    later = _clock(HIDDEN_CYCLES)
    sound, hidden = _signal(later, generator), later.times
    ends = _test_ends(hidden, generator)
    asked = np.stack([sound[end - SEGMENT_ROWS + 1 : end + 1] for end in ends])
    asked[1] += DRIFTED_BY
    names = [f"seg_{number:06x}" for number in generator.permutation(2**20)[:N_TEST]]
    _write_test(folder, names, asked)
    answers = hidden[ends].round(8)
    write_csv(folder / "solution.csv", SPEC.submission.header, zip(names, answers, strict=True))

    starts = np.arange(0, len(signal) - SEGMENT_ROWS + 1, SEGMENT_ROWS)
    cycles = clock.cycle[clock.block]
    whole = cycles[starts] == cycles[starts + SEGMENT_ROWS - 1]
    known = np.stack([signal[start : start + SEGMENT_ROWS] for start in starts[whole]])
    targets = times[starts[whole] + SEGMENT_ROWS - 1]
    return {
        "version": VERSION,
        "synthetic": True,
        "called": f"synthetic data for {SPEC.title}",
        "segment_rows": SEGMENT_ROWS,
        "rows": len(signal),
        "rungs": _rungs(known, targets, asked, answers),
    }


def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
    """Writes a test set of `n_rows` segments into `out`: those of `data` under new ids."""
    sample = SPEC.file("sample_submission").name
    with (data / sample).open(encoding="utf-8", newline="") as stream:
        known = [row[0] for row in csv.reader(stream)][1:]
    names = [f"seg_f{number:05x}" for number in range(n_rows)]
    files.make_folder(out / "test")
    for position, name in enumerate(names):
        source = data / "test" / f"{known[position % len(known)]}.csv"
        (out / "test" / f"{name}.csv").write_bytes(source.read_bytes())
    write_csv(out / sample, SPEC.submission.header, ((name, 0) for name in names))


@dataclass(frozen=True)
class _Clock:
    """When the rows of a recording are.

    Args:
        block: of every row, (n_rows,).
        times: seconds to failure of every row, float64 (n_rows,): a jump between blocks, a
            billionth of a second from row to row within them.
        left, place, cycle: of every block: the time to failure at its beginning, the place in its
            cycle (0 to 1), the cycle's number.
    """

    block: np.ndarray
    times: np.ndarray
    left: np.ndarray
    place: np.ndarray
    cycle: np.ndarray


def _clock(seconds: Sequence[float], before: float = 0.0, after: float = 0.0) -> _Clock:
    """The clock of some cycles.

    Args:
        seconds: of each cycle that are on record.
        before, after: of the first and the last cycle that are not.
    """
    n_blocks = np.array([round(length / BLOCK_SECONDS) for length in seconds])
    lengths = np.full(n_blocks.sum(), BLOCK_ROWS)
    lengths[::SHORT_EVERY] -= 1
    cycle = np.repeat(np.arange(len(seconds)), n_blocks)
    missing = np.array([0.0] * (len(seconds) - 1) + [after])
    ends = missing[cycle] + np.cumsum(n_blocks)[cycle] * BLOCK_SECONDS
    left = ends - np.arange(len(lengths)) * BLOCK_SECONDS
    whole = np.array(seconds) + missing
    whole[0] += before
    block = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    first_row = np.cumsum(lengths) - lengths
    times = (left + (first_row - 1) * ROW_SECONDS)[block]
    times -= np.arange(len(block)) * ROW_SECONDS
    return _Clock(block, times, left, 1 - left / whole[cycle], cycle)


def _signal(clock: _Clock, generator: np.random.Generator) -> np.ndarray:
    """The sound, int16 (n_rows,)."""
    loudness = np.exp(generator.normal(0, 0.04, clock.cycle[-1] + 1))[clock.cycle]
    calm = clock.left < BURST_BEFORE
    rising = 2.5 + 5 * clock.place**3 + 1.2 * np.exp(-clock.place / 0.05)
    spread = loudness * np.where(calm, 2.2, rising)
    n_rows, n_blocks = len(clock.block), len(calm)
    rate = np.where(calm, 0.0, 4e-4 / (0.4 + clock.left)) * BLOCK_ROWS  # of bursts, per block
    struck = np.flatnonzero(generator.random(n_blocks) < rate)
    heights = generator.lognormal(2.3, 0.7, len(struck))
    large = np.flatnonzero(np.diff(calm.astype(np.int8)) == 1)
    ringing = np.zeros(n_rows + len(RING), dtype=np.float32)
    for block, height in zip([*struck, *large], [*heights, *[LARGE] * len(large)], strict=True):
        row = block * n_rows // n_blocks
        ringing[row : row + len(RING)] += height * RING
    turns = np.linspace(0, 2 * np.pi, n_blocks)
    mean = 4.5 + 0.6 * np.sin(turns + 1) + 0.3 * np.sin(3 * turns)  # drifts
    sound = generator.standard_normal(n_rows, dtype=np.float32)
    sound *= np.hypot(spread.astype(np.float32)[clock.block], ringing[:n_rows])
    sound += mean.astype(np.float32)[clock.block]
    low, high = SPEC.value_range or (-5515, 5444)
    samples: np.ndarray = np.rint(sound, out=sound).clip(low, high).astype(np.int16)
    return samples


def _test_ends(times: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The last rows of segments without overlap, at any phase of the blocks, none across a reset;
    the first lies between the large burst and the reset."""
    resets = np.flatnonzero(np.diff(times) > 0) + 1
    calm_end = int(resets[0]) - 1 - int(generator.integers(0, SEGMENT_ROWS))
    n_slots = len(times) // SEGMENT_ROWS - 1
    slots = np.sort(generator.permutation(n_slots // 2)[: 2 * N_TEST]) * 2
    ends = (slots + 1) * SEGMENT_ROWS + generator.integers(0, SEGMENT_ROWS, len(slots))
    starts = ends - SEGMENT_ROWS + 1
    across = np.searchsorted(resets, starts, "right") != np.searchsorted(resets, ends, "right")
    near = np.abs(ends - calm_end) < SEGMENT_ROWS
    chosen = generator.permutation(ends[~across & ~near])[: N_TEST - 1]
    return np.concatenate([[calm_end], chosen])


def _write_test(folder: Path, names: list[str], segments: np.ndarray) -> None:
    """Writes test/ and sample_submission.csv."""
    files.make_folder(folder / "test")
    for name, segment in zip(names, segments, strict=True):
        lines = "\n".join(map(str, [HEADER[0], *segment.tolist()]))
        (folder / "test" / f"{name}.csv").write_text(lines + "\n", encoding="utf-8")
    sample = folder / SPEC.file("sample_submission").name
    write_csv(sample, SPEC.submission.header, ((name, 0) for name in sorted(names)))


def _rungs(
    known: np.ndarray, targets: np.ndarray, asked: np.ndarray, answers: np.ndarray
) -> list[dict[str, Any]]:
    """The constant, and ridge on the feature table, measured on the test segments."""
    x_train, x_test = (
        features.table(part[rows] for rows in features.in_blocks(len(part), SEGMENT_ROWS))
        for part in (known, asked)
    )
    used = [name not in features.DRIFTING for name in features.NAMES]
    guessed = ridge(x_train[:, used], targets, x_test[:, used])
    source = f"measured on the {len(answers)} synthetic test segments"
    return [
        rung("constant, the median", float(np.abs(answers - np.median(targets)).mean()), source),
        rung("ridge on the features", float(np.abs(answers - guessed).mean()), source),
    ]


def ridge(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray) -> np.ndarray:
    """Predictions of ridge on standardised features, (n_test,).

    A burst is hundreds of deviations away in some features, so all are cut at FARTHEST.
    """
    centre, spread = x_train.mean(axis=0), x_train.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    known, asked = (
        ((part - centre) / spread).clip(-FARTHEST, FARTHEST) for part in (x_train, x_test)
    )
    centre = known.mean(axis=0)
    known, asked = known - centre, asked - centre
    covariance = known.T @ known + RIDGE * np.eye(known.shape[1])
    weights = np.linalg.solve(covariance, known.T @ (y_train - y_train.mean()))
    predicted: np.ndarray = y_train.mean() + asked @ weights
    return predicted
