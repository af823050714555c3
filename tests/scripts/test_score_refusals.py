"""scripts/score.py: what is wrong with a submission, a solution or a command, in one line."""

from __future__ import annotations

import json

import pytest

from scripts.score import main
from tests.competitions.judged import Judged, judged_fixture
from tests.scripts.six_digits import GOOD, SOLUTION

judged = judged_fixture("digit-recognizer")

# what is wrong with the submission

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
def test_an_invalid_submission_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: list[str]
) -> None:
    fault = judged.refused(content, SOLUTION)[0]
    assert not [word for word in words if word not in fault]


def test_the_line_names_the_file_and_its_first_fault(judged: Judged) -> None:
    _, _, err = judged.score("ImageId,Label\n1,x\n", SOLUTION)
    assert err == (
        "error: submission.csv would not be accepted: 5 of 6 ids are missing, the first is '2' "
        "(row 2 of the ids asked for)\n"
    )


@pytest.mark.parametrize("label", ["nan", "NaN", "inf", "-inf", "x", "3.0", "10", "-1", "", "1e0"])
def test_a_label_that_is_no_digit_is_named_with_its_id_and_row(judged: Judged, label: str) -> None:
    (fault,) = judged.refused(GOOD.replace("4,1\n", f"4,{label}\n"), SOLUTION)
    assert f"the first is {label!r} for id '4' in row 4 (line 5)" in fault
    assert "expected a whole number from 0 to 9" in fault


def test_all_faults_are_listed_on_stdout(judged: Judged) -> None:
    # 6 is missing, 9 was not asked for, 1 stands there twice, 3.0 and x are no digits
    faults = judged.refused("ImageId,Label\n1,7\n2,3.0\n3,x\n4,1\n5,4\n9,4\n1,7\n", SOLUTION)
    words = ["'6'", "'9' in row 6", "'1' in row 7", "2 values of Label"]
    assert len(faults) == 4
    for fault, word in zip(faults, words, strict=True):
        assert word in fault
    assert "'3.0' for id '2'" in faults[3]


def test_json_of_an_invalid_submission_lists_all_faults(judged: Judged) -> None:
    code, out, err = judged.score("ImageId,Label\n1,7\n9,x\n", SOLUTION, "--json")
    assert code == 2
    assert len(err.splitlines()) == 1
    result = json.loads(out)
    assert result["competition"] == "digit-recognizer"
    assert result["valid"] is False
    assert len(result["faults"]) == 3


def test_a_folder_where_a_submission_is_needed_says_so(judged: Judged) -> None:
    (fault,) = judged.refused(judged.folder, SOLUTION)
    assert "is a folder; expected a CSV file" in fault


@pytest.mark.parametrize("name", ["no.csv", "no/such/folder/s.csv"])
def test_a_missing_submission_says_so(judged: Judged, name: str) -> None:
    (fault,) = judged.refused(judged.folder / name, SOLUTION)
    assert "does not exist; check the path" in fault


@pytest.mark.parametrize("name", ["submission.csv/x.csv", "x" * 300, "loop.csv"])
def test_a_path_that_the_machine_refuses_is_one_line_too(judged: Judged, name: str) -> None:
    judged.path("submission.csv", GOOD)
    (judged.folder / "loop.csv").symlink_to(judged.folder / "loop.csv")
    code, _, err = judged.score(judged.folder / name, SOLUTION)
    assert code == 2
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert name.split("/")[0] in line


def test_a_whole_other_file_is_refused_in_a_short_line(judged: Judged) -> None:
    content = ",".join(f"pixel{number}" for number in range(10_000)) + "\n"
    _, _, err = judged.score(content, SOLUTION)
    assert len(judged.refused(content, SOLUTION)) == 2
    assert len(err) < 500


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
    judged: Judged, content: str | bytes, words: str
) -> None:
    line = judged.solution_refused(GOOD, judged.path("truth.csv", content))
    assert "solution" in line
    assert "truth.csv" in line
    assert words in line


@pytest.mark.parametrize("name", ["no.csv", "empty_folder"])
def test_a_missing_solution_says_so(judged: Judged, name: str) -> None:
    (judged.folder / "empty_folder").mkdir()
    line = judged.solution_refused(GOOD, judged.folder / name)
    assert "solution" in line
    assert "does not exist" in line


# what is wrong with the command


@pytest.mark.parametrize("name", ["digit-recogniser", "digits-recognizer", "digit_recognzer"])
def test_a_misspelt_competition_offers_the_nearest(judged: Judged, name: str) -> None:
    line = Judged(name, judged.folder, judged.capsys).solution_refused(GOOD, SOLUTION)
    assert f"no competition named {name!r}; did you mean 'digit-recognizer'?" in line
    assert "There are: " in line


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
