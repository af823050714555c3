"""YouTube-8M 2019, from files to exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import check_submission, score

SOLUTION = "segment_id,class,score\na:0,3,1\na:5,3,0\nb:0,3,1\nm:10,7,1\nm:15,7,0\n"
SAMPLE = "Class,Segments\n3,a:0 b:5\n7,a:0 b:5\n"
# class 3: (1/1 + 2/3) / 2; class 7: m:15 no, m:10 yes
GOOD = "Class,Segments\n3,c:0 b:0 a:5 a:0\n7,m:15 m:10\n"
EXPECTED = (5 / 6 + 1 / 2) / 2

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Scores a submission, given as its content; with `check`, checks it against the sample."""

    def run(content: str | bytes, *options: str, solution: str = SOLUTION, check: bool = False):
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / "submission.csv").write_bytes(raw)
        (tmp_path / "truth.csv").write_text(SAMPLE if check else solution)
        main = check_submission.main if check else score.main
        truth = "--sample" if check else "--solution"
        files = ["--submission", tmp_path / "submission.csv", truth, tmp_path / "truth.csv"]
        return main(["youtube8m-2019", *map(str, files), *options])

    return run


def scored(capsys: pytest.CaptureFixture[str]) -> float:
    captured = capsys.readouterr()
    assert captured.err == ""
    return float(captured.out.splitlines()[-1].removeprefix("score: "))


@pytest.mark.parametrize(
    ("segments", "expected"), [("c:0 b:0 a:5 a:0", 5 / 6), ("c:0 b:0", 1 / 2), ("c:0", 0.0)]
)
def test_the_hand_checked_lists(
    run: Run, segments: str, expected: float, capsys: pytest.CaptureFixture[str]
) -> None:
    solution = "segment_id,class,score\na:0,3,1\na:5,3,0\nb:0,3,1\n"
    assert run(f"Class,Segments\n3,{segments}\n", solution=solution) == 0
    assert scored(capsys) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param("Class,Segments\n7,m:15 m:10\n3,c:0 b:0 a:5 a:0\n", id="other order of rows"),
        pytest.param("Segments,Class\nc:0 b:0 a:5 a:0,3\nm:15 m:10,7\n", id="columns swapped"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + GOOD, id="byte-order mark"),
        pytest.param('"Class","Segments"\n"3","c:0 b:0 a:5 a:0"\n7,"m:15 m:10"\n', id="quotes"),
        pytest.param(GOOD.rstrip("\n"), id="no newline at the end"),
        pytest.param(GOOD.replace("\n", "\n\n"), id="blank lines"),
        pytest.param(GOOD + "1831,z:0\n", id="a class that nobody rated"),
    ],
)
def test_every_spelling_scores_the_same(
    run: Run, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(content) == 0
    assert scored(capsys) == pytest.approx(EXPECTED, abs=1e-12)
    assert run(content, check=True) == 0
    assert "valid: " in capsys.readouterr().out


def test_the_order_of_ratings_does_not_matter(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = SOLUTION.splitlines()
    assert run(GOOD, solution="\n".join([header, *rows[::-1]])) == 0
    assert scored(capsys) == pytest.approx(EXPECTED, abs=1e-12)


def test_a_missing_class_counts_zero_and_is_a_warning(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("Class,Segments\n3,a:0 b:0\n") == 0
    assert "warning: 1 of 2 classes are missing and count 0, the first is 7" in (
        captured := capsys.readouterr().out
    )
    assert captured.endswith("score: 0.5\n")
    assert run("Class,Segments\n3,a:0 b:0\n", check=True) == 0
    assert "warning: 1 of 2 classes are missing" in capsys.readouterr().out


def test_json_gives_the_boards(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    solution = "segment_id,class,score,Usage\na:0,3,1,Public\nb:0,3,1,Private\n"
    assert run("Class,Segments\n3,a:0\n", "--json", solution=solution) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["score"], result["public"], result["private"]) == (0.5, 1.0, 0.0)
    assert (result["rows"], result["higher_is_better"]) == (1, True)


def test_the_place_is_on_the_private_board(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    solution = "segment_id,class,score\na:0,3,1\nb:0,3,1\nc:0,3,0\n"
    # a:0 yes, c:0 no, b:0 yes: (1 + 2/3) / 2
    assert run("Class,Segments\n3,a:0 c:0 b:0\n", solution=solution) == 0
    assert "0.83333 is better than the highest rung, 7th (0.801)" in capsys.readouterr().out


BAD = {
    "empty": ("", "is empty; expected a header"),
    "wrong header": ("class,segments\n3,a:0\n", "lacks Class, Segments"),
    "column too many": ("Class,Segments,Score\n3,a:0,1\n", "a column too many, 'Score'"),
    "header alone": ("Class,Segments\n", "a header and no rows"),
    "class twice": (GOOD + "3,a:0\n", "1 classes are repeated, the first is class '3' in row 3"),
    "class that is text": (GOOD + "cat,a:0\n", "classes are no whole numbers"),
    "class that is nan": (GOOD + "nan,a:0\n", "classes are no whole numbers"),
    "no start": ("Class,Segments\n3,a:0 b\n7,m:10\n", "1 ids are malformed, the first is 'b' for"),
    "start that is text": ("Class,Segments\n3,a:x\n", "ids are malformed, the first is 'a:x'"),
    "start that is infinite": ("Class,Segments\n3,a:inf\n", "ids are malformed"),
    "negative start": ("Class,Segments\n3,a:-5\n", "ids are malformed"),
    "id twice": ("Class,Segments\n3,a:0 a:0\n", "1 ids are repeated, the first is 'a:0' for class"),
    "commas between ids": ("Class,Segments\n3,a:0,b:0\n", "has 3 of 2 cells"),
    "quote not closed": ('Class,Segments\n3,"a:0 b:0\n', "cannot be read as CSV"),
    "no text": (b"\xff\xfe\x00\x01", "is no UTF-8 text"),
}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_what_is_refused_is_one_line_on_stderr(
    run: Run, content: str | bytes, words: str, check: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(content, check=check) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert words in captured.out
    assert "score: " not in captured.out
    assert "expected" in line or "make it again" in line


def test_all_faults_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Class,Segments\nx,a:0\n3,a:0 a:0\n3,b\n", "--json") == 2
    assert len(json.loads(capsys.readouterr().out)["faults"]) == 4


@pytest.mark.parametrize("solution", ["", "id,label\n1,2\n", "segment_id,class,score\na,3,1\n"])
def test_a_solution_that_is_none_is_one_line(
    run: Run, solution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(GOOD, solution=solution) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")


@pytest.mark.parametrize("sample", ["Class,Segments\n", "Class,Segments\n3,\n3,\n", "a,b\n1,2\n"])
def test_a_sample_that_is_none_is_one_line(
    tmp_path: Path, sample: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "submission.csv").write_text(GOOD)
    (tmp_path / "sample.csv").write_text(sample)
    files = ["--submission", tmp_path / "submission.csv", "--sample", tmp_path / "sample.csv"]
    assert check_submission.main(["youtube8m-2019", *map(str, files)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "sample.csv" in line
