"""Archives from the network: nothing leaves its folder, nothing swells, nothing half remains."""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from common.errors import DataError
from common.kaggle import archives, seven_zip, unpacking


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def zip_with(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def link_entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.txt", "would be written outside its folder"),
        ("/etc/evil.txt", "would be written outside its folder"),
        ("a/../../evil.txt", "would be written outside its folder"),
        ("C:/evil.txt", "would be written outside its folder"),
        ("a\\..\\evil.txt", "would be written outside its folder"),
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(
    tmp_path: Path, folder: Path, name: str, words: str
) -> None:
    archive = zip_with(tmp_path / "a.zip", ("good.txt", b"good"), (name, b"evil"))
    with pytest.raises(DataError, match=words):
        archives.unzip(archive, folder)
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = zip_with(tmp_path / "a.zip", (link_entry("data"), b"/etc"))
    with pytest.raises(DataError, match=r"holds the link 'data'"):
        archives.unzip(archive, folder)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zip_with(tmp_path / "a.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(DataError, match="holds 'a' twice"):
        archives.unzip(archive, folder)


def test_a_file_under_a_file_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = zip_with(tmp_path / "a.zip", ("a/b", b"1"), ("a", b"2"))
    with pytest.raises(DataError, match="as a file and as a folder"):
        archives.unzip(archive, folder)


def test_what_swells_beyond_measure_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = zip_with(tmp_path / "a.zip", ("zeros", bytes(150_000_000)))
    assert archive.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"would unpack to 150\.0 MB; nothing was unpacked"):
        archives.unzip(archive, folder)


def test_files_that_share_their_bytes_are_refused(tmp_path: Path, folder: Path) -> None:
    """Two entries of the directory that stand for the same bytes."""
    noise = os.urandom(2000)
    plain = zip_with(tmp_path / "a.zip", ("a", noise), ("b", b"")).read_bytes()
    start = plain.index(b"PK\x01\x02")
    first = plain[start : plain.index(b"PK\x01\x02", start + 1)]
    second = first[:46] + b"b" + first[47:]
    end = plain[plain.index(b"PK\x05\x06") :]
    (tmp_path / "b.zip").write_bytes(plain[:start] + first + second + end)
    with pytest.raises(DataError, match="says that its files overlap"):
        archives.unzip(tmp_path / "b.zip", folder)


@pytest.mark.parametrize("keep", [0, 10, 500, 1_100])
def test_a_cut_zip_is_found_out(tmp_path: Path, folder: Path, keep: int) -> None:
    whole = zip_with(tmp_path / "a.zip", ("a", os.urandom(1000))).read_bytes()
    assert len(whole) > 1_100
    (tmp_path / "a.zip").write_bytes(whole[:keep])
    with pytest.raises(archives.DamagedError, match="was cut or is damaged"):
        archives.unzip(tmp_path / "a.zip", folder)


def test_a_changed_byte_is_found_out(tmp_path: Path, folder: Path) -> None:
    whole = bytearray(zip_with(tmp_path / "a.zip", ("a", os.urandom(1000))).read_bytes())
    whole[500] ^= 255
    (tmp_path / "a.zip").write_bytes(whole)
    with pytest.raises(archives.DamagedError):
        archives.unzip(tmp_path / "a.zip", folder)


def test_a_tar_with_a_link_or_a_way_out_is_refused(tmp_path: Path, folder: Path) -> None:
    for kind, name in ((tarfile.SYMTYPE, "data"), (tarfile.REGTYPE, "../evil.txt")):
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc"
            archive.addfile(entry, io.BytesIO())
        with pytest.raises(DataError, match=r"holds the link|outside its folder"):
            archives.untar(tmp_path / "a.tar", folder)
    assert list(folder.iterdir()) == []


# ---- 7z -----------------------------------------------------------------------------------------

# What 7-Zip answers to `l -slt -ba` and `x`, over a zip in place of a 7z.
STAND_IN = """#!{python}
import sys, zipfile
from pathlib import Path
archive = zipfile.ZipFile(sys.argv[-1])
if sys.argv[1] == "l":
    for info in archive.infolist():
        mode = "lrwxrwxrwx" if info.external_attr >> 28 == 10 else "-rw-r--r--"
        print(f"Path = {{info.filename}}\\nSize = {{info.file_size}}\\nAttributes = A {{mode}}\\n")
else:
    out = next(word[2:] for word in sys.argv if word.startswith("-o"))
    archive.extractall(out)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    tool = tools / "7zz"
    tool.write_text(STAND_IN.format(python=sys.executable))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))


def tar_of(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


@pytest.mark.usefixtures("stand_in")
def test_a_tar_in_a_7z_becomes_its_folder(tmp_path: Path, folder: Path) -> None:
    inner = tar_of("./train-jpg/train_0.jpg", b"jpg")
    zip_with(folder / "train-jpg.tar.7z", ("train-jpg.tar", inner))
    zip_with(folder / "train.7z", ("train/1.png", b"png"))
    unpacking.unpack_inner(folder, ["train.7z", "train-jpg.tar.7z"], tmp_path / "scratch")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"train-jpg/train_0.jpg", "train/1.png"}
    assert not (tmp_path / "scratch").exists()


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", ["../evil.txt", "link"])
def test_a_7z_that_must_not_be_trusted_is_not_unpacked(
    tmp_path: Path, folder: Path, name: str
) -> None:
    entry = link_entry(name) if name == "link" else name
    archive = zip_with(tmp_path / "a.7z", (entry, b"/etc"))
    with pytest.raises(DataError, match="nothing was unpacked"):
        seven_zip.extract(archive, folder)
    assert list(folder.iterdir()) == []


def test_without_a_tool_the_line_says_what_to_install(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    zip_with(folder / "train.7z", ("train/1.png", b"png"))
    zip_with(folder / "b.zip", ("b/1.png", b"png"))
    with pytest.raises(DataError, match="is a 7z archive, and this machine has none of 7zz"):
        unpacking.unpack_inner(folder, ["train.7z", "b.zip"], tmp_path / "scratch")
    assert (folder / "train.7z").is_file()
    assert (folder / "b" / "1.png").is_file()  # what could be done is done
