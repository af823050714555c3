"""The root that a session sees, as steps in the order in which they are laid out."""

from __future__ import annotations

import os
from pathlib import Path

from common.kernels.isolation.inside.steps import HOST_NAME, Step
from common.kernels.isolation.session import INPUT, SOURCE, TEMPORARY, WORKING, Session

# where programs and libraries lie; those that this machine lacks are left out
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# which libraries there are, the time zone, fonts; nothing that tells who uses the machine
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")
MADE_UP = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "group": "root:x:0:\n",
    "hosts": f"127.0.0.1 localhost {HOST_NAME}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": "",
}
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
}
PROCESSORS = ("/sys/devices/system/cpu", "/sys/devices/system/node")  # torch counts them


def steps(session: Session, made: Path, hidden: tuple[Path, ...]) -> list[Step]:
    """What is laid out under an empty root.

    Args:
        session: it has passed `check`.
        made: a folder with the files that `make_up` wrote.
        hidden: folders that stay invisible even where the system or the interpreter lies around
            them; what of the interpreter lies inside them is visible.
    """
    writable = [
        *(Step("memory", place, size=session.temporary_bytes) for place in TEMPORARY),
        Step("memory", WORKING, size=session.working_bytes),
        Step("memory", "/dev/shm"),
    ]
    settings = [
        *(Step("bind", place, os.path.realpath(place)) for place in SETTINGS if _exists(place)),
        *(Step("bind", f"/etc/{name}", str(made / name)) for name in MADE_UP),
    ]
    devices = [
        *(Step("device", place, place) for place in DEVICES if _exists(place)),
        *(Step("link", place, source) for place, source in LINKS.items()),
        Step("processes", "/proc"),
        *(Step("bind", place, place) for place in PROCESSORS if _exists(place)),
    ]
    given = [
        Step("folder", INPUT),
        Step("folder", SOURCE),
        *(_bind(f"{INPUT}/{name}", path) for name, path in session.inputs.items()),
        *(_bind(f"{SOURCE}/{name}", path) for name, path in session.source.items()),
    ]
    programs = [*_system(), *_interpreter(session.python_paths, hidden)]
    return [*writable, Step("folder", "/root"), *programs, *settings, *devices, *given]


def make_up(folder: Path) -> None:
    """Writes the files of /etc that must not be this machine's own."""
    folder.mkdir()
    for name, text in MADE_UP.items():
        (folder / name).write_text(text, encoding="ascii")


def _exists(place: str) -> bool:
    return os.path.exists(place)


def _bind(place: str, source: Path) -> Step:
    return Step("bind", place, os.path.realpath(source))


def _system() -> list[Step]:
    links = [Step("link", place, os.readlink(place)) for place in SYSTEM if os.path.islink(place)]
    folders = [place for place in SYSTEM if os.path.isdir(place) and not os.path.islink(place)]
    return [*(Step("bind", place, place) for place in folders), *links]


def _interpreter(paths: tuple[Path, ...], hidden: tuple[Path, ...]) -> list[Step]:
    """The interpreter's folders, each at its own place and at its real one, and what hides the
    hidden folders among them."""
    covers = {os.path.realpath(path) for path in hidden}
    places = {}
    for path in paths:
        real = os.path.realpath(path)
        places.update({os.path.abspath(path): real, real: real})
    visible = [place for place in SYSTEM if _exists(place)]
    found = []
    for place in sorted({*places, *covers}):  # what lies above comes first
        if place in places and place not in covers:
            if not _is_visible(place, visible, covers):
                visible.append(place)
                found.append(Step("bind", place, places[place]))
        elif _is_visible(place, visible, set()):
            found.append(Step("hidden", place))
    return found


def _is_visible(place: str, visible: list[str], covers: set[str]) -> bool:
    """True where a place lies in a visible folder, with no cover between the two."""
    for above in visible:
        if _inside(place, above):
            between = [cover for cover in covers if _inside(place, cover) and _inside(cover, above)]
            if not between:
                return True
    return False


def _inside(place: str, above: str) -> bool:
    return place == above or place.startswith(above.rstrip("/") + "/")
