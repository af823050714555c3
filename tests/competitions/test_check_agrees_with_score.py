"""All twenty competitions: `check_submission` and `score` refuse the same files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from common.judges.box_files import BOXES, HIERARCHY
from common.judges.box_files import LABELS as BOX_LABELS
from common.judges.relationships import LABELS_FILE, TRIPLETS_FILE
from competitions.dog_breed_identification.spec import BREEDS
from tests.competitions.judged import Judged
from tests.competitions.label_pngs import GOOD, TRUTH, A, B, grey, write
from tests.conftest import REPOSITORY

REFUSED, ACCEPTED = 2, 0


@dataclass(frozen=True)
class Example:
    """A good table of one competition, and what happens to it.

    Args:
        rows: of the submission: the key's cells, then the answer's, at least three.
        n_keys: how many cells the key has.
        other: the cells of a key that was not asked for.
        truth: the solution; None where the submission itself will do.
        accepted: the common changes that both scripts must accept; all others are refused.
        cells: last cells of the first row, with what both scripts must say.
    """

    header: str
    rows: tuple[tuple[str, ...], ...]
    other: tuple[str, ...]
    cells: dict[str, int]
    n_keys: int = 1
    truth: str | None = None
    accepted: frozenset[str] = frozenset()
    files: dict[str, str] = field(default_factory=dict)  # of a solution that is a folder


def table(header: str, rows: Iterator[tuple[str, ...]] | tuple[tuple[str, ...], ...]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def common_changes(example: Example) -> dict[str, str | bytes]:
    """What may be wrong with any table, by name."""
    header, rows = example.header, example.rows
    good = table(header, rows)
    first = rows[0]

    def with_last(cell: str) -> str:
        return table(header, ((*first[:-1], cell), *rows[1:]))

    return {
        "missing id": table(header, (rows[0], *rows[2:])),
        "extra id": table(header, (*rows, (*example.other, *first[example.n_keys :]))),
        "duplicate id": table(header, (*rows, first)),
        "wrong header": good.replace(header.split(",")[0], "name", 1),
        "missing column": table(header.rpartition(",")[0], tuple(row[:-1] for row in rows)),
        "extra column": table(f"{header},more", tuple((*row, "1") for row in rows)),
        "column twice": table(f"{header},{header.split(',')[0]}", tuple((*r, "1") for r in rows)),
        "empty file": "",
        "header alone": f"{header}\n",
        "cut in a row": good[: good.rindex(",")],
        "quote not closed": with_last('"'),
        "no text": b"\xff\xfe\x00\x01",
        "nan": with_last("nan"),
        "infinity": with_last("inf"),
        "text": with_last("high"),
        "NULL": with_last("NULL"),
    }


SPELLINGS = {
    "plain": lambda good: good,
    "byte-order mark": lambda good: "\ufeff" + good,
    "CRLF": lambda good: good.replace("\n", "\r\n"),
    "no newline at the end": lambda good: good.rstrip("\n"),
    "quotes": lambda good: "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in good.splitlines()
    ),
    "rows turned round": lambda good: "\n".join([good.splitlines()[0], *good.splitlines()[:0:-1]]),
}

ANY_LABEL = frozenset({"nan", "infinity", "text", "NULL"})  # wrong answers, and no more
NUMBERS = dict.fromkeys(("-5", "0", "1e300", "+.5", "1E-320", "-0.0"), ACCEPTED) | dict.fromkeys(
    ("", " ", "1e999", "-inf", "1_000", "0x10", "1;5", "5.0.0", "٣"), REFUSED
)
SHARES = dict.fromkeys(("0", "1", "0.5", "1e-320", "-0.0"), ACCEPTED) | dict.fromkeys(
    ("", "-0.001", "1.0001", "100", "-1e-300", "1e999", "50%"), REFUSED
)
NO_GRADES = dict.fromkeys(("", "-1", "2.0", "2.5", "1e0", " 2", "٣", "0x1", "1_0"), REFUSED)
LABELS = {"": REFUSED, "zebra": ACCEPTED, "Cat": ACCEPTED, "cat ": ACCEPTED, "1": ACCEPTED}


def rows_of(*answers: str, keys: str = "abc") -> tuple[tuple[str, ...], ...]:
    """Rows named by letters, or by what stands between blanks."""
    names = keys.split() if " " in keys else list(keys)
    return tuple((name, *cell.split(",")) for name, cell in zip(names, answers, strict=True))


def labels(*answers: str) -> Example:
    return Example("id,label", rows_of(*answers), ("z",), LABELS, accepted=ANY_LABEL)


def numbers(header: str, keys: str = "abc") -> Example:
    return Example(header, rows_of("1", "2", "0", keys=keys), ("z",), NUMBERS)


def breeds(of_first: str) -> tuple[str, ...]:
    return (of_first, *(["0.5"] * 118), "0.5")


def boxes(cell: str) -> tuple[tuple[str, ...], ...]:
    return (("img1", cell), ("img2", ""), ("img3", "/m/b .5 .2 .2 .6 .6"))


TREE = {"LabelName": "/m/all", "Subcategory": [{"LabelName": "/m/a"}, {"LabelName": "/m/b"}]}
MAN, GUITAR = "/m/04yx4", "/m/0342h"


def triplet(box: str = "0 0 .4 1", label: str = GUITAR, relation: str = "holds") -> str:
    return f".9 {MAN} {box} {label} .3 .4 .6 .6 {relation}"


EXAMPLES = {
    "aptos2019-blindness-detection": Example(
        "id_code,diagnosis",
        rows_of("4", "2", "0", keys="000c1434d8d7 12e456789012 123456789012"),
        ("000000000000",),
        {"0": ACCEPTED, "4": ACCEPTED, "5": REFUSED, **NO_GRADES},
    ),
    "biwi": Example(
        "Id,x,y", rows_of("320,240", "1,2", "639.5,3", keys="01/f 02/f 03/f"), ("04/f",), NUMBERS
    ),
    "cifar-10": labels("cat", "dog", "frog"),
    "digit-recognizer": Example(
        "ImageId,Label",
        rows_of("1", "9", "0", keys="1 2 3"),
        ("4",),
        {"9": ACCEPTED, "10": REFUSED, **NO_GRADES},
    ),
    "dog-breed-identification": Example(
        ",".join(("id", *BREEDS)),
        tuple((key, *breeds("0.5")) for key in "abc"),
        ("z",),
        SHARES,
        truth="id,breed\na,pug\nb,basset\nc,affenpinscher\n",
    ),
    "dogs-vs-cats-redux-kernels-edition": Example(
        "id,label",
        rows_of("0.5", "1", "0", keys="1 2 3"),
        ("1.jpg",),
        SHARES,
        truth="id,label\n1,1\n2,0\n3,0\n",
    ),
    "fruits": labels("Apple Red 1", "zucchini_1", "Apple Red 1"),
    "lanl-earthquake-prediction": numbers("seg_id,time_to_failure", "seg_00030f seg_0 seg_1"),
    "movielens": Example(
        "user,item,rating",
        (("1", "11", "5"), ("11", "1", "3"), ("196", "242", "4")),
        ("111", ""),
        NUMBERS,
        n_keys=2,
    ),
    "open-images-2019-object-detection": Example(
        "ImageId,PredictionString",
        boxes("/m/a .9 .1 .1 .5 .5"),
        ("img9",),
        {
            "": ACCEPTED,
            "/m/a 7 .1 .1 .5 .5": ACCEPTED,
            "/m/a .9 0 0 1 1 /m/a .9 0 0 1 1 ": ACCEPTED,
            "/m/a .9 .1 .1 .5": REFUSED,
            "/m/a .9 .1 .1 .5 .5 /m/b": REFUSED,
            "/m/a .9 .5 .1 .5 .5": REFUSED,
            "/m/a .9 .1 .6 .5 .5": REFUSED,
            "/m/a .9 -.1 .1 .5 .5": REFUSED,
            "/m/a .9 .1 .1 .5 1.5": REFUSED,
            "/m/a nan .1 .1 .5 .5": REFUSED,
            "/m/a .9 .1 .1 inf .5": REFUSED,
            "/m/a sure .1 .1 .5 .5": REFUSED,
            "/m/a ٣ .1 .1 .5 .5": REFUSED,
            "/m/a 1_0 .1 .1 .5 .5": REFUSED,
            "/m/all .9 .1 .1 .5 .5": REFUSED,
            ".9 /m/a .1 .1 .5 .5": REFUSED,
        },
        files={
            HIERARCHY: json.dumps(TREE),
            BOXES: "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"
            "img1,/m/a,0.1,0.5,0.1,0.5,0\nimg2,/m/a,0,1,0,1,1\nimg3,/m/b,0.2,0.6,0.2,0.6,0\n",
            BOX_LABELS: "ImageID,LabelName,Confidence\nimg1,/m/a,1\n",
        },
    ),
    "open-images-2019-visual-relationship": Example(
        "ImageId,PredictionString",
        (("img1", triplet()), ("img2", ""), ("img3", triplet())),
        ("img9",),
        {
            "": ACCEPTED,
            triplet().replace(".9", "-7", 1): ACCEPTED,
            triplet(label="/m/083vt", relation="is"): ACCEPTED,
            triplet(relation=""): REFUSED,
            triplet(relation="inside of"): REFUSED,
            triplet(relation="eats"): REFUSED,
            triplet(label="/m/0zzzz"): REFUSED,
            triplet(box=".4 0 .4 1"): REFUSED,
            triplet(box=".5 0 .4 1"): REFUSED,
            triplet(box="0 0 .4 400"): REFUSED,
            triplet(box="0 0 nan 1"): REFUSED,
            triplet(box="0 0 inf 1"): REFUSED,
            triplet(box="left 0 .4 1"): REFUSED,
        },
        files={
            TRIPLETS_FILE: "ImageID,LabelName1,LabelName2,XMin1,XMax1,YMin1,YMax1,XMin2,XMax2,"
            "YMin2,YMax2,RelationshipLabel\n"
            f"img1,{MAN},{GUITAR},0,.4,0,1,.3,.6,.4,.6,holds\n",
            LABELS_FILE: f"ImageID,LabelName\nimg2,{MAN}\nimg3,{MAN}\n",
        },
    ),
    "planet-understanding-the-amazon-from-space": Example(
        "image_name,tags",
        rows_of("clear primary", "cloudy", "haze", keys="test_0 test_1 file_0"),
        ("test_0.jpg",),
        dict.fromkeys(("", " ", "clear clear", "Clear", "road  water", "unknown"), ACCEPTED),
        accepted=ANY_LABEL,
    ),
    "recursion-cellular-image-classification": Example(
        "id_code,sirna",
        rows_of("911", "0", "1107", keys="HEPG2-08_1_B03 HEPG2-08_1_B04 HEPG2-08_1_B05"),
        ("HEPG2-08_1_B03_s1",),
        {"1108": ACCEPTED, "1138": ACCEPTED, "1139": REFUSED, **NO_GRADES},
    ),
    "rossmann-store-sales": numbers("Id,Sales", "1 2 3"),
    "siim-acr-pneumothorax-segmentation": Example(
        "ImageId,EncodedPixels",
        rows_of("-1", "0 4", "175349 7 1013 12", keys="ID_0 ID_1 ID_2"),
        ("ID_3",),
        {
            **dict.fromkeys(("-1", " -1", "0 1048576", "1048575 1", "0 1 0 1"), ACCEPTED),
            **dict.fromkeys(
                ("", " ", "7", "0 2 4", "0 0", "0 -4", "-1 -1", "-5 4", "0 4 -2 4"), REFUSED
            ),
            **dict.fromkeys(
                ("0 1048577", "1048576 1", "1048572 4 0 1", "0 4.0", "0 nan", "mask"), REFUSED
            ),
        },
    ),
    "stanford-dogs-dataset": labels("Shih-Tzu", "redbone", "kelpie"),
    "the-oxfordiiit-pet-dataset": labels("Abyssinian", "beagle", "Abyssinian"),
    "word2vec-nlp-tutorial": Example(
        "id,sentiment",
        rows_of("0.7", "-3", "1e300", keys="12311_10 8348_2 5828_4"),
        ("12311",),
        NUMBERS,
        truth="id,sentiment\n12311_10,1\n8348_2,0\n5828_4,0\n",
    ),
    "youtube8m-2019": Example(
        "Class,Segments",
        rows_of("a:0 b:5", "a:0", "c:10", keys="3 7 11"),
        ("1831",),
        {
            **dict.fromkeys(("", "a:0", "zzzz:7", "-:0"), ACCEPTED),
            **dict.fromkeys(("a", "a:", ":0", "a:x", "a:-5", "a:5.0", "a:05"), REFUSED),
            **dict.fromkeys(("a:0 a:0", "a:0  b:0", " a:0", "a:0 b:0 b"), REFUSED),
        },
        truth="segment_id,class,score\na:0,3,1\na:0,7,1\nc:10,11,1\n",
        accepted=frozenset({"missing id", "extra id"}),
    ),
}


def cases() -> Iterator[tuple[str, str, str | bytes, int]]:
    """Every competition, what is done to its table, the file, and what must be said of it."""
    for competition, example in EXAMPLES.items():
        for name, content in common_changes(example).items():
            said = ACCEPTED if name in example.accepted else REFUSED
            yield competition, name, content, said
        for cell, said in example.cells.items():
            (*first, _), *rest = example.rows
            yield competition, repr(cell), table(example.header, ((*first, cell), *rest)), said
        for name, spelt in SPELLINGS.items():
            yield competition, name, spelt(table(example.header, example.rows)), ACCEPTED


def laid(judged: Judged, example: Example) -> tuple[Path, Path]:
    """The solution and the sample of an example, on the disk."""
    for name, content in example.files.items():
        judged.path(name, content)
    sample = judged.path("host.csv", table(example.header, example.rows))
    if example.files:
        return judged.folder, sample
    return judged.path("truth.csv", example.truth or table(example.header, example.rows)), sample


def verdicts(judged: Judged, submission: str | bytes | Path, truth: Path, sample: Path) -> set[int]:
    """What the two scripts say; a refusal is one line and lists its faults."""
    codes = set()
    for code, out, err in (judged.score(submission, truth), judged.check(submission, sample)):
        assert len(err.splitlines()) == (1 if code else 0), err
        assert ("found:\n  - " in out) == bool(code)
        codes.add(code)
    return codes


@pytest.mark.parametrize(
    ("competition", "content", "said"),
    [
        pytest.param(slug, content, said, id=f"{slug}: {name}")
        for slug, name, content, said in cases()
    ],
)
def test_both_scripts_say_the_same_of_a_table(
    competition: str,
    content: str | bytes,
    said: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judged = Judged(competition, tmp_path, capsys)
    truth, sample = laid(judged, EXAMPLES[competition])
    assert verdicts(judged, content, truth, sample) == {said}


def test_a_row_of_probabilities_that_sums_to_nothing_is_refused_by_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = Judged("dog-breed-identification", tmp_path, capsys)
    example = EXAMPLES["dog-breed-identification"]
    truth, sample = laid(judged, example)
    nothing = ("a", *["0"] * 120)
    content = table(example.header, (nothing, *example.rows[1:]))
    assert verdicts(judged, content, truth, sample) == {REFUSED}
    nearly = ("a", *["0"] * 119, "1e-320")
    content = table(example.header, (nearly, *example.rows[1:]))
    assert verdicts(judged, content, truth, sample) == {ACCEPTED}


MASKS = {
    "good": (GOOD, ACCEPTED),
    "missing frame": ({A: GOOD[A]}, REFUSED),
    "extra frame": ({**GOOD, "c.png": [[0]]}, REFUSED),
    "another size": ({**GOOD, A: [[0, 1]]}, REFUSED),
    "void": ({**GOOD, A: [[11, 11, 11], [11, 11, 11]]}, ACCEPTED),
    "a value above void": ({**GOOD, A: [[12, 0, 0], [0, 0, 0]]}, REFUSED),
    "no frames": ({}, REFUSED),
}


@pytest.mark.parametrize(("masks", "said"), MASKS.values(), ids=MASKS)
def test_both_scripts_say_the_same_of_a_folder_of_masks(
    masks: dict[str, list[list[int]]],
    said: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judged = Judged("camvid", tmp_path, capsys)
    truth = write(tmp_path / "testannot", TRUTH)
    (tmp_path / "given").mkdir()
    given = write(tmp_path / "given", masks)
    assert verdicts(judged, given, truth, truth) == {said}


@pytest.mark.parametrize("form", ["RGB", "LA", "I;16"])
def test_both_scripts_refuse_masks_that_are_no_numbers(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = Judged("camvid", tmp_path, capsys)
    truth = write(tmp_path / "testannot", TRUTH)
    given = write(tmp_path / "given", GOOD, lambda masks: grey(masks).convert(form))
    assert verdicts(judged, given, truth, truth) == {REFUSED}


def test_both_scripts_refuse_a_file_that_is_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = Judged("camvid", tmp_path, capsys)
    truth = write(tmp_path / "testannot", TRUTH)
    given = write(tmp_path / "given", GOOD)
    (given / B).write_bytes((given / B).read_bytes()[:40])
    assert verdicts(judged, given, truth, truth) == {REFUSED}


def test_every_competition_of_the_readme_is_here() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[([a-z0-9-]+)\]\(competitions/", readme, re.M)
    assert sorted(listed) == sorted([*EXAMPLES, "camvid"])
