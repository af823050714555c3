"""What kernels and their folders are called."""

from __future__ import annotations

from pathlib import Path

from common import paths
from common.errors import UsageError
from common.kernels.metadata import check_slug
from common.spec import LONGEST_SHORT_NAME, KernelSpec, short_kernel_name


def short_name(folder: str, kernel: KernelSpec) -> str:
    """The name that a competition's kernels begin with.

    Raises: UsageError where it is too long or not in lower case.
    """
    name = kernel.short_name or short_kernel_name(folder)
    where = f"KernelSpec.short_name of competitions/{folder}/spec.py"
    if len(name) > LONGEST_SHORT_NAME:
        raise UsageError(
            f"{where} is {name!r}, {len(name)} characters; expected at most {LONGEST_SHORT_NAME}"
        )
    check_slug(f"{name}-train", where)
    return name


def part_name(role: str, pipeline: str, folds: tuple[str, ...]) -> str:
    """What follows the short name: the role, another pipeline than the default, and the folds."""
    words = [role]
    words += [pipeline.replace("_", "-").lower()] if pipeline else []
    words += ["folds", *folds] if folds else []
    return "-".join(words)


def kernel_slug(folder: str, kernel: KernelSpec, part: str) -> str:
    """The slug of one kernel.

    Raises: UsageError where Kaggle would refuse it.
    """
    slug = f"{short_name(folder, kernel)}-{part}"
    check_slug(slug)
    return slug


def kernels_dir(folder: str) -> Path:
    """Where a competition's built kernels lie."""
    return paths.repository() / "kernels" / folder.replace("_", "-")
