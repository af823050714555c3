"""scripts/score.py: what is scored, what is printed, and what is loaded for it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.score import main
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import spellings_of
from tests.conftest import REPOSITORY
from tests.scripts.six_digits import GOOD, SCORE, SOLUTION

judged = judged_fixture("digit-recognizer")


@spellings_of(GOOD)
def test_every_spelling_has_the_score_with_all_its_digits(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == SCORE


def test_the_score_is_the_last_line_and_its_place_stands_above(judged: Judged) -> None:
    code, out, err = judged.score(GOOD, SOLUTION)
    assert (code, err) == (0, "")
    first, *_, place, last = out.splitlines()
    assert first == "accuracy over 6 rows, higher is better"
    # the host's rungs that are nearest to 0.83333 are 0.10 and 0.96557
    assert place.startswith("0.83333 lies between sample submission, all 0 (0.1)")
    assert place.endswith("k-NN benchmark (0.96557)")
    assert last == "score: 0.8333333333333334"


def test_the_solution_may_be_named_by_its_folder(judged: Judged) -> None:
    judged.path("solution.csv", SOLUTION)
    assert judged.scored(GOOD, judged.folder)["score"] == SCORE


@pytest.mark.parametrize(
    "solution",
    [
        SOLUTION.replace("\n", "\r\n"),
        "\ufeff" + SOLUTION,
        "Label,Usage,ImageId\n4,Public,6\n7,Public,1\n0,Public,2\n9,Private,3\n1,,4\n4,,5\n",
    ],
)
def test_a_solution_is_read_as_tolerantly_as_a_submission(judged: Judged, solution: str) -> None:
    assert judged.scored(GOOD, solution)["score"] == SCORE


def test_a_submission_equal_to_the_solution_scores_one(judged: Judged) -> None:
    assert judged.scored(SOLUTION, SOLUTION)["score"] == 1.0


def test_a_submission_without_a_hit_scores_zero(judged: Judged) -> None:
    content = "ImageId,Label\n1,0\n2,1\n3,0\n4,0\n5,0\n6,0\n"
    assert judged.scored(content, SOLUTION)["score"] == 0.0


@settings(
    deadline=None,
    derandomize=True,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(shuffle=st.randoms())
def test_no_order_of_rows_changes_the_score(judged: Judged, shuffle: random.Random) -> None:
    header, *rows = GOOD.splitlines()
    shuffle.shuffle(rows)
    assert judged.scored("\n".join([header, *rows]), SOLUTION)["score"] == SCORE


@pytest.mark.parametrize("name", ["digit_recognizer", "Digit-Recognizer"])
def test_the_competition_is_found_by_folder_and_by_slug(judged: Judged, name: str) -> None:
    called = Judged(name, judged.folder, judged.capsys)
    assert called.scored(GOOD, SOLUTION)["score"] == SCORE


def test_json_is_one_object_and_nothing_else(judged: Judged) -> None:
    _, out, _ = judged.score(GOOD, SOLUTION, "--json")
    assert len(out.splitlines()) == 1
    result = judged.scored(GOOD, SOLUTION)
    assert result["competition"] == "digit-recognizer"
    assert result["metric"] == "accuracy"
    assert result["higher_is_better"] is True
    assert result["score"] == SCORE
    assert result["rows"] == 6
    assert "lies between" in result["place"]


def test_scoring_loads_nothing_heavy(judged: Judged) -> None:
    submission, solution = judged.path("s.csv", GOOD), judged.path("solution.csv", SOLUTION)
    argv = ["digit-recognizer", "--submission", str(submission), "--solution", str(solution)]
    code = (
        "import sys\n"
        "from scripts.score import main\n"
        f"assert main({argv!r}) == 0\n"
        "heavy = {'torch', 'fastai', 'sklearn', 'pandas', 'scipy', 'matplotlib', 'pyarrow'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "score: 0.8333333333333334"


def test_help_says_what_the_options_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for option in ("--submission", "--solution", "--json"):
        assert option in out
