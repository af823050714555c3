"""Wheels for a data set: resolved for the Python and the torch of Kaggle's image."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from common.errors import DataError, UsageError
from common.kernels.dataset import Part, flat_name
from common.kernels.image import IMAGE

PYTHON = "3.12"
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_24_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
)
SECONDS = 900  # for one download
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)")


def wheel_part(requirement: str, given: Path | None = None) -> tuple[Part, list[str]]:
    """A wheel, and what it needs that Kaggle's image lacks.

    Args:
        requirement: package==version.
        given: a folder that holds the wheel; None to let pip fetch it.

    Raises: UsageError for another form of requirement; DataError where there is no wheel for the
    image, where it is cut, or where it needs another version of what the image has.
    """
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise UsageError(
            f"{requirement!r} names no wheel; expected package==version, one exact version"
        )
    name, version = found.groups()
    with tempfile.TemporaryDirectory(prefix="kit-wheels-") as scratch:
        if given is not None:
            path = _in_folder(name, version, given)
        else:
            path = _downloaded(requirement, Path(scratch))
        lacking, content = _lacking(path), path.read_bytes()

    def write(target: Path) -> None:
        target.write_bytes(content)

    return Part(flat_name(path.name), "wheel", path.name, requirement, write), lacking


def _downloaded(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), "--quiet", "--no-input"]
    command += ["--python-version", PYTHON, "--implementation", "cp"]
    for abi in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
        command += ["--abi", abi]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise DataError(f"pip did not fetch {requirement} within {SECONDS} s; use --from") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = lines[-1].removeprefix("ERROR: ") if lines else "pip gave no reason"
        raise DataError(
            f"pip found no wheel of {requirement} for Python {PYTHON} on Linux ({reason}); a "
            "source distribution will not do, as the kernel has no internet: build a wheel and "
            "name its folder with --from"
        )
    return wheels[0]


def _in_folder(name: str, version: str, given: Path) -> Path:
    from packaging.tags import compatible_tags, cpython_tags
    from packaging.utils import canonicalize_name, parse_wheel_filename

    if not given.is_dir():
        raise DataError(f"{given} is no folder; expected the one that holds the wheels, --from")
    wanted = (canonicalize_name(name), version)
    python = tuple(int(part) for part in PYTHON.split("."))
    tags = {*cpython_tags(python, platforms=PLATFORMS)}
    tags |= {*compatible_tags(python, f"cp{PYTHON.replace('.', '')}", PLATFORMS)}
    others: list[str] = []
    for path in sorted(given.iterdir()):
        if path.suffix == ".whl" and path.name.count("-") >= 4:
            found, number, _, fits = parse_wheel_filename(path.name)
            if (found, str(number)) == wanted and fits & tags:
                return path
        if canonicalize_name(path.name).startswith(canonicalize_name(name)):
            others.append(path.name)
    there = f"found {', '.join(others[:3])}" if others else "found nothing of that name"
    raise DataError(
        f"{given} holds no wheel of {name}=={version} for Python {PYTHON} on Linux ({there}); a "
        "source distribution will not do: build a wheel of it first"
    )


def _lacking(path: Path) -> list[str]:
    """The requirements of a wheel that the image does not meet by name.

    Raises: DataError where the wheel is cut, or needs another version than the image has.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    has = {}
    for entry in IMAGE.values():
        name, _, number = entry.partition(" ")
        has[canonicalize_name(name)] = number
    lacking = []
    for line in _requirements(path):
        needed = Requirement(line)
        environment = {"python_version": PYTHON, "sys_platform": "linux", "extra": ""}
        if needed.marker is not None and not needed.marker.evaluate(environment):
            continue
        version = has.get(canonicalize_name(needed.name))
        if version is None:
            lacking.append(line.partition(";")[0].strip())
        elif version[:1].isdigit() and not needed.specifier.contains(version, prereleases=True):
            raise DataError(
                f"{path.name} needs {needed.name} {needed.specifier}; Kaggle's image has "
                f"{version}: take another version"
            )
    return lacking


def _requirements(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as wheel:
            broken = wheel.testzip()
            about = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
            if broken or not about:
                raise zipfile.BadZipFile(broken or "no METADATA")
            message = email.message_from_bytes(wheel.read(about[0]))
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is no whole wheel ({error}); fetch it again") from None
    return [str(line) for line in message.get_all("Requires-Dist") or []]
