"""A built kernel, as it lies ready for a push."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, paths, registry
from common.errors import DataError, UsageError
from common.kaggle.kernels import SOURCE_KEYS, Held, same_source
from common.kernels.metadata import METADATA_FILE, NOBODY, check_metadata
from common.kernels.naming import kernels_dir

BUILD_FILE = "build.json"
_PREFIXES = ("datasets", "code", "notebooks")


@dataclass(frozen=True)
class Built:
    """A folder for `kaggle kernels push -p`.

    Args:
        competition: folder under competitions/.
        metadata: kernel-metadata.json, checked.
        facts: build.json: commit, code, config.
        source: the text of the code file.
    """

    competition: str
    folder: Path
    metadata: dict[str, Any]
    facts: dict[str, Any]
    source: str

    @property
    def ref(self) -> str:
        """ "owner/slug"."""
        return str(self.metadata["id"])

    @property
    def slug(self) -> str:
        return self.ref.partition("/")[2]

    @property
    def role(self) -> str:
        """ "train" or "infer"."""
        return str(self.facts["config"]["role"])

    @property
    def competitions(self) -> tuple[str, ...]:
        """The slugs of the competitions whose data the kernel reads."""
        return tuple(self.metadata.get("competition_sources", ()))

    @property
    def content(self) -> str:
        """Hash of all that a push sends."""
        metadata = json.dumps(self.metadata, sort_keys=True)
        return hashlib.sha256(f"{metadata}\0{self.source}".encode()).hexdigest()

    def is_held_as(self, held: Held) -> bool:
        """Whether Kaggle holds this source under these switches."""
        internet = held.metadata.get("enable_internet")
        return (
            self.has_source_of(held)
            and not self.missing_in(held)
            and not set(_sources(held.metadata)) - set(_sources(self.metadata))
            and internet in (None, self.metadata.get("enable_internet"))
        )

    def has_source_of(self, held: Held) -> bool:
        """Whether Kaggle holds this source."""
        return same_source(self.source, held.source, str(self.metadata.get("kernel_type")))

    def missing_in(self, held: Held) -> list[str]:
        """The sources that Kaggle did not keep, such as "competition titanic"."""
        kept = set(_sources(held.metadata))
        told = any(held.metadata.get(key) is not None for key in SOURCE_KEYS)
        ours = _sources(self.metadata) if told else {}
        return [called for plain, called in ours.items() if plain not in kept]


def open_built(competition: str, role: str, folder: Path | None) -> Built:
    """The kernel that was built for a competition, or the one in a folder.

    Raises: UsageError where nothing was built, or for another competition; DataError where the
    folder does not belong together.
    """
    name = registry.find(competition)
    folder = folder or kernels_dir(name) / role
    shown = paths.shown(folder)
    again = f"build it with scripts/build_kernel.py {competition}"
    if not (folder / METADATA_FILE).is_file():
        raise UsageError(f"{shown} holds no built kernel (no {METADATA_FILE}); {again}")
    metadata = check_metadata(files.read_json(folder / METADATA_FILE), f"{shown}/{METADATA_FILE}")
    if str(metadata["id"]).startswith(f"{NOBODY}/"):
        raise UsageError(f"{shown} was built for no Kaggle user; {again} --user NAME")
    facts = files.read_json(folder / BUILD_FILE)
    code = folder / str(metadata["code_file"])
    if not isinstance(facts, dict) or "config" not in facts or "code_file" not in facts:
        raise DataError(f"{shown}/{BUILD_FILE} does not tell what was built; {again}")
    if not code.is_file():
        raise DataError(f"{shown} lacks {code.name}; {again}")
    if files.sha256(code) != facts["code_file"]["sha256"]:
        raise DataError(f"{paths.shown(code)} is not what was built: edited, or cut; {again}")
    if facts["config"]["competition"] != name:
        other = facts["config"]["competition"]
        raise UsageError(f"{shown} is a kernel of {other}; expected one of {name}")
    return Built(name, folder, metadata, facts, code.read_text(encoding="utf-8"))


def _sources(metadata: dict[str, Any]) -> dict[str, str]:
    """What a kernel reads: plain names, without the prefixes and versions that Kaggle may add,
    and what a person calls them."""
    found = {}
    for key in SOURCE_KEYS:
        kind = key.partition("_")[0]
        for name in metadata.get(key) or ():
            plain = _plain(str(name), kind)
            found[f"{kind} {plain}"] = f"{kind} {name}"
    return found


def _plain(name: str, kind: str) -> str:
    parts = [part for part in name.lower().split("/") if part]
    if kind == "competition":
        return parts[-1] if parts else ""
    if kind == "model":
        return "/".join(parts)
    return "/".join(parts[1:3] if len(parts) > 2 and parts[0] in _PREFIXES else parts[:2])
