"""scripts/score.py: the score on the last line, or one line that says what is wrong."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.score import FIXTURE_FILE
from scripts.score import main

REPOSITORY = Path(__file__).resolve().parents[2]

# five of six are right: row 3 is not
SOLUTION = "ImageId,Label\n1,7\n2,0\n3,9\n4,1\n5,4\n6,4\n"
GOOD = "ImageId,Label\n1,7\n2,0\n3,5\n4,1\n5,4\n6,4\n"
FIVE_SIXTHS = "0.8333333333333334"

Score = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "solution.csv").write_text(SOLUTION)
    (tmp_path / "submission.csv").write_text(GOOD)
    return tmp_path


@pytest.fixture
def score(folder: Path) -> Score:
    """Runs the script on a submission, given as its content or as the name of a file."""

    def run(content: str | bytes | None = None, *options: str, **places: Path) -> int:
        if content is not None:
            raw = content.encode() if isinstance(content, str) else content
            (folder / "submission.csv").write_bytes(raw)
        submission = places.get("submission", folder / "submission.csv")
        solution = places.get("solution", folder / "solution.csv")
        argv = ["digit-recognizer", "--submission", str(submission), "--solution", str(solution)]
        return main([*argv, *options])

    return run


def one_line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What was printed, and the only line on stderr."""
    captured = capsys.readouterr()
    assert captured.err.endswith("\n")
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("error: ")
    return captured.out, captured.err.rstrip("\n")


