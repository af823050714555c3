"""Finds competition folders by name. It names none of them."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import common.spec
from common import paths
from common.errors import UsageError, unknown_name
from common.spec import CompetitionSpec

if TYPE_CHECKING:
    from common.pipeline import Pipeline

_UNKNOWN_FACT = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_SLUG_LINE = re.compile(r"""^\s*slug=["']([^"']+)["']""", re.MULTILINE)


def folder_name(slug: str) -> str:
    """The folder of a slug: lower case, `-` as `_`, a leading digit behind `c_`."""
    name = slug.lower().replace("-", "_")
    return f"c_{name}" if name[:1].isdigit() else name


def folders() -> list[str]:
    """The names of all competition folders, sorted."""
    return sorted(path.parent.name for path in paths.competitions_dir().glob("*/spec.py"))


def find(name: str) -> str:
    """The folder that a person means: by the folder's name, or by a slug that one folder has.

    Raises: UsageError, with the nearest name, or with the folders that share the slug.
    """
    known = folders()
    if folder_name(name) in known:
        return folder_name(name)
    having = [folder for folder in known if name and slug_of(folder).lower() == name.lower()]
    if len(having) == 1:
        return having[0]
    if having:
        raise UsageError(f"several folders have the slug {name!r}: name one of {having}")
    raise UsageError(
        unknown_name("competition", name.lower(), [name.replace("_", "-") for name in known])
    )


def slug_of(folder: str) -> str:
    """The slug that a folder's spec names, read as text: a spec that is being edited stops
    nobody else; "" where it names none."""
    text = (directory(folder) / "spec.py").read_text(encoding="utf-8", errors="replace")
    found = _SLUG_LINE.search(text)
    return found.group(1) if found else ""


def directory(folder: str) -> Path:
    """The folder's place."""
    return paths.competitions_dir() / folder


def load_spec(folder: str) -> CompetitionSpec:
    """The facts of a competition; loads nothing heavy.

    Raises: UsageError, with the nearest name, for a fact that no part of a spec has.
    """
    try:
        spec: CompetitionSpec = _load(folder, "spec").SPEC
    except TypeError as error:
        found = _UNKNOWN_FACT.search(str(error))
        part = getattr(common.spec, found.group(1), None) if found else None
        if found is None or part is None:
            raise
        names = [field.name for field in dataclasses.fields(part)]
        fault = unknown_name(f"fact of a {found.group(1)}", found.group(2), names)
        raise UsageError(f"competitions/{folder}/spec.py: {fault}") from None
    return spec


def load_pipelines(folder: str) -> dict[str, Pipeline]:
    """The pipelines of a competition, the default first.

    Raises: UsageError where the folder has none yet.
    """
    if not (directory(folder) / "pipeline.py").is_file():
        raise UsageError(f"competitions/{folder} has no pipeline.py; it can only judge so far")
    pipelines: dict[str, Pipeline] = _load(folder, "pipeline").PIPELINES
    return pipelines


def load_fixture(folder: str) -> ModuleType:
    """The module that writes a competition's fixture.

    Raises: UsageError where the folder has none yet.
    """
    if not (directory(folder) / "fixture.py").is_file():
        raise UsageError(f"competitions/{folder} has no fixture.py")
    return _load(folder, "fixture")


def _load(folder: str, module: str) -> ModuleType:
    return importlib.import_module(f"competitions.{folder}.{module}")
