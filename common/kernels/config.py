"""What a built kernel is told: a frozen value, as JSON in the built file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from common.errors import DataError, unknown_name

ROLES = ("train", "infer")


@dataclass(frozen=True)
class SourceConfig:
    """Data that must be mounted.

    Args:
        kind: "competition" or "dataset".
        name: "slug" of a competition; of a data set "owner/slug", or "slug" for the user's own.
        markers: files by which it is found under any name.
    """

    kind: str
    name: str
    markers: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunConfig:
    """A run that infer needs.

    Args:
        kernel: slug of the kernel whose output holds it; "" where a data set does.
        dataset: the data set that holds it; "" where a kernel's output does.
        run: SHA-256 of the run's manifest.json; None for any run of the same code and settings.
        folds: the folds that it must hold; empty for all.
    """

    kernel: str = ""
    dataset: str = ""
    run: str | None = None
    folds: tuple[str, ...] = ()


@dataclass(frozen=True)
class KernelConfig:
    """Everything that tells one kernel from another of the same code.

    Args:
        competition: folder under competitions/.
        slug: what Kaggle is told.
        role: "train" or "infer".
        kernel: the kernel's own slug, without its owner.
        pipeline: its name; "" for the default.
        folds: the folds to train; empty for all of them.
        commit: of the repository; ends in "+changes" where `dirty`.
        code: SHA-256 of the packed code.
        machine_shape: the accelerator asked for; "" for none.
        internet: whether the kernel was given it.
        sources: the data of the competition.
        datasets: data sets with weights, wheels and other files: "owner/slug", or "slug" of the
            user's own.
        runs: what infer reads.
        decision: of merged runs; None where the run has its own.
        packages: packed dependencies, as "name version".
        hours: from the session's start within which train ends by itself; None for no limit.
        resume: train must find its own earlier output attached, and goes on with it.
    """

    competition: str
    slug: str
    role: str
    kernel: str
    pipeline: str = ""
    preset: str = "baseline"
    changes: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    seed: int = 0
    commit: str = ""
    dirty: bool = False
    code: str = ""
    machine_shape: str = ""
    internet: bool = False
    sources: tuple[SourceConfig, ...] = ()
    datasets: tuple[str, ...] = ()
    runs: tuple[RunConfig, ...] = ()
    decision: dict[str, Any] | None = None
    packages: tuple[str, ...] = ()
    hours: float | None = None
    resume: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The fields in their order, ready for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain

    def to_json(self) -> str:
        """The config as ASCII text, two spaces deep."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> KernelConfig:
        """The config that `as_dict` gave.

        Raises: DataError for a key that this version does not know or lacks.
        """
        values = dict(values)
        for name, kind in (("sources", SourceConfig), ("runs", RunConfig)):
            values[name] = tuple(_made(kind, entry) for entry in values.get(name, ()))
        config: KernelConfig = _made(cls, values)
        return config

    @classmethod
    def from_json(cls, text: str) -> KernelConfig:
        """The config that `to_json` wrote.

        Raises: DataError where the text is no such JSON.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"the kernel's config is no JSON ({error}); build it again") from None
        if not isinstance(values, dict):
            raise DataError("the kernel's config is no JSON object; build it again")
        return cls.from_dict(values)


def _made(kind: Any, values: dict[str, Any]) -> Any:
    """A dataclass from JSON's values: lists become tuples, unknown names are refused."""
    known = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            raise DataError(f"the kernel's config has {unknown_name('key', name, known)}")
    plain = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    try:
        return kind(**plain)
    except TypeError as error:
        raise DataError(f"the kernel's config is not whole ({error}); build it again") from None
