"""Pure-Python packages that Kaggle's image lacks, as they lie in <environment>/bundled."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import Distribution
from pathlib import Path

from common import paths
from common.errors import DataError
from common.kernels.listing import Member

LICENCES = ("licen", "copying", "notice")


def bundled_packages(folder: Path | None = None) -> dict[str, Distribution]:
    """The distributions by the names under which they are imported.

    Args:
        folder: in place of this environment's.
    """
    folder = folder or Path(sys.prefix) / "bundled"
    found: dict[str, Distribution] = {}
    for distribution in importlib.metadata.distributions(path=[str(folder)]):
        for file in distribution.files or ():
            if file.suffix == ".py" and not file.parts[0].endswith(".dist-info"):
                found[Path(file.parts[0]).stem] = distribution
    return found


def pinned_packages() -> set[str]:
    """What scripts/setup puts there, by import names: those of requirements/bundled.txt."""
    path = paths.repository() / "requirements/bundled.txt"
    pins = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {pin.partition("==")[0].replace("-", "_").lower() for pin in pins if "==" in pin}


def called(distribution: Distribution) -> str:
    """Name and version."""
    return f"{distribution.name} {distribution.version}"


def package_members(distribution: Distribution) -> tuple[Member, ...]:
    """A package's files, its licence and its metadata, sorted by name.

    Raises: DataError where it has compiled parts, or no licence.
    """
    kept: list[Member] = []
    licensed = False
    for file in sorted(distribution.files or (), key=str):
        name = file.as_posix()
        if file.suffix in (".so", ".pyd", ".dll"):
            raise DataError(
                f"{called(distribution)} has compiled parts ({name}), which fit one machine only; "
                "bring it as a wheel in a data set: scripts/pack_dataset.py makes one"
            )
        about = file.parts[0].endswith(".dist-info")
        is_licence = about and any(word in file.name.lower() for word in LICENCES)
        licensed = licensed or is_licence
        wanted = file.name == "METADATA" or is_licence if about else _is_source(name)
        if wanted:
            kept.append(Member(name, Path(str(file.locate())).read_bytes()))
    if not licensed:
        raise DataError(f"{called(distribution)} comes without its licence; it cannot be packed")
    return tuple(kept)


def _is_source(name: str) -> bool:
    return not name.startswith(("..", "bin/")) and "__pycache__" not in name
