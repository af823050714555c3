"""Open Images 2019, visual relationships, from files to exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.judges.relationships import LABELS_FILE, TRIPLETS_FILE
from competitions.open_images_2019_visual_relationship.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.tables import bad_forms_of, spellings_of

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

judged = judged_fixture("open-images-2019-visual-relationship")


def laid(judged: Judged, *, triplets: str = TRIPLETS, labels: str = LABELS) -> Path:
    """The folder of a solution, written."""
    judged.path(TRIPLETS_FILE, triplets)
    judged.path(LABELS_FILE, labels)
    return judged.folder


@spellings_of(GOOD)
def test_the_hand_checked_case_in_every_spelling(judged: Judged, content: str) -> None:
    assert judged.scored(content, laid(judged))["score"] == pytest.approx(0.7, abs=1e-12)
    assert judged.checked(content, SAMPLE)[-1].startswith("valid: 2 images")


def test_blanks_around_a_cell_do_not_matter(judged: Judged) -> None:
    content = f"ImageId,PredictionString\nimg1,{FIRST} \nimg2, {SECOND}\n"
    assert judged.scored(content, laid(judged))["score"] == pytest.approx(0.7, abs=1e-12)
    assert judged.checked(content, SAMPLE)


def test_the_three_terms_are_told(judged: Judged) -> None:
    result = judged.scored(GOOD, laid(judged))
    terms = (result["map_relation"], result["recall_at_50"], result["map_phrase"])
    assert terms == pytest.approx((0.5, 1.0, 0.75))
    assert result["score"] == pytest.approx(0.7)
    assert result["rows"] == 2


def test_json_gives_the_weights_and_the_precision_of_every_relation(judged: Judged) -> None:
    result = judged.scored(GOOD, laid(judged))
    assert result["weights"] == {"map_relation": 0.4, "recall_at_50": 0.2, "map_phrase": 0.4}
    assert result["relations"] == {
        "at": {"relation": 0.5, "phrase": 0.5, "triplets": 1},
        "holds": {"relation": 0.5, "phrase": 1.0, "triplets": 1},
    }
    assert result["counted"] == "images"


def test_people_read_the_terms_with_their_weights_and_each_relation(judged: Judged) -> None:
    out = judged.score(GOOD, laid(judged))[1]
    assert out.splitlines()[:-2] == [
        "0.4 mAP of relations + 0.2 recall@50 + 0.4 mAP of phrases over 2 images, higher is better",
        "  map_relation: 0.5, weight 0.4",
        "  recall_at_50: 1.0, weight 0.2",
        "  map_phrase: 0.75, weight 0.4",
        "average precision by relation:",
        "  at     relation 0.5  phrase 0.5  triplets 1",
        "  holds  relation 0.5  phrase 1  triplets 1",
    ]


def test_the_means_without_rare_relations_are_told(judged: Judged) -> None:
    # `under` is missed: mAP 1/3 and (1 + .5) / 3; without it both are as before
    under = f"img2,{CHAIR},{TABLE},.1,.4,.5,.9,.3,.9,.3,.8,under\n"
    result = judged.scored(GOOD, laid(judged, triplets=TRIPLETS + under))
    assert (result["map_relation"], result["map_phrase"]) == pytest.approx((1 / 3, 0.5))
    without = result["map_relation_without_rare"], result["map_phrase_without_rare"]
    assert without == pytest.approx((0.5, 0.75))
    assert result["relations"]["under"] == {"relation": 0.0, "phrase": 0.0, "triplets": 1}


def test_the_order_of_the_truth_does_not_matter(judged: Judged) -> None:
    (header, *rows), (names, *pairs) = TRIPLETS.splitlines(), LABELS.splitlines()
    triplets, labels = "\n".join([header, *rows[::-1]]), "\n".join([names, *pairs[::-1]])
    solution = laid(judged, triplets=triplets, labels=labels)
    assert judged.scored(GOOD, solution)["score"] == pytest.approx(0.7, abs=1e-12)


def test_equal_scores_do_not_depend_on_the_order_of_rows(judged: Judged) -> None:
    # img1 holds a false `at` of the same score as the true one in img2, and comes first by name
    rows = [f"img1,.6 {CHAIR} {C} {TABLE} {T} at", f"img2,{SECOND}"]
    for order in (rows, rows[::-1]):
        content = "\n".join(["ImageId,PredictionString", *order])
        # holds is missed; at is found second: .4*.25 + .2*.5 + .4*.25
        assert judged.scored(content, laid(judged))["score"] == pytest.approx(0.3, abs=1e-12)


def test_labels_need_no_confidence(judged: Judged) -> None:
    labels = "\n".join(line.rsplit(",", 1)[0] for line in LABELS.splitlines())
    result = judged.scored(GOOD, laid(judged, labels=labels))
    assert result["score"] == pytest.approx(0.7, abs=1e-12)


def test_images_of_the_labels_alone_are_asked_for(judged: Judged) -> None:
    solution = laid(judged, labels=LABELS + f"img3,{TABLE},0\n")
    (fault,) = judged.refused(GOOD, solution)
    assert fault == "1 of 3 ids are missing, the first is 'img3'"
    assert judged.scored(GOOD + "img3,\n", solution)["score"] == pytest.approx(0.7, abs=1e-12)


def test_images_without_predictions_score_zero(judged: Judged) -> None:
    result = judged.scored("ImageId,PredictionString\nimg1,\nimg2,\n", laid(judged))
    assert result["score"] == 0.0
    assert result["warnings"][0].startswith("no image has a prediction")


def test_the_labels_of_the_solution_are_known(judged: Judged) -> None:
    triplets, labels, content = (
        text.replace(MAN, "Man").replace("holds", "has") for text in (TRIPLETS, LABELS, GOOD)
    )
    solution = laid(judged, triplets=triplets, labels=labels)
    assert judged.scored(content, solution)["score"] == pytest.approx(0.7, abs=1e-12)


def test_attributes_and_classes_that_the_truth_lacks_are_known(judged: Judged) -> None:
    wooden = f" .5 {TABLE} {T} /m/083vt {T} is .4 /m/0584n8 {M} /m/0dv9c {G} under"
    content = GOOD.replace("at\n", f"at{wooden}\n", 2)
    assert judged.scored(content, laid(judged))["score"] == pytest.approx(0.7, abs=1e-12)


def test_the_spec_has_all_labels() -> None:
    assert len(set(SPEC.classes)) == 57
    judge = SPEC.judge
    assert len(judge.attributes) == 5  # type: ignore[union-attr]
    assert len(judge.relations) == 10  # type: ignore[union-attr]


@bad_forms_of(GOOD, "img9")
def test_a_bad_file_is_refused_with_its_first_fault(
    judged: Judged, content: str | bytes, words: str
) -> None:
    assert words in judged.refused_by_both(content, laid(judged), SAMPLE)[0]


def test_the_truths_header_is_another(judged: Judged) -> None:
    content = GOOD.replace("ImageId", "ImageID")
    assert "lacks ImageId" in judged.refused_by_both(content, laid(judged), SAMPLE)[0]


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
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_triplet_is_refused(judged: Judged, content: str, words: str) -> None:
    assert words in judged.refused_by_both(content, laid(judged), SAMPLE)[0]


def test_all_faults_are_listed(judged: Judged) -> None:
    content = (
        "ImageId,PredictionString\n"
        f"img1,.9 Foo {M} {GUITAR} .3 .4 .2 .6 eats .8 {MAN} 0 0 nan 7 {TABLE} {T} at\n"
        f"img3,.6 {CHAIR}\nimg3,\n"
    )
    faults = judged.refused(content, laid(judged))
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
    judged: Judged, changes: dict[str, str], words: str
) -> None:
    assert words in judged.solution_refused(GOOD, laid(judged, **changes))


def test_a_box_without_area_in_the_truth_is_the_hosts_to_give(judged: Judged) -> None:
    # holds cannot be found any more: .4 * .25 + .2 * .5 + .4 * .25
    solution = laid(judged, triplets=TRIPLETS.replace(".3,.6,.4,.6", ".3,.3,.4,.4"))
    assert judged.scored(GOOD, solution)["score"] < 0.7


def test_a_solution_that_is_a_file_or_nothing_is_one_line(judged: Judged) -> None:
    assert "is no folder" in judged.solution_refused(GOOD, "a file")
    assert "does not exist" in judged.solution_refused(GOOD, judged.folder)
