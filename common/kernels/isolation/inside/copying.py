"""Copies what a session left behind. No link is followed, and nothing is left out unsaid."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field


@dataclass
class Copied:
    """What was found in a folder.

    Args:
        size: bytes of all files, holes counted.
        files: how many.
        left_out: symbolic links, pipes, sockets, by their path in the folder.
    """

    size: int = 0
    files: int = 0
    left_out: list[str] = field(default_factory=list)


def copy_out(source: str, target: int) -> Copied:
    """Copies a folder's files and folders into an empty folder.

    Args:
        source: the folder; nobody else may change it meanwhile.
        target: a descriptor of the folder to copy into. It may lie outside this process's root.
    """
    copied = Copied()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        place = os.path.join(source, inside)
        os.chmod(place, 0o700)  # what took its own rights away is copied as well
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = os.path.join(inside, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    os.mkdir(path, dir_fd=target)
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    copied.size += _copy_file(entry, path, target)
                    copied.files += 1
                else:
                    copied.left_out.append(path)
    return copied


def _copy_file(entry: os.DirEntry[str], path: str, target: int) -> int:
    found = entry.stat(follow_symlinks=False)
    if not found.st_mode & 0o400:
        os.chmod(entry.path, 0o600)
    reading = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        writing = os.open(path, flags, (found.st_mode & 0o777) | 0o600, dir_fd=target)
        try:
            _copy_data(reading, writing, found.st_size)
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return found.st_size


def _copy_data(reading: int, writing: int, size: int) -> None:
    """Copies a file and leaves its holes holes: a mapped file may be larger than its disk."""
    end = 0
    while end < size:
        try:
            start = os.lseek(reading, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # a hole up to the end
        end = os.lseek(reading, start, os.SEEK_HOLE)
        os.lseek(writing, start, os.SEEK_SET)
        while start < end:
            start += os.sendfile(writing, reading, start, end - start)
    os.ftruncate(writing, size)
