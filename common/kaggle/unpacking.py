"""Unpacks a download and the archives inside it, and puts all of it into place at the end."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common import paths
from common.errors import DataError
from common.kaggle import seven_zip
from common.kaggle.archives import untar, unzip

Unpack = Callable[[Path, Path], list[str]]
# Longest first: of train.tar.gz the whole of .tar.gz is taken off.
_KINDS: tuple[tuple[str, Unpack], ...] = (
    (".tar.gz", untar),
    (".tar.bz2", untar),
    (".tar.xz", untar),
    (".tgz", untar),
    (".tar", untar),
    (".zip", unzip),
    (".7z", seven_zip.extract),
)


def kind_of(name: str) -> tuple[str, Unpack] | None:
    """The ending of an archive and what unpacks it; None for any other file."""
    return next((kind for kind in _KINDS if name.lower().endswith(kind[0])), None)


def unpack_into(archive: Path, target: Path, scratch: Path) -> list[str]:
    """Unpacks a zip into a folder that may hold files already; gives the names of its files.

    Nothing of it stands in `target` before all of it is unpacked. A file that is there already,
    with the same size, is left; with another size it is an error.

    Args:
        scratch: a folder to be made, on the disk of `target`.

    Raises: DataError.
    """
    with _emptied(scratch) as folder:
        names = unzip(archive, folder)
        merge(folder, target)
    return names


def unpack_inner(target: Path, archives: list[str], scratch: Path) -> None:
    """Unpacks archives that lie in a folder, and those inside them, and takes them away.

    `train.7z` becomes the folder `train`, and `train.csv.zip` the file `train.csv`, whether what
    they hold is in such a folder already or not. Those for which a tool may be missing come last.

    Raises: DataError. What was unpacked before stays.
    """
    for name in sorted(archives, key=lambda name: name.lower().endswith(".7z")):
        archive = target / name
        found = kind_of(name)
        if found is None or not archive.is_file():
            continue
        ending, unpack = found
        with _emptied(scratch) as folder:
            unpack(archive, folder)
            inner = [path.name for path in folder.iterdir() if kind_of(path.name)]
            unpack_inner(folder, inner, scratch.with_name(f"{scratch.name}-inner"))
            merge(_where(folder, archive.name[: -len(ending)]), archive.parent)
        archive.unlink()


def _where(folder: Path, stem: str) -> Path:
    """The unpacked files, put into a folder of the archive's name where they are in none."""
    tops = list(folder.iterdir())
    plain = stem.lower().removesuffix(".tar")
    one_file = len(tops) == 1 and tops[0].is_file() and tops[0].name.lower() == plain
    if one_file or any(top.is_dir() and top.name.lower() == plain for top in tops):
        return folder
    outer = folder / ".outer"
    inside = outer / stem.removesuffix(".tar")
    inside.mkdir(parents=True)
    for top in tops:
        top.rename(inside / top.name)
    return outer


def merge(source: Path, target: Path) -> None:
    """Moves what lies in one folder into another; both on one disk.

    Raises: DataError where a file is there already with another size. Nothing is moved then.
    """
    for path in _files(source):
        place = target / path.relative_to(source)
        if place.is_dir() or (place.is_file() and place.stat().st_size != path.stat().st_size):
            raise DataError(
                f"{paths.shown(place)} is there already and is not the file that Kaggle sends; "
                "move it away, or name another folder with --out"
            )
    _move(source, target)


def _move(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        place = target / path.name
        if not place.exists():
            path.rename(place)
        elif path.is_dir():
            _move(path, place)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """Makes a folder, without what a killed process left in it, and takes it away at the end."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
