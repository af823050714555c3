"""What a kernel needs of all that could travel, and whether Kaggle has the rest.

From the entry points and the competition, imports are followed through `common/`. What no import
reaches (downloading, pushing, forking …) serves at home only and stays there, so a change in it
leaves the packed code, and the runs made with it, as they are.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution

from common.errors import UsageError
from common.kernels.bundled import called, package_members
from common.kernels.image import GONE, IMAGE
from common.kernels.listing import Member
from common.kernels.scan import Import, hard_coded_paths, imports_in, parse

OURS = ("common", "competitions", "kernels", "scripts", "tests", "benchmarks")
NEAR = 0.8  # how alike a name must be to one of the image's to be taken for a typing error
WHEEL = (
    "take what the image has, or attach its wheel: scripts/pack_dataset.py makes the data set, "
    "KernelSpec.datasets names it and KernelSpec.packages names the module"
)


def needed_members(
    candidates: Sequence[Member],
    folder: str,
    packages: Collection[str],
    bundled: dict[str, Distribution],
    pinned: Collection[str] = (),
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """The files that travel, and the packed dependencies as "name version".

    Args:
        candidates: all that may travel, by their paths in the repository.
        folder: of the competition.
        packages: modules that attached data sets bring.
        bundled: what may be packed along, by import name.
        pinned: what scripts/setup would have put there.

    Raises: UsageError, with the place, for an import that would fail on Kaggle and for a path that
    exists on one machine only; DataError for a source that is no Python.
    """
    known = {member.name: member for member in candidates}
    walk = _Walk(known, f"competitions/{folder}/", packages, bundled, pinned)
    walk.take(member.name for member in candidates if not _waits_for_import(member.name))
    while walk.queue:
        walk.read(known[walk.queue.pop()])
    if walk.faults:
        others = len(walk.faults) - 1
        more = f" (and {others} more of the kind)" if others else ""
        raise UsageError(min(walk.faults) + more)
    kept = tuple(known[name] for name in sorted(walk.taken))
    return kept, tuple(sorted(map(called, walk.brought.values())))


@dataclass
class _Walk:
    """The way along the imports.

    Args:
        known: the files that may travel; those of a dependency are entered when it is met.
        own: where the competition's files lie.
        queue: what has been taken and is still to be read.
    """

    known: dict[str, Member]
    own: str
    packages: Collection[str]
    bundled: dict[str, Distribution]
    pinned: Collection[str]
    queue: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    brought: dict[str, Distribution] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def take(self, names: Iterable[str]) -> None:
        new = sorted(set(names) - self.taken)
        self.queue += new
        self.taken.update(new)

    def read(self, member: Member) -> None:
        if not member.name.endswith(".py"):
            return
        tree = parse(member)
        if member.name.startswith(self.own):
            self.faults += [_path_fault(member.name, *found) for found in hard_coded_paths(tree)]
        for made in imports_in(member, tree):
            self.follow(member.name, made)

    def follow(self, name: str, made: Import) -> None:
        top = made.module.split(".")[0]
        if top in OURS:
            found = _modules(made, self.known)
            self.take(found)
            if not (found or made.guarded):
                self.faults.append(_not_packed(name, made))
        elif top in self.bundled and top not in IMAGE:
            self.bring(top)
        elif not (made.guarded or top in self.packages or _has(top)):
            self.faults.append(_lacking(name, made, pinned=top in self.pinned))

    def bring(self, top: str) -> None:
        if top in self.brought:
            return
        self.brought[top] = self.bundled[top]
        files = package_members(self.bundled[top])
        self.known.update({member.name: member for member in files})
        self.take(member.name for member in files)


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


def _lacking(name: str, made: Import, *, pinned: bool) -> str:
    top = made.module.split(".")[0]
    if pinned:
        return (
            f"{name}:{made.line} imports {top}, which travels with the kernel and is not in this "
            "environment's folder bundled/: run scripts/setup"
        )
    if top in GONE:
        return f"{name}:{made.line} imports {top}, which is gone from Python 3.12 or 3.13"
    near = difflib.get_close_matches(top, IMAGE, n=1, cutoff=NEAR)
    hint = f"did you mean {near[0]!r}? Otherwise " if near else ""
    return f"{name}:{made.line} imports {top}, which Kaggle's image lacks; {hint}{WHEEL}"


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
