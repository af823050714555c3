"""Fixtures: a competition's data in small, in the host's layout, under a marker that says so."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import DataError
from common.score import FIXTURE_FILE

Write = Callable[[Path, int], dict[str, Any]]


def write_fixture(folder: Path, write: Write, seed: int) -> Path:
    """Fills a folder with a fixture, all of it or nothing.

    Args:
        write: writes the files into a folder that it is given, and gives the facts for
            FIXTURE.json: `called` (what the data are called), `synthetic`, `version`, `rungs`.

    Raises: DataError where the folder holds anything that is no fixture.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{paths.shown(folder)} is a file; expected a folder for the fixture")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FIXTURE_FILE).is_file():
        raise DataError(
            f"{paths.shown(folder)} holds files that are no fixture; nothing was written: name "
            "another folder with --out"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        beside.mkdir()
        facts = {"seed": seed, **write(beside, seed)}
        files.write_json(beside / FIXTURE_FILE, facts)
        shutil.rmtree(folder, ignore_errors=True)
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV as hosts do: comma, newline, quotes only where needed."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def rung(name: str, score: float, source: str) -> dict[str, Any]:
    """A rung of the fixture's own ladder, as FIXTURE.json holds it."""
    return {"name": name, "score": score, "source": source}
