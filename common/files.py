"""Files that are whole or not there: written beside, flushed, renamed."""

from __future__ import annotations

import hashlib
import json
import os

try:
    import fcntl
except ImportError:  # Windows has none: two writers at once are not found out there
    fcntl = None  # type: ignore[assignment]
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from common.errors import DataError, RunError, UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name beside `path`; renames it onto `path` if the block ends well.

    A block that raises leaves the old file as it was and nothing beside it.
    The name carries the process id, so two processes do not write into each other's file.

    Raises: UsageError where `path` is a folder, a device or a pipe: renaming would destroy it.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no ordinary file; expected the name of a file to write")
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _check_writable(beside, path)
        yield beside
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where it is
        raise
    finally:
        beside.unlink(missing_ok=True)


def _check_writable(beside: Path, path: Path) -> None:
    """Raises DataError where the system knows no such place, as under /proc."""
    try:
        beside.touch()
    except FileNotFoundError:
        raise DataError(f"{path} cannot be written there; choose another folder") from None
    beside.unlink()


def make_folder(path: Path) -> None:
    """Makes a folder and those above it; one that is there is left as it is.

    Raises: DataError where the place allows no folders.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        raise DataError(f"{path} cannot be made there; choose a folder on a disk") from None


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a whole file or none."""
    with replacing(path) as beside:
        beside.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Writes a whole UTF-8 file or none."""
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> Path:
    """Writes a value as JSON: keys in the order given, floats with all their digits; numpy's
    numbers and arrays as plain ones; of file names that are no UTF-8 the bytes, escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    return write_bytes(path, f"{text}\n".encode(errors="backslashreplace"))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises: DataError where the file is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no JSON ({error}); it was cut or edited") from None


def copy_folder(source: Path, target: Path) -> None:
    """Copies a folder's files into another folder, each whole or not at all."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            write_bytes(target / path.relative_to(source), path.read_bytes())


@contextmanager
def locked(
    path: Path,
    held: str = "",
    *,
    wait: bool = False,
    otherwise: str = "name another with --run",
) -> Iterator[int]:
    """Holds a lock file for the length of the block and gives its descriptor; the system lets go
    of it however the process ends, once no child has the descriptor either.

    Raises: RunError, saying what is `held` and what to do `otherwise` than wait, where another
    process has it and `wait` is off.
    """
    make_folder(path.parent)
    with path.open("w", encoding="utf-8") as stream:
        if fcntl is not None:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise RunError(f"{held}; wait for it to end, or {otherwise}") from None
        yield stream.fileno()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def take_room(stream: IO[bytes], n_bytes: int, place: Path) -> None:
    """Makes a file as large as what will be mapped of it: on a disk that fills up later, writing to
    a mapped hole would end the process without a word.

    Raises: OSError, naming the place, where there is no room.
    """
    if not hasattr(os, "posix_fallocate"):  # Linux has it, others do without
        return
    try:
        os.posix_fallocate(stream.fileno(), 0, n_bytes)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from None
