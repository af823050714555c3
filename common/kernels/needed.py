"""What a kernel needs of all that could travel, and whether Kaggle has the rest.

From the entry points and the competition, imports are followed through `common/`. What no import
reaches (downloading, pushing, forking …) serves at home only and stays there, so a change in it
leaves the packed code, and the runs made with it, as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.metadata import Distribution

from common.errors import UsageError, unknown_name
from common.kernels.bundled import called, package_members
from common.kernels.image import GONE, IMAGE
from common.kernels.listing import Member
from common.kernels.scan import Import, hard_coded_paths, imports_in, parse

OURS = ("common", "competitions", "kernels", "scripts", "tests", "benchmarks")
WHEEL = (
    "take what the image has, or attach its wheel: scripts/pack_dataset.py makes the data set, "
    "KernelSpec.datasets names it and KernelSpec.packages names the module"
)


def needed_members(
    candidates: Sequence[Member],
    folder: str,
    packages: Collection[str],
    bundled: dict[str, Distribution],
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """The files that travel, and the packed dependencies as "name version".

    Args:
        candidates: all that may travel, by their paths in the repository.
        folder: of the competition.
        packages: modules that attached data sets bring.
        bundled: what may be packed along, by import name.

    Raises: UsageError, with the place, for an import that would fail on Kaggle and for a path that
    exists on one machine only; DataError for a source that is no Python.
    """
    by_name = {member.name: member for member in candidates}
    queue = [m.name for m in candidates if not _waits_for_import(m.name)]
    taken: set[str] = set(queue)
    brought: dict[str, Distribution] = {}
    faults: list[str] = []
    while queue:
        member = by_name[queue.pop()]
        if not member.name.endswith(".py"):
            continue
        tree = parse(member)
        if member.name.startswith(f"competitions/{folder}/"):
            faults += [_path_fault(member.name, *found) for found in hard_coded_paths(tree)]
        for made in imports_in(member, tree):
            top = made.module.split(".")[0]
            if top in OURS:
                new = _modules(made, by_name)
                faults += [] if new or made.guarded else [_not_packed(member.name, made)]
            elif top in bundled and top not in IMAGE and top not in brought:
                brought[top] = bundled[top]
                by_name.update({m.name: m for m in package_members(bundled[top])})
                new = {m.name for m in package_members(bundled[top])}
            else:
                new = set()
                known = made.guarded or top in packages or top in brought or _has(top)
                faults += [] if known else [_lacking(member.name, made)]
            queue += sorted(new - taken)
            taken |= new
    if faults:
        more = f" (and {len(faults) - 1} more of the kind)" if len(faults) > 1 else ""
        raise UsageError(sorted(faults)[0] + more)
    kept = tuple(by_name[name] for name in sorted(taken))
    return kept, tuple(sorted({called(distribution) for distribution in brought.values()}))


def _waits_for_import(name: str) -> bool:
    """True for a module that travels only where it is imported."""
    return name.startswith("common/") and name.endswith(".py") and name != "common/__init__.py"


def _modules(made: Import, by_name: dict[str, Member]) -> set[str]:
    """The files of an imported module, of the modules taken from it, and of the packages above."""
    names = [made.module, *(f"{made.module}.{name}" for name in made.names)]
    files = [found for name in names if (found := _file_of(name, by_name))]
    if not files or files[0] != _file_of(made.module, by_name):
        return set()
    above = [
        _file_of(".".join(made.module.split(".")[:depth]), by_name)
        for depth in range(1, made.module.count(".") + 1)
    ]
    return {*files, *(name for name in above if name)}


def _file_of(module: str, by_name: dict[str, Member]) -> str:
    path = module.replace(".", "/")
    return next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in by_name), "")


def _has(top: str) -> bool:
    """True for what Python or Kaggle's image brings."""
    return top in IMAGE or (top in sys.stdlib_module_names and top not in GONE)


def _lacking(name: str, made: Import) -> str:
    top = made.module.split(".")[0]
    if top in GONE:
        return f"{name}:{made.line} imports {top}, which is gone from Python 3.12 or 3.13"
    near = unknown_name("module", top, IMAGE).partition("There are")[0].partition("; ")[2]
    return f"{name}:{made.line} imports {top}, which Kaggle's image lacks; {near}{WHEEL}"


def _not_packed(name: str, made: Import) -> str:
    return (
        f"{name}:{made.line} imports {made.module}, which does not travel; expected a module of "
        "common/ or of its own competition: copy what is needed into the competition's folder"
    )


def _path_fault(name: str, line: int, text: str) -> str:
    return (
        f"{name}:{line} has the hard-coded path {text!r}; expected context.root for the host's "
        "files or context.work for one's own"
    )
