"""The recording: a CSV larger than memory as whole numbers on disk."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import DataError
from competitions.lanl_earthquake_prediction import recording
from competitions.lanl_earthquake_prediction.recording import HEADER, Recording, convert
from competitions.lanl_earthquake_prediction.signal_csv import Block, read_blocks

N_ROWS, RESET = 2_300, 1_234
HEAD = b"acoustic_data,time_to_failure\n"


def lines(n_rows: int = N_ROWS) -> list[bytes]:
    """Rows of a recording with one reset: samples from -5 to 5, a time that falls by 1.1e-9 s."""
    rows = []
    for row in range(n_rows):
        left = 11.5 - 1.1e-9 * (row - RESET) if row >= RESET else 1.5 - 1.1e-9 * row
        rows.append(f"{row % 11 - 5},{left:.10f}\n".encode())
    return rows


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes train.csv from lines, and gives its path."""

    def write(rows: list[bytes], head: bytes = HEAD) -> Path:
        path = tmp_path / "train.csv"
        path.write_bytes(head + b"".join(rows))
        return path

    return write


def signal_of(path: Path, columns: tuple[str, ...] = HEADER) -> list[int]:
    return np.concatenate([block.signal for block in read_blocks(path, columns)]).tolist()


# ---- converting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 17, 100, 4096, 2**20])
def test_blocks_of_any_size_give_the_same_recording(
    csv: Callable[..., Path], tmp_path: Path, block: int
) -> None:
    found = convert(csv(lines()), tmp_path / "kept", block=block)
    assert found.signal.dtype == np.int16
    assert found.signal.tolist() == [row % 11 - 5 for row in range(N_ROWS)]
    assert found.resets.tolist() == [RESET]
    # at rows 499, 999, 1499 and 1999; the reset lies between the second and the third
    falls = 1.1e-9 * np.array([499, 999, 1499 - RESET, 1999 - RESET])
    assert found.times == pytest.approx(np.array([1.5, 1.5, 11.5, 11.5]) - falls, abs=1e-10)


def test_times_keep_what_float32_would_lose(csv: Callable[..., Path], tmp_path: Path) -> None:
    times = convert(csv(lines()), tmp_path / "kept").times
    assert times[2] - times[3] == pytest.approx(500 * 1.1e-9, abs=2e-10)
    assert float(np.float32(times[2]) - np.float32(times[3])) > 9e-7  # its steps near 11.5


def test_a_byte_order_mark_crlf_and_empty_lines_change_nothing(
    csv: Callable[..., Path], tmp_path: Path
) -> None:
    expected = convert(csv(lines()), tmp_path / "kept")
    for name, rows, head in (
        ("mark", lines(), b"\xef\xbb\xbf" + HEAD),
        ("crlf", [row.replace(b"\n", b"\r\n") for row in lines()], HEAD.replace(b"\n", b"\r\n")),
        ("empty", [*lines()[:9], b"\n", *lines()[9:]], HEAD),
    ):
        found = convert(csv(rows, head), tmp_path / name, block=512)
        assert np.array_equal(found.signal, expected.signal), name
        assert np.array_equal(found.times, expected.times), name
        assert found.resets.tolist() == expected.resets.tolist()


def test_every_int16_is_read(csv: Callable[..., Path]) -> None:
    samples = [-32768, 32767, -1, 0, 7, -10, 12345, 99, -5515, 5444]
    path = csv([f"{value},1.5\n".encode() for value in samples])
    assert signal_of(path) == samples


def test_times_with_an_exponent_are_read(csv: Callable[..., Path], tmp_path: Path) -> None:
    rows = [f"4,{1e-4 - 1e-7 * row:.3e}\n".encode() for row in range(600)]
    assert b"e-05" in rows[499]
    found = convert(csv(rows), tmp_path / "kept")
    assert found.times.tolist() == [pytest.approx(1e-4 - 1e-7 * 499, abs=1e-12)]


def test_memory_does_not_grow_with_the_file(csv: Callable[..., Path], tmp_path: Path) -> None:
    path = csv(lines() * 100)  # 3.7 MB; its times alone would take 1.8 MB as float64
    tracemalloc.start()
    convert(path, tmp_path / "kept", block=2**15)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 3e6
    assert most < 1e6


# ---- files that are not as they should be -------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"32768,1.5\n", "row 31 holds '32768' as acoustic_data; expected a whole number from -32"),
        (b"-32769,1.5\n", "row 31 holds '-32769'"),
        (b"12.5,1.5\n", r"row 31 holds '12\.5' as acoustic_data"),
        (b"soon,1.5\n", "row 31 holds 'soon'"),
        (b",1.5\n", "row 31 holds '' as acoustic_data"),
        (b"12345678901,1.5\n", "row 31 holds '12345678901'"),
        (b"4,\n", "row 31 holds '' as time_to_failure; expected a finite number"),
        (b"4,nan\n", "row 31 holds 'nan' as time_to_failure"),
        (b"4\n", r"row 31 has 1 of 2 cells \('4'\)"),
        (b"4,1.5,2\n", "row 31 has 3 of 2 cells"),
    ],
)
def test_a_bad_line_is_named(
    csv: Callable[..., Path], tmp_path: Path, row: bytes, words: str
) -> None:
    path = csv([*lines()[:30], row, *lines()[30:]])
    for block in (64, 2**20):
        with pytest.raises(DataError, match=words) as caught:
            convert(path, tmp_path / "kept", block=block)
        assert "\n" not in str(caught.value)


