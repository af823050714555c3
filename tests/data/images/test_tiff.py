"""TIFF: every sample as it is stored, however the file lays it out."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.data.images import read_header, read_image
from common.data.images.tags import first_directory
from common.errors import DataError
from tests.data.images.pictures import encoded, photo, shown, tiff

BYTES = np.dstack([photo(21, 34), photo(21, 34, seed=1)[:, :, :1]])
WORDS = BYTES.astype(np.uint16) * 199 + 7


def differences(samples: np.ndarray) -> np.ndarray:
    """Each sample less the one to its left, wrapping around."""
    stored = samples.copy()
    stored[:, 1:] -= samples[:, :-1]
    return stored


LAYOUTS: dict[str, dict[str, Any]] = {
    "rgb": {},
    "black is zero": {"photometric": 1},
    "plane after plane": {"separate": True},
    "planes in strips": {"separate": True, "rows_per_strip": 5},
    "strips": {"rows_per_strip": 4},
    "big-endian": {"order": ">"},
    "alpha of which colours are no multiple": {"more": {338: [2]}},
    "alpha that colours were multiplied by": {"more": {338: [1]}},
    "deflate": {"compress": zlib.compress, "more": {259: [8]}},
    "deflate in big-endian strips": {
        "compress": zlib.compress,
        "more": {259: [8]},
        "order": ">",
        "rows_per_strip": 6,
    },
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("samples", [BYTES, WORDS], ids=["8 bits", "16 bits"])
def test_four_channels_come_in_the_files_order(samples: np.ndarray, layout: dict[str, Any]) -> None:
    read = read_image(tiff(samples, **layout), None, channels=4, dtype=samples.dtype)
    assert np.array_equal(read, samples)


@pytest.mark.parametrize("samples", [BYTES, WORDS], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("separate", [False, True])
def test_differences_are_summed_up(samples: np.ndarray, separate: bool) -> None:
    content = tiff(
        differences(samples),
        separate=separate,
        rows_per_strip=8,
        compress=zlib.compress,
        more={259: [8], 317: [2]},
    )
    assert np.array_equal(read_image(content, None, channels=4, dtype=samples.dtype), samples)


def test_tiles_are_put_in_their_places() -> None:
    tiles = [BYTES[:16, left : left + 16] for left in (0, 16)]
    content = tiff(
        np.concatenate(tiles), rows_per_strip=16, more={322: [16], 323: [16], 256: [32], 257: [16]}
    )
    # the same offsets and lengths under the numbers that tiles have
    for strip, tile in ((273, 324), (279, 325)):
        content = content.replace(
            strip.to_bytes(2, "little") + b"\4\0\2\0", tile.to_bytes(2, "little") + b"\4\0\2\0"
        )
    assert np.array_equal(read_image(content, None, channels=4), BYTES[:16, :32])


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
def test_pillows_tiffs_are_read(compression: str | None) -> None:
    content = encoded(BYTES[:, :, :3], "TIFF", compression=compression)
    assert np.array_equal(read_image(content, None), BYTES[:, :, :3])


def test_white_may_be_zero() -> None:
    content = tiff(BYTES[:, :, :1], photometric=0)
    assert np.array_equal(read_image(content, None, channels=1), 255 - BYTES[:, :, :1])


@pytest.mark.parametrize("mode", ["P", "1", "L"])
def test_palettes_and_single_bits_are_shown(mode: str) -> None:
    content = encoded(Image.fromarray(BYTES[:, :, :3]).convert(mode), "TIFF")
    assert read_header(content).format == "tiff"
    assert np.array_equal(read_image(content, None), shown(content))


def test_further_channels_are_dropped_where_three_are_asked_for() -> None:
    assert np.array_equal(read_image(tiff(BYTES), None), BYTES[:, :, :3])


def test_five_channels_need_to_be_asked_for() -> None:
    five = np.dstack([BYTES, BYTES[:, :, :1]])
    assert np.array_equal(read_image(tiff(five, photometric=1), None, channels=5), five)
    with pytest.raises(DataError, match=r"has 5 channels; expected 3. Ask for 5"):
        read_image(tiff(five, photometric=1), None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({339: [3]}, "expected unsigned integers"),
        ({258: [32] * 4}, "expected unsigned integers"),
        ({262: [5]}, "photometric 5"),
        ({259: [34712]}, "compression 34712"),
    ],
)
def test_other_kinds_are_refused(more: dict[int, list[int]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_header(tiff(BYTES, more=more))


def spoilt(content: bytes) -> bytes:
    """The last third of the first strip overwritten."""
    directory = first_directory(lambda start, count: content[start : start + count])
    start, size = directory[273][0], directory[279][0]
    hole = range(start + size * 2 // 3, start + size)
    return content[: hole.start] + bytes(len(hole)) + content[hole.stop :]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("order", ["rgb", "grey"])
def test_a_damaged_strip_is_an_error(compression: str, order: str) -> None:
    samples = BYTES[:, :, :3] if order == "rgb" else BYTES[:, :, 0]
    content = spoilt(encoded(samples, "TIFF", compression=compression))
    with pytest.raises(DataError, match="cannot be decoded"):
        read_image(content, None)


def test_the_strips_must_be_as_many_as_the_size_takes() -> None:
    with pytest.raises(DataError, match="of 1 strips or tiles; expected as many as"):
        read_image(tiff(BYTES, rows_per_strip=21, more={257: [500]}), None, channels=4)
