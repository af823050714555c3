"""scripts/score.py beside a fixture: its own ladder and name, never the host's rungs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.score import FIXTURE_FILE
from tests.competitions.judged import Judged, judged_fixture
from tests.scripts.six_digits import GOOD, SCORE, SOLUTION

judged = judged_fixture("digit-recognizer")


@pytest.fixture
def marked(judged: Judged) -> Path:
    """A folder with a solution, and with a marker that says that it is a fixture."""
    rungs = [
        {"name": "constant", "score": 0.25, "source": "measured"},
        {"name": "nearest mean", "score": 0.875, "source": "measured"},
    ]
    facts = {"called": "digits of a test", "synthetic": True, "rungs": rungs}
    judged.path(FIXTURE_FILE, json.dumps(facts))
    judged.path("solution.csv", SOLUTION)
    return judged.folder


@pytest.mark.parametrize("name", ["", "solution.csv"])
def test_a_fixture_is_judged_by_its_own_ladder_and_called_by_its_name(
    judged: Judged, marked: Path, name: str
) -> None:
    code, out, err = judged.score(GOOD, marked / name)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "digits of a test" in lines[0]
    assert lines[-2] == "0.83333 lies between constant (0.25) and nearest mean (0.875)"
    assert lines[-1] == f"score: {SCORE!r}"
    assert "benchmark" not in out
    assert "0.96557" not in out


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (SOLUTION, 0, "1 is better than the highest rung, nearest mean (0.875)"),
        ("ImageId,Label\n1,0\n2,1\n3,0\n4,0\n5,0\n6,4\n", 0, "below the lowest rung, constant"),
        ("ImageId,Label\n1,0\n", 2, "5 of 6 ids are missing"),
    ],
)
def test_a_fixture_never_shows_the_hosts_rungs(
    judged: Judged, marked: Path, content: str, code: int, words: str
) -> None:
    found, out, _ = judged.score(content, marked)
    assert found == code
    assert words in out
    for word in ("benchmark", "CNN", "leaked", "sample submission"):
        assert word not in out


def test_json_says_what_the_data_are_called(judged: Judged, marked: Path) -> None:
    result = judged.scored(GOOD, marked)
    assert result["data"] == "digits of a test"
    assert "nearest mean" in result["place"]


def test_a_marker_that_was_edited_is_one_line(judged: Judged, marked: Path) -> None:
    (marked / FIXTURE_FILE).write_text("{}")
    assert "FIXTURE.json" in judged.solution_refused(GOOD, marked)
