"""Builds kernels: folders that `kaggle kernels push -p` takes as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import files, paths, registry
from common.errors import UsageError, unknown_name
from common.kernels import naming
from common.kernels.bundle import check_size, code_members, digest, pack
from common.kernels.bundled import bundled_packages, pinned_packages
from common.kernels.config import ROLES, KernelConfig, RunConfig
from common.kernels.expected_runs import ExpectedRun, expected_runs
from common.kernels.folds import check_fold_numbers
from common.kernels.listing import Commit, Member, commit_of
from common.kernels.metadata import METADATA_FILE, check_metadata, check_user, title_of
from common.kernels.needed import needed_members
from common.kernels.notebook_format import notebook, sent_size
from common.kernels.script_format import script
from common.kernels.sources import data_sources, owned
from common.settings import preset
from common.spec import CompetitionSpec

FORMATS = {"script": ".py", "notebook": ".ipynb"}
BUILD_FILE = "build.json"


@dataclass(frozen=True)
class BuildRequest:
    """What `build` was asked for.

    Args:
        roles: "train", "infer" or both.
        user: on Kaggle; "" for the one in Kaggle's configuration.
        fold_groups: one train kernel each; empty for one kernel with all folds.
        runs: run folders, or packed data sets, that infer is built for, with their own pipeline
            and settings; empty for whatever the train kernels will write.
        out: in place of kernels/<competition>.
        hours: of train's session, in place of KernelSpec.train_hours; None for that.
        resume: attach the train kernels' own earlier outputs, from which they go on.
    """

    competition: str
    roles: tuple[str, ...] = ROLES
    user: str = ""
    format: str = "script"
    pipeline: str = ""
    preset: str = "baseline"
    changes: tuple[str, ...] = ()
    fold_groups: tuple[tuple[str, ...], ...] = ()
    runs: tuple[Path, ...] = ()
    out: Path | None = None
    seed: int = 0
    hours: float | None = None
    resume: bool = False


@dataclass(frozen=True)
class Built:
    """A built kernel: its folder, its file, and what is in them.

    `size` is what Kaggle will be sent, in bytes.
    """

    folder: Path
    code_file: Path
    size: int
    config: KernelConfig
    metadata: dict[str, Any]

    @property
    def own_datasets(self) -> list[str]:
        """The data sets that only this user can have put on Kaggle."""
        owner = self.metadata["id"].partition("/")[0]
        names: list[str] = self.metadata["dataset_sources"]
        return [name for name in names if name.startswith(f"{owner}/")]


@dataclass(frozen=True)
class _Code:
    """What all kernels of a build share."""

    members: tuple[Member, ...]
    archive: bytes
    commit: Commit
    packages: tuple[str, ...]


def build(request: BuildRequest) -> list[Built]:
    """The built kernels, train before infer. Nothing is written before everything is checked.

    Raises: UsageError for names that do not exist or that Kaggle would refuse, and for a kernel
    that is too large; DataError for files that cannot travel.
    """
    folder = registry.find(request.competition)
    spec = registry.load_spec(folder)
    user = _user(request.user)
    runs = expected_runs(request.runs, folder, user)
    request = _asked_for(folder, request, runs)
    code = _code(folder, spec)
    plan = _plan(folder, spec, request, code, [run.config for run in runs])
    out = request.out or naming.kernels_dir(folder)
    ready = [_ready(config, part, out, spec, code, user, request) for part, config in plan]
    return [_write(*one) for one in ready]


def _user(asked: str) -> str:
    user = asked or paths.kaggle_user()
    if not user:
        places = " or ".join(str(path) for path in paths.kaggle_files())
        raise UsageError(
            f"no Kaggle user: found neither KAGGLE_USERNAME nor a username in {places}; name "
            "the user with --user"
        )
    check_user(user)
    return user


def _asked_for(folder: str, request: BuildRequest, runs: list[ExpectedRun]) -> BuildRequest:
    """The request with the pipeline's name as a config has it, "" for the default one, and with
    what the runs were made with.

    Raises: UsageError or SettingsError for what does not exist; the nearest name is offered.
    """
    if runs:
        return _for_runs(folder, request, runs)
    return replace(request, pipeline=_checked_pipeline(folder, request))


def _for_runs(folder: str, request: BuildRequest, runs: list[ExpectedRun]) -> BuildRequest:
    for_train = request.fold_groups or request.resume or "infer" not in request.roles
    if request.pipeline or request.changes or for_train:
        raise UsageError(
            "a run has its own pipeline, settings and folds, and is for infer; expected --run "
            "without --pipeline, --set, --folds, --resume and --role train"
        )
    facts, pipeline = runs[0].facts, runs[0].pipeline
    if pipeline is None:
        named = replace(request, pipeline=str(facts["pipeline"]), preset=str(facts["preset"]))
        pipeline = _checked_pipeline(folder, named)
    return replace(
        request,
        roles=("infer",),
        pipeline=pipeline,
        preset=str(facts["preset"]),
        changes=runs[0].changes,
        seed=int(facts["seed"]),
    )


def _checked_pipeline(folder: str, request: BuildRequest) -> str:
    """The pipeline's name as a config has it.

    Pipelines load torch, so they are looked at only where something was asked of them.
    """
    if not (registry.directory(folder) / "pipeline.py").is_file():
        registry.load_pipelines(folder)  # says so
    asked = request.pipeline or request.changes or request.preset != "baseline"
    if not (asked or request.fold_groups):
        return ""
    pipelines = registry.load_pipelines(folder)
    default = next(iter(pipelines))
    name = request.pipeline or default
    if name not in pipelines:
        raise UsageError(unknown_name("pipeline", name, pipelines))
    settings = preset(pipelines[name].presets, request.preset).override(request.changes)
    if not _has_own_folds(pipelines[name]):
        check_fold_numbers(request.fold_groups, settings.folds)
    return "" if name == default else name


def _has_own_folds(pipeline: object) -> bool:
    """True where a competition answers folds() itself: then the data tell how many there are."""
    kinds = type(pipeline).__mro__
    return any("folds" in vars(kind) for kind in kinds if kind.__module__[:13] == "competitions.")


def packed_code(folder: str) -> bytes:
    """The archive that a competition's kernels run, for a data set that holds it."""
    return _code(folder, registry.load_spec(folder)).archive


