"""scripts/check_submission.py: what the competition would refuse, before it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common import paths
from scripts.check_submission import main

SAMPLE = "ImageId,Label\n1,0\n2,0\n3,0\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the repository's own, for data and runs."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def sample(home: Path) -> Path:
    """The host's sample file where a download puts it."""
    path = home / "data" / "digit_recognizer" / "sample_submission.csv"
    path.parent.mkdir(parents=True)
    path.write_text(SAMPLE)
    return path


def check(folder: Path, content: str, *options: str) -> int:
    (folder / "submission.csv").write_text(content)
    return main(["digit-recognizer", "--submission", str(folder / "submission.csv"), *options])


def one_line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("error: ")
    return captured.out, captured.err.rstrip("\n")


@pytest.mark.parametrize(
    "content",
    [
        "ImageId,Label\n1,7\n2,0\n3,9\n",
        "ImageId,Label\n3,9\n1,7\n2,0\n",
        "Label,ImageId\n9,3\n7,1\n0,2\n",
        SAMPLE,
    ],
)
def test_a_submission_that_would_be_accepted_says_so(
    home: Path, sample: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(home, content) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("valid: 3 rows")
    assert "sample_submission.csv" in captured.out


def test_the_sample_may_be_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = home / "other.csv"
    other.write_text("ImageId,Label\n8,0\n9,0\n")
    assert check(home, "ImageId,Label\n9,1\n8,2\n", "--sample", str(other)) == 0
    assert "valid: 2 rows" in capsys.readouterr().out


def test_the_labels_of_the_sample_do_not_matter(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = home / "other.csv"
    other.write_text("ImageId,Label\n8,any\n9,thing\n")
    assert check(home, "ImageId,Label\n9,1\n8,2\n", "--sample", str(other)) == 0
    assert "valid" in capsys.readouterr().out


def test_json_is_one_object(home: Path, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(home, SAMPLE, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    expected = {"competition": "digit-recognizer", "valid": True, "rows": 3, "counted": "rows"}
    assert result == {**expected, "warnings": []}


FAULTS = {
    "missing id": ("ImageId,Label\n1,7\n3,9\n", "1 of 3 ids are missing, the first is '2' (row 2"),
    "extra id": (SAMPLE + "4,0\n", "1 ids were not asked for, the first is '4' in row 4 (line 5)"),
    "duplicate id": (SAMPLE + "1,0\n", "repeated, the first is '1' in row 4 (line 5)"),
    "float": ("ImageId,Label\n1,7\n2,3.0\n3,9\n", "'3.0' for id '2' in row 2 (line 3); expected a"),
    "index column": (",ImageId,Label\n0,1,7\n", "a column too many: ''; expected ImageId,Label"),
    "empty": ("", "is empty; expected a header and rows"),
    "cut": (
        "ImageId,Label\n1,7\n2",
        "row 2 (line 3) has 1 of 2 cells and begins with '2'",
    ),
}


@pytest.mark.parametrize(("content", "words"), FAULTS.values(), ids=FAULTS)
def test_an_invalid_submission_is_two_and_one_line(
    home: Path, sample: Path, content: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(home, content) == 2
    out, line = one_line(capsys)
    assert words in line
    assert words in out
    assert "valid:" not in out


def test_all_faults_are_listed(
    home: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = "ImageId,Label\n1,x\n2,0\n2,0\n7,0\n"
    assert check(home, content) == 2
    out, _ = one_line(capsys)
    assert out.splitlines()[0] == "4 faults found:"
    assert len(out.splitlines()) == 5


def test_json_of_an_invalid_submission_lists_the_faults(
    home: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(home, "ImageId,Label\n1,x\n", "--json") == 2
    out, _ = one_line(capsys)
    result = json.loads(out)
    assert result["valid"] is False
    assert len(result["faults"]) == 2


def test_without_a_sample_the_line_says_how_to_name_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(home, SAMPLE) == 2
    out, line = one_line(capsys)
    assert out == ""
    assert "sample_submission.csv does not exist; name the host's sample file with --sample" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("ImageId,Label\n", "a header and no rows; expected one row per id"),
        ("id\n1\n", "no column 'ImageId'"),
        ("ImageId,Label\n1,0\n1,0\n", "twice"),
    ],
)
def test_a_malformed_sample_is_the_samples_fault(
    home: Path, content: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "host.csv").write_text(content)
    assert check(home, SAMPLE, "--sample", str(home / "host.csv")) == 2
    out, line = one_line(capsys)
    assert out == ""
    assert "host.csv" in line
    assert words in line


def test_a_misspelt_competition_offers_the_nearest(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digit-recogniser", "--submission", "x"]) == 2
    assert "did you mean 'digit-recognizer'?" in one_line(capsys)[1]


def test_help_says_what_the_options_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for option in ("--submission", "--sample", "--json"):
        assert option in out
