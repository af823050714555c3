"""Decoded pictures on disk: the first epoch stores them, later ones and other processes read them.

One file per fingerprint holds a header, a row of the index per picture, and the pictures. A row is
written after its picture, so what a killed process leaves is whole: at worst a picture without a
row. Two processes that fill one file write the same bytes to the same place, or append two copies
of which one counts. Every picture is checked against its row when a process first reads it.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import mmap
import os
import sys
import threading
import weakref
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common import files, paths
from common.errors import DataError

MODES = ("raw", "jpeg")  # how pictures lie in the file, and its suffix
FORMAT = 1  # of the file; another number makes another file
HEADER = 4096  # bytes
ROW = np.dtype([("offset", "<u8"), ("check", "<u4"), ("length", "<u4")])  # length 0: not there
SHARE = 0.5  # of the free disk that a new cache may take
JPEG_QUALITY = 95
JPEG_SIZE = 0.25  # of raw pictures, to say beforehand whether they would fit; photographs need less
MAPPED = 16 * 2**20  # bytes of the file that stay in this process's memory at most
MAPPED_AROUND = 2**16  # bytes that the system maps around a page that is asked for


def open_cache(
    folder: Path,
    fingerprint: str,
    n: int,
    shape: tuple[int, int, int],
    dtype: Any = np.uint8,
    *,
    share: float = SHARE,
    mode: str | None = None,
) -> DecodedCache | None:
    """The cache of a fingerprint, made where there is none; None, with one line that says why,
    where the disk is full or read-only.

    A new one is raw where all pictures fit into the share of the free disk, else JPEG at quality
    95 (uint8, 1 or 3 channels), else it is not made.

    Args:
        fingerprint: names what the pictures were made from and how; see `shared`.
        n: how many pictures there are.
        shape: of each, (H, W, C).
        mode: raw or jpeg; None to choose by the room.
    """
    facts = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "n": n,
        "shape": list(shape),
        "dtype": np.dtype(dtype).name,
    }
    try:
        files.make_folder(folder)
        with files.locked(paths.lock_file(folder / fingerprint), wait=True):
            for known in (mode,) if mode else MODES:
                path = folder / f"{fingerprint}.{known}"
                if path.exists():
                    if _is_whole(path, {**facts, "mode": known}):
                        return DecodedCache(path)
                    _say(f"{paths.shown(path)} is cut or is no cache of this kind; made again")
            chosen, room = _choose(folder, facts, share, mode)
            if chosen is None:
                _say(_too_large(folder, facts, room))
                return None
            path = folder / f"{fingerprint}.{chosen}"
            _make(path, {**facts, "mode": chosen, "most_bytes": room})
            return DecodedCache(path)
    except (OSError, DataError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        _say(f"{paths.shown(folder)} cannot hold a cache ({reason}); going on without")
        return None


class DecodedCache:
    """An open cache file. Safe in threads and shared by processes; nobody else deletes it while
    it is open, if he asks for the lock.

    Attributes:
        mode: raw or jpeg.
        n, shape, dtype: of the pictures.
        storing: False once the disk is full or where the file is read-only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()
        facts = _read_header(path) or {}
        self.mode, self.n, self.shape = facts["mode"], facts["n"], tuple(facts["shape"])
        self.dtype, self.most_bytes = np.dtype(facts["dtype"]), facts["most_bytes"]
        self.n_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        size = 0 if self.mode == "raw" else data_start(self.n)
        self._map = mmap.mmap(self._fd, size, access=mmap.ACCESS_READ)
        self._rows = np.frombuffer(self._map, ROW, self.n, HEADER)
        self._checked = np.zeros(self.n, dtype=bool)
        if self.mode == "raw":
            start = data_start(self.n)
            flat = np.frombuffer(self._map, self.dtype, self.n * int(np.prod(self.shape)), start)
            self.pictures = flat.reshape(self.n, *self.shape)
        self._appending = threading.Lock()
        self._n_mapped = 0

    def _open(self) -> None:
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            self._end = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self.storing = True
        except OSError:  # another one's file, or a disk that is read-only: it can still be read
            self._fd = self._end = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self.storing = False
        fcntl.flock(self._fd, fcntl.LOCK_SH)
        self._closing = weakref.finalize(self, _close, self._fd, self._end)

    @property
    def n_stored(self) -> int:
        """How many pictures are there."""
        return int(np.count_nonzero(self._rows["length"]))

    @property
    def is_complete(self) -> bool:
        return bool((self._rows["length"] > 0).all())

    def load(self, slots: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Reads what is there; says which pictures those were, bool (n,).

        Args:
            slots: positions of pictures, int64 (n,).
            out: (n, H, W, C), contiguous.
        """
        if self.mode == "jpeg":
            return np.array([self._load_jpeg(int(slot), out[k]) for k, slot in enumerate(slots)])
        there = self._rows["length"][slots] > 0
        if not self._checked[slots].all():
            for k in np.flatnonzero(there & ~self._checked[slots]):
                there[k] = self._check(int(slots[k]))
        if there.all():
            # any other mode would copy through a buffer
            np.take(self.pictures, slots, axis=0, out=out, mode="clip")
        else:
            for k in np.flatnonzero(there):
                np.copyto(out[k], self.pictures[slots[k]])
        self._unmap(int(there.sum()))
        return np.asarray(there)

    def store(self, slot: int, picture: np.ndarray) -> None:
        """Stores a picture, which becomes what reading it will give: a JPEG has rounded values.

        A disk that is full ends the storing, with one line.
        """
        if not self.storing:
            return
        try:
            if self.mode == "jpeg":
                self._store_jpeg(slot, picture)
            else:
                content = picture.tobytes()
                offset = data_start(self.n) + slot * self.n_bytes
                _write(self._fd, content, offset)
                self._enter(slot, offset, zlib.crc32(content), len(content))
        except OSError as error:
            self.storing = False
            _say(
                f"{paths.shown(self.path)} cannot be written ({error.strerror}); going on with "
                f"the {self.n_stored:,} of {self.n:,} pictures that it holds"
            )

    def close(self) -> None:
        """Lets go of the file; the pictures that were read stay."""
        self.storing = False
        self._closing()

    def __reduce__(self) -> tuple[Any, ...]:
        return DecodedCache, (self.path,)

    def _enter(self, slot: int, offset: int, check: int, length: int) -> None:
        """Writes a row: the length, which makes it count, last."""
        row = np.array([(offset, check, length)], dtype=ROW).tobytes()
        place = HEADER + slot * ROW.itemsize
        _write(self._fd, row[:12], place)
        _write(self._fd, row[12:], place + 12)
        self._checked[slot] = True

    def _check(self, slot: int) -> bool:
        """Whether a raw picture is what its row says."""
        whole = zlib.crc32(self.pictures[slot].tobytes())
        self._checked[slot] = whole == self._rows["check"][slot]
        if not self._checked[slot]:
            _say(f"{paths.shown(self.path)}: picture {slot} is damaged; it is made again")
        return bool(self._checked[slot])

    def _unmap(self, n: int) -> None:
        """Gives back the memory of pages that were read, now and then: the system keeps them."""
        self._n_mapped += n * (self.n_bytes + MAPPED_AROUND)
        if self._n_mapped > MAPPED:
            self._n_mapped = 0
            self._map.madvise(mmap.MADV_DONTNEED)

    def _load_jpeg(self, slot: int, out: np.ndarray) -> bool:
        offset, check, length = (int(value) for value in self._rows[slot].tolist())
        if not length:
            return False
        content = os.pread(self._fd, length, offset)
        if zlib.crc32(content) != check:
            _say(f"{paths.shown(self.path)}: picture {slot} is damaged; it is made again")
            return False
        self._decode(content, out)
        return True

    def _store_jpeg(self, slot: int, picture: np.ndarray) -> None:
        swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if self.shape[2] == 3 else picture
        _, encoded = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        content = encoded.tobytes()
        with self._appending:
            if os.fstat(self._end).st_size + len(content) > self.most_bytes:
                raise OSError(0, "its share of the disk is used up")
            n_written = os.write(self._end, content)
            offset = os.lseek(self._end, 0, os.SEEK_CUR) - n_written
        if n_written < len(content):
            raise OSError(0, "the disk is full")
        self._enter(slot, offset, zlib.crc32(content), len(content))
        self._decode(content, picture)

    def _decode(self, content: bytes, out: np.ndarray) -> None:
        colour = self.shape[2] == 3
        flag = cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE
        picture = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), flag))
        picture = picture.reshape(self.shape)
        np.copyto(out, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if colour else picture)


def data_start(n: int) -> int:
    """Where the pictures begin, in bytes: at a page of their own."""
    return int(HEADER + -(-n * ROW.itemsize // HEADER) * HEADER)


def _choose(
    folder: Path, facts: dict[str, Any], share: float, mode: str | None
) -> tuple[str | None, int]:
    """How to store, None where nothing fits; and the bytes that the file may have."""
    disk = os.statvfs(folder)
    room = int(share * disk.f_bavail * disk.f_frsize)
    raw = data_start(facts["n"]) + facts["n"] * _n_bytes(facts)
    jpeg = data_start(facts["n"]) + int(JPEG_SIZE * facts["n"] * _n_bytes(facts))
    has_jpeg = facts["dtype"] == "uint8" and facts["shape"][2] in (1, 3)
    if raw <= room and mode in (None, "raw"):
        return "raw", room
    if jpeg <= room and has_jpeg and mode in (None, "jpeg"):
        return "jpeg", room
    return None, room


def _n_bytes(facts: dict[str, Any]) -> int:
    return int(np.prod(facts["shape"]) * np.dtype(facts["dtype"]).itemsize)


def _too_large(folder: Path, facts: dict[str, Any], room: int) -> str:
    others = sorted(path for path in folder.iterdir() if path.suffix in (".raw", ".jpeg"))
    hint = f"; older ones may be deleted: {', '.join(path.name for path in others)}"
    return (
        f"no cache: {facts['n']:,} pictures take {_size(facts['n'] * _n_bytes(facts))}, and "
        f"{paths.shown(folder)} has {_size(room)} for them{hint if others else ''}"
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


def _make(path: Path, facts: dict[str, Any]) -> None:
    """Writes a file with an empty index, whole or not at all; raw ones take their room at once,
    so that a disk that fills up later cannot stop a process that reads the mapped file."""
    size = data_start(facts["n"])
    if facts["mode"] == "raw":
        size += facts["n"] * _n_bytes(facts)
    with files.replacing(path) as beside, beside.open("wb") as stream:
        stream.write(_header(facts))
        stream.flush()
        os.posix_fallocate(stream.fileno(), 0, size)


def _header(facts: dict[str, Any]) -> bytes:
    """Facts as JSON after their own hash, filled up with spaces."""
    text = json.dumps(facts).encode()
    return (hashlib.sha256(text).hexdigest().encode() + text).ljust(HEADER)


def _read_header(path: Path) -> dict[str, Any] | None:
    """The facts of a file; None where it has no such header."""
    with path.open("rb") as stream:
        content = stream.read(HEADER)
    text = content[64:].rstrip()
    if len(content) < HEADER or hashlib.sha256(text).hexdigest().encode() != content[:64]:
        return None
    facts: dict[str, Any] = json.loads(text)
    return facts


def _is_whole(path: Path, facts: dict[str, Any]) -> bool:
    """Whether a file is the cache of these facts, and nothing is cut off."""
    found = _read_header(path)
    if found is None or {**found, **facts} != found:
        return False
    size = path.stat().st_size
    if facts["mode"] == "raw":
        return bool(size == data_start(facts["n"]) + facts["n"] * _n_bytes(facts))
    return bool(size >= data_start(facts["n"]))


def _write(number: int, content: Any, offset: int) -> None:
    """Writes all of it at a place of a file."""
    view = memoryview(content)
    while view:
        n_written = os.pwrite(number, view, offset)
        view, offset = view[n_written:], offset + n_written


def _close(*numbers: int) -> None:
    for number in set(numbers):
        os.close(number)


@functools.cache
def _say(line: str) -> None:
    """Says a line once: every fold opens the cache again."""
    print(line, file=sys.stderr)
