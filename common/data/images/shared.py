"""Which cache holds a set of pictures: that of a larger set where there is one, or its own.

Folds, the prediction of held-out rows, and runs that leave some rows out ask for parts of what
another one has decoded. So beside each cache lies a file that tells its pictures apart.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import files, paths
from common.data.images.cache import MODES, DecodedCache, open_cache
from common.data.images.header import unreadable
from common.data.images.reader import Source
from common.errors import DataError

ID = np.dtype("<u8")  # of one picture; among a million two are alike with a chance of 3e-8


def shared_cache(
    folder: Path,
    sources: Sequence[Source],
    how: Sequence[object],
    shape: tuple[int, int, int],
    dtype: Any = np.uint8,
    **options: Any,
) -> tuple[DecodedCache | None, np.ndarray]:
    """The cache that holds some pictures, and the slot of each, int64 (n,).

    Args:
        how: whatever decides, beside the files, what the pictures look like.
        options: of `open_cache`, which says when there is none.

    Raises: DataError where a file is missing or out of reach.
    """
    ids = ids_of(sources)
    kind = hashlib.blake2b(repr(tuple(how)).encode(), digest_size=8).hexdigest()
    own = f"{kind}-{_set_name(ids)}"
    if not _exists(folder, own):
        for name, n, slots in _larger(folder, kind, ids):
            cache = open_cache(folder, name, n, shape, dtype, **options)
            if cache is not None:
                return cache, slots
    cache = open_cache(folder, own, len(ids), shape, dtype, **options)
    if cache is not None and cache.storing:
        _keep(folder / f"{own}.ids", ids)
    return cache, np.arange(len(ids))


def ids_of(sources: Iterable[Source]) -> np.ndarray:
    """Tells files apart by their paths, sizes and times of change, and contents by themselves.

    Raises: DataError where a file is missing or out of reach.
    """
    ids = bytearray()
    for source in sources:
        name = hashlib.blake2b(digest_size=ID.itemsize)
        for one in source if isinstance(source, tuple) else (source,):
            name.update(b"%d\0%b" % (len(one), one) if isinstance(one, bytes) else _facts(one))
        ids += name.digest()
    return np.frombuffer(bytes(ids), ID)


def _facts(path: Path | str) -> bytes:
    try:
        facts = os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from None
    text = f"{os.path.abspath(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\0"
    return text.encode(errors="surrogateescape")


def _set_name(ids: np.ndarray) -> str:
    return hashlib.blake2b(ids.tobytes(), digest_size=16).hexdigest()


def _exists(folder: Path, name: str) -> bool:
    return any((folder / f"{name}.{mode}").exists() for mode in MODES)


def _larger(folder: Path, kind: str, ids: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
    """Caches that hold all of some pictures, the smallest first: name, size, slots."""
    known = []
    for path in folder.glob(f"{kind}-*.ids"):
        content = path.read_bytes() if os.access(path, os.R_OK) else b""
        theirs = np.frombuffer(content[: len(content) // ID.itemsize * ID.itemsize], ID)
        whole = path.stem == f"{kind}-{_set_name(theirs)}"
        if whole and len(theirs) >= len(ids) and _exists(folder, path.stem):
            known.append((len(theirs), path.stem, theirs))
    for n, name, theirs in sorted(known, key=lambda one: one[:2]):
        order = np.argsort(theirs, kind="stable")
        slots = order[np.searchsorted(theirs, ids, sorter=order).clip(max=n - 1)]
        if np.array_equal(theirs[slots], ids):
            yield name, n, slots


def _keep(path: Path, ids: np.ndarray) -> None:
    if path.exists():
        return
    try:
        files.write_bytes(path, ids.tobytes())
    except (OSError, DataError) as error:  # the disk is full: nothing but sharing is lost
        line = f"{paths.shown(path)} cannot be written ({error}); parts of the set cannot share it"
        print(line, file=sys.stderr)
