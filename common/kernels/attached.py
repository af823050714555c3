"""Puts attached data sets to use: hashes checked, weights in the caches, wheels on the path.

Runs before torch and fastai are imported, because libraries read where their caches are once.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from common import files, paths, registry
from common.errors import DataError
from common.kernels.config import KernelConfig
from common.kernels.packed import Entry, entries_of, verify

Say = Callable[[str], None]
PIP_SECONDS = 600


def caches_dir() -> Path:
    """Where libraries find the attached weights; writable, and gone when the kernel ends."""
    return paths.home() / "caches"


def modules_dir() -> Path:
    """Where the modules of attached wheels lie."""
    return paths.home() / "wheels"


def prepare(config: KernelConfig, say: Say = print) -> None:
    """Checks every data set of a kernel and points caches and paths at what they hold.

    Raises: DataError, with the file, what was found and what was expected, where a data set is not
    mounted, is not the one that was packed, or lacks weights that the competition wants.
    """
    places = {name: paths.dataset_input(name) for name in config.datasets}
    held: list[Entry] = []
    for name, place in places.items():
        entries = entries_of(place)
        if entries is None:
            say(f"data set {name}: {place}, not packed by this kit, so nothing is checked")
            continue
        verify(place, entries, name)
        say(f"data set {name}: {place}, {len(entries)} files, as they were packed")
        _link_weights(place, [entry for entry in entries if entry.kind == "weights"])
        _unpack_wheels(place, [entry for entry in entries if entry.kind == "wheel"])
        held += entries
    _check_wanted(config, places, held)
    if places:
        files.make_folder(caches_dir())
        paths.use_caches(caches_dir(), offline=not config.internet)


def _link_weights(place: Path, entries: Iterable[Entry]) -> None:
    """Links weights into the caches, whose folders stay writable: libraries put locks there."""
    for entry in entries:
        link = caches_dir() / entry.path
        files.make_folder(link.parent)
        link.unlink(missing_ok=True)
        link.symlink_to(place / entry.name)
        if entry.ref:  # the branch stands for the commit whose folder this is
            ref = link.parents[2] / "refs" / entry.ref
            files.write_text(ref, link.parent.name)


def _unpack_wheels(place: Path, entries: Iterable[Entry]) -> None:
    target = modules_dir()
    for entry in entries:
        files.make_folder(target)
        if not _unzip(place / entry.name, target):
            _pip(place / entry.name, entry, target)
    if target.is_dir() and str(target) not in sys.path:
        sys.path.insert(1, str(target))  # after the kit's own code
        paths.use_modules(target)


def _unzip(wheel: Path, target: Path) -> bool:
    """Unpacks a wheel without parts that belong elsewhere; False where there are such parts."""
    with zipfile.ZipFile(wheel) as archive:
        if any(name.partition("/")[0].endswith(".data") for name in archive.namelist()):
            return False
        archive.extractall(target)  # which leads no name out of the folder
    return True


def _pip(wheel: Path, entry: Entry, target: Path) -> None:
    """Installs a wheel by its own name, under which pip alone takes it."""
    named = paths.home() / entry.path
    named.unlink(missing_ok=True)
    named.symlink_to(wheel)
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--target", str(target), str(named)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise DataError(
            f"{wheel} cannot be installed ({reason}); pack a wheel for this image's Python "
            f"{sys.version_info.major}.{sys.version_info.minor}"
        )


def _check_wanted(config: KernelConfig, places: dict[str, Path], held: list[Entry]) -> None:
    """Raises DataError for weights that the competition wants and no data set holds."""
    if config.internet:
        return
    here = {entry.of for entry in held}
    for name in registry.load_spec(config.competition).kernel.weights:
        if name not in here:
            looked = ", ".join(f"{dataset} ({place})" for dataset, place in places.items())
            raise DataError(
                f"the weights {name} are in none of the attached data sets: looked in "
                f"{looked or 'none, as KernelSpec.datasets names none'}; "
                f"pack them with python scripts/pack_dataset.py {config.competition}, upload the "
                "data set, name it in KernelSpec.datasets, and build and push again"
            )
