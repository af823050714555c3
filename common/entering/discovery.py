"""Which of a host's files is which: by the usual names, else by what their columns share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import paths
from common.entering.tables import header_of
from common.errors import DataError

ROLES = ("train", "test", "sample_submission")
MOST_TABLES = 12  # nameless ones that are compared with each other

_USUAL = {
    "train": re.compile(r"train(ing)?([_-]?(set|data))?\.csv"),
    "test": re.compile(r"test(ing)?([_-]?(set|data))?\.csv"),
    "sample_submission": re.compile(r"sample\.csv|.*submission.*\.csv"),
}
_SHOWN = 12


def same(name: str, names: Sequence[str]) -> str | None:
    """The one of `names` that a column's name means: letter by letter, else in any case."""
    if name in names:
        return name
    near = [other for other in names if other.lower() == name.lower()]
    return near[0] if len(near) == 1 else None


def find_files(folder: Path) -> dict[str, Path]:
    """The host's files by their roles.

    Raises: DataError where the folder or a file is missing, or where two files could be one.
    """
    if not folder.is_dir():
        raise DataError(
            f"{paths.shown(folder)} is no folder; expected the host's CSV files in it: download "
            "and unzip them"
        )
    entries = sorted(folder.iterdir())
    tables = [path for path in entries if path.suffix.lower() == ".csv" and path.is_file()]
    found: dict[str, Path] = {}
    for role, pattern in _USUAL.items():
        fitting = [path for path in tables if pattern.fullmatch(path.name.lower())]
        if len(fitting) > 1:
            raise _ambiguous(folder, role, fitting)
        if fitting:
            found[role] = fitting[0]
    if len(found) < len(ROLES):
        found = _by_columns(folder, found, tables)
    return found


def _by_columns(folder: Path, found: Mapping[str, Path], tables: list[Path]) -> dict[str, Path]:
    """The roles that no name tells, by the columns: test shares its features with train, which
    alone has the answers, and the sample asks for something that test lacks."""
    open_roles = [role for role in ROLES if role not in found]
    nameless = [path for path in tables if path not in found.values()]
    if len(nameless) < len(open_roles) or len(nameless) > MOST_TABLES:
        raise _missing(folder, open_roles)
    headers = {path: _lowered(path) for path in (*found.values(), *nameless)}
    ways: list[tuple[int, dict[str, Path]]] = []
    for chosen in itertools.permutations(nameless, len(open_roles)):
        way = {**found, **dict(zip(open_roles, chosen, strict=True))}
        shared = _shared(*(headers[way[role]] for role in ROLES))
        if shared:
            ways.append((shared, way))
    most = max((shared for shared, _ in ways), default=0)
    best = [way for shared, way in ways if shared == most]
    if not best:
        raise _missing(folder, open_roles)
    for role in open_roles:
        choices = sorted({way[role] for way in best})
        if len(choices) > 1:
            raise _ambiguous(folder, role, choices)
    return best[0]


def _lowered(path: Path) -> frozenset[str]:
    return frozenset(name.lower() for name in header_of(path))


def _shared(train: frozenset[str], test: frozenset[str], sample: frozenset[str]) -> int:
    """How many features train and test share, if the three can belong together; else 0."""
    keys = sample & test
    features = train & test - keys
    fits = train - test and sample - test and not test - train - keys
    return len(features) if fits else 0


def _ambiguous(folder: Path, role: str, fitting: Sequence[Path]) -> DataError:
    names = ", ".join(path.name for path in fitting)
    return DataError(
        f"{paths.shown(folder)}: {names} could each be the {role} file; expected one: put the "
        "three files that belong together into a folder of their own"
    )


def _missing(folder: Path, roles: Sequence[str]) -> DataError:
    entries = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    shown = ", ".join(entries[:_SHOWN]) + (", …" if len(entries) > _SHOWN else "")
    usual = ", ".join(f"{role}.csv" for role in roles)
    zipped = any(name.lower().endswith((".zip", ".gz", ".7z")) for name in entries)
    todo = "unzip it" if zipped else "name it so; where rows are no table, fork without --slug"
    return DataError(
        f"{paths.shown(folder)} has no {' and no '.join(roles)} file (found: {shown or 'nothing'});"
        f" expected {usual}: {todo}"
    )
