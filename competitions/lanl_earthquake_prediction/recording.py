"""The recording: train.csv as a memory-mapped file of int16, the times at every 500th row, and
the rows where a cycle begins.

Converted once, block by block: memory does not grow with the file. A conversion that was cut short
goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from common import files
from common.errors import DataError
from competitions.lanl_earthquake_prediction.signal_csv import BLOCK, Block, read_blocks

VERSION = 1
HEADER = ("acoustic_data", "time_to_failure")
STEP = 500  # rows from one kept time to the next; segments begin and end at multiples of it
RESET_SECONDS = 0.1  # the time falls from row to row, but where a cycle begins it rises by seconds
SAVE_EVERY = 2**28  # bytes of the CSV between two notes of how far a conversion came
SIGNAL, TIMES, FACTS, PROGRESS = "signal.i16", "times.f64", "recording.json", "progress.json"


@dataclass(frozen=True)
class Recording:
    """A recording on disk.

    Args:
        signal: int16 (n_rows,), memory-mapped.
        times: seconds to the next failure, float64, at rows STEP - 1, 2 STEP - 1, …
        resets: rows where a new cycle begins, int64, rising; the first cycle begins at row 0.
    """

    signal: np.ndarray
    times: np.ndarray
    resets: np.ndarray

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """The recording that `convert` wrote."""
        facts = files.read_json(folder / FACTS)
        signal = np.memmap(folder / SIGNAL, dtype=np.int16, mode="r", shape=(facts["rows"],))
        times = np.fromfile(folder / TIMES, dtype=np.float64)
        return cls(signal, times, np.array(facts["resets"], dtype=np.int64))

    def segments(self, length: int, stride: int) -> Segments:
        """The segments of some length, every `stride` rows, that lie within one cycle.

        Raises: DataError where there is none.
        """
        starts = np.arange(0, len(self.signal) - length + 1, stride)
        cycles = np.searchsorted(self.resets, starts, side="right")
        whole = cycles == np.searchsorted(self.resets, starts + length - 1, side="right")
        if not whole.any():
            raise DataError(
                f"the recording has {len(self.signal):,} rows and no segment of {length:,} rows "
                "within a cycle; get train.csv again, or set another length with "
                "--set segment_rows=N"
            )
        starts, cycles = starts[whole], cycles[whole]
        return Segments(starts, cycles, self.times[(starts + length) // STEP - 1], length, stride)


@dataclass(frozen=True)
class Segments:
    """Parts of a recording.

    Args:
        starts: first rows, (n_segments,).
        cycles: the cycle that each lies in, counted from 0, (n_segments,).
        times: seconds to the next failure at the last row, float64 (n_segments,).
        length: rows of each.
        stride: rows from the beginning of one to that of the next.
    """

    starts: np.ndarray
    cycles: np.ndarray
    times: np.ndarray
    length: int
    stride: int

    def of(self, signal: np.ndarray, part: slice) -> np.ndarray:
        """The samples of some segments, int16 (n, length)."""
        return np.stack([signal[start : start + self.length] for start in self.starts[part]])


def convert(
    path: Path, folder: Path, *, block: int = BLOCK, save_every: int = SAVE_EVERY
) -> Recording:
    """The recording of a CSV, converted into a folder unless it was before.

    Raises: DataError where the file is cut or holds something else than the host's.
    """
    if not _is_whole(folder):
        files.make_folder(folder)
        facts = _converted(path, folder, block, save_every)
        files.write_json(folder / FACTS, facts)
        (folder / PROGRESS).unlink(missing_ok=True)
    return Recording.open(folder)


def _is_whole(folder: Path) -> bool:
    if not all((folder / name).is_file() for name in (FACTS, SIGNAL, TIMES)):
        return False
    rows = files.read_json(folder / FACTS)["rows"]
    sizes = ((folder / SIGNAL).stat().st_size, (folder / TIMES).stat().st_size)
    return sizes == (2 * rows, 8 * (rows // STEP))


def _converted(path: Path, folder: Path, block: int, save_every: int) -> dict[str, Any]:
    progress = _progress(folder)
    at, rows, resets, last = (progress[name] for name in ("byte", "rows", "resets", "last"))
    with (folder / SIGNAL).open("ab") as signal, (folder / TIMES).open("ab") as times:
        signal.truncate(2 * rows)  # what was written after the last note is read again
        times.truncate(8 * (rows // STEP))
        for part in read_blocks(path, HEADER, (at, rows), block):
            kept, known = _times_of(part)
            resets += _resets(part, known, last)
            last = float(known[1][-1])
            signal.write(part.signal.tobytes())
            times.write(kept.tobytes())
            rows = part.first_row + len(part.signal)
            if part.end_byte - at >= save_every:
                at = part.end_byte
                _note(folder, signal, times, {**_facts(rows, resets), "byte": at, "last": last})
    return _facts(rows, resets)


def _facts(rows: int, resets: list[int]) -> dict[str, Any]:
    return {"version": VERSION, "rows": rows, "resets": resets}


def _progress(folder: Path) -> dict[str, Any]:
    """How far an earlier conversion came."""
    if (folder / PROGRESS).is_file() and (folder / SIGNAL).is_file():
        return dict(files.read_json(folder / PROGRESS))
    return {**_facts(0, []), "byte": 0, "last": None}


def _note(folder: Path, signal: BinaryIO, times: BinaryIO, progress: dict[str, Any]) -> None:
    signal.flush()
    times.flush()
    files.write_json(folder / PROGRESS, progress)


def _times_of(part: Block) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The times to keep of a block; and rows within it, with their times: the first, the kept, the
    last."""
    n_rows = len(part.signal)
    kept = np.arange(-(part.first_row + 1) % STEP, n_rows, STEP)
    rows = np.unique(np.concatenate([[0], kept, [n_rows - 1]]))
    times = part.times(rows)
    return times[np.isin(rows, kept)], (rows, times)


def _resets(part: Block, known: tuple[np.ndarray, np.ndarray], last: float | None) -> list[int]:
    """The rows of the recording where a cycle begins.

    Args:
        last: the time at the row before the block.
    """
    rows, times = known
    found = [part.first_row] if last is not None and times[0] > last + RESET_SECONDS else []
    for place in np.flatnonzero(np.diff(times) > 0):
        between = np.arange(rows[place], rows[place + 1] + 1)
        rises = np.flatnonzero(np.diff(part.times(between)) > RESET_SECONDS)
        found += [part.first_row + int(between[rise]) + 1 for rise in rises]
    return found
