"""Where the chips lie: folders of several names, merged or not, nested or not.

    find_chips(root, "jpg", "test")     # {"test_0": "…/test-jpg/test_0.jpg", "file_0": …}

Chips are found by their names, so it does not matter which folder holds which.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import paths
from common.data import read_columns
from common.errors import DataError
from competitions.planet_understanding_the_amazon_from_space.spec import SPEC

ENDINGS = {"jpg": (".jpg", ".jpeg"), "tif": (".tif", ".tiff")}
ARCHIVES = (".7z", ".tar", ".zip", ".gz", ".tgz")
SPLITS = ("train", "test")
DEEPEST = 4  # folders below the root that are looked into; links may lead in a circle
MISNAMED = "test-tif-v2"  # whose file_*.tif have each other's names


@dataclass(frozen=True)
class Chips:
    """The chips of a split.

    Args:
        files: the file of each chip, by its name without ending.
        own: those in the split's own folders.
    """

    files: dict[str, str]
    own: frozenset[str]


def find_chips(root: Path, source: str, split: str) -> Chips:
    """The chips that lie below a folder, of which the split's own folders come first.

    Of several files with one name that in the folder whose name is last in the alphabet counts:
    test-jpg-v2 before test-jpg.

    Args:
        source: "jpg" or "tif".
        split: "train" or "test".

    Raises: DataError where the folder holds test-tif-v2 and no list of the right names.
    """
    folders = sorted(_folders(root, ENDINGS[source]), key=lambda one: len(one[0].parts))
    folders.sort(key=lambda one: one[0].parts[:1], reverse=True)
    folders.sort(key=lambda one: _strangeness(one[0], split))
    right_names: dict[str, str] = {}
    if any(MISNAMED in folder.parts for folder, _ in folders):
        right_names = _right_names(root / SPEC.file("file_mapping").name)
    files: dict[str, str] = {}
    own = set()
    for folder, names in folders:
        renamed = right_names if MISNAMED in folder.parts else {}
        for name in names:
            stem = os.path.splitext(name)[0]
            chip = renamed.get(stem, stem)
            files.setdefault(chip, os.path.join(root, folder, name))
            if _strangeness(folder, split) == 0:
                own.add(chip)
    return Chips(files, frozenset(own))


def _strangeness(folder: Path, split: str) -> int:
    """0 for the split's own folders, 2 for those of the other split, 1 for all others."""
    parts = [part.lower() for part in folder.parts]
    if any(part.startswith(split) for part in parts):
        return 0
    return 2 if any(part.startswith(SPLITS) for part in parts) else 1


def _folders(root: Path, endings: tuple[str, ...]) -> Iterator[tuple[Path, list[str]]]:
    """The folders that hold such files, relative to the root, each with its files' names."""
    waiting = [Path()]
    while waiting:
        folder = waiting.pop()
        names = []
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(endings):
                    names.append(entry.name)
                elif not entry.name.startswith((".", "_")) and len(folder.parts) < DEEPEST:
                    waiting += [folder / entry.name] if entry.is_dir() else []
        if names:
            yield folder, names


def _right_names(path: Path) -> dict[str, str]:
    """The right names of the chips in test-tif-v2 by the names that they have there."""
    columns = read_columns(path, SPEC.file("file_mapping").features)
    old, new = (
        [os.path.splitext(cell)[0] for cell in cells.to_pylist()] for cells in columns.values()
    )
    for what, names in (("old", old), ("new", new)):
        if len(set(names)) < len(names):
            raise DataError(f"{path} holds a name twice in its column {what!r}; get it again")
    return dict(zip(old, new, strict=True))


def not_unpacked(root: Path, source: str, split: str) -> str:
    """A line on an archive of such chips that lies there with no folder of its name; "" where
    there is none."""
    for path in sorted(root.iterdir()):
        stem = path.name.split(".")[0]
        fits = stem.lower().startswith(f"{split}-{source}")
        if fits and path.name.lower().endswith(ARCHIVES) and not (root / stem).is_dir():
            tar = f" && tar xf {path.stem}" if path.stem.endswith(".tar") else ""
            return (
                f"{paths.shown(path)} is not unpacked; expected a folder {stem}: run `7z x "
                f"{path.name}{tar}` there"
            )
    return ""
