"""The archive that travels: the same files give the same bytes, whoever packs them and where."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from collections.abc import Sequence

from common import paths
from common.errors import UsageError
from common.kernels.listing import Member, members

LARGEST_SOURCE = 900_000  # bytes of a kernel's source; Kaggle refuses about a million
MOST_NAMED = 5
ENTRY_POINTS = ("__init__.py", "infer.py", "start.py", "train.py")
WINDOW = 8 * 2**20  # bytes; of preset 9 only the memory that a large window takes is left out


def code_members(folder: str) -> tuple[Member, ...]:
    """The files of `common/`, one competition and the entry points."""
    places = (
        "common",
        "competitions/__init__.py",
        f"competitions/{folder}",
        *(f"kernels/{name}" for name in ENTRY_POINTS),
    )
    return members(paths.repository(), places)


def pack(packed: Sequence[Member]) -> bytes:
    """The members as tar in xz: names sorted, owners, dates and rights fixed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in sorted(packed, key=lambda member: member.name.encode()):
            entry = tarfile.TarInfo(member.name)
            entry.size = len(member.content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(member.content))
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": WINDOW}]
    return lzma.compress(stream.getvalue(), lzma.FORMAT_XZ, lzma.CHECK_CRC64, filters=filters)


def digest(content: bytes) -> str:
    """The SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def check_size(size: int, name: str, packed: Sequence[Member], way: str = "") -> None:
    """Raises UsageError, with the largest members, where a built file is too large for Kaggle.

    Args:
        way: what else may help, as words that end in a space.
    """
    if size <= LARGEST_SOURCE:
        return
    largest = sorted(packed, key=lambda member: (-len(member.content), member.name))[:MOST_NAMED]
    named = ", ".join(f"{member.name} ({len(member.content):,})" for member in largest)
    raise UsageError(
        f"{name} would have {size:,} bytes; Kaggle takes {LARGEST_SOURCE:,}. Largest are {named}. "
        f"{way}Move what is no source into a data set of its own, or attach the code: python "
        "scripts/pack_dataset.py <competition> --code packs it, KernelSpec.datasets names the data "
        "set, KernelSpec.code_attached says so"
    )
