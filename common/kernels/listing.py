"""The files that travel: what git tracks or does not ignore, as they lie on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common.errors import DataError

LARGEST_MEMBER = 20 * 2**20  # bytes; nothing of this size fits a kernel, so it is not read
NEVER = {"kaggle.json", "access_token", "access_token.txt", "credentials.json", ".env", ".netrc"}
CACHES = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


@dataclass(frozen=True)
class Member:
    """A file by its path inside the archive, and its content."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Commit:
    """The state of a repository: its commit, and whether files differ from it."""

    name: str
    dirty: bool


def commit_of(root: Path) -> Commit:
    """The commit of the tree at `root`, its name with "+changes" where files differ from it;
    "unknown" without git, and before the first commit."""
    head = _git(root, "rev-parse", "--short=12", "--quiet", "--verify", "HEAD", may_fail=True)
    if not head:
        return Commit("unknown", dirty=False)
    dirty = bool(_git(root, "status", "--porcelain"))
    return Commit(head.decode().strip() + ("+changes" if dirty else ""), dirty)


def members(root: Path, places: tuple[str, ...]) -> tuple[Member, ...]:
    """The files at or below some places of the tree, sorted by name.

    Args:
        root: the repository.
        places: files or folders, relative to `root`.

    Raises: DataError for links, for names that are not UTF-8, for files with credentials, for
    files that are too large for any kernel, and where git cannot read its repository.
    """
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *places)
    names = _walked(root, places) if listed is None else listed.split(b"\0")
    found = [_member(root, name) for name in sorted({name for name in names if name})]
    return tuple(member for member in found if member is not None)


def _git(root: Path, *words: str, may_fail: bool = False) -> bytes | None:
    """What git says; None where there is no git, or no repository whose root this is."""
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True)
    if done.returncode and not may_fail:
        reason = done.stderr.decode("utf-8", errors="replace").strip().partition("\n")[0]
        raise DataError(
            f"git cannot read {root} ({reason}); mend that, so that it is known what travels"
        )
    return done.stdout


def _walked(root: Path, places: tuple[str, ...]) -> list[bytes]:
    """Without git: all files that are no caches and not hidden."""
    found: list[bytes] = []
    for place in places:
        if (root / place).is_file():
            found.append(place.encode())
        for folder, folders, names in os.walk(os.fsencode(root / place)):
            folders[:] = [name for name in folders if not _is_cache(name)]
            inside = os.path.relpath(folder, os.fsencode(root))
            found += [os.path.join(inside, name) for name in names if not _is_cache(name)]
    return found


def _is_cache(name: bytes) -> bool:
    text = os.fsdecode(name)
    return text in CACHES or text.startswith(".") or text.endswith((".pyc", ".pyo", ".egg-info"))


def _member(root: Path, raw: bytes) -> Member | None:
    """A file's content; None for what git still names and is gone from the disk."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        shown = raw.decode("utf-8", errors="backslashreplace")
        raise DataError(f"the file name {shown} is no UTF-8; rename the file") from None
    path = root / name
    if path.is_symlink():
        raise DataError(f"{name} is a link, which does not travel; put the file itself there")
    if path.is_dir():
        raise DataError(f"{name} is a repository inside the repository; move it elsewhere")
    if not path.is_file():
        return None
    if path.name.lower() in NEVER:
        raise DataError(f"{name} looks like credentials, which must not travel; move it elsewhere")
    size = path.stat().st_size
    if size > LARGEST_MEMBER:
        raise DataError(
            f"{name} has {size:,} bytes, too many for any kernel; attach it as a data set: "
            "scripts/pack_dataset.py makes one, KernelSpec.datasets names it"
        )
    return Member(name, path.read_bytes())
