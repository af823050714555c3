"""The judge of ranked segments: what it reads, refuses and doubts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from common.errors import DataError, SubmissionError
from common.judges import SegmentsJudge, Verdict
from common.judges.segments import segments_fault
from common.spec import CompetitionSpec

NO_SPEC = cast(CompetitionSpec, None)  # the judge knows all that it needs
SOLUTION = "segment_id,class,score\na:0,3,1\na:5,3,0\nb:0,3,1\nc:0,7,1\nd:0,8,0\n"


def score(folder: Path, submission: str, solution: str = SOLUTION, k: int = 100_000) -> Verdict:
    (folder / "submission.csv").write_text(f"Class,Segments\n{submission}")
    (folder / "solution.csv").write_text(solution)
    judge = SegmentsJudge(k)
    return judge.score(NO_SPEC, folder / "submission.csv", folder / "solution.csv")


def faults(folder: Path, submission: str) -> tuple[str, ...]:
    with pytest.raises(SubmissionError) as refused:
        score(folder, submission)
    return refused.value.faults


def test_the_mean_goes_over_the_solutions_classes_with_a_positive(tmp_path: Path) -> None:
    # class 3: (1/1 + 2/3) / 2; class 7: 1; class 8 has no positive
    verdict = score(tmp_path, "3,c:0 b:0 a:5 a:0\n7,c:0\n8,d:0\n")
    assert verdict.score == pytest.approx((5 / 6 + 1) / 2)
    assert (verdict.n_rows, verdict.parts, verdict.doubts) == (2, {}, ())


def test_a_missing_class_counts_zero_and_is_named(tmp_path: Path) -> None:
    verdict = score(tmp_path, "7,c:0\n")
    assert verdict.score == 0.5
    assert verdict.doubts == ("2 of 3 classes are missing and count 0, the first is 3",)


def test_a_class_without_segments_counts_zero(tmp_path: Path) -> None:
    verdict = score(tmp_path, "3,\n7,c:0\n8,\n")
    assert verdict.score == 0.5
    assert verdict.doubts == ("2 classes have no segments",)


def test_a_class_that_nobody_asks_for_is_ignored(tmp_path: Path) -> None:
    verdict = score(tmp_path, "3,a:0 b:0\n7,c:0\n8,d:0\n9,a:0\n4,a:0\n")
    assert verdict.score == 1.0
    assert verdict.doubts == ("2 classes are not asked for and are ignored, the first is 4",)


def test_a_long_list_is_cut_and_not_refused(tmp_path: Path) -> None:
    verdict = score(tmp_path, "3,x:0 a:0 b:0\n7,c:0\n8,d:0\n", k=2)
    assert verdict.score == pytest.approx((0.5 + 1) / 2)
    assert verdict.doubts == ("1 classes have more than 2 ids; the rest is cut off",)


def test_the_cut_is_at_a_hundred_thousand(tmp_path: Path) -> None:
    unrated = " ".join(f"{number}:0" for number in range(99_999))
    assert score(tmp_path, f"3,\n7,{unrated} c:0\n8,\n").score == 0.5
    assert score(tmp_path, f"3,\n7,{unrated} x:0 c:0\n8,\n").score == 0.0


def test_a_cell_may_be_longer_than_the_csv_module_expects(tmp_path: Path) -> None:
    # 131,072 characters is where that module stops by itself
    long = " ".join(f"video{number}:5" for number in range(60_000))
    assert score(tmp_path, f"3,a:0 b:0\n7,{long} c:0\n8,\n").score == 1.0


OTHER_FORMS = {
    "by video": (
        "Class,VideoId,StartTime,Score\n3,a,0,1.0\n3,a,5,0.0\n3,b,0,1.0\n7,c,0,1\n8,d,0,0\n"
    ),
    "by sign": "Class,Positive,Negative\n3,a:0 b:0,a:5\n7,c:0,\n8,,d:0\n",
}


@pytest.mark.parametrize("solution", OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_other_forms_of_the_ratings_score_the_same(tmp_path: Path, solution: str) -> None:
    submission = "3,c:0 b:0 a:5 a:0\n7,c:0\n"
    expected = score(tmp_path, submission)
    verdict = score(tmp_path, submission, solution)
    assert verdict == expected
    assert verdict.score == pytest.approx((5 / 6 + 1) / 2)
    assert verdict.doubts == ("1 of 3 classes are missing and count 0, the first is 8",)


@pytest.mark.parametrize(
    ("solution", "words"),
    [
        ("Class,VideoId,StartTime,Score\n3,a,x,1\n", "row 1 (line 2), holds 'a:x'; expected a seg"),
        ("Class,VideoId,StartTime,Score\n3,a:b,5,1\n", "holds 'a:b:5'; expected a segment"),
        ("Class,Positive,Negative\n3,a:0 b,\n", "holds 'b'; expected a segment"),
        ("Class,Positive,Negative\n3,a:0,a:0\n", "a:0 of class 3 again"),
        ("Class,Positive,Negative\n3,,a:0\n", "rates no segment positive"),
    ],
)
def test_other_forms_are_held_to_the_same_rules(tmp_path: Path, solution: str, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        score(tmp_path, "3,a:0\n", solution)


def test_boards_are_scored_by_their_own_ratings(tmp_path: Path) -> None:
    solution = (
        "segment_id,class,score,Usage\n"
        "a:0,3,1,Public\nb:0,3,1,private\nb:5,3,0,Private\nc:0,7,1,Public\nd:0,7,1,Ignored\n"
    )
    verdict = score(tmp_path, "3,b:5 b:0 a:0\n7,d:0\n", solution)
    # public: 3 has a:0 at once, 7 nothing; private: b:5 no, b:0 yes; both: (1/2 + 2/3) / 2 and 0
    assert verdict.parts == {"public": 0.5, "private": 0.5}
    assert verdict.score == pytest.approx((1 / 2 + 2 / 3) / 2 / 2)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("three,a:0\n", "1 classes are no whole numbers, the first is class 'three' in row 2"),
        ("3.0,a:0\n", "classes are no whole numbers, the first is class '3.0'"),
        ("-3,a:0\n", "classes are no whole numbers, the first is class '-3'"),
        (",a:0\n", "classes are no whole numbers, the first is class ''"),
        ("7,a:0\n7,b:0\n", "1 classes are repeated, the first is class '7' in row 3 (line 4)"),
        ("7,a:0\n07,b:0\n", "1 classes are repeated, the first is class '07'"),
        ("7,a:0 b:0 a:0 a:0\n", "2 ids are repeated, the first is 'a:0' for class '7' in row 2"),
    ],
)
def test_rows_that_are_refused(tmp_path: Path, row: str, words: str) -> None:
    (fault,) = faults(tmp_path, f"3,a:0\n{row}")
    assert words in fault
    assert "; expected " in fault


@pytest.mark.parametrize(
    "malformed",
    ["a", "a:", ":5", "a:b", "a:5.0", "a:-5", "a:+5", "a:05", "a:5:0", "a:1e1", "nan", "a:inf"],
)
def test_an_id_without_a_whole_start_is_refused(tmp_path: Path, malformed: str) -> None:
    (fault,) = faults(tmp_path, f"3,a:0\n7,b:0 {malformed} c:0\n")
    assert fault.startswith(f"1 ids are malformed, the first is '{malformed}' for class '7' in row")
    assert segments_fault(f"b:0 {malformed}") == f"'{malformed}' is no <video>:<start second>"


@pytest.mark.parametrize("cell", ["a:0  b:0", " a:0", "a:0 ", "a:0\tb:0", "a:0;b:0", " "])
def test_ids_stand_between_single_blanks(tmp_path: Path, cell: str) -> None:
    (fault,) = faults(tmp_path, f"3,{cell}\n")
    assert "ids are malformed" in fault
    assert segments_fault(cell)


def test_a_cell_that_is_accepted_has_no_fault() -> None:
    assert [segments_fault(cell) for cell in ("", "a:0", "-_x:0 b:295")] == ["", "", ""]
    assert segments_fault("a:0 b:0 a:0") == "'a:0' stands there twice"


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "x,a:0\n3,a:0 a:0\n3,b\n9,d e:0\n")
    assert [fault.split(",")[0] for fault in found] == [
        "1 classes are no whole numbers",
        "1 classes are repeated",
        "2 ids are malformed",
        "1 ids are repeated",
    ]


def test_a_file_that_was_cut_says_so_beside_its_other_faults(tmp_path: Path) -> None:
    found = faults(tmp_path, "3,a\n7\n")
    assert "has 1 of 2 cells" in found[0]
    assert "1 ids are malformed" in found[1]


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert faults(tmp_path, "") == (
        "the file has a header and no rows; expected one row per class",
    )


@pytest.mark.parametrize(
    ("solution", "words"),
    [
        ("segment,class,score\na:0,3,1\n", "has the columns segment,class,score; expected seg"),
        ("segment_id,class,score\na,3,1\n", "holds 'a'; expected a segment"),
        ("segment_id,class,score\na:0,x,1\n", "holds 'x'; expected a class's number"),
        ("segment_id,class,score\na:0,3,0.5\n", "holds '0.5'; expected the score 0 or 1"),
        ("segment_id,class,score\na:0,3,nan\n", "holds 'nan'; expected the score 0 or 1"),
        ("segment_id,class,score\na:0,3,yes\n", "holds 'yes'; expected the score 0 or 1"),
        ("segment_id,class,score\na:0,3,1\na:0,3,0\n", "a:0 of class 3 again"),
        ("segment_id,class,score,Usage\na:0,3,1,Test\n", "holds 'Test'; expected Public"),
        ("segment_id,class,score\na:0,3,0\n", "rates no segment positive"),
        ("segment_id,class,score\n", "rates no segment positive"),
    ],
)
def test_a_solution_that_is_none_is_refused(tmp_path: Path, solution: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        score(tmp_path, "3,a:0\n", solution)


def test_scores_of_a_solution_may_be_written_as_the_records_have_them(tmp_path: Path) -> None:
    solution = SOLUTION.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n")
    assert score(tmp_path, "3,a:0 b:0\n7,c:0\n8,d:0\n", solution).score == 1.0


def test_one_segment_may_be_rated_for_two_classes(tmp_path: Path) -> None:
    solution = "segment_id,class,score\na:0,3,1\na:0,7,0\nb:0,7,1\n"
    # class 7: a:0 no, b:0 yes
    assert score(tmp_path, "3,a:0\n7,a:0 b:0\n", solution).score == pytest.approx((1 + 0.5) / 2)
