"""Runs cases side by side: equal results first, then alternating rounds, medians and ranges."""

from __future__ import annotations

import importlib
import json
import math
import operator
import os
import platform
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from common.errors import UsageError, unknown_name

AREAS = (
    "start",
    "submissions",
    "run_lengths",
    "metrics",
    "detection",
    "image_reader",
    "image_loader",
    "augmentation",
    "tta",
    "tabular",
    "training",
    "signals",
)
SHORTEST = 0.05  # CPU seconds of one sample
NOISY = 1.5  # largest over smallest ratio of a case's rounds


@dataclass(frozen=True)
class Process:
    """A command that is measured as a whole; its last line of output is its result.

    Its modules are compiled once, when the results are compared, as installed packages are.
    """

    command: tuple[str, ...]

    def run(self) -> tuple[str, float]:
        """The last line that it prints, and the CPU seconds that it took."""
        settings = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        settings.pop("PYTHONDONTWRITEBYTECODE", None)
        with tempfile.TemporaryFile() as out:
            pid = os.posix_spawn(
                self.command[0],
                self.command,
                settings,
                file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
            )
            _, status, usage = os.wait4(pid, 0)
            out.seek(0)
            lines = out.read().decode().splitlines()
        if status:
            raise UsageError(f"{' '.join(self.command[:3])} … ended with {status}; expected 0")
        return lines[-1], usage.ru_utime + usage.ru_stime


class Function:
    """A function of this process; called as often as it takes to be measured."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call, self.n_calls = call, 0

    def run(self) -> tuple[Any, float]:
        """What it gives, and the CPU seconds of one call."""
        if not self.n_calls:
            self.call()  # what is loaded or made once is not measured
            seconds = _cpu_seconds(self.call, 1)
            self.n_calls = max(1, math.ceil(SHORTEST / max(seconds, 1e-6)))
        return self.call(), _cpu_seconds(self.call, self.n_calls) / self.n_calls


def _cpu_seconds(call: Callable[[], Any], n_calls: int) -> float:
    started = time.process_time()
    for _ in range(n_calls):
        call()
    return time.process_time() - started


class Measured(Protocol):
    """Something that runs and says how long it took."""

    def run(self) -> tuple[Any, float]:
        """The result, and CPU seconds."""


@dataclass(frozen=True)
class Case:
    """One thing that is measured, and the peers that do the same.

    Args:
        equal: whether two results are the same; they are compared before anything is measured.
        unit: of what is measured; the goals call it cpu_seconds whatever it is.
    """

    name: str
    ours: Measured
    peers: Mapping[str, Measured] = field(default_factory=dict)
    equal: Callable[[Any, Any], bool] = operator.eq
    unit: str = "CPU s"


def run_areas(
    asked: Sequence[str], goals_file: Path, rounds: int, *, clocks: bool, json_file: Path | None
) -> list[str]:
    """Runs areas, prints a line per case, and gives the goals that were missed.

    Args:
        clocks: also hold the goals in seconds; off where the machine is shared.
    """
    goals = tomllib.loads(goals_file.read_text(encoding="utf-8"))
    for name in asked:
        if name not in AREAS:
            raise UsageError(unknown_name("area", name, AREAS))
    print(f"{_machine()}; {rounds} rounds; load {os.getloadavg()[0]:.1f}")
    missed, rows = [], []
    for area in asked or AREAS:
        cases = importlib.import_module(f"benchmarks.{area}").cases
        with tempfile.TemporaryDirectory() as work:
            for case in cases(Path(work)):
                row = {"case": f"{area}.{case.name}", "unit": case.unit, **_measure(case, rounds)}
                rows.append(row)
                print(_line(row))
                missed += _missed(row, goals.get(area, {}).get(case.name, {}), clocks=clocks)
    if json_file is not None:
        facts = {"machine": _machine(), "rounds": rounds}
        json_file.write_text("".join(json.dumps({**facts, **row}) + "\n" for row in rows))
    return missed


def _measure(case: Case, rounds: int) -> dict[str, Any]:
    everyone: list[tuple[str, Measured]] = [("", case.ours), *case.peers.items()]
    result = case.ours.run()[0]
    for name, peer in case.peers.items():
        if not case.equal(result, peer.run()[0]):
            raise UsageError(f"{case.name}: ours and {name} give different results")
    taken: dict[str, list[float]] = {name: [] for name, _ in everyone}
    for turn in range(rounds):
        for name, measured in everyone if turn % 2 == 0 else reversed(everyone):
            taken[name].append(measured.run()[1])
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
    parts = [f"{row['case']:<28} {row['cpu_seconds']:.3g} {row['unit']} [{low:.3g}..{high:.3g}]"]
    for name, ratio in row["ratios"].items():
        least, most = row["ratio_ranges"][name]
        noisy = " NOISY" if most / least > NOISY else ""
        shown = f"{_times(ratio)}x less than {name} [{_times(least)}..{_times(most)}]"
        parts.append(f"{shown}{noisy}")
    return "  ".join(parts)


def _times(ratio: float) -> str:
    """A ratio as it is shown: near 1 a tenth would hide which side is less."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


def _missed(row: dict[str, Any], goal: dict[str, Any], *, clocks: bool) -> list[str]:
    missed = []
    if clocks and row["cpu_seconds"] > goal.get("cpu_seconds", float("inf")):
        missed.append(f"{row['case']}: {row['cpu_seconds']:.3f} CPU s > {goal['cpu_seconds']}")
    for peer, floor in goal.get("floors", {}).items():
        if row["ratios"].get(peer, floor) < 0.8 * floor:
            missed.append(f"{row['case']}: {row['ratios'][peer]:.1f}x {peer} < 0.8 × {floor}")
    return missed


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
