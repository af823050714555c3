"""7z archives, by whatever tool this machine has: Python has none."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from common import paths
from common.errors import DataError
from common.kaggle.archives import Entry, check_entries, damaged

TOOLS = ("7zz", "7z", "7za", "bsdtar")
_SECONDS = 6 * 3600.0  # the largest that is known, 19 GB, takes some minutes


def tool() -> Path | None:
    """The first tool that is installed."""
    found = next(filter(None, map(shutil.which, TOOLS)), None)
    return Path(found) if found else None


def missing_tool(archive: Path) -> DataError:
    """What is said where there is none."""
    return DataError(
        f"{paths.shown(archive)} is a 7z archive, and this machine has none of "
        f"{', '.join(TOOLS)}; install one (`apt install 7zip`, `brew install sevenzip`, `conda "
        "install -c conda-forge 7zip`), then run the same command again"
    )


def extract(archive: Path, folder: Path) -> list[str]:
    """Unpacks a 7z archive into an empty folder and gives the files' names.

    Raises: DataError where there is no tool, where the archive is not whole, or must not be
    trusted.
    """
    found = tool()
    if found is None:
        raise missing_tool(archive)
    unpack: tuple[str, ...]
    if found.name == "bsdtar":
        entries = _tar_entries(_run(found, archive, "-tvf", str(archive)))
        unpack = ("-xf", str(archive), "-C", str(folder))
    else:
        entries = _entries(_run(found, archive, "l", "-slt", "-ba", "--", str(archive)))
        unpack = ("x", "-y", "-bd", f"-o{folder}", "--", str(archive))
    check_entries(archive, entries, folder)
    _run(found, archive, *unpack)
    return _checked_files(archive, folder, entries)


def _run(tool: Path, archive: Path, *words: str) -> str:
    done = subprocess.run(
        [str(tool), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
    )
    if done.returncode:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        if any("No space left" in line for line in said):
            raise DataError(
                f"{paths.shown(archive)}: the disk is full; free some room and run again"
            )
        raise damaged(archive, f"{tool.name} says: {' '.join(said[-2:])[:200]}")
    return done.stdout


def _entries(listing: str) -> list[Entry]:
    """The entries of a listing with one block of `Name = value` lines for each."""
    entries = []
    for block in re.split(r"\n\s*\n", listing.strip()):
        values = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        if "Path" not in values:
            continue
        mode = values.get("Attributes", "").split()[-1:]  # such as A -rw-r--r--
        kind = mode[0][:1] if mode and len(mode[0]) == 10 else "-"
        entries.append(Entry(values["Path"], int(values.get("Size") or 0), kind not in "-d"))
    return entries


def _tar_entries(listing: str) -> list[Entry]:
    """The entries of a listing as `ls -l` writes it."""
    entries = []
    for line in listing.splitlines():
        cells = line.split(maxsplit=8)  # mode, links, owner, group, size, month, day, time, name
        if len(cells) == 9:
            size = int(cells[4]) if cells[4].isdigit() else 0
            entries.append(Entry(cells[8], size, cells[0][0] not in "-d"))
    return entries


def _checked_files(archive: Path, folder: Path, entries: list[Entry]) -> list[str]:
    """The names of what was unpacked.

    Raises: DataError where it is not what the listing said.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DataError(f"{paths.shown(archive)} holds the link {path.name!r}; do not trust it")
        if path.is_file():
            found[str(path.relative_to(folder))] = path.stat().st_size
    for entry in entries:
        if entry.name in found and found[entry.name] != entry.size:
            raise damaged(archive, f"{entry.name} has not {entry.size:,} bytes")
    if not found:
        raise damaged(archive, "nothing came out of it")
    return list(found)
