"""Rows of a solution that are ignored: they are not scored, so anything may stand in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from competitions.dog_breed_identification.spec import BREEDS
from tests.competitions.judged import Judged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def scored(
    competition: str, folder: Path, capsys: pytest.CaptureFixture[str], given: str, truth: str
) -> dict[str, Any]:
    return Judged(competition, folder, capsys).scored(given, truth)


DOGS = ",".join(("id", *BREEDS))


def dogs(*rows: tuple[str, str]) -> str:
    """A file that gives all to one breed in each row; nothing where it is none."""
    lines = [
        ",".join([key, *("1" if breed == named else "0" for breed in BREEDS)])
        for key, named in rows
    ]
    return "\n".join([DOGS, *lines]) + "\n"


# one good row and one that is ignored: the score is that of the good row alone
CASES = {
    "an empty label": (
        "cifar-10",
        "id,label\n1,cat\n2,dog\n",
        "id,label,Usage\n1,cat,Public\n2,,Ignored\n",
        1.0,
    ),
    "a label that is none of the classes": (
        "cifar-10",
        "id,label\n1,cat\n2,dog\n",
        "id,label,Usage\n1,cat,Public\n2,junk,Ignored\n",
        1.0,
    ),
    "a grade that is none": (
        "aptos2019-blindness-detection",
        "id_code,diagnosis\na,3\nb,0\n",
        "id_code,diagnosis,Usage\na,3,Private\nb,-1,ignored\n",
        1.0,
    ),
    "no number": (
        "rossmann-store-sales",
        "Id,Sales\n1,90\n2,5\n",
        "Id,Sales,Usage\n1,100,Private\n2,,Ignored\n",
        0.1,
    ),
    "no tags": (
        "planet-understanding-the-amazon-from-space",
        "image_name,tags\na,clear\nb,clear\n",
        "image_name,tags,Usage\na,clear,Public\nb,,Ignored\n",
        1.0,
    ),
    "a breed without a column": (
        "dog-breed-identification",
        dogs(("a", "pug"), ("b", "pug")),
        "id,breed,Usage\na,pug,Public\nb,wolf,Ignored\n",
        0.0,
    ),
    "no breed": (
        "dog-breed-identification",
        dogs(("a", "pug"), ("b", "pug")),
        "id,breed,Usage\na,pug,Public\nb,,Ignored\n",
        0.0,
    ),
    "a row of zeros that is not one-hot": (
        "dog-breed-identification",
        dogs(("a", "pug"), ("b", "pug")),
        "\n".join(
            f"{line},{usage}"
            for line, usage in zip(
                dogs(("a", "pug"), ("b", "")).splitlines(),
                ("Usage", "Public", "Ignored"),
                strict=True,
            )
        ),
        0.0,
    ),
    "a mask that is none": (
        "siim-acr-pneumothorax-segmentation",
        "ImageId,EncodedPixels\na,0 4\nb,-1\n",
        "ImageId,EncodedPixels,Usage\na,0 4,Public\nb,,Ignored\n",
        1.0,
    ),
    "several masks that are none": (
        "siim-acr-pneumothorax-segmentation",
        "ImageId,EncodedPixels\na,0 4\nb,-1\n",
        "ImageId,EncodedPixels,Usage\na,0 2,Public\na,2 2,public\nb,x,Ignored\nb,7,Ignored\n",
        1.0,
    ),
    "a rating that is none": (
        "youtube8m-2019",
        "Class,Segments\n3,a:0\n",
        "segment_id,class,score,Usage\na:0,3,1,Public\nb,x,,Ignored\n",
        1.0,
    ),
}


@pytest.mark.parametrize(("competition", "given", "truth", "score"), CASES.values(), ids=CASES)
def test_what_stands_in_an_ignored_row_does_not_matter(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    competition: str,
    given: str,
    truth: str,
    score: float,
) -> None:
    result = scored(competition, folder, capsys, given, truth)
    assert result["score"] == pytest.approx(score, abs=1e-12)
    assert result["rows"] == 1


@pytest.mark.parametrize(("competition", "given", "truth", "score"), CASES.values(), ids=CASES)
def test_the_same_in_a_row_that_is_scored_is_no_full_score(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    competition: str,
    given: str,
    truth: str,
    score: float,
) -> None:
    truth = truth.replace("Ignored", "Private").replace("ignored", "Private")
    code, out, err = Judged(competition, folder, capsys).score(given, truth, "--json")
    if competition == "cifar-10" and "junk" in truth:
        assert (code, '"score": 0.5' in out) == (0, True)  # a label like any other
    else:
        assert code == 2
        assert len(err.splitlines()) == 1


def test_ids_of_ignored_rows_are_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = "id,label,Usage\n1,cat,Public\n2,,Ignored\n"
    (fault,) = Judged("cifar-10", folder, capsys).refused("id,label\n1,cat\n", truth)
    assert "1 of 2 ids are missing, the first is '2'" in fault


def test_a_label_of_an_ignored_row_alone_is_no_class_of_the_solution(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "id,label\na,beagle\nb,junk\nc,junk\n"
    truth = "id,label,Usage\na,beagle,Public\nb,Bengal,Private\nc,junk,Ignored\n"
    result = scored("stanford-dogs-dataset", folder, capsys, given, truth)
    assert (result["score"], result["rows"]) == (0.5, 2)
    (warning,) = result["warnings"]
    assert warning.startswith("1 values of label are none of the 2 classes")


def test_nothing_but_ignored_rows_is_no_score(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = "id,label,Usage\n1,cat,Ignored\n"
    code, _, err = Judged("cifar-10", folder, capsys).score("id,label\n1,cat\n", truth)
    assert code == 2
    assert "no rows to score" in err


def test_a_board_without_a_score_is_told_and_the_whole_is_scored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "id,sentiment\na,1\nb,0\nc,2\n"
    truth = "id,sentiment,Usage\na,1,Public\nb,0,Public\nc,1,Private\n"
    result = scored("word2vec-nlp-tutorial", folder, capsys, given, truth)
    assert (result["score"], result["public"]) == (1.0, 1.0)
    assert "private" not in result
    (warning,) = result["warnings"]
    assert warning.startswith("the private board has no score: the truth holds 1 times 1")
