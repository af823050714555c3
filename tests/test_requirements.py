"""Both environments hold what the project declares, each package at one exact version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPOSITORY

ENVIRONMENTS = ("dev", "kaggle-image")
PYTHONS = ("3.11", "3.12", "3.13")


def pinned(name: str, python: str) -> dict[str, str]:
    """Version by canonical name: what a list gives to one Python on Linux."""
    lines = (REPOSITORY / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines()
    where = {"python_version": python, "sys_platform": "linux"}
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        requirement = Requirement(line.split(" --hash=")[0])
        assert re.fullmatch(r"==[^=*,]+", str(requirement.specifier)), line
        if requirement.marker is None or requirement.marker.evaluate(where):
            assert canonicalize_name(requirement.name) not in found, line
            found[canonicalize_name(requirement.name)] = str(requirement.specifier)[2:]
    return found


def declared() -> list[Requirement]:
    with (REPOSITORY / "pyproject.toml").open("rb") as stream:
        return [Requirement(line) for line in tomllib.load(stream)["project"]["dependencies"]]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_declared_package_is_pinned_within_its_bounds(name: str, python: str) -> None:
    pins = pinned(name, python)
    for requirement in declared():
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{requirement} against {pin}"


def test_the_lower_bounds_are_no_older_than_the_image() -> None:
    """What nobody runs is not promised: a bound is the image's version, cut to what matters."""
    pins = pinned("kaggle-image", "3.12")
    for requirement in declared():
        for bound in requirement.specifier:
            if bound.operator == ">=":
                pin = pins[canonicalize_name(requirement.name)]
                assert f"{pin}.".startswith(f"{bound.version}."), requirement


def test_the_bundled_package_is_pure_python_in_a_folder_of_its_own() -> None:
    for name, pin in pinned("bundled", "3.12").items():
        assert version(name) == pin
        files = distribution(name).files or []
        modules = [Path(str(file.locate())) for file in files if ".dist-info" not in str(file)]
        assert any(file.suffix == ".py" for file in modules)
        assert not any(file.suffix in (".so", ".pyd", ".dylib") for file in modules)
        assert all(file.is_relative_to(Path(sys.prefix) / "bundled") for file in modules)


@pytest.mark.parametrize("script", ["scripts/setup", ".ci/run"])
def test_a_word_that_is_not_known_is_one_line(script: str) -> None:
    done = subprocess.run(
        ["bash", str(REPOSITORY / script), "--kagle-image"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: found '--kagle-image', expected")
