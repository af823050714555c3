"""Runs the two judging scripts on files in a folder, and reads what they print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts import check_submission, score

Given = str | bytes | Path  # a file's content, or the place of a file or folder


@dataclass(frozen=True)
class Judged:
    """One competition, judged in one folder."""

    competition: str
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def path(self, name: str, content: str | bytes) -> Path:
        """A file of the folder, written."""
        raw = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(raw)
        return self.folder / name

    def scored(self, submission: Given, solution: Given) -> dict[str, Any]:
        """What `score --json` tells of files, given by their content or their place."""
        code, out, err = self.score(submission, solution, "--json")
        assert (code, err) == (0, "")
        result: dict[str, Any] = json.loads(out)
        return result

    def refused(self, submission: Given, solution: Given) -> list[str]:
        """The faults that `score` lists on stdout; the one line on stderr names the first."""
        return self._faults(*self.score(submission, solution))

    def check_refused(self, submission: Given, sample: Given) -> list[str]:
        """The faults that `check_submission` lists on stdout."""
        return self._faults(*self.check(submission, sample))

    def score(self, submission: Given, solution: Given, *options: str) -> tuple[int, str, str]:
        """The exit code of `score`, its stdout and its stderr."""
        given = self._place("submission.csv", submission)
        truth = self._place("solution.csv", solution)
        argv = [self.competition, "--submission", str(given), "--solution", str(truth)]
        return self._run(score.main([*argv, *options]))

    def check(self, submission: Given, sample: Given, *options: str) -> tuple[int, str, str]:
        """The exit code of `check_submission`, its stdout and its stderr."""
        given = self._place("submission.csv", submission)
        asked = self._place("sample_submission.csv", sample)
        argv = [self.competition, "--submission", str(given), "--sample", str(asked)]
        return self._run(check_submission.main([*argv, *options]))

    def _place(self, name: str, given: Given) -> Path:
        return given if isinstance(given, Path) else self.path(name, given)

    def _run(self, code: int) -> tuple[int, str, str]:
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err

    def _faults(self, code: int, out: str, err: str) -> list[str]:
        assert code == 2
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1
        title, *lines = out.splitlines()
        faults = [line.removeprefix("  - ") for line in lines]
        assert title == f"{len(faults)} fault{'s' if len(faults) > 1 else ''} found:"
        assert faults[0] in err
        return faults
