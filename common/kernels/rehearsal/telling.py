"""What a rehearsal says, and what it leaves beside a kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import DataError
from common.kernels.build import BUILD_FILE, Built
from common.kernels.metadata import NOBODY
from common.kernels.rehearsal.acts import Acted
from common.kernels.rehearsal.mounting import owner_of

Say = Callable[[str], None]


def say_built(one: Built, say: Say) -> None:
    say(f"built {paths.shown(one.folder)}: {one.size:,} bytes, code {one.config.code[:12]}")


def built_before(out: Path) -> dict[str, dict[str, Any]]:
    """The configs of the kernels that an earlier build left, by folder."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(out.glob(f"*/{BUILD_FILE}")):
        with contextlib.suppress(DataError):  # one that was cut is built anew
            values = files.read_json(path)
            found[path.parent.name] = values.get("config", {}) if isinstance(values, dict) else {}
    return found


def say_changed(one: Built, before: dict[str, Any], say: Say) -> None:
    """Says where a kernel was built with other settings before: it would be pushed without them."""
    now = one.config.as_dict()
    for name in ("preset", "changes", "seed"):
        former = before.get(name, now[name])
        if former != now[name]:
            say(f"  was built with {name} {former!r}, and is now with {now[name]!r}: the same")
            say("  code; to push the former, run build_kernel.py once more after this")
            return


def say_isolation(first: Acted, say: Say) -> None:
    """The walls that were used, and the table's head."""
    mode = first.outcome.mode
    if mode.startswith("weak"):
        say(f"isolation: {mode}: sockets refused and writing fenced in; this machine's files can")
        say("  be read, and no folder is named /kaggle: less than Kaggle's own walls")
        for why in first.outcome.refused:
            say(f"  not possible here: {why}")
    else:
        say(f"isolation: {mode}: a root of its own, inputs read-only, no network")
    say(f"  {'':<24} mounts {'rows':>9} {'seconds':>8} {'memory':>10} {'output':>10} {'files':>6}")


def say_act(acted: Acted, say: Say) -> None:
    outcome, act = acted.outcome, acted.act
    state = "FAILED" if acted.problem else "ok"
    say(
        f"  {act.called:<24} {act.layout.name:<6} {act.rows:>9,} {outcome.seconds:>8.1f} "
        f"{outcome.peak_rss_bytes / 2**30:>6.2f} GiB {outcome.output_bytes / 1e6:>7.2f} MB "
        f"{outcome.output_files:>6}  {state}"
    )


def say_end(acted: Sequence[Acted], built: Sequence[Built], say: Say) -> None:
    """The notes, what all acts took, and how to push."""
    for line in _notes(acted):
        say(f"note: {line}")
    shape = built[0].config.machine_shape or "Kaggle's CPU"
    say(f"hours on {shape}: not measured on one, so not projected")
    seconds = sum(one.outcome.seconds for one in acted)
    peak = max(one.outcome.peak_rss_bytes for one in acted) / 2**30
    say(f"passed: {len(acted)} runs in {seconds:.0f} s, {peak:.1f} GiB at most")
    if owner_of(built[0]) == NOBODY:
        say("no Kaggle user is known yet: rehearse again with --user before pushing")
        return
    for one in built:
        say(f"push: kaggle kernels push -p {paths.shown(one.folder)}")


def result(one: Built, acted: Sequence[Acted]) -> dict[str, Any]:
    """What is kept beside a built kernel: which bytes passed, and the figures."""
    return {
        "passed": True,
        "code_file": {"name": one.code_file.name, "sha256": files.sha256(one.code_file)},
        "isolation": acted[0].outcome.mode,
        "acts": [_figures(act) for act in acted],
    }


def _figures(acted: Acted) -> dict[str, Any]:
    outcome, act = acted.outcome, acted.act
    return {
        "called": act.called,
        "mounts": act.layout.name,
        "rows": act.rows,
        "seconds": round(outcome.seconds, 1),
        "cpu_seconds": round(outcome.cpu_seconds, 1),
        "peak_bytes": outcome.peak_rss_bytes,
        "output_bytes": outcome.output_bytes,
        "output_files": outcome.output_files,
        "notes": list(acted.notes),
    }


def _notes(acted: Sequence[Acted]) -> list[str]:
    """Each note once, with the first act that gave it."""
    first: dict[str, str] = {}
    for one in acted:
        for note in one.notes:
            first.setdefault(note, one.act.called)
    return [f"{called} {note}" for note, called in first.items()]
