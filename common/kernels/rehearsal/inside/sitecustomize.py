"""Loaded by every Python of a rehearsed session before anything else.

Takes away what Kaggle's image lacks, and writes lines into the log for what is no error here and
would be one later: reaching for the network, files outside the working folder, and files that only
this machine has. It sees what Python opens; what a compiled library opens on its own it does not.
"""

import importlib.machinery
import json
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_LOCAL = ("127.", "localhost", "::1", "0.0.0.0", os.uname().nodename)
_MOST_NOTES = 20  # of one process

with open(os.path.join(_HERE, "absent.json"), encoding="utf-8") as _stream:
    _ABSENT = json.load(_stream)
_HIDDEN = frozenset(_ABSENT["modules"])
_MARK = _ABSENT["mark"]

_HOME = os.path.expanduser("~") + os.sep
_SYSTEM = ("/usr/", "/etc/", "/opt/", "/lib", "/bin/", "/proc/", "/sys/", "/dev/", "/nix/store/")
_PYTHON = tuple(os.path.abspath(place) + os.sep for place in (sys.prefix, sys.base_prefix))
_INPUT = os.environ.get("KIT_INPUT", "/kaggle/input") + os.sep
_WRITABLE = (os.environ.get("KIT_WORKING", "/kaggle/working") + os.sep, "/dev/", "/proc/")
_TEMPORARY = (
    (os.environ["KIT_TEMP"] + os.sep,) if "KIT_TEMP" in os.environ else ("/kaggle/temp/", "/tmp/")
)


class _ImageFinder(importlib.machinery.PathFinder):
    """The path finder, without the packages of this machine that Kaggle's image lacks."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if path is None and fullname in _HIDDEN:
            return None
        return super().find_spec(fullname, path, target)


_noted: set[str] = set()
# the log, as the session's first Python has it: what a child process says may be caught by its
# parent, and never be seen
_LOG = os.environ.setdefault("KIT_REHEARSAL_LOG", f"/proc/{os.getpid()}/fd/2")


def _note(line: str) -> None:
    if line in _noted or len(_noted) >= _MOST_NOTES:
        return
    _noted.add(line)
    text = f"\n{_MARK}{line}\n".encode()
    try:
        log = os.open(_LOG, os.O_WRONLY | os.O_APPEND)
    except OSError:  # that process has ended, or has closed it
        os.write(2, text)
        return
    try:
        os.write(log, text)
    finally:
        os.close(log)


def _watch(event, arguments):  # type: ignore[no-untyped-def]
    if event == "open":
        _watch_file(arguments[0], arguments[1], arguments[2])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _watch_host(arguments[0])
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        _watch_host(arguments[1][0])


def _watch_host(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_LOCAL):
        _note(f"reached for the network: {name}")


def _watch_file(path: object, mode: object, flags: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    place = os.path.abspath(os.fsdecode(path))
    within = place + os.sep  # an unnamed temporary file is opened by its folder
    writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
    if writes or (isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))):
        _watch_writing(place, within)
    elif (
        not within.startswith((_INPUT, *_WRITABLE, *_TEMPORARY, *_PYTHON, *_SYSTEM))
        and os.path.lexists(place)
        and _competition_is_above()
    ):
        _note(f"read a file that this machine alone has: {place}")


def _watch_writing(place: str, within: str) -> None:
    """Home and the code's folder can be written on Kaggle as well, and are lost at the end."""
    at_home, beside_code = place.startswith(_HOME), "/code/competitions/" in place
    is_lost = at_home or beside_code or not within.startswith(_TEMPORARY)
    if not is_lost or within.startswith(_WRITABLE) or "/__pycache__/" in place:
        return
    # what libraries keep in hidden folders of the home folder are caches
    is_cache = at_home and place.removeprefix(_HOME).startswith(".")
    if _competition_is_above(through_libraries=not is_cache):
        _note(f"wrote outside the working folder: {place}")


def _competition_is_above(*, through_libraries: bool = True) -> bool:
    """True where a file of the competition stands among the callers; without libraries, where it
    is the first of them that is neither Python's nor a package's."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if "/competitions/" in name:
            return True
        if not through_libraries and "/site-packages/" in name:
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return False


_absent_folders = [os.path.realpath(place) for place in _ABSENT["folders"]]
sys.path[:] = [place for place in sys.path if os.path.realpath(place or ".") not in _absent_folders]
sys.meta_path[:] = [
    _ImageFinder if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path
]
sys.addaudithook(_watch)
