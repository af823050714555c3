"""From a request to a data set: which files, under which name, and what to do with it next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common import files, paths, registry
from common.errors import UsageError
from common.kernels import naming
from common.kernels.build import packed_code
from common.kernels.bundle import digest
from common.kernels.dataset import Part, checked_name, run_part, write_dataset
from common.kernels.script_format import attached_name
from common.kernels.weights import weights_parts
from common.kernels.wheels import wheel_part
from common.runfolder import SETTINGS

Say = Callable[[str], None]


@dataclass(frozen=True)
class PackRequest:
    """What `pack` was asked for.

    Args:
        competition: whose KernelSpec.weights are packed where nothing else is named.
        weights: as `weights_parts` has them.
        wheels: package==version.
        run: a finished run folder; packed alone.
        code: pack the code of the competition's kernels.
        given: where files are taken from in place of the hub.
        name: slug or owner/slug; "" to make one from the content.
        user: on Kaggle; "" for the one in Kaggle's configuration.
        out: in place of datasets/<slug>.
    """

    competition: str = ""
    weights: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    run: Path | None = None
    code: bool = False
    given: Path | None = None
    name: str = ""
    user: str = ""
    out: Path | None = None
    overwrite: bool = False


def pack(request: PackRequest, say: Say = print) -> Path:
    """Makes the data set; gives its folder.

    Raises: UsageError, DataError or RunError for what cannot be packed; nothing is left then.
    """
    folder = _competition(request)
    weights = request.weights or _wanted(folder, request)
    if request.run is not None and (weights or request.wheels or request.code):
        raise UsageError(
            "a run is packed alone; expected --run without --weights, --wheels, --code"
        )
    name = checked_name(request.name or _default_name(folder, request), request.user)
    out = request.out or paths.datasets_dir() / name.partition("/")[2]
    parts: list[Part] = [] if request.run is None else [run_part(request.run)]
    parts += [_code_part(folder)] if request.code else []
    for one in dict.fromkeys(weights):
        parts += weights_parts(one, request.given)
    for one in dict.fromkeys(request.wheels):
        part, lacking = wheel_part(one, request.given)
        parts.append(part)
        for needed in lacking:
            say(f"{one} needs {needed}, which Kaggle's image lacks: add its wheel if it is used")
    entries = write_dataset(out, name, parts, overwrite=request.overwrite)
    size = sum(entry.bytes for entry in entries)
    say(f"{paths.shown(out)}: {name}, {len(entries)} files, {size:,} bytes")
    _say_next(request, folder, name, out, say)
    return out


def _competition(request: PackRequest) -> str:
    """The folder of the competition: named, or that of the run; "" where there is none."""
    if request.competition:
        return registry.find(request.competition)
    if request.run is not None and (request.run / SETTINGS).is_file():
        facts = files.read_json(request.run / SETTINGS)
        return str(facts.get("competition", "")) if isinstance(facts, dict) else ""
    return ""


def _code_part(folder: str) -> Part:
    """The code of a competition's kernels, as they look for it.

    Raises: UsageError where no competition was named.
    """
    if not folder:
        raise UsageError("--code packs the code of one competition; name it")
    archive = packed_code(folder)
    code = digest(archive)
    name = attached_name(code)
    return Part(name, "code", name, code, lambda path: path.write_bytes(archive))


def _wanted(folder: str, request: PackRequest) -> tuple[str, ...]:
    """The weights that the competition's spec names, where nothing else was asked for."""
    if not folder or request.wheels or request.code or request.run is not None:
        return ()
    wanted = registry.load_spec(folder).kernel.weights
    if not wanted:
        raise UsageError(
            f"KernelSpec.weights of competitions/{folder}/spec.py names no weights; name them "
            "there, or here with --weights"
        )
    return wanted


def _default_name(folder: str, request: PackRequest) -> str:
    if folder not in registry.folders():
        raise UsageError("the data set has no name; give it one with --name")
    short = naming.short_name(folder, registry.load_spec(folder).kernel)
    if request.run is not None:
        return f"{short}-run-{run_part(request.run).of[:8]}"
    asked = {"weights": request.weights, "wheels": request.wheels, "code": request.code}
    return f"{short}-{'-'.join(word for word, one in asked.items() if one) or 'weights'}"


def _say_next(request: PackRequest, folder: str, name: str, out: Path, say: Say) -> None:
    shown = paths.shown(out)
    say(f"upload: kaggle datasets create -p {shown}  (another time: kaggle datasets version)")
    if request.run is not None:
        slug = folder.replace("_", "-")
        say(f"build:  python scripts/build_kernel.py {slug} --role infer --run {shown}")
        return
    known = registry.load_spec(folder).kernel.datasets if folder else ()
    if name not in known and name.partition("/")[2] not in known:
        say(f"attach: name {name.partition('/')[2]!r} in KernelSpec.datasets of its spec.py")