def _code(folder: str, spec: CompetitionSpec) -> _Code:
    members, packages = needed_members(
        code_members(folder), folder, spec.kernel.packages, bundled_packages(), pinned_packages()
    )
    return _Code(members, pack(members), commit_of(paths.repository()), packages)


def _plan(
    folder: str,
    spec: CompetitionSpec,
    request: BuildRequest,
    code: _Code,
    expected: list[RunConfig],
) -> list[tuple[str, KernelConfig]]:
    """The kernels to build, each with the name of its folder."""
    shared = KernelConfig(
        competition=folder,
        slug=spec.slug,
        role="train",
        kernel="",
        pipeline=request.pipeline,
        preset=request.preset,
        changes=request.changes,
        seed=request.seed,
        commit=code.commit.name,
        dirty=code.commit.dirty,
        code=digest(code.archive),
        machine_shape=spec.kernel.machine_shape,
        sources=data_sources(folder, spec),
        datasets=spec.kernel.datasets,
        packages=code.packages,
    )
    plan: list[tuple[str, KernelConfig]] = []
    runs: list[RunConfig] = []
    for folds in request.fold_groups or ((),):
        part = naming.part_name("train", request.pipeline, folds)
        slug = naming.kernel_slug(folder, spec.kernel, part)
        internet = spec.kernel.train_internet
        hours = request.hours or spec.kernel.train_hours
        own = replace(shared, kernel=slug, folds=folds, internet=internet, hours=hours)
        plan.append((part, replace(own, resume=request.resume)))
        runs.append(RunConfig(kernel=slug, folds=folds))
    part = naming.part_name("infer", request.pipeline, ())
    slug = naming.kernel_slug(folder, spec.kernel, part)
    plan.append((part, replace(shared, role="infer", kernel=slug, runs=tuple(expected or runs))))
    return [(part, config) for part, config in plan if config.role in request.roles]


def _ready(
    config: KernelConfig,
    part: str,
    out: Path,
    spec: CompetitionSpec,
    code: _Code,
    user: str,
    request: BuildRequest,
) -> tuple[Built, bytes, Sequence[Member]]:
    """A kernel with the bytes of its file, checked."""
    code_file = config.kernel + FORMATS[request.format]
    if request.format == "notebook":
        text = notebook(config, code.members, spec.title)
        size = sent_size(text)
    else:
        attached = spec.kernel.code_attached
        text = script(config, code.archive, spec.title, attached=attached)
        size = len(text.encode())
    way = "--format script packs them much smaller. " if request.format == "notebook" else ""
    check_size(size, code_file, code.members, way)
    content = text.encode()
    metadata = check_metadata(_metadata(config, code_file, spec, user, request.format))
    folder = out / part
    return Built(folder, folder / code_file, size, config, metadata), content, code.members


def _metadata(
    config: KernelConfig, code_file: str, spec: CompetitionSpec, user: str, kind: str
) -> dict[str, Any]:
    datasets = [source.name for source in config.sources if source.kind == "dataset"]
    datasets += [*config.datasets, *(run.dataset for run in config.runs if run.dataset)]
    return {
        "id": f"{user}/{config.kernel}",
        "title": title_of(config.kernel),
        "code_file": code_file,
        "language": "python",
        "kernel_type": kind,
        "is_private": True,
        "enable_gpu": config.machine_shape.startswith("Nvidia"),
        "enable_tpu": False,
        "enable_internet": config.internet,
        "machine_shape": config.machine_shape,
        "dataset_sources": [owned(name, user) for name in dict.fromkeys(datasets)],
        "competition_sources": [
            source.name for source in config.sources if source.kind == "competition"
        ],
        "kernel_sources": [owned(name, user) for name in _kernels_read(config)],
        "model_sources": list(spec.kernel.models),
        "keywords": [],
        "docker_image_pinning_type": spec.kernel.image_pinning,
    }


def _kernels_read(config: KernelConfig) -> list[str]:
    """The kernels whose outputs a kernel reads; train's own earlier one where it goes on."""
    own = [config.kernel] if config.resume else []
    return [*own, *(run.kernel for run in config.runs if run.kernel)]


def _write(built: Built, content: bytes, members: Sequence[Member]) -> Built:
    """Writes a kernel's folder: the code, the metadata, and for people build.json."""
    for suffix in FORMATS.values():  # of an earlier build in the other format
        stale = built.folder / (built.config.kernel + suffix)
        if stale != built.code_file:
            stale.unlink(missing_ok=True)
    files.write_bytes(built.code_file, content)
    files.write_json(built.folder / METADATA_FILE, built.metadata)
    facts = {
        "commit": built.config.commit,
        "dirty": built.config.dirty,
        "code": built.config.code,
        "code_file": {"sha256": digest(content), "bytes": len(content), "sent": built.size},
        "config": built.config.as_dict(),
        "members": {
            member.name: {"sha256": digest(member.content), "bytes": len(member.content)}
            for member in members
        },
    }
    files.write_json(built.folder / BUILD_FILE, facts)
    return built
