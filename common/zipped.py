"""A file of the host, or the zip of its own that some competitions ship it in."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO

from common.errors import DataError


def zip_of(path: Path) -> Path:
    """Where the zip of a file lies: train.csv.zip beside train.csv."""
    return path.with_name(f"{path.name}.zip")


def is_there(path: Path) -> bool:
    """Whether `opened` finds the file."""
    return path.is_file() or zip_of(path).is_file()


def opened(path: Path) -> IO[bytes]:
    """A file to be read; where only its zip is there, what that holds, unpacked in memory.

    Raises: DataError where the zip is damaged or does not hold the file; OSError where there is
    neither.
    """
    if path.is_file() or not zip_of(path).is_file():
        return path.open("rb")
    try:
        with zipfile.ZipFile(zip_of(path)) as archive:
            return io.BytesIO(archive.read(path.name))
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise DataError(
            f"{zip_of(path)} does not hold {path.name} whole ({error}); get it again"
        ) from None
