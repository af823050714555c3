"""Finds what Kaggle has mounted, in either layout, in any case, by marker files as a last resort.

| source        | newer layout                                      | older layout            |
| competition   | competitions/<slug>                               | <slug>                  |
| data set      | datasets/<owner>/<slug>                           | <slug>                  |
| kernel output | notebooks/<owner>/<slug>                          | <slug>                  |
| model         | models/<owner>/<model>/<framework>/<variation>/<n> | <model>/<framework>/... |
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import DataError

ANY_OWNER = "*"
DEEPEST_MARKER = 5  # folders below the input root in which marker files are looked for
MOST_FOLDERS = 2_000  # of those; a mount of a million pictures is not walked to its end
MOST_SHOWN = 20  # mounts that a message lists


@dataclass(frozen=True)
class Kind:
    """A kind of source: what it is called, its folder in the newer layout, the metadata's list."""

    called: str
    folder: str
    list_name: str
    depth: int


COMPETITION = Kind("competition", "competitions", "competition_sources", 1)
DATASET = Kind("data set", "datasets", "dataset_sources", 2)
KERNEL = Kind("output of the kernel", "notebooks", "kernel_sources", 2)
MODEL = Kind("model", "models", "model_sources", 5)
KINDS = (COMPETITION, DATASET, KERNEL, MODEL)


def find(root: Path, kind: Kind, name: str, markers: Sequence[str] = ()) -> Path:
    """The folder below `root` where a source is mounted.

    Args:
        name: "slug" of a competition; "owner/slug" of a data set or kernel, or "slug" for any
            owner's; "owner/model/framework/variation/version" of a model.
        markers: files, by their paths inside the source, that tell it from all others.

    Raises: DataError that lists what is mounted.
    """
    for parts in _layouts(kind, name):
        for any_case in (False, True):
            found = _choose(list(_matches(root, parts, any_case=any_case)), markers)
            if found is not None:
                return found
    for folder in folders_below(root) if markers else ():
        if _holds(folder, markers):
            return folder
    raise DataError(_not_mounted(root, kind, name, markers))


def mounted(root: Path) -> list[str]:
    """What is mounted, as paths below `root`, sorted."""
    known = {kind.folder: kind.depth for kind in KINDS}
    found: list[str] = []
    for top in _subfolders(root):
        depth = known.get(top.name)
        parts = (top.name, *[ANY_OWNER] * (depth or 0))
        inside = list(_matches(root, parts, any_case=False)) if depth else []
        found += [path.relative_to(root).as_posix() for path in inside or [top]]
    return sorted(found)


def _layouts(kind: Kind, name: str) -> Iterator[tuple[str, ...]]:
    parts = tuple(part for part in name.split("/") if part)
    if kind.depth > 1 and len(parts) == 1:
        parts = (ANY_OWNER, *parts)
    yield (kind.folder, *parts)
    yield parts[1:] if kind.depth > 1 else parts


def _matches(root: Path, parts: Sequence[str], *, any_case: bool) -> Iterator[Path]:
    """The folders that a pattern of names stands for."""
    if not parts:
        yield root
        return
    first, rest = parts[0], parts[1:]
    if first == ANY_OWNER or any_case:
        choices = [
            path
            for path in _subfolders(root)
            if first == ANY_OWNER or path.name.lower() == first.lower()
        ]
    else:
        choices = [root / first] if (root / first).is_dir() else []
    for choice in choices:
        yield from _matches(choice, rest, any_case=any_case)


def _choose(found: list[Path], markers: Sequence[str]) -> Path | None:
    """One of several owners' folders: the one with the marker files, else the first."""
    holding = [path for path in found if _holds(path, markers)]
    return next(iter(holding or found), None)


def _holds(folder: Path, markers: Sequence[str]) -> bool:
    return all((folder / marker).exists() for marker in markers)


def folders_below(root: Path, deepest: int = DEEPEST_MARKER) -> Iterator[Path]:
    """Folders below `root`, breadth first, so that the least deep one is met first."""
    level, seen = [root], 0
    for _ in range(deepest):
        below: list[Path] = []
        for folder in level:
            for path in _subfolders(folder):
                seen += 1
                if seen > MOST_FOLDERS:
                    return
                yield path
                below.append(path)
        level = below


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; none where it cannot be read or is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _not_mounted(root: Path, kind: Kind, name: str, markers: Sequence[str]) -> str:
    places = [
        str(root / "/".join(parts)).replace(ANY_OWNER, "<owner>") for parts in _layouts(kind, name)
    ]
    by_file = f", nor any folder with {', '.join(markers)}" if markers else ""
    there = mounted(root)
    more = f" and {len(there) - MOST_SHOWN} more" if len(there) > MOST_SHOWN else ""
    listed = ", ".join(there[:MOST_SHOWN]) + more if there else "nothing"
    return (
        f"the {kind.called} {name!r} is not mounted: found neither {' nor '.join(places)}"
        f"{by_file}; mounted in {root}: {listed}. Attach it under {kind.list_name} in "
        "kernel-metadata.json and push again"
    )
