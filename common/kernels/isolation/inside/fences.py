"""Two fences for a process and its children that need no privilege and no namespaces.

`cut_network` forbids sockets that reach other machines (seccomp); `WriteFence` forbids writing
outside given folders (Landlock, Linux 5.19). `put_up` puts up both, as far as the machine allows.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct

from common.kernels.isolation.inside import syscalls

WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def put_up(writable: list[str]) -> tuple[WriteFence | None, list[str]]:
    """The fence around the folders that may be written, to be closed by who must stay inside, and
    a line for each fence that this machine does not allow. The network is cut at once."""
    doubts = []
    try:
        cut_network()
    except OSError as error:
        doubts.append(f"the network is open: {error.strerror}")
    devices = [device for device in WRITABLE_DEVICES if os.path.exists(device)]
    shared_memory = ["/dev/shm"] if os.path.isdir("/dev/shm") else []
    try:
        return WriteFence([*writable, *shared_memory], devices), doubts
    except OSError as error:
        return None, [*doubts, f"other files can be written: {error.strerror}"]


# ---- sockets ------------------------------------------------------------------------------------

# machine: (its number for the audit, the numbers of socket(2) and io_uring_setup(2))
_MACHINES = {
    "x86_64": (0xC000003E, 41, 425),
    "aarch64": (0xC00000B7, 198, 425),
}
_ALLOWED_FAMILIES = (socket.AF_UNIX, socket.AF_NETLINK)  # the second only asks the kernel
_LOAD, _EQUAL, _RETURN, _AND = 0x20, 0x15, 0x06, 0x54  # of the filter's machine
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in what the filter sees
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_X32 = 0x40000000  # the bit of a second table of calls on x86_64


def cut_network() -> None:
    """Lets this process and its children open sockets on this machine's file system only.

    Raises: OSError where the machine knows no such filter, or forbids it.
    """
    program = network_filter(platform.machine())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    syscalls.prctl(syscalls.NO_NEW_PRIVILEGES, 1)
    syscalls.prctl(
        syscalls.SECCOMP, syscalls.SECCOMP_FILTER, ctypes.create_string_buffer(header, len(header))
    )


def network_filter(machine: str) -> bytes:
    """The filter's instructions, 8 bytes each.

    Another architecture's calls and the other table of calls are refused whole: they would go by
    other numbers. io_uring is refused because it opens sockets on its own.

    Raises: OSError for a machine whose numbers are not known.
    """
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter is known for the machine {machine!r}")
    audit, open_socket, set_up_ring = _MACHINES[machine]
    missing = _REFUSE | errno.ENOSYS
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, missing),
        (_LOAD, 0, 0, _NUMBER),
        (_AND, 0, 0, _X32),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, missing),
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 1, set_up_ring),
        (_RETURN, 0, 0, missing),
        (_EQUAL, 1, 0, open_socket),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
    ]
    n_families = len(_ALLOWED_FAMILIES)
    program += [  # each jumps over those behind it and over the refusal
        (_EQUAL, n_families - index, 0, int(family))
        for index, family in enumerate(_ALLOWED_FAMILIES)
    ]
    program += [(_RETURN, 0, 0, _REFUSE | errno.ENETUNREACH), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


# ---- writing ------------------------------------------------------------------------------------

_WRITE_FILE, _REMOVE_TO_LINK = 1 << 1, 0b1_1111_1111_0000  # bits 4 to 12: remove and make
_MOVE, _TRUNCATE = 1 << 13, 1 << 14
_BENEATH = 1  # the only kind of rule
_VERSION_FLAG = 1


def landlock_version() -> int:
    """The version of this kernel's Landlock; 0 where it has none or it is forbidden."""
    try:
        return syscalls.raw(
            syscalls.LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)
        )
    except OSError:
        return 0


class WriteFence:
    """Forbids this process and its children to write outside some folders.

    Args:
        folders: where files may be written, made and removed.
        devices: files that may be written.

    Raises: OSError where Landlock is older than version 2, which forbids every move.
    """

    def __init__(self, folders: list[str], devices: list[str]) -> None:
        version = landlock_version()
        if version < 2:
            raise OSError(errno.ENOSYS, f"Landlock has version {version}; needed is 2")
        handled = _WRITE_FILE | _REMOVE_TO_LINK | _MOVE | (_TRUNCATE if version >= 3 else 0)
        rights = struct.pack("Q", handled)
        self._rules = syscalls.raw(
            syscalls.LANDLOCK_CREATE, rights, ctypes.c_size_t(len(rights)), ctypes.c_uint32(0)
        )
        for folder in folders:
            self._allow(folder, handled)
        for device in devices:
            self._allow(device, handled & (_WRITE_FILE | _TRUNCATE))

    def _allow(self, place: str, rights: int) -> None:
        handle = os.open(place, os.O_PATH)
        rule = struct.pack("=Qi", rights, handle)
        syscalls.raw(syscalls.LANDLOCK_ADD, self._rules, _BENEATH, rule, ctypes.c_uint32(0))
        os.close(handle)

    def close_gate(self) -> None:
        """Holds from now on, for this process and all that it starts."""
        syscalls.prctl(syscalls.NO_NEW_PRIVILEGES, 1)
        syscalls.raw(syscalls.LANDLOCK_RESTRICT, self._rules, ctypes.c_uint32(0))
