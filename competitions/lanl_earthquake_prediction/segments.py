"""Segments as the pipelines take them: described once, kept on disk, found again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import files, paths
from common.errors import DataError
from common.score import FIXTURE_FILE
from common.settings import Settings
from competitions.lanl_earthquake_prediction.features import LEAST_ROWS, in_blocks
from competitions.lanl_earthquake_prediction.recording import (
    HEADER,
    STEP,
    VERSION,
    Recording,
    Segments,
    convert,
)
from competitions.lanl_earthquake_prediction.signal_csv import read_blocks

HOST_ROWS = 150_000  # of a test segment
Describe = Callable[[Iterable[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class SegmentSettings(Settings):
    """How the recording is cut.

    Args:
        segment_rows: rows of a segment; 0 for those of a test segment: what a fixture says of
            itself, 150,000 otherwise.
        starts: segments that begin within the length of one; 1 for no overlap.
    """

    segment_rows: int = 0
    starts: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = self.segment_rows
        whole = rows == 0 or (rows >= LEAST_ROWS and rows % STEP == 0)
        self.require(whole, "segment_rows", f"0, or a multiple of {STEP} from {LEAST_ROWS} on")
        self.require(self.starts >= 1, "starts", "at least 1")


def rows_of_a_segment(settings: SegmentSettings, root: Path) -> int:
    """The rows of a segment of the data in a folder."""
    if settings.segment_rows:
        return settings.segment_rows
    marker = root / FIXTURE_FILE
    return int(files.read_json(marker)["segment_rows"]) if marker.is_file() else HOST_ROWS


@dataclass(frozen=True)
class Cut:
    """A recording, the segments that it was cut into, and the folder where both are kept."""

    recording: Recording
    segments: Segments
    folder: Path

    @classmethod
    def make(cls, path: Path, stamp: str, work: Path, length: int, starts: int) -> Cut:
        """Converts a recording unless that was done, and cuts it.

        Args:
            stamp: of the file's content.

        Raises: DataError where the file is cut or holds something else than the host's, or where
        the segments would not begin at multiples of STEP.
        """
        if length % (starts * STEP):
            raise DataError(
                f"{starts} segments cannot begin within {length:,} rows; expected multiples of "
                f"{STEP} rows: set another number with --set starts=N"
            )
        name = hashlib.sha256(f"{VERSION} {stamp}".encode()).hexdigest()[:16]
        folder = work / f"recording-{name}"
        files.make_folder(work)
        with files.locked(paths.lock_file(folder), wait=True):  # of two runs one converts
            recording = convert(path, folder)
        return cls(recording, recording.segments(length, length // starts), folder)

    def described(self, name: str, describe: Describe) -> np.ndarray:
        """What `describe` makes of the segments, one row each; kept under a name."""
        path = self.folder / f"{name}-{self.segments.length}-{self.segments.stride}.npy"
        if not path.is_file():
            described = describe(self._blocks())
            with files.replacing(path) as beside, beside.open("wb") as stream:
                np.save(stream, described)
        found: np.ndarray = np.load(path)
        return found

    def _blocks(self) -> Iterator[np.ndarray]:
        for part in in_blocks(len(self.segments.starts), self.segments.length):
            yield self.segments.of(self.recording.signal, part)


def test_paths(root: Path) -> list[Path]:
    """The files of the test segments, by name.

    Raises: DataError where there is no folder of them.
    """
    folder = root / "test"
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist; expected a CSV per segment: get test.zip again")
    return sorted(folder.glob("*.csv"))


def read_segments(found: list[Path], length: int) -> Iterator[np.ndarray]:
    """The samples of test segments in blocks, int16 (n, length).

    Raises: DataError that names the first file that is cut or has another length.
    """
    for part in in_blocks(len(found), length):
        yield np.stack([_read_segment(path, length) for path in found[part]])


def _read_segment(path: Path, length: int) -> np.ndarray:
    signal = np.concatenate([block.signal for block in read_blocks(path, HEADER[:1])])
    if len(signal) != length:
        raise DataError(
            f"{path} has {len(signal):,} rows; expected {length:,}: get it again, or set another "
            "length with --set segment_rows=N"
        )
    return signal
