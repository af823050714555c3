"""The earlier output of a train kernel, attached to itself: what it goes on from.

A run that was made with other code, settings or folds is not gone on with: its models would not be
those that this kernel trains. Where the kernel was built with --resume, which says that going on
is wanted, that ends it within a minute. Elsewhere what is attached may be there for another
reason, so one line says why it is passed over, and the kernel trains from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import RunError
from common.kernels.attached_runs import SAME, record_of, runs_below
from common.kernels.config import KernelConfig
from common.kernels.rehearsed import Rehearsal
from common.mounts import DEEPEST_MARKER
from common.runfolder import LEFT_OUT, RunFolder

Say = Callable[[str], None]
TOGETHER = (*SAME, "folds")  # what an earlier run and this kernel must have in common


def take_earlier_run(
    config: KernelConfig, rehearsal: Rehearsal | None, target: Path, say: Say = print
) -> bool:
    """Copies the attached run that this kernel can go on with; False where there is none.

    Args:
        target: where the run is to lie; nothing may lie there yet.

    Raises: RunError where the kernel was built with --resume and finds no such run. A rehearsal,
    which has none, goes on without.
    """
    said: list[str] = []
    for run, record in _recorded_runs():
        reason = _why_not(record, config, rehearsal)
        if not reason:
            say(f"goes on with {run.path}{_how_far(run)}")
            files.copy_folder(run.path, target)
            return True
        if record.get("kernel") == config.kernel:
            said.append(f"{run.path} {reason}")
    if config.resume and rehearsal is None:
        found = "; ".join(said) or f"nothing of {config.kernel} is attached"
        raise RunError(
            f"this kernel was built with --resume, and {found}; expected its own earlier output, "
            "of the same code, settings and folds: build it without --resume to train anew"
        )
    for line in said:
        say(f"{line}; it is passed over, and training begins anew")
    return False


def _recorded_runs() -> Iterator[tuple[RunFolder, dict[str, Any]]]:
    """The attached runs that a kernel made, with its record: those that ended well, and those that
    were ended from outside."""
    for run in runs_below(paths.input_root(), DEEPEST_MARKER):
        record = record_of(run) or record_of(RunFolder(run.path.parent))
        if record is not None and record.get("role") == "train":
            yield run, record


def _why_not(record: dict[str, Any], config: KernelConfig, rehearsal: Rehearsal | None) -> str:
    """What speaks against going on with a run; "" for nothing."""
    if (record.get("rehearsal") is None) is not (rehearsal is None):
        made = "no rehearsal" if record.get("rehearsal") is None else "a rehearsal"
        return f"was made by {made}"
    theirs, ours = record["config"], config.as_dict()
    for name in TOGETHER:
        if theirs.get(name) != ours[name]:
            return f"was made with {name} {theirs.get(name)!r}, and this kernel has {ours[name]!r}"
    return ""


def _how_far(run: RunFolder) -> str:
    """What the earlier run left out, for the log."""
    path = run / LEFT_OUT
    left_out = "; ".join(files.read_json(path)) if path.is_file() else ""
    return f", which left out {left_out}" if left_out else ""
