"""Runs cases side by side: equal results first, then alternating rounds, medians and ranges."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import UsageError, unknown_name

NOISY = 1.5  # largest over smallest ratio of a case's rounds


@dataclass(frozen=True)
class Process:
    """A command that is measured as a whole; its last line of output is its result."""

    command: tuple[str, ...]

    def run(self) -> tuple[str, float]:
        """The last line that it prints, and the CPU seconds that it took."""
        with tempfile.TemporaryFile() as out:
            pid = os.posix_spawn(
                self.command[0],
                self.command,
                {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
            )
            _, status, usage = os.wait4(pid, 0)
            out.seek(0)
            lines = out.read().decode().splitlines()
        if status:
            raise UsageError(f"{' '.join(self.command[:3])} … ended with {status}; expected 0")
        return lines[-1], usage.ru_utime + usage.ru_stime


@dataclass(frozen=True)
class Case:
    """One thing that is measured, and the peers that do the same."""

    name: str
    ours: Process
    peers: dict[str, Process] = field(default_factory=dict)


def run_areas(
    asked: Sequence[str], goals_file: Path, rounds: int, *, clocks: bool, json_file: Path | None
) -> list[str]:
    """Runs areas, prints a line per case, and gives the goals that were missed.

    Args:
        clocks: also hold the goals in seconds; off where the machine is shared.
    """
    goals = tomllib.loads(goals_file.read_text(encoding="utf-8"))
    areas = _areas()
    for name in asked:
        if name not in areas:
            raise UsageError(unknown_name("area", name, areas))
    print(f"{_machine()}; {rounds} rounds; load {os.getloadavg()[0]:.1f}")
    missed, rows = [], []
    for area in asked or sorted(areas):
        with tempfile.TemporaryDirectory() as work:
            for case in areas[area].cases(Path(work)):
                row = {"case": f"{area}.{case.name}", **_measure(case, rounds)}
                rows.append(row)
                print(_line(row))
                missed += _missed(row, goals.get(area, {}).get(case.name, {}), clocks=clocks)
    if json_file is not None:
        facts = {"machine": _machine(), "rounds": rounds}
        json_file.write_text("".join(json.dumps({**facts, **row}) + "\n" for row in rows))
    return missed


def _areas() -> dict[str, Any]:
    from benchmarks import start

    return {"start": start}


def _measure(case: Case, rounds: int) -> dict[str, Any]:
    results = {name: process.run()[0] for name, process in {"": case.ours, **case.peers}.items()}
    if len(set(results.values())) > 1:
        raise UsageError(f"{case.name}: ours and the peers differ: {results}")
    taken: dict[str, list[float]] = {name: [] for name in results}
    everyone = [("", case.ours), *case.peers.items()]
    for turn in range(rounds):
        for name, process in everyone if turn % 2 == 0 else reversed(everyone):
            taken[name].append(process.run()[1])
    ours = taken.pop("")
    ratios = {
        name: sorted(peer / our for peer, our in zip(times, ours, strict=True))
        for name, times in taken.items()
    }
    return {
        "cpu_seconds": statistics.median(ours),
        "range": [min(ours), max(ours)],
        "ratios": {name: statistics.median(values) for name, values in ratios.items()},
        "ratio_ranges": {name: [values[0], values[-1]] for name, values in ratios.items()},
    }


def _line(row: dict[str, Any]) -> str:
    low, high = row["range"]
    parts = [f"{row['case']:<14} {row['cpu_seconds']:.3f} CPU s [{low:.3f}..{high:.3f}]"]
    for name, ratio in row["ratios"].items():
        least, most = row["ratio_ranges"][name]
        noisy = " NOISY" if most / least > NOISY else ""
        parts.append(f"{ratio:.1f}x less than {name} [{least:.1f}..{most:.1f}]{noisy}")
    return "  ".join(parts)


def _missed(row: dict[str, Any], goal: dict[str, Any], *, clocks: bool) -> list[str]:
    missed = []
    if clocks and row["cpu_seconds"] > goal.get("cpu_seconds", float("inf")):
        missed.append(f"{row['case']}: {row['cpu_seconds']:.3f} CPU s > {goal['cpu_seconds']}")
    if "floor" in goal and row["ratios"][goal["peer"]] < 0.8 * goal["floor"]:
        missed.append(f"{row['case']}: {row['ratios'][goal['peer']]:.1f}x < 0.8 × {goal['floor']}")
    return missed


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
