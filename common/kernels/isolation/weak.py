"""The last resort: no root of its own, but paths in a temporary folder and two fences."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from common.kernels.isolation.session import INPUT, SOURCE, WORKING, Session


@dataclass(frozen=True)
class Places:
    """Where a weak session's folders lie, under one temporary folder."""

    inputs: Path
    source: Path
    working: Path
    temporary: Path

    @classmethod
    def under(cls, folder: Path) -> Places:
        """The places in a folder."""
        return cls(*(folder / name for name in ("input", "src", "working", "temp")))

    def moved(self, text: str) -> str:
        """A path, or several with ':' between them, with /kaggle/… and /tmp itself replaced.

        What lies in /tmp is left: that may be this machine's interpreter.
        """
        return ":".join(map(self._moved, text.split(":")))

    def _moved(self, path: str) -> str:
        places = {INPUT: self.inputs, SOURCE: self.source, WORKING: self.working}
        for old, new in {**places, "/kaggle/temp": self.temporary}.items():
            if path == old or path.startswith(old + "/"):
                return f"{new}{path[len(old) :]}"
        return str(self.temporary) if path == "/tmp" else path


def lay_out(session: Session, places: Places) -> None:
    """Makes the folders of a weak session.

    Inputs are links to the files of this machine where Landlock keeps these from being written;
    where it is missing they are copies. Their folders cannot be written, except by root.
    """
    from common.kernels.isolation.inside.fences import landlock_version  # loads on Linux only

    for folder in (places.inputs, places.source, places.working, places.temporary):
        folder.mkdir()
    put = os.symlink if landlock_version() >= 2 else shutil.copy2
    for name, path in session.inputs.items():
        target = places.inputs / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(
            os.path.realpath(path), target, copy_function=put, ignore_dangling_symlinks=True
        )
    for name, path in session.source.items():
        target = places.source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for folder in (places.inputs, places.source):
        _forbid_writing(folder)


def environment(session: Session, places: Places) -> dict[str, str]:
    """The session's variables with /kaggle/… replaced, and those that say where things are."""
    told = {
        "KIT_INPUT": str(places.inputs),
        "KIT_WORKING": str(places.working),
        "KIT_TEMP": str(places.temporary),
        "TMPDIR": str(places.temporary),
    }
    return {name: places.moved(value) for name, value in session.environment.items()} | told


def _forbid_writing(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if not path.is_symlink():
                path.chmod(0o444)
        Path(place).chmod(0o555)
