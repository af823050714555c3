"""Open Images 2019, visual relationships, from files to exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from common.judges.relationships import LABELS_FILE, TRIPLETS_FILE
from competitions.open_images_2019_visual_relationship.spec import SPEC
from scripts import check_submission, score

MAN, GUITAR, CHAIR, TABLE = "/m/04yx4", "/m/0342h", "/m/01mzpv", "/m/04bcr3"
M, G = "0 0 .4 1", ".3 .4 .6 .6"
C, T = ".1 .5 .4 .9", ".3 .3 .9 .8"

TRIPLETS = (
    "ImageID,LabelName1,LabelName2,XMin1,XMax1,YMin1,YMax1,XMin2,XMax2,YMin2,YMax2,"
    "RelationshipLabel\n"
    f"img1,{MAN},{GUITAR},0,.4,0,1,.3,.6,.4,.6,holds\n"
    f"img2,{CHAIR},{TABLE},.1,.4,.5,.9,.3,.9,.3,.8,at\n"
)
LABELS = (
    "ImageID,LabelName,Confidence\n"
    f"img1,{MAN},1\nimg1,{GUITAR},1\nimg1,{TABLE},0\nimg2,{CHAIR},1\nimg2,{TABLE},1\n"
)
FIRST = (
    f".9 {MAN} {M} {GUITAR} .3 .4 .6 .45 holds .8 {MAN} {M} {GUITAR} {G} holds "
    f".7 {CHAIR} {C} {TABLE} {T} at .95 {MAN} {M} {CHAIR} {C} at"
)
SECOND = f".6 {CHAIR} {C} {TABLE} {T} at"
GOOD = f"ImageId,PredictionString\nimg1,{FIRST}\nimg2,{SECOND}\n"
SAMPLE = f"ImageId,PredictionString\nimg1,.1 {MAN} {M} {GUITAR} {G} holds\nimg2,\n"

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Scores a submission, given as its content; with `check`, checks it against the sample."""

    def run(
        content: str | bytes,
        *options: str,
        triplets: str = TRIPLETS,
        labels: str = LABELS,
        check: bool = False,
    ) -> int:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / "submission.csv").write_bytes(raw)
        (tmp_path / "sample.csv").write_text(SAMPLE)
        (tmp_path / TRIPLETS_FILE).write_text(triplets)
        (tmp_path / LABELS_FILE).write_text(labels)
        truth = ["--sample", tmp_path / "sample.csv"] if check else ["--solution", tmp_path]
        files = ["--submission", tmp_path / "submission.csv", *truth]
        main = check_submission.main if check else score.main
        return main(["open-images-2019-visual-relationship", *map(str, files), *options])

    return run


def scored(capsys: pytest.CaptureFixture[str]) -> float:
    captured = capsys.readouterr()
    assert captured.err == ""
    return float(captured.out.splitlines()[-1].removeprefix("score: "))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param(
            f"ImageId,PredictionString\nimg2,{SECOND}\nimg1,{FIRST}\n", id="other order of rows"
        ),
        pytest.param(
            f"PredictionString,ImageId\n{FIRST},img1\n{SECOND},img2\n", id="columns swapped"
        ),
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + GOOD, id="byte-order mark"),
        pytest.param(
            f'"ImageId","PredictionString"\n"img1","{FIRST}"\nimg2,"{SECOND}"\n', id="quotes"
        ),
        pytest.param(GOOD.rstrip("\n"), id="no newline at the end"),
        pytest.param(f"ImageId,PredictionString\nimg1,{FIRST} \nimg2, {SECOND}\n", id="blanks"),
    ],
)
def test_the_hand_checked_case_in_every_spelling(
    run: Run, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(content) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)
    assert run(content, check=True) == 0
    assert "valid: 2 images" in capsys.readouterr().out