def assert_scored(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert lines[-1] == f"score: {FIVE_SIXTHS}"
    return lines


# what is scored


SPELLINGS = {
    "plain": GOOD,
    "no newline at the end": GOOD.rstrip("\n"),
    "blank lines at the end": GOOD + "\n\n",
    "CRLF": GOOD.replace("\n", "\r\n"),
    "byte-order mark": "\ufeff" + GOOD,
    "quoted cells": '"ImageId","Label"\n"1","7"\n"2","0"\n"3","5"\n"4","1"\n"5","4"\n"6","4"\n',
    "other order of rows": "ImageId,Label\n6,4\n3,5\n1,7\n2,0\n5,4\n4,1\n",
    "other order of columns": "Label,ImageId\n7,1\n0,2\n5,3\n1,4\n4,5\n4,6\n",
}


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS)
def test_the_last_line_is_the_score_with_all_its_digits(
    score: Score, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(content) == 0
    lines = assert_scored(capsys)
    assert any("accuracy" in line and "6 rows" in line and "higher" in line for line in lines)


def test_the_place_on_the_ladder_stands_above_the_score(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score() == 0
    # the host's rungs that are nearest to 0.83333 are 0.10 and 0.96557
    place = assert_scored(capsys)[-2]
    assert place.startswith("0.83333 lies between sample submission, all 0 (0.1)")
    assert place.endswith("k-NN benchmark (0.96557)")


def test_the_solution_may_be_named_by_its_folder(
    score: Score, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(solution=folder) == 0
    assert_scored(capsys)


@pytest.mark.parametrize(
    "solution",
    [
        SOLUTION.replace("\n", "\r\n"),
        "\ufeff" + SOLUTION,
        "Label,Usage,ImageId\n4,Public,6\n7,Public,1\n0,Public,2\n9,Private,3\n1,,4\n4,,5\n",
    ],
)
def test_a_solution_is_read_as_tolerantly_as_a_submission(
    score: Score, folder: Path, solution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "solution.csv").write_bytes(solution.encode())
    assert score() == 0
    assert_scored(capsys)


def test_a_submission_equal_to_the_solution_scores_one(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(SOLUTION) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "score: 1.0"


def test_a_submission_without_a_hit_scores_zero(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score("ImageId,Label\n1,0\n2,1\n3,0\n4,0\n5,0\n6,0\n") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "score: 0.0"


@settings(
    deadline=None,
    derandomize=True,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(shuffle=st.randoms())
def test_no_order_of_rows_changes_the_score(
    score: Score, capsys: pytest.CaptureFixture[str], shuffle: random.Random
) -> None:
    header, *rows = GOOD.splitlines()
    shuffle.shuffle(rows)
    assert score("\n".join([header, *rows])) == 0
    assert_scored(capsys)


@pytest.mark.parametrize("name", ["digit_recognizer", "Digit-Recognizer"])
def test_the_competition_is_found_by_folder_and_by_slug(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--submission", str(folder / "submission.csv"), "--solution", str(folder)]
    assert main([name, *argv]) == 0
    assert_scored(capsys)


def test_json_is_one_object_and_nothing_else(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(None, "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert len(captured.out.splitlines()) == 1
    result = json.loads(captured.out)
    assert result["competition"] == "digit-recognizer"
    assert result["metric"] == "accuracy"
    assert result["higher_is_better"] is True
    assert repr(result["score"]) == FIVE_SIXTHS
    assert result["rows"] == 6
    assert "lies between" in result["place"]


# what is refused

FAULTS = {
    "missing id": (GOOD.replace("3,5\n", ""), ["1 of 6 ids are missing", "'3'", "row 3"]),
    "extra id": (GOOD + "7,1\n", ["not asked for", "'7'", "row 7 (line 8)"]),
    "duplicate id": (GOOD + "2,0\n", ["repeated", "'2'", "row 7 (line 8)"]),
    "ids from 0": (
        "ImageId,Label\n0,7\n1,0\n2,5\n3,1\n4,4\n5,4\n",
        ["1 of 6 ids are missing", "'6'", "row 6"],
    ),
    "wrong header": (
        GOOD.replace("ImageId,Label", "id,label"),
        ["lacks ImageId, Label", "found id,label", "expected ImageId,Label", "line 1"],
    ),
    "no header": (
        GOOD.replace("ImageId,Label\n", ""),
        ["lacks ImageId, Label", "found 1,7", "line 1"],
    ),
    "missing column": ("ImageId\n1\n2\n", ["lacks Label", "expected ImageId,Label"]),
    "index column": (
        ",ImageId,Label\n0,1,7\n1,2,0\n",
        ["a column too many: ''", "expected ImageId,Label and no other"],
    ),
    "column named twice": ("ImageId,Label,Label\n1,7,7\n", ["'Label' twice", "every column once"]),
    "semicolons": (GOOD.replace(",", ";"), ["lacks ImageId, Label", "found ImageId;Label"]),
    "empty file": ("", ["is empty", "expected a header and rows"]),
    "header only": ("ImageId,Label\n", ["6 of 6 ids are missing", "'1'", "row 1"]),
    "cut in a row": (GOOD[:-3], ["row 6 (line 7)", "1 of 2 cells", "was cut", "make it again"]),
    "cut after a comma": (GOOD[:-2], ["''", "for id '6'", "row 6 (line 7)", "from 0 to 9"]),
    "cut in quotes": (GOOD[:-2] + '"4', ["row 6 (line 7)", "was cut", "make it again"]),
    "a cell too many": (GOOD + "7,1,1\n", ["row 7 (line 8)", "3 of 2 cells"]),
    "binary file": (b"\x89PNG\r\n\x1a\n\x00\x00\xff", ["no UTF-8 text", "expected a CSV"]),
    "UTF-16": (GOOD.encode("utf-16"), ["no UTF-8 text", "expected a CSV"]),
    "empty rows of zeros": (b"\x00" * 100, ["lacks ImageId, Label"]),
}


@pytest.mark.parametrize(("content", "words"), FAULTS.values(), ids=FAULTS)
def test_an_invalid_submission_is_two_and_one_line_with_the_first_fault(
    score: Score, content: str | bytes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(content) == 2
    out, line = one_line(capsys)
    for word in words:
        assert word in line
    assert "submission.csv" in line
    assert "score:" not in out
    assert "fault" in out.splitlines()[0]
    # the line repeats the first of the faults listed
    assert out.splitlines()[1].strip(" -") in line


@pytest.mark.parametrize("label", ["nan", "NaN", "inf", "-inf", "x", "3.0", "10", "-1", "", "1e0"])
def test_a_label_that_is_no_digit_is_named_with_its_id_and_row(
    score: Score, label: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(GOOD.replace("4,1\n", f"4,{label}\n")) == 2
    _, line = one_line(capsys)
    assert f"the first is {label!r} for id '4' in row 4 (line 5)" in line
    assert "expected a whole number from 0 to 9" in line


def test_all_faults_are_listed_on_stdout(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    # 6 is missing, 9 was not asked for, 1 stands there twice, 3.0 and x are no digits
    content = "ImageId,Label\n1,7\n2,3.0\n3,x\n4,1\n5,4\n9,4\n1,7\n"
    assert score(content) == 2
    out, line = one_line(capsys)
    title, *faults = out.splitlines()
    assert title == "4 faults found:"
    words = ["'6'", "'9' in row 6", "'1' in row 7", "2 values of Label", "'3.0' for id '2'"]
    for word in words:
        assert word in "\n".join(faults)
    assert len(faults) == 4
    assert "'6'" in line


def test_json_of_an_invalid_submission_lists_all_faults(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score("ImageId,Label\n1,7\n9,x\n", "--json") == 2
    out, _ = one_line(capsys)
    result = json.loads(out)
    assert result["competition"] == "digit-recognizer"
    assert result["valid"] is False
    assert len(result["faults"]) == 3


def test_a_folder_where_a_submission_is_needed_says_so(
    score: Score, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(submission=folder) == 2
    assert "is a folder; expected a CSV file" in one_line(capsys)[1]


@pytest.mark.parametrize("name", ["no.csv", "no/such/folder/s.csv"])
def test_a_missing_submission_says_so(
    score: Score, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(submission=folder / name) == 2
    assert "does not exist; check the path" in one_line(capsys)[1]


@pytest.mark.parametrize("name", ["submission.csv/x.csv", "x" * 300, "loop.csv"])
def test_a_path_that_the_machine_refuses_is_one_line_too(
    score: Score, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    assert score(submission=folder / name) == 2
    assert name.split("/")[0] in one_line(capsys)[1]


def test_a_whole_other_file_is_refused_in_a_short_line(
    score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    content = ",".join(f"pixel{number}" for number in range(10_000)) + "\n"
    assert score(content) == 2
    assert len(one_line(capsys)[1]) < 500


@pytest.mark.parametrize("name", ["digit-recogniser", "digits-recognizer", "digit_recognzer"])
def test_a_misspelt_competition_offers_the_nearest(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--submission", str(folder / "submission.csv"), "--solution", str(folder)]
    assert main([name, *argv]) == 2
    out, line = one_line(capsys)
    assert out == ""
    assert f"no competition named {name!r}; did you mean 'digit-recognizer'?" in line
    assert "There are: " in line


# what is wrong with the solution

BAD_SOLUTIONS = {
    "empty": ("", "is empty"),
    "header only": ("ImageId,Label\n", "no rows"),
    "wrong header": (SOLUTION.replace("ImageId", "id"), "no column 'ImageId'"),
    "missing column": ("ImageId\n1\n", "lacks Label"),
    "repeated id": (SOLUTION + "1,7\n", "twice"),
    "cut in a row": (SOLUTION[:-3], "row 6 (line 7)"),
    "no digit": (SOLUTION.replace("3,9", "3,?"), "'?' for id '3' in row 3"),
    "binary": (b"\xff\x00\xff", "no UTF-8 text"),
}


@pytest.mark.parametrize(("content", "words"), BAD_SOLUTIONS.values(), ids=BAD_SOLUTIONS)
def test_a_malformed_solution_is_the_solutions_fault(
    score: Score,
    folder: Path,
    content: str | bytes,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = folder / "truth.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert score(solution=path) == 2
    out, line = one_line(capsys)
    assert out == ""
    assert "solution" in line
    assert "truth.csv" in line
    assert words in line


@pytest.mark.parametrize("name", ["no.csv", "empty_folder"])
def test_a_missing_solution_says_so(
    score: Score, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty_folder").mkdir()
    assert score(solution=folder / name) == 2
    line = one_line(capsys)[1]
    assert "solution" in line
    assert "does not exist" in line


# fixtures


@pytest.fixture
def marked(folder: Path) -> Path:
    """The folder, with a marker that says that it is a fixture."""
    rungs = [
        {"name": "constant", "score": 0.25, "source": "measured"},
        {"name": "nearest mean", "score": 0.875, "source": "measured"},
    ]
    facts = {"called": "digits of a test", "synthetic": True, "rungs": rungs}
    (folder / FIXTURE_FILE).write_text(json.dumps(facts))
    return folder


@pytest.mark.parametrize("name", ["", "solution.csv"])
def test_a_fixture_is_judged_by_its_own_ladder_and_called_by_its_name(
    score: Score, marked: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(solution=marked / name) == 0
    lines = assert_scored(capsys)
    assert "digits of a test" in lines[0]
    assert lines[-2] == "0.83333 lies between constant (0.25) and nearest mean (0.875)"
    assert "benchmark" not in "\n".join(lines)
    assert "0.96557" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (SOLUTION, 0, "1 is better than the highest rung, nearest mean (0.875)"),
        ("ImageId,Label\n1,0\n2,1\n3,0\n4,0\n5,0\n6,4\n", 0, "below the lowest rung, constant"),
        ("ImageId,Label\n1,0\n", 2, "5 of 6 ids are missing"),
    ],
)
def test_a_fixture_never_shows_the_hosts_rungs(
    score: Score,
    marked: Path,
    content: str,
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert score(content, solution=marked) == code
    out = capsys.readouterr().out
    assert words in out
    for word in ("benchmark", "CNN", "leaked", "sample submission"):
        assert word not in out


def test_json_says_what_the_data_are_called(
    score: Score, marked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(None, "--json", solution=marked) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["data"] == "digits of a test"
    assert "nearest mean" in result["place"]


def test_a_marker_that_was_edited_is_one_line(
    score: Score, marked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (marked / FIXTURE_FILE).write_text("{}")
    assert score() == 2
    out, line = one_line(capsys)
    assert "score:" not in out
    assert "FIXTURE.json" in line


# the interpreter


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_scoring_loads_nothing_heavy(folder: Path) -> None:
    argv = ["digit-recognizer", "--submission", str(folder / "submission.csv")]
    argv += ["--solution", str(folder)]
    done = python(
        "import sys\n"
        "from scripts.score import main\n"
        f"assert main({argv!r}) == 0\n"
        "heavy = {'torch', 'fastai', 'sklearn', 'pandas', 'scipy', 'matplotlib', 'pyarrow'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"score: {FIVE_SIXTHS}"


def test_help_says_what_the_options_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for option in ("--submission", "--solution", "--json"):
        assert option in out


@pytest.mark.parametrize("argv", [[], ["digit-recognizer"], ["digit-recognizer", "--nonsense"]])
def test_options_that_do_not_fit_end_with_two(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("--help")
