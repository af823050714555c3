"""Archives from the network, unpacked with care: nothing leaves its folder, nothing swells."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common import paths
from common.errors import DataError
from common.kaggle.cli import size_shown
from common.kaggle.kernels import SAFE_NAME

_MOST_RATIO = 200  # times its own size; sparse tables reach some fifty
_SMALL = 100 * 10**6  # bytes below which no ratio is suspicious
_CHUNK = 1 << 20
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$)")


class DamagedError(DataError):
    """An archive that is not whole; a new download may be."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive, by what the archive says of it.

    Args:
        size: bytes when unpacked.
        is_link: neither a file nor a folder.
    """

    name: str
    size: int
    is_link: bool = False


def check_entries(archive: Path, entries: Iterable[Entry], folder: Path) -> None:
    """Raises DataError where an archive would write outside its folder, repeats a name, holds
    links, swells beyond all measure, or does not fit on the disk of `folder`."""
    shown = paths.shown(archive)
    seen: set[str] = set()
    total = 0
    for entry in entries:
        if not re.search(SAFE_NAME, entry.name):
            raise DataError(
                f"{shown} holds {entry.name!r}, which would be written outside its folder; "
                "nothing was unpacked: do not trust this file"
            )
        if entry.is_link:
            raise DataError(
                f"{shown} holds the link {entry.name!r}; expected files alone: nothing was unpacked"
            )
        name = entry.name.rstrip("/")
        if name in seen:
            raise DataError(f"{shown} holds {entry.name!r} twice; nothing was unpacked")
        seen.add(name)
        total += entry.size
    packed = archive.stat().st_size
    if total > max(_SMALL, _MOST_RATIO * packed):
        raise DataError(
            f"{shown} has {size_shown(packed)} and would unpack to {size_shown(total)}; nothing "
            "was unpacked: that is no ordinary data"
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DataError(
            f"{shown} unpacks to {size_shown(total)}, and {paths.shown(folder)} has room for "
            f"{size_shown(free)}; free some, then run the same command again"
        )


# ---- zip ----------------------------------------------------------------------------------------


def zip_entries(archive: Path) -> list[zipfile.ZipInfo]:
    """What a zip's own directory, at its end, says that it holds.

    Raises: DataError where there is none: the file is cut, or no zip.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
        raise damaged(archive, error) from None


def unzip(archive: Path, folder: Path) -> list[str]:
    """Unpacks a zip into an empty folder and gives the files' names; checks every checksum.

    Raises: DataError where it is not whole or must not be trusted.
    """
    infos = [info for info in zip_entries(archive) if not _JUNK.search(info.filename)]
    entries = [Entry(info.filename, info.file_size, _is_link(info)) for info in infos]
    check_entries(archive, entries, folder)
    if sum(info.compress_size for info in infos) > archive.stat().st_size:
        raise DataError(
            f"{paths.shown(archive)} says that its files overlap; nothing was unpacked: that is "
            "no ordinary data"
        )
    names = []
    with zipfile.ZipFile(archive) as opened:
        for info in infos:
            place = folder / info.filename
            if info.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                with opened.open(info) as stream:
                    _write(stream, place, info.file_size, archive)
            except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
                raise damaged(archive, error) from None
            except (RuntimeError, NotImplementedError) as error:  # encrypted, or of another method
                raise DataError(
                    f"{paths.shown(archive)} cannot be unpacked here ({error}); unpack it by hand"
                ) from None
            names.append(info.filename)
    return names


def _is_link(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


# ---- tar ----------------------------------------------------------------------------------------


def untar(archive: Path, folder: Path) -> list[str]:
    """Unpacks a tar, packed or not, into an empty folder and gives the files' names.

    Raises: DataError where it is not whole or must not be trusted.
    """
    try:
        with tarfile.open(archive) as opened:
            members = [member for member in opened if not _JUNK.search(member.name)]
            check_entries(archive, map(_entry, members), folder)
            for member in members:
                _place(opened, member, folder, archive)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise damaged(archive, error) from None
    return [_plain(member.name) for member in members if member.isfile()]


def _entry(member: tarfile.TarInfo) -> Entry:
    plain = member.isfile() or member.isdir()
    return Entry(_plain(member.name), member.size if member.isfile() else 0, not plain)


def _plain(name: str) -> str:
    """`./train/1.png` as `train/1.png`; the folder itself as `.`."""
    return name[2:] or "." if name.startswith("./") else name


def _place(opened: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    place = folder / _plain(member.name)
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    stream = opened.extractfile(member)
    assert stream is not None  # it is a file
    with stream:
        _write(stream, place, member.size, archive)


# ---- both ---------------------------------------------------------------------------------------


def damaged(archive: Path, error: object) -> DamagedError:
    """What is said of an archive that is not whole."""
    return DamagedError(
        f"{paths.shown(archive)} was cut or is damaged ({error}); run the same command again"
    )


def _write(stream: IO[bytes], place: Path, size: int, archive: Path) -> None:
    """Writes a new file of exactly so many bytes."""
    try:
        with place.open("xb") as target:
            shutil.copyfileobj(stream, target, _CHUNK)
            written = target.tell()
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        raise DataError(
            f"{paths.shown(archive)} holds {place.name!r} as a file and as a folder; unpack it by "
            "hand"
        ) from None
    if written != size:
        raise damaged(archive, f"{place.name} has {written:,} of {size:,} bytes")
