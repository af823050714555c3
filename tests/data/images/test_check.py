"""Looking at every picture of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.data.images.check import DOUBT, FAULT, check_images, image_files, lines_of, table_of
from common.errors import DataError
from scripts.check_images import main
from tests.data.images.pictures import encoded, photo, png16, turned

PHOTO = photo()
IMAGE = Image.fromarray(PHOTO)
JPEG, PNG = encoded(PHOTO, "JPEG"), encoded(PHOTO, "PNG")
Folder = Callable[[dict[str, bytes]], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Writes three sound JPEGs and some files beside them."""

    def written(files: dict[str, bytes]) -> Path:
        root = tmp_path / "data"
        for name, content in {**dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), JPEG), **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return written


FAULTS = {
    "truncated": (JPEG[: len(JPEG) // 2], "is cut"),
    "empty": (b"", "has 0 bytes"),
    "text": (b"Not found", "holds text, 'Not found'"),
    "huge": (PNG[:16] + (90_000).to_bytes(4, "big") * 2 + PNG[24:], "90000×90000 pixels with 3 ch"),
    "no end mark": (JPEG[:-2], "is cut"),
    "zeros for the second half": (JPEG[: len(JPEG) // 2] + bytes(len(JPEG) // 2), "is cut"),
    "cut PNG": (PNG[:-30], "is cut"),
    "PNG without its last byte": (PNG[:-1], "is cut"),
    "cut WebP": (encoded(PHOTO, "WEBP")[:-9], "is cut"),
    "cut GIF": (encoded(PHOTO, "GIF")[:-90], "is cut"),
    "cut BMP": (encoded(PHOTO, "BMP")[:-90], "is cut"),
}


@pytest.mark.parametrize(("content", "found"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_read_is_found_without_decoding_all(
    folder: Folder, content: bytes, found: str
) -> None:
    report = check_images(folder({"z/bad.jpg": content}))
    (fault,) = report.of(FAULT)
    assert fault.path.name == "bad.jpg"
    assert re.search(found, fault.found)


DOUBTS = {
    "wrong name": (PNG, "png named .jpg", "jpeg; it is read as what it is"),
    "16 bits": (png16(PHOTO.astype(np.uint16) * 257), "16 bits", "8 bits"),
    "palette": (encoded(IMAGE.quantize(9), "PNG"), "palette", "rgb; it is read as colours"),
    "cmyk": (encoded(IMAGE.convert("CMYK"), "JPEG"), "cmyk", "without its colour profile"),
    "rotated": (encoded(PHOTO, "JPEG", exif=turned(6)), "EXIF orientation 6", "1; it is turned"),
    "grey among colours": (encoded(PHOTO[:, :, 0], "JPEG"), "grey", "rgb, as most beside it"),
}


@pytest.mark.parametrize(("content", "found", "expected"), DOUBTS.values(), ids=DOUBTS)
def test_what_may_be_misread_is_a_doubt(
    folder: Folder, content: bytes, found: str, expected: str
) -> None:
    report = check_images(folder({"odd.jpg": content}))
    assert not report.of(FAULT)
    told = {(doubt.path.name, doubt.found, doubt.expected) for doubt in report.of(DOUBT)}
    assert any(
        name == "odd.jpg" and found in said and expected in wanted for name, said, wanted in told
    )


def test_a_sound_folder_has_no_findings(folder: Folder) -> None:
    report = check_images(folder({"d/e.png": PNG}), decoded=True)
    assert report.findings == []
    assert (report.n_files, report.n_bytes) == (4, 3 * len(JPEG) + len(PNG))


def test_damage_in_the_middle_needs_decoding(
    folder: Folder, capfd: pytest.CaptureFixture[str]
) -> None:
    middle = len(PNG) // 2
    root = folder({"bad.png": PNG[:middle] + b"????" + PNG[middle + 4 :]})
    assert not check_images(root).of(FAULT)
    (fault,) = check_images(root, decoded=True).of(FAULT)
    assert (fault.path.name, fault.found) == ("bad.png", "the pixels cannot be decoded")
    assert "libpng" not in capfd.readouterr().err


def test_a_hole_of_zeros_is_a_doubt(folder: Folder) -> None:
    large = encoded(photo(400, 600, soft=1), "JPEG", quality=95)
    third = len(large) // 3
    assert third > 5000
    root = folder({"hole.jpg": large[:third] + bytes(5000) + large[third + 5000 :]})
    report = check_images(root, decoded=True)
    assert [doubt.found for doubt in report.of(DOUBT)] == ["4096 zero bytes in a row"]


def test_only_files_named_as_pictures_are_looked_at(folder: Folder) -> None:
    root = folder({"train.csv": b"id", ".cache/x.png": b"", "D.TIFF": PNG, "._a.jpg": b"\0\5\x16"})
    assert [path.name for path in image_files(root)] == [
        "._a.jpg",
        "D.TIFF",
        "a.jpg",
        "b.jpg",
        "c.jpg",
    ]


def test_many_equal_doubts_are_one_line_and_all_rows_of_the_list(folder: Folder) -> None:
    root = folder({f"m/{number}.png": png16(np.zeros((4, 5), np.uint16)) for number in range(150)})
    report = check_images(root)
    lines = [line for line in lines_of(report) if line.startswith("doubt")]
    assert len(lines) == 1
    assert "m: 150 with 16 bits, the first is 0.png; expected 8 bits" in lines[0]
    assert len(table_of(report).splitlines()) == 151


def test_damage_to_what_a_png_does_not_need_is_no_fault(folder: Folder) -> None:
    text = PngInfo()
    text.add_text("author", "somebody")
    content = encoded(PHOTO, "PNG", pnginfo=text)
    root = folder({"noted.png": content.replace(b"somebody", b"nobody, ")})
    assert not check_images(root, decoded=True).of(FAULT)


def test_a_link_to_itself_is_shown_and_is_a_fault(folder: Folder) -> None:
    root = folder({})
    (root / "link.jpg").symlink_to("link.jpg")
    report = check_images(root)
    assert "cannot be read" in report.of(FAULT)[0].found
    assert any("link.jpg" in line for line in lines_of(report))


def test_a_pipe_and_a_link_to_nothing_are_faults(folder: Folder) -> None:
    root = folder({})
    os.mkfifo(root / "pipe.jpg")
    (root / "link.jpg").symlink_to("nowhere.jpg")
    found = {fault.path.name: fault.found for fault in check_images(root).of(FAULT)}
    assert found == {"pipe.jpg": "is no file", "link.jpg": "is missing"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("with space.jpg", "with space.jpg"),
        ("new\nline.jpg", r"new\nline.jpg"),
        ("red\x1b[31m.jpg", r"red\x1b[31m.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\udce9.jpg"),
    ],
    ids=["space", "newline", "escape", "no UTF-8"],
)
def test_any_name_takes_one_line_and_can_be_written(folder: Folder, name: str, shown: str) -> None:
    report = check_images(folder({name: b"text"}))
    (line,) = (line for line in lines_of(report) if line.startswith("fault"))
    assert f"{shown}: holds text" in line
    assert line.encode().isascii()
    assert ".jpg" in table_of(report).encode().decode()


def test_no_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no pictures; expected files named \.bmp, "):
        check_images(tmp_path)


def test_the_script_lists_and_ends_with_2(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, table = folder({"bad.jpg": b""}), tmp_path / "found.csv"
    assert main(["camvid", "--data", str(root), "--list", str(table)]) == 2
    printed = capsys.readouterr()
    assert "3 jpeg, rgb, 8 bits" in printed.out
    assert "bad.jpg: has 0 bytes; expected a picture" in printed.out
    assert "files a second" in printed.out
    assert printed.err.startswith("error: 1 of 4 pictures cannot be read")
    assert table.read_text().splitlines() == [
        "kind,path,found,expected",
        f"fault,{root / 'bad.jpg'},has 0 bytes,a picture. Download it again",
    ]


def test_the_script_ends_with_0_where_there_are_doubts_only(folder: Folder) -> None:
    assert main(["camvid", "--data", str(folder({"odd.jpg": PNG})), "--decode"]) == 0


def test_the_script_says_how_to_get_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["aptos2019-blindness-detection", "--data", str(tmp_path / "none")]) == 2
    assert "does not exist; expected the host's files. To download: " in capsys.readouterr().err
