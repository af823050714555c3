"""Where inputs, outputs and caches lie. The only module that reads the environment."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

HOME_VARIABLE = "KIT_HOME"


def repository() -> Path:
    """The folder that holds `common/` and `competitions/`."""
    return Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder under which `data/` and `runs/` lie: $KIT_HOME, else the repository."""
    return Path(os.environ.get(HOME_VARIABLE) or repository())


def competitions_dir() -> Path:
    """The folder with one sub-folder per competition."""
    return repository() / "competitions"


def data_dir(folder: str) -> Path:
    """The host's files of a competition, in the host's layout."""
    return home() / "data" / folder


def fixture_dir(folder: str) -> Path:
    """A competition's fixture: the host's layout in small."""
    return home() / "data" / "fixtures" / folder


def runs_dir(folder: str) -> Path:
    """The run folders of a competition."""
    return home() / "runs" / folder


def work_dir(folder: str) -> Path:
    """What preparing a competition's data writes, and what can be made again."""
    return home() / "data" / "work" / folder


def cache_dir() -> Path:
    """What every competition caches and can make again, such as decoded pictures."""
    return home() / "data" / "work" / "cache"


def lock_file(path: Path) -> Path:
    """The lock of a file or folder: in the temporary folder, so that nothing is left beside what
    is locked, and what is read-only can be read."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"kit-locks-{os.getuid()}" / f"{name}.lock"


def shown(path: Path) -> str:
    """The path as a person would type it: relative to the working folder where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def threads_asked_for() -> int | None:
    """The number of CPU threads that the environment asks for (OMP_NUM_THREADS), if it does."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) > 0 else None
