"""The two ways in which Kaggle mounts inputs."""

from __future__ import annotations

from dataclasses import dataclass

FOLDERS = {"competition": "competitions", "dataset": "datasets", "kernel": "notebooks"}


@dataclass(frozen=True)
class Layout:
    """Where sources are mounted; kinds are "competition", "dataset" and "kernel"."""

    name: str
    by_kind: bool

    def place(self, kind: str, name: str) -> str:
        """The folder below /kaggle/input of "slug" or "owner/slug"."""
        if self.by_kind:
            return f"{FOLDERS[kind]}/{name}"
        return name.rpartition("/")[2]


NEWER = Layout("newer", by_kind=True)
OLDER = Layout("older", by_kind=False)
