"""Files that are whole or not there: written beside, flushed, renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.errors import DataError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name beside `path`; renames it onto `path` if the block ends well.

    A block that raises leaves the old file as it was and nothing beside it.
    The name carries the process id, so two processes do not write into each other's file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a whole file or none."""
    with replacing(path) as beside:
        beside.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Writes a whole UTF-8 file or none."""
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> Path:
    """Writes a value as JSON: keys in the order given, floats with all their digits."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


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


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
