"""What `score` and `check_submission` print, over the judge and the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from common import paths, registry
from common.errors import DataError, SubmissionError
from common.score import ladder_beside, read_aligned
from common.spec import CompetitionSpec
from common.submit import ids_of, read_submission

Result = TypeVar("Result")


def score_files(competition: str, submission: Path, solution: Path, *, as_json: bool) -> int:
    """Prints the score of a submission file; gives the exit code."""
    spec = registry.load_spec(registry.find(competition))
    aligned = _with_faults_shown(
        lambda: read_aligned(spec, submission, _solution_file(solution, spec)), spec, as_json
    )
    score = aligned.score(spec.metric)
    ladder, called = ladder_beside(solution, spec)
    place = ladder.place(score, spec.metric)
    if as_json:
        result = {
            "competition": spec.slug,
            "metric": spec.metric.name,
            "higher_is_better": spec.metric.higher_is_better,
            "score": score,
            "rows": len(aligned.keys),
            "place": place,
            "data": called or "the host's",
        }
        print(json.dumps(result))
        return 0
    if called:
        print(f"data: {called}")
    direction = "higher" if spec.metric.higher_is_better else "lower"
    print(f"{spec.metric.name} over {len(aligned.keys)} rows, {direction} is better")
    if place:
        print(place)
    print(f"score: {score!r}")
    return 0


def check_files(competition: str, submission: Path, sample: Path | None, *, as_json: bool) -> int:
    """Prints whether the competition would accept a file; gives the exit code."""
    folder = registry.find(competition)
    spec = registry.load_spec(folder)
    if sample is None:
        sample = paths.data_dir(folder) / spec.file("sample_submission").name
        if not sample.is_file():
            raise DataError(
                f"{paths.shown(sample)} does not exist; name the host's sample file with --sample"
            )
    asked = ids_of(sample, spec.submission)
    _with_faults_shown(lambda: read_submission(submission, spec.submission, asked), spec, as_json)
    if as_json:
        print(json.dumps({"competition": spec.slug, "valid": True, "rows": len(asked)}))
    else:
        print(f"valid: {len(asked)} rows, as {paths.shown(sample)} asks for")
    return 0


def _solution_file(solution: Path, spec: CompetitionSpec) -> Path:
    """The file that holds the truth; in a folder it is `solution.csv`."""
    return solution / "solution.csv" if solution.is_dir() else solution


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