def test_json_gives_the_three_terms(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(GOOD, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    terms = (result["map_relation"], result["recall_at_50"], result["map_phrase"])
    assert terms == pytest.approx((0.5, 1.0, 0.75))
    assert result["score"] == pytest.approx(0.7)
    assert result["rows"] == 2


def test_json_gives_the_weights_and_the_precision_of_every_relation(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(GOOD, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["weights"] == {"map_relation": 0.4, "recall_at_50": 0.2, "map_phrase": 0.4}
    assert result["relations"] == {
        "at": {"relation": 0.5, "phrase": 0.5, "triplets": 1},
        "holds": {"relation": 0.5, "phrase": 1.0, "triplets": 1},
    }
    assert result["counted"] == "images"


def test_people_read_the_terms_with_their_weights_and_each_relation(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(GOOD) == 0
    assert capsys.readouterr().out.splitlines()[:-2] == [
        "0.4 mAP of relations + 0.2 recall@50 + 0.4 mAP of phrases over 2 images, higher is better",
        "  map_relation: 0.5, weight 0.4",
        "  recall_at_50: 1.0, weight 0.2",
        "  map_phrase: 0.75, weight 0.4",
        "average precision by relation:",
        "  at     relation 0.5  phrase 0.5  triplets 1",
        "  holds  relation 0.5  phrase 1  triplets 1",
    ]


def test_the_means_without_rare_relations_are_told(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    # `under` is missed: mAP 1/3 and (1 + .5) / 3; without it both are as before
    under = f"img2,{CHAIR},{TABLE},.1,.4,.5,.9,.3,.9,.3,.8,under\n"
    assert run(GOOD, "--json", triplets=TRIPLETS + under) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["map_relation"], result["map_phrase"]) == pytest.approx((1 / 3, 0.5))
    without = result["map_relation_without_rare"], result["map_phrase_without_rare"]
    assert without == pytest.approx((0.5, 0.75))
    assert result["relations"]["under"] == {"relation": 0.0, "phrase": 0.0, "triplets": 1}


def test_the_order_of_the_truth_does_not_matter(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (header, *rows), (names, *pairs) = TRIPLETS.splitlines(), LABELS.splitlines()
    turned = "\n".join([header, *rows[::-1]]), "\n".join([names, *pairs[::-1]])
    assert run(GOOD, triplets=turned[0], labels=turned[1]) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)


def test_equal_scores_do_not_depend_on_the_order_of_rows(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    # img1 holds a false `at` of the same score as the true one in img2, and comes first by name
    rows = [f"img1,.6 {CHAIR} {C} {TABLE} {T} at", f"img2,{SECOND}"]
    scores = []
    for order in (rows, rows[::-1]):
        assert run("\n".join(["ImageId,PredictionString", *order])) == 0
        scores.append(scored(capsys))
    # holds is missed; at is found second: .4*.25 + .2*.5 + .4*.25
    assert scores == pytest.approx([0.3, 0.3], abs=1e-12)


def test_labels_need_no_confidence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    labels = "\n".join(line.rsplit(",", 1)[0] for line in LABELS.splitlines())
    assert run(GOOD, labels=labels) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)


def test_images_of_the_labels_alone_are_asked_for(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = LABELS + f"img3,{TABLE},0\n"
    assert run(GOOD, labels=labels) == 2
    assert "1 of 3 ids are missing, the first is 'img3'" in capsys.readouterr().err
    assert run(GOOD + "img3,\n", labels=labels) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)


def test_images_without_predictions_score_zero(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ImageId,PredictionString\nimg1,\nimg2,\n") == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("score: 0.0\n")
    assert "warning: no image has a prediction" in captured.out


def test_the_labels_of_the_solution_are_known(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    made_up = [
        text.replace(MAN, "Man").replace("holds", "has") for text in (TRIPLETS, LABELS, GOOD)
    ]
    assert run(made_up[2], triplets=made_up[0], labels=made_up[1]) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)


def test_attributes_and_classes_that_the_truth_lacks_are_known(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    wooden = f" .5 {TABLE} {T} /m/083vt {T} is .4 /m/0584n8 {M} /m/0dv9c {G} under"
    assert run(GOOD.replace("at\n", f"at{wooden}\n", 2)) == 0
    assert scored(capsys) == pytest.approx(0.7, abs=1e-12)


def test_the_spec_has_all_labels() -> None:
    assert len(set(SPEC.classes)) == 57
    judge = SPEC.judge
    assert len(judge.attributes) == 5  # type: ignore[union-attr]
    assert len(judge.relations) == 10  # type: ignore[union-attr]


def triplet(**changed: str) -> str:
    """One row for each image; the first image's triplet with some tokens changed."""
    tokens = {
        "score": ".5",
        "label1": MAN,
        "x1": "0",
        "y1": "0",
        "x2": ".4",
        "y2": "1",
        "label2": GUITAR,
        "box2": G,
        "relation": "holds",
    }
    cell = " ".join({**tokens, **changed}.values())
    return f"ImageId,PredictionString\nimg1,{cell}\nimg2,\n"


BAD = {
    "empty": ("", "is empty; expected a header"),
    "wrong header": ("id,label\nimg1,\n", "lacks ImageId, PredictionString"),
    "the truth's header": ("ImageID,PredictionString\nimg1,\nimg2,\n", "lacks ImageId"),
    "column too many": ("ImageId,PredictionString,x\nimg1,,\nimg2,,\n", "a column too many, 'x'"),
    "missing id": (
        f"ImageId,PredictionString\nimg1,{FIRST}\n",
        "1 of 2 ids are missing, the first",
    ),
    "header alone": ("ImageId,PredictionString\n", "2 of 2 ids are missing"),
    "extra id": (GOOD + "img9,\n", "1 ids were not asked for, the first is 'img9' in row 3"),
    "repeated id": (GOOD + "img1,\n", "1 ids are repeated, the first is 'img1' in row 3"),
    "eleven tokens": (triplet(relation=""), "no groups of 12 tokens, the first has 11 for id"),
    "thirteen tokens": (triplet(relation="is on"), "no groups of 12 tokens"),
    "nan score": (triplet(score="nan"), "no finite numbers, the first is 'nan' for id 'img1'"),
    "infinite corner": (triplet(x2="inf"), "no finite numbers, the first is 'inf'"),
    "text for a number": (triplet(y1="top"), "no finite numbers, the first is 'top'"),
    "label first": (triplet(score=MAN, label1=".5"), "no finite numbers, the first is '/m/04yx4'"),
    "no width": (triplet(x1=".4"), "1 triplets have a box without area"),
    "turned round": (triplet(y1=".9", y2=".8"), "1 triplets have a box without area"),
    "second box without area": (triplet(box2=".3 .4 .3 .6"), "triplets have a box without area"),
    "below the image": (triplet(x1="-.1"), "1 triplets have a box outside the image"),
    "pixels": (triplet(x2="400"), "1 triplets have a box outside the image"),
    "unknown label": (triplet(label1="/m/0zzzz"), "unknown Label1, the first is '/m/0zzzz' for id"),
    "unknown second": (triplet(label2="Guitar"), "unknown Label2, the first is 'Guitar' for id"),
    "unknown relation": (triplet(relation="inside of"), "no groups of 12 tokens"),
    "misspelt relation": (triplet(relation="eats"), "an unknown relation, the first is 'eats'"),
    "short row": ("ImageId,PredictionString\nimg1\nimg2,\n", "has 1 of 2 cells"),
    "quote not closed": ('ImageId,PredictionString\nimg1,"\nimg2,\n', "cannot be read as CSV"),
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


def test_all_faults_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    content = (
        "ImageId,PredictionString\n"
        f"img1,.9 Foo {M} {GUITAR} .3 .4 .2 .6 eats .8 {MAN} 0 0 nan 7 {TABLE} {T} at\n"
        f"img3,.6 {CHAIR}\nimg3,\n"
    )
    assert run(content, "--json") == 2
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert len(faults) == 9
    found = "\n".join(faults)
    for words in ("missing", "not asked for", "repeated", "no groups", "no finite numbers"):
        assert words in found
    for words in ("without area", "outside the image", "unknown Label1", "unknown relation"):
        assert words in found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"triplets": ""}, "is empty"),
        ({"triplets": TRIPLETS.splitlines()[0]}, "has a header and no rows"),
        ({"triplets": TRIPLETS.replace("XMin1", "Left")}, "lacks XMin1"),
        ({"triplets": TRIPLETS.replace(",.4,0", ",x,0")}, "column XMax1 holds 'x'"),
        ({"triplets": TRIPLETS.replace(",.4,0", ",nan,0")}, "column XMax1 holds 'nan'"),
        ({"triplets": TRIPLETS.replace("img1", "img1,")}, "has 13 of 12 cells"),
        ({"triplets": TRIPLETS.replace(",0,.4,0", ",.5,.4,0")}, "XMin or YMin is above"),
        ({"labels": "id,label\n"}, "lacks ImageID, LabelName"),
    ],
)
def test_a_solution_that_is_none_is_one_line(
    run: Run, changes: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(GOOD, **changes) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_box_without_area_in_the_truth_is_the_hosts_to_give(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    # holds cannot be found any more: .4 * .25 + .2 * .5 + .4 * .25
    assert run(GOOD, triplets=TRIPLETS.replace(".3,.6,.4,.6", ".3,.3,.4,.4")) == 0
    assert scored(capsys) < 0.7


def test_a_solution_that_is_a_file_or_nothing_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "submission.csv").write_text(GOOD)
    for solution, words in (("submission.csv", "is no folder"), (".", "does not exist")):
        files = ["--submission", tmp_path / "submission.csv", "--solution", tmp_path / solution]
        assert score.main(["open-images-2019-visual-relationship", *map(str, files)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
