"""What this machine has and Kaggle's image lacks: hidden from a rehearsed kernel."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import Any

from common import paths
from common.kernels.bundled import bundled_packages
from common.kernels.image import IMAGE

MARK = "[rehearsal] "  # how a line begins that a rehearsal writes into a kernel's log
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
OURS = ("common", "competitions", "kernels")  # they travel inside the kernel
# what executes notebooks there, and comes with Python itself
ALSO_THERE = ("ipykernel", "nbclient", "pip", "wheel")


def absent(wheels: Iterable[str] = ()) -> dict[str, Any]:
    """The modules and the folders of `sys.path` that a kernel must not see, ready for JSON.

    Args:
        wheels: packages that a data set brings along, by the names they are imported under.
    """
    there = _closure([entry.split(",")[0].split(" ")[0] for entry in IMAGE.values()])
    there |= _closure(ALSO_THERE)
    # their folder is taken away, so that a kernel finds them only where it has packed them
    packable = bundled_packages()
    hidden = [
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if not there & {_normal(owner) for owner in owners}
        and module not in IMAGE
        and module not in OURS
        and module not in wheels
        and module not in packable
    ]
    folders = [Path(sys.prefix) / "bundled", paths.repository()]
    return {
        "modules": sorted(hidden),
        "folders": [str(folder) for folder in folders],
        "mark": MARK,
    }


def _closure(names: Iterable[str]) -> set[str]:
    """Distributions and all that they ask for, extras aside, as far as installed."""
    found: set[str] = set()
    waiting = [_normal(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [_normal(needed) for needed in _needed(name)]
    return found


def _needed(name: str) -> list[str]:
    try:
        lines = Distribution.from_name(name).requires or []
    except PackageNotFoundError:  # in the image, not here
        return []
    wanted = [line for line in lines if "extra ==" not in line.replace("extra==", "extra ==")]
    return [match.group(1) for match in map(_NAME.match, wanted) if match]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
