"""Runs the two judging scripts on files in a folder, and reads what they print."""

from __future__ import annotations

import json
from collections.abc import Callable
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

    def scored(self, submission: Given, solution: Given) -> dict[str, Any]:
        """What `score --json` tells; the last line without `--json` must be the same score."""
        code, out, err = self.score(submission, solution, "--json")
        assert (code, err) == (0, "")
        result: dict[str, Any] = json.loads(out)
        code, out, err = self.score(submission, solution)
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == f"score: {result['score']!r}"
        return result

    def checked(self, submission: Given, sample: Given) -> list[str]:
        """The lines of `check_submission` where it finds no fault."""
        code, out, err = self.check(submission, sample)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[-1].startswith("valid: ")
        return lines

    def refused(self, submission: Given, solution: Given) -> list[str]:
        """The faults that `score` lists on stdout; the one line on stderr names the first."""
        return _faults(*self.score(submission, solution))

    def check_refused(self, submission: Given, sample: Given) -> list[str]:
        """The faults that `check_submission` lists on stdout."""
        return _faults(*self.check(submission, sample))

    def refused_by_both(
        self, submission: Given, solution: Given, sample: Given | None = None
    ) -> list[str]:
        """The faults, which both scripts must list alike.

        Args:
            sample: what `check_submission` compares with (default: the solution).
        """
        faults = self.refused(submission, solution)
        assert self.check_refused(submission, solution if sample is None else sample) == faults
        return faults

    def solution_refused(self, submission: Given, solution: Given) -> str:
        """The one line on stderr where no fault is the submission's: stdout stays empty."""
        code, out, err = self.score(submission, solution)
        assert (code, out) == (2, "")
        return _only_line(err)

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

    def path(self, name: str, content: str | bytes) -> Path:
        """A file of the folder, written."""
        raw = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(raw)
        return self.folder / name

    def _place(self, name: str, given: Given) -> Path:
        return given if isinstance(given, Path) else self.path(name, given)

    def _run(self, code: int) -> tuple[int, str, str]:
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err


def judged_fixture(competition: str) -> Callable[..., Judged]:
    """A fixture: the competition, judged in the test's own folder."""

    @pytest.fixture
    def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
        return Judged(competition, tmp_path, capsys)

    return judged


def _faults(code: int, out: str, err: str) -> list[str]:
    assert code == 2
    title, *lines = out.splitlines()
    faults = [line.removeprefix("  - ") for line in lines]
    assert title == f"{len(faults)} fault{'s' if len(faults) > 1 else ''} found:"
    assert faults[0] in _only_line(err)
    return faults


def _only_line(err: str) -> str:
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    return err.rstrip("\n")