def test_a_time_that_only_looks_like_a_number_is_named(
    csv: Callable[..., Path], tmp_path: Path
) -> None:
    rows = lines()
    rows[499] = b"4,1.2.3\n"  # digits and points alone pass the quick look
    with pytest.raises(DataError, match=r"row 500 holds '1\.2\.3' as time_to_failure"):
        convert(csv(rows), tmp_path / "kept")


def test_a_file_that_was_cut_in_the_middle_of_a_line_is_named(
    csv: Callable[..., Path], tmp_path: Path
) -> None:
    path = csv(lines())
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(DataError, match=r"last line \(row 2300, '-5,11\.49.*has no end.*was cut"):
        convert(path, tmp_path / "kept")
    assert not (tmp_path / "kept" / "recording.json").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with nothing; expected the header 'acoustic_data,time_to_failure'"),
        (HEAD, "holds a header and no rows"),
        (b"4,1.5\n5,1.5\n", "begins with '4,1.5'"),
        (b"time_to_failure,acoustic_data\n1.5,4\n", "begins with 'time_to_failure,acoustic_data'"),
        (b"PK\x03\x04\xff\xfe", "begins with 'PK"),
    ],
)
def test_a_file_without_rows_or_with_another_header_is_named(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        convert(path, tmp_path / "kept")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.csv cannot be read \(No such file"):
        convert(tmp_path / "train.csv", tmp_path / "kept")


# ---- going on, and finding it again -------------------------------------------------------------


def test_a_conversion_that_was_cut_short_goes_on_where_it_stopped(
    csv: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = csv(lines()), tmp_path / "kept"
    expected = convert(path, tmp_path / "whole")
    starts: list[tuple[int, int]] = []

    def watched(*args: Any, stop: int) -> Iterator[Block]:
        starts.append(args[2])
        for number, block in enumerate(read_blocks(*args)):
            if number == stop:
                raise KeyboardInterrupt
            yield block

    # about 21,000 bytes of blocks of 1,000: killed in the 13th, and again 4 blocks later
    for stop in (12, 4, 99):
        monkeypatch.setattr(
            recording, "read_blocks", lambda *args, stop=stop: watched(*args, stop=stop)
        )
        if stop < 99:
            with pytest.raises(KeyboardInterrupt):
                convert(path, kept, block=1_000, save_every=3_000)
    found = convert(path, kept, block=1_000, save_every=3_000)
    assert starts[0] == (0, 0)
    assert 0 < starts[1][0] < starts[2][0]
    assert np.array_equal(found.signal, expected.signal)
    assert np.array_equal(found.times, expected.times)
    assert found.resets.tolist() == expected.resets.tolist() == [RESET]


def test_a_recording_is_read_once_and_made_again_where_its_file_was_cut(
    csv: Callable[..., Path], tmp_path: Path
) -> None:
    path, kept = csv(lines()), tmp_path / "kept"
    convert(path, kept)
    path.unlink()
    assert len(convert(path, kept).signal) == N_ROWS  # nothing is read but what was kept
    with (kept / "signal.i16").open("r+b") as stream:
        stream.truncate(100)
    assert len(convert(csv(lines()), kept).signal) == N_ROWS


# ---- segments -----------------------------------------------------------------------------------


def recorded(n_rows: int, resets: list[int]) -> Recording:
    times = np.arange(n_rows // 500, dtype=np.float64)  # each says its own place
    return Recording(np.zeros(n_rows, np.int16), times, np.array(resets, dtype=np.int64))


def test_segments_across_a_reset_are_dropped() -> None:
    found = recorded(3_200, [1_700]).segments(1_000, 500)
    # 1000 to 1999 and 1500 to 2499 lie across row 1700; 2500 would end after the last row
    assert found.starts.tolist() == [0, 500, 2_000]
    assert found.cycles.tolist() == [0, 0, 1]
    # the last rows are 999, 1499 and 2999: the second, third and sixth kept time
    assert found.times.tolist() == [1, 2, 5]


def test_a_segment_may_begin_at_a_reset_and_end_before_one() -> None:
    found = recorded(3_000, [1_000, 2_000]).segments(1_000, 1_000)
    assert found.starts.tolist() == [0, 1_000, 2_000]
    assert found.cycles.tolist() == [0, 1, 2]


def test_a_recording_without_a_whole_segment_is_told() -> None:
    with pytest.raises(DataError, match="has 1,400 rows and no segment of 1,500 rows"):
        recorded(1_400, []).segments(1_500, 1_500)
