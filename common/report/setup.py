"""With what the run was made, and how to do it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import paths
from common.oof import SOLUTION, SUBMISSION
from common.report.evidence import Evidence
from common.report.markup import Html, columns, join, note, scrolling, table, tag
from common.report.page import Section
from common.runfolder import BLEND


def settings(evidence: Evidence) -> Section:
    """Settings and environment, side by side; of a blend its parts and the environment."""
    if evidence.is_blend:
        return _parts(evidence.facts[BLEND], evidence)
    facts = {"folds trained": evidence.facts["folds"], **evidence.facts["settings"]}
    body = columns(
        tag("div", tag("h3", "Settings"), _pairs(facts)),
        tag("div", tag("h3", "Environment"), _environment(evidence)),
    )
    return Section("settings", "Settings and environment", body)


def _parts(blend: Mapping[str, Any], evidence: Evidence) -> Section:
    """How much of which run a blend holds."""
    folds = blend["by_fold"]
    header = ("run", "pipeline", "out of fold", "weight", *(f"for fold {fold}" for fold in folds))
    rows = [
        (
            part["name"],
            part["pipeline"],
            f"{part['pooled']:.5g}",
            f"{part['weight']:.4f}",
            *(f"{weights[number]:.4f}" for weights in folds.values()),
        )
        for number, part in enumerate(blend["parts"])
    ]
    fitted = "The weights for a fold were fitted on the other folds; the test set has the others."
    body = [
        tag("h3", f"Parts, method {blend['method']}"),
        table(header, rows, numbers=range(2, len(header))),
        note(fitted) if folds else None,
        tag("h3", "Environment"),
        _environment(evidence),
    ]
    return Section("settings", "Parts and environment", join(body))


def _environment(evidence: Evidence) -> Html:
    found = dict(evidence.environment)
    if not found:
        return note("The run has no environment.json.")
    versions = found.pop("versions", {})
    return _pairs({**found, **versions})


def _pairs(values: Mapping[str, Any]) -> Html:
    return table((), [(name, _as_text(value)) for name, value in values.items()])


def _as_text(value: Any) -> str:
    """A value as one types it."""
    if isinstance(value, list):
        return ", ".join(map(_as_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def commands(evidence: Evidence) -> Section:
    """What to type in the repository to validate, predict and score this run again; a blend is
    made again."""
    folder = str(evidence.facts["competition"])
    run = _run_name(folder, evidence.run.path)
    data = _typed(paths.fixture_dir(folder)) if evidence.fixture else ""
    where = ["--data", data] if data else []
    lines = []
    if evidence.fixture:
        seed = str(evidence.fixture.get("seed", 0))
        lines.append(["scripts/fixture.py", folder, "--seed", seed])
    if evidence.is_blend:
        lines = [_blend_command(evidence.facts[BLEND], folder, run)]
    else:
        lines.append(["scripts/validate.py", folder, "--run", run, *where])
        lines.append(["scripts/predict.py", folder, "--run", run, *where])
    if evidence.scores is not None:
        files = [_typed(evidence.run / name) for name in (SUBMISSION, SOLUTION)]
        lines.append(["scripts/score.py", folder, "--submission", files[0], "--solution", files[1]])
    typed = "\n".join(shlex.join(["python", *line]) for line in lines)
    home = _typed(paths.data_dir(folder))
    elsewhere = f"Add --data where the host's files lie elsewhere than in {home}."
    body = [
        scrolling(tag("pre", tag("code", typed))),
        note("To be typed in the repository. ", "" if evidence.fixture else elsewhere),
    ]
    return Section("commands", "Do it again", join(body))


def _blend_command(blend: Mapping[str, Any], folder: str, run: str) -> list[str]:
    method, parts = blend["method"], blend["parts"]
    words = ["scripts/blend.py", folder, *(part["name"] for part in parts), "--method", method]
    if not blend["by_fold"]:
        words += ["--weights", ",".join(f"{part['weight']:.6g}" for part in parts)]
    return [*words, "--run", run, "--overwrite"]


def _run_name(folder: str, path: Path) -> str:
    """What --run takes: the name of a run under runs/<folder>/, else a path with a slash."""
    if path.resolve().parent == paths.runs_dir(folder).resolve():
        return path.name
    typed = _typed(path)
    return typed if "/" in typed else f"./{typed}"


def _typed(path: Path) -> str:
    """A path as one types it in the repository."""
    try:
        return str(path.resolve().relative_to(paths.repository()))
    except ValueError:
        return str(path.resolve())
