"""YouTube-8M 2019, from files to exit codes."""

from __future__ import annotations

import pytest

from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import spellings_of

SOLUTION = "segment_id,class,score\na:0,3,1\na:5,3,0\nb:0,3,1\nm:10,7,1\nm:15,7,0\n"
SAMPLE = "Class,Segments\n3,a:0 b:5\n7,a:0 b:5\n"
# class 3: (1/1 + 2/3) / 2; class 7: m:15 no, m:10 yes
GOOD = "Class,Segments\n3,c:0 b:0 a:5 a:0\n7,m:15 m:10\n"
EXPECTED = (5 / 6 + 1 / 2) / 2

judged = judged_fixture("youtube8m-2019")


@pytest.mark.parametrize(
    ("segments", "expected"), [("c:0 b:0 a:5 a:0", 5 / 6), ("c:0 b:0", 1 / 2), ("c:0", 0.0)]
)
def test_the_hand_checked_lists(judged: Judged, segments: str, expected: float) -> None:
    solution = "segment_id,class,score\na:0,3,1\na:5,3,0\nb:0,3,1\n"
    result = judged.scored(f"Class,Segments\n3,{segments}\n", solution)
    assert result["score"] == pytest.approx(expected, abs=1e-12)


@spellings_of(GOOD)
def test_every_spelling_of_a_csv_is_read(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(EXPECTED, abs=1e-12)
    assert judged.checked(content, SAMPLE)


@pytest.mark.parametrize(
    "content",
    [GOOD.replace("\n", "\n\n"), GOOD + "1831,z:0\n"],
    ids=["blank lines", "a class that nobody rated"],
)
def test_what_does_not_change_the_score(judged: Judged, content: str) -> None:
    assert judged.scored(content, SOLUTION)["score"] == pytest.approx(EXPECTED, abs=1e-12)
    assert judged.checked(content, SAMPLE)


def test_the_order_of_ratings_does_not_matter(judged: Judged) -> None:
    header, *rows = SOLUTION.splitlines()
    result = judged.scored(GOOD, "\n".join([header, *rows[::-1]]))
    assert result["score"] == pytest.approx(EXPECTED, abs=1e-12)


def test_a_missing_class_counts_zero_and_is_a_warning(judged: Judged) -> None:
    content = "Class,Segments\n3,a:0 b:0\n"
    result = judged.scored(content, SOLUTION)
    assert result["score"] == 0.5
    assert result["warnings"] == ["1 of 2 classes are missing and count 0, the first is 7"]
    assert judged.checked(content, SAMPLE)[0].startswith("warning: 1 of 2 classes are missing")


def test_both_boards_are_told(judged: Judged) -> None:
    solution = "segment_id,class,score,Usage\na:0,3,1,Public\nb:0,3,1,Private\n"
    result = judged.scored("Class,Segments\n3,a:0\n", solution)
    assert (result["score"], result["public"], result["private"]) == (0.5, 1.0, 0.0)
    assert (result["rows"], result["higher_is_better"]) == (1, True)


def test_the_place_is_on_the_private_board(judged: Judged) -> None:
    solution = "segment_id,class,score\na:0,3,1\nb:0,3,1\nc:0,3,0\n"
    # a:0 yes, c:0 no, b:0 yes: (1 + 2/3) / 2
    result = judged.scored("Class,Segments\n3,a:0 c:0 b:0\n", solution)
    assert result["place"] == "0.83333 is better than the highest rung, 7th (0.801)"


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


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    fault = judged.refused_by_both(content, SOLUTION, SAMPLE)[0]
    assert words in fault
    assert "expected" in fault or "make it again" in fault


def test_all_faults_are_listed(judged: Judged) -> None:
    assert len(judged.refused("Class,Segments\nx,a:0\n3,a:0 a:0\n3,b\n", SOLUTION)) == 4


@pytest.mark.parametrize("solution", ["", "id,label\n1,2\n", "segment_id,class,score\na,3,1\n"])
def test_a_solution_that_is_none_is_one_line(judged: Judged, solution: str) -> None:
    assert "solution.csv" in judged.solution_refused(GOOD, solution)


@pytest.mark.parametrize("sample", ["Class,Segments\n", "Class,Segments\n3,\n3,\n", "a,b\n1,2\n"])
def test_a_sample_that_is_none_is_one_line(judged: Judged, sample: str) -> None:
    code, _, err = judged.check(GOOD, sample)
    assert code == 2
    (line,) = err.splitlines()
    assert "sample_submission.csv" in line
