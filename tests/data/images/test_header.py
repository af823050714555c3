"""Headers: what a file says of itself, without its pixels."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.data.images import ImageHeader, read_header, read_image
from common.data.images.header import header_of
from common.errors import DataError
from tests.data.images.pictures import encoded, photo, png16, tiff, turned

PHOTO = photo(60, 80)
IMAGE = Image.fromarray(PHOTO)
GREY = PHOTO[:, :, 0]
DEEP = GREY.astype(np.uint16) * 257
FOUR = np.dstack([PHOTO, GREY])

HEADERS = {
    "jpeg": (encoded(PHOTO, "JPEG"), (3, 8, "rgb", "jpeg")),
    "progressive": (encoded(PHOTO, "JPEG", progressive=True), (3, 8, "rgb", "jpeg")),
    "grey jpeg": (encoded(GREY, "JPEG"), (1, 8, "grey", "jpeg")),
    "cmyk": (encoded(IMAGE.convert("CMYK"), "JPEG"), (4, 8, "cmyk", "jpeg")),
    "png": (encoded(PHOTO, "PNG"), (3, 8, "rgb", "png")),
    "one bit": (encoded(IMAGE.convert("1"), "PNG"), (1, 1, "grey", "png")),
    "palette": (encoded(IMAGE.quantize(7), "PNG"), (3, 4, "palette", "png")),
    "rgba": (encoded(FOUR, "PNG"), (4, 8, "rgb+alpha", "png")),
    "grey and alpha": (encoded(IMAGE.convert("LA"), "PNG"), (2, 8, "grey+alpha", "png")),
    "deep grey": (png16(DEEP), (1, 16, "grey", "png")),
    "tiff": (encoded(PHOTO, "TIFF"), (3, 8, "rgb", "tiff")),
    "big-endian tiff": (tiff(PHOTO, order=">"), (3, 8, "rgb", "tiff")),
    "four channels": (tiff(FOUR.astype(np.uint16)), (4, 16, "channels", "tiff")),
    "gif": (encoded(PHOTO, "GIF"), (3, 8, "palette", "gif")),
    "bmp": (encoded(PHOTO, "BMP"), (3, 8, "rgb", "bmp")),
    "webp": (encoded(PHOTO, "WEBP"), (3, 8, "rgb", "webp")),
    "lossless webp": (encoded(PHOTO, "WEBP", lossless=True), (3, 8, "rgb", "webp")),
    "webp with alpha": (encoded(FOUR, "WEBP"), (4, 8, "rgb+alpha", "webp")),
}


@pytest.mark.parametrize(("content", "facts"), HEADERS.values(), ids=HEADERS)
def test_a_header_says_size_channels_bits_mode_and_format(
    content: bytes, facts: tuple[int, int, str, str], tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(content)
    assert read_header(path) == read_header(content) == ImageHeader(60, 80, *facts)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_quarter_turn_changes_the_shown_size_alone(kind: str) -> None:
    header = read_header(encoded(PHOTO, kind, exif=turned(6)))
    assert (header.height, header.width, header.orientation) == (60, 80, 6)
    assert header.shown_size == (80, 60)


def test_an_orientation_that_does_not_exist_is_none() -> None:
    assert read_header(encoded(PHOTO, "JPEG", exif=turned(9))).orientation == 1


def test_damaged_exif_does_not_refuse_a_picture() -> None:
    content = encoded(PHOTO, "JPEG", exif=turned(6))
    at = content.index(b"Exif\0\0") + 6
    assert read_header(content[:at] + b"??" + content[at + 2 :]).orientation == 1


def test_a_header_behind_a_long_profile_is_found(tmp_path: Path) -> None:
    path = tmp_path / "long.jpg"
    path.write_bytes(encoded(PHOTO, "JPEG", icc_profile=bytes(150_000)))
    assert read_header(path).shown_size == (60, 80)


def with_size(png: bytes, height: int, width: int) -> bytes:
    return png[:16] + struct.pack(">II", width, height) + png[24:]


PNG = encoded(PHOTO, "PNG")
REFUSED = {
    "empty": (b"", "has 0 bytes; expected a picture"),
    "zeros": (bytes(500), "holds zeros only; expected a picture"),
    "a web page": (b"<!DOCTYPE html>\n<html>", "holds text, '<!DOCTYPE html>"),
    "an archive": (b"PK\x03\x04" + bytes(40), "holds a zip archive"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "holds a Git LFS pointer"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "holds a HEIC picture; expected a picture: jpeg"),
    "noise": (bytes(range(128, 255)), "bytes of no known format, 80 81 82"),
    "a cut header": (encoded(PHOTO, "JPEG")[:12], "the file ends inside its header"),
    "a cut PNG header": (PNG[:20], "the file ends inside its header"),
    "a huge header": (
        with_size(PNG, 100_000, 90_000),
        r"90000×100000 pixels with 3 channels, 27,000,000,000 samples; expected at most 200,000,0",
    ),
    "no pixels": (with_size(PNG, 0, 80), "80×0 pixels; expected at least 1×1"),
    "a cut TIFF": (encoded(PHOTO, "TIFF")[:-40], "pixels up to byte|ends inside its header"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_usable_picture_is_refused_in_one_line(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        header_of(content, "a.png")
    assert str(caught.value).startswith("a.png")
    assert "\n" not in str(caught.value)


def test_the_limit_counts_samples_and_can_be_moved() -> None:
    assert read_header(PNG, max_pixels=60 * 80 * 3).width == 80
    with pytest.raises(DataError, match="14,400 samples; expected at most 14,399"):
        read_header(PNG, max_pixels=60 * 80 * 3 - 1)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.jpg is missing; expected a picture"):
        read_header(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="is a folder; expected a picture"):
        read_header(tmp_path)


def test_a_file_that_the_system_does_not_give_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    for read in (read_header, lambda path: read_image(path, None)):
        with pytest.raises(DataError, match=r"a.jpg cannot be read \(Permission denied\)"):
            read(tmp_path / "a.jpg")


@pytest.mark.parametrize("content", [case[0] for case in HEADERS.values()], ids=HEADERS)
def test_no_beginning_of_a_file_raises_anything_but_a_data_error(content: bytes) -> None:
    for end in range(0, min(len(content), 700)):
        try:
            header_of(content[:end], "cut")
        except DataError as error:
            assert "cut" in str(error)  # noqa: PT017  # most beginnings are refused, some suffice
