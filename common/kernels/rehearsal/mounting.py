"""Which folders of this machine stand for what a kernel attaches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import paths
from common.errors import RunError, UsageError
from common.kernels.build import Built
from common.kernels.rehearsal.acts import Acted

Mounted = dict[tuple[str, str], Path]  # by kind and name


def sources(one: Built, root: Path) -> Mounted:
    """The competition's data, and the data sets that the kernel names, as found at home.

    Raises: UsageError where one of these is not there, and for models, which are never here.
    """
    models = one.metadata["model_sources"]
    if models:
        raise UsageError(
            f"the kernel attaches the model {models[0]!r}, which no rehearsal can mount; put its "
            "files into a data set and name that in KernelSpec.datasets"
        )
    mounted: Mounted = {(source.kind, source.name): root for source in one.config.sources}
    for name in one.config.datasets:
        mounted["dataset", _full(name, one)] = _packed(name)
    return mounted


def trained(acted: Acted) -> Mounted:
    """The output of a train kernel that was rehearsed."""
    one = acted.act.built
    if one.config.role != "train":
        raise RunError(f"{acted.act.called} leaves no run; expected a train kernel")
    return {("kernel", _full(one.config.kernel, one)): acted.outcome.working}


def given_runs(infer: Built, places: Sequence[Path]) -> Mounted:
    """The run folders, or packed runs, that infer was built for, in their order."""
    mounted: Mounted = {}
    if not places:
        return mounted
    for run, place in zip(infer.config.runs, places, strict=True):
        kind, name = ("dataset", run.dataset) if run.dataset else ("kernel", run.kernel)
        mounted[kind, _full(name, infer)] = place
    return mounted


def owner_of(one: Built) -> str:
    """The user that a kernel was built for."""
    owner: str = one.metadata["id"].partition("/")[0]
    return owner


def _packed(name: str) -> Path:
    """A data set at home, as scripts/pack_dataset.py leaves it."""
    place = paths.datasets_dir() / name.rpartition("/")[2]
    if not place.is_dir():
        raise UsageError(
            f"the kernel needs the data set {name!r}, and {paths.shown(place)} is not there; make "
            "it with scripts/pack_dataset.py, or unzip the downloaded one there"
        )
    return place


def _full(name: str, one: Built) -> str:
    return name if "/" in name else f"{owner_of(one)}/{name}"
