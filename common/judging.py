"""What `score` and `check_submission` print, over the judge and the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from common import paths, registry
from common.errors import DataError, SubmissionError
from common.judges import Breakdown, TableJudge, Verdict
from common.score import ladder_beside
from common.spec import CompetitionSpec

Result = TypeVar("Result")

_MOST_ROWS_SHOWN = 20


def score_files(competition: str, submission: Path, solution: Path, *, as_json: bool) -> int:
    """Prints the score of a submission; gives the exit code."""
    spec = registry.load_spec(registry.find(competition))
    judge = spec.judge or TableJudge()
    verdict = _with_faults_shown(lambda: judge.score(spec, submission, solution), spec, as_json)
    ladder, called = ladder_beside(solution, spec)
    place = ladder.place(verdict.score, spec.metric)
    if as_json:
        result = {
            "competition": spec.slug,
            "metric": spec.metric.name,
            "higher_is_better": spec.metric.higher_is_better,
            "score": verdict.score,
            **verdict.parts,
            **({"weights": verdict.weights} if verdict.weights else {}),
            **{name: table.rows for name, table in verdict.breakdowns.items()},
            "rows": verdict.n_rows,
            "counted": verdict.counted,
            "place": place,
            "data": called or "the host's",
            "warnings": list(verdict.doubts),
        }
        print(json.dumps(result))
        return 0
    if called:
        print(f"data: {called}")
    _print_verdict(verdict, spec)
    if place:
        print(place)
    print(f"score: {verdict.score!r}")
    return 0


def _print_verdict(verdict: Verdict, spec: CompetitionSpec) -> None:
    """What stands before the score: what was counted, warnings, and what the score is made of."""
    direction = "higher" if spec.metric.higher_is_better else "lower"
    print(f"{spec.metric.name} over {verdict.n_rows} {verdict.counted}, {direction} is better")
    for line in verdict.doubts:
        print(f"warning: {line}")
    for name, value in verdict.parts.items():
        weight = f", weight {verdict.weights[name]!r}" if name in verdict.weights else ""
        print(f"  {name}: {value!r}{weight}")
    for table in verdict.breakdowns.values():
        _print_breakdown(table)


def _print_breakdown(table: Breakdown) -> None:
    """A table for people; one of hundreds of classes is for programs alone."""
    if not 0 < len(table.rows) <= _MOST_ROWS_SHOWN:
        return
    width = max(map(len, table.rows))
    columns = list(next(iter(table.rows.values())))
    print(f"{table.title}:")
    for name, numbers in table.rows.items():
        shown = "  ".join(f"{column} {numbers[column]:.5g}" for column in columns)
        print(f"  {name:<{width}}  {shown}")


def check_files(competition: str, submission: Path, sample: Path | None, *, as_json: bool) -> int:
    """Prints whether the competition would accept a submission; gives the exit code."""
    folder = registry.find(competition)
    spec = registry.load_spec(folder)
    if sample is None:
        sample = paths.data_dir(folder) / spec.file("sample_submission").name
        if not sample.exists():
            raise DataError(
                f"{paths.shown(sample)} does not exist; name the host's sample file with --sample"
            )
    judge = spec.judge or TableJudge()
    asked = sample
    checked = _with_faults_shown(lambda: judge.check(spec, submission, asked), spec, as_json)
    if as_json:
        facts = {"competition": spec.slug, "valid": True, "rows": checked.n_rows}
        facts |= {"counted": checked.counted, "warnings": list(checked.doubts)}
        print(json.dumps(facts))
        return 0
    for line in checked.doubts:
        print(f"warning: {line}")
    print(f"valid: {checked.n_rows} {checked.counted}, as {paths.shown(sample)} asks for")
    return 0


def _with_faults_shown(read: Callable[[], Result], spec: CompetitionSpec, as_json: bool) -> Result:
    """Lists all faults of a submission on stdout before the one line on stderr."""
    try:
        return read()
    except SubmissionError as error:
        if as_json:
            faults = list(error.faults)
            print(json.dumps({"competition": spec.slug, "valid": False, "faults": faults}))
        else:
            print(f"{len(error.faults)} fault{'s' if len(error.faults) > 1 else ''} found:")
            for fault in error.faults:
                print(f"  - {fault}")
        raise
