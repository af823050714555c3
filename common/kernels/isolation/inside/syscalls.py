"""The system calls that Python has no function for. Each raises OSError where it is refused."""

from __future__ import annotations

import ctypes
import os

# unshare(2)
NEW_MOUNTS, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x00020000, 0x10000000, 0x20000000, 0x40000000
NEW_NAMES, NEW_IPC = 0x04000000, 0x08000000

# mount(2), umount2(2), mount_setattr(2)
NO_SUID, NO_DEVICES, NO_EXEC, BIND, RECURSIVE, PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
DETACH = 0x2
READ_ONLY = 0x1 | 0x2  # and without set-user-id programs
AT_CWD, AT_RECURSIVE = -100, 0x8000

# prctl(2)
DEATH_SIGNAL, CHILD_SUBREAPER, NO_NEW_PRIVILEGES, DROP_BOUNDING, SECCOMP = 1, 36, 38, 24, 22
SECCOMP_FILTER = 2

# numbers that are the same on every machine
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446

_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(what: str, result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Moves this process into new namespaces."""
    _checked("unshare", _libc.unshare(flags))


def mount(source: str, place: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mounts a file system, or binds a file or folder, at a place that exists."""
    words = [os.fsencode(word) or None for word in (source, place, kind)]
    result = _libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None)
    _checked(f"mount {place}", result)


def unmount(place: str) -> None:
    """Takes a mount and all below it out of sight."""
    _checked(f"umount {place}", _libc.umount2(os.fsencode(place), DETACH))


def pivot_root(new: str, old: str) -> None:
    """Makes `new` the root of this mount namespace; the old one is mounted at `old`."""
    _checked("pivot_root", _libc.pivot_root(os.fsencode(new), os.fsencode(old)))


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")]


def change_mount(place: str, attributes: int, *, recursive: bool = False) -> None:
    """Sets attributes of a mount, and of all below it where `recursive` (Linux 5.12)."""
    change = _MountAttributes(attributes, 0, 0, 0)
    result = _libc.syscall(
        MOUNT_SETATTR,
        AT_CWD,
        os.fsencode(place),
        AT_RECURSIVE if recursive else 0,
        ctypes.byref(change),
        ctypes.c_size_t(ctypes.sizeof(change)),
    )
    _checked(f"mount_setattr {place}", result)


def prctl(option: int, value: int, pointer: object = None) -> None:
    """Changes an attribute of this process."""
    third = 0 if pointer is None else pointer
    _checked("prctl", _libc.prctl(option, ctypes.c_ulong(value), third, 0, 0))


def raw(number: int, *arguments: object) -> int:
    """Calls the system by number; gives what it answers."""
    return _checked(f"system call {number}", _libc.syscall(number, *arguments))


def keep_capabilities(kept: tuple[int, ...]) -> None:
    """Gives up every capability but those `kept`, for this process and all that it starts."""
    number = 0
    while True:
        if number not in kept:
            try:
                prctl(DROP_BOUNDING, number)
            except OSError:  # one past the last that this kernel knows
                break
        number += 1
    mask = sum(1 << one for one in kept)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable for capabilities 0 to 31, then the same for 32 to 63
    sets = (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)
    _checked("capset", _libc.capset(ctypes.byref(header), ctypes.byref(sets)))
