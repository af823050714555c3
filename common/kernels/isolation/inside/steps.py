"""What a root is made of."""

from __future__ import annotations

from typing import NamedTuple

HOST_NAME = "kaggle"


class Step(NamedTuple):
    """One thing to lay out under the new root; later steps may lie inside earlier ones.

    Args:
        kind: "bind" (a file or folder, read-only), "device" (the same, for a device), "memory"
            (a writable folder in memory), "hidden" (an empty folder laid over what is there),
            "link", "folder", "processes" (/proc).
        place: the absolute path inside.
        source: what is bound; what a link says.
        size: bytes of a folder in memory; 0 for the system's default.
    """

    kind: str
    place: str
    source: str = ""
    size: int = 0
