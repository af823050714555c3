"""A machine of its own through namespaces: files, network, processes; no privilege needed."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct

from common.kernels.isolation.inside import syscalls
from common.kernels.isolation.inside.steps import HOST_NAME, Step

ALL = (
    syscalls.NEW_USER
    | syscalls.NEW_MOUNTS
    | syscalls.NEW_NETWORK
    | syscalls.NEW_PIDS
    | syscalls.NEW_IPC
    | syscalls.NEW_NAMES
)
ROOT_SIZE = "16m"  # the root holds mount points and links only
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # of a network interface


def enter(steps: list[Step], root: str) -> None:
    """Returns in a child that is process 1 of new namespaces, with the steps laid out as its root.

    The process that called waits for that child and ends as it did, so it never returns. When
    either dies, the kernel ends every process inside.

    Args:
        steps: in the order in which they are laid out.
        root: an empty folder on this machine to mount the new root on.

    Raises: OSError where the machine forbids one of the parts.
    """
    user, group = os.geteuid(), os.getegid()
    syscalls.unshare(ALL)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"0 {group} 1")
    _write("/proc/self/uid_map", f"0 {user} 1")
    syscalls.prctl(syscalls.DEATH_SIGNAL, signal.SIGTERM)  # unshare took it away
    alive, held = os.pipe()
    child = os.fork()
    if child:
        os.close(alive)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    os.close(held)
    syscalls.prctl(syscalls.DEATH_SIGNAL, signal.SIGKILL)
    if select.select([alive], [], [], 0)[0]:  # the parent died before it could be seen
        os._exit(1)
    socket.sethostname(HOST_NAME)
    _raise_loopback()
    _build(steps, root)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(handle, _GET_FLAGS, request))[1]
        fcntl.ioctl(handle, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def _build(steps: list[Step], root: str) -> None:
    """Lays the steps out and makes them the root; all but the folders in memory is read-only."""
    syscalls.mount("", "/", flags=syscalls.RECURSIVE | syscalls.PRIVATE)
    _memory(root, f"mode=755,size={ROOT_SIZE}")
    for step in steps:
        _lay(step, root + step.place)
    for place in ("", *(step.place for step in steps if step.kind == "hidden")):
        syscalls.change_mount(root + place, syscalls.READ_ONLY)
    os.chdir(root)
    syscalls.pivot_root(".", ".")  # the old root now lies over the new one
    syscalls.unmount(".")
    os.chdir("/")


def _lay(step: Step, place: str) -> None:
    if step.kind == "link":
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(step.source, place)
        return
    _make_mount_point(step, place)
    if step.kind in ("bind", "device"):
        syscalls.mount(step.source, place, flags=syscalls.BIND | syscalls.RECURSIVE)
    elif step.kind == "memory":
        _memory(place, f"mode=1777,size={step.size}" if step.size else "mode=1777")
    elif step.kind == "hidden":
        _memory(place, "mode=755,size=1m")
    elif step.kind == "processes":
        flags = syscalls.NO_SUID | syscalls.NO_DEVICES | syscalls.NO_EXEC
        syscalls.mount("proc", place, "proc", flags)
    elif step.kind != "folder":
        raise AssertionError(step.kind)
    if step.kind in ("bind", "device", "processes"):
        # at once: a later mount point inside must not be made on this machine's disk
        syscalls.change_mount(place, syscalls.READ_ONLY, recursive=True)


def _make_mount_point(step: Step, place: str) -> None:
    if step.kind in ("bind", "device") and not os.path.isdir(step.source):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_RDONLY))
    else:
        os.makedirs(place, exist_ok=True)


def _memory(place: str, options: str) -> None:
    flags = syscalls.NO_SUID | syscalls.NO_DEVICES
    syscalls.mount("tmpfs", place, "tmpfs", flags, options)
