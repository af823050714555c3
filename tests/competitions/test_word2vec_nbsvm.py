"""The fixture of the reviews, and NB-SVM; odd test sets through both pipelines."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.collect import Dense
from common.errors import DataError, RunError
from common.metrics import area_under_roc
from common.opening import Request, data_stamps
from common.pipeline import Context
from common.run import train
from common.session import Session
from competitions.word2vec_nlp_tutorial import fixture, pictures
from competitions.word2vec_nlp_tutorial.layouts import write_tsv
from competitions.word2vec_nlp_tutorial.nbsvm import NbSvmFold, NbSvmSettings, log_count_ratios
from competitions.word2vec_nlp_tutorial.ngrams import Ngrams, words_of
from competitions.word2vec_nlp_tutorial.pipeline import NbSvm
from competitions.word2vec_nlp_tutorial.reviews import read_reviews


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("reviews")
    return folder, fixture.write(folder, seed=0)


def context_of(tmp_path: Path, root: Path, lines: list[str] | None = None) -> Context:
    said: list[str] = [] if lines is None else lines
    work, shared = tmp_path / "work", tmp_path / "shared"
    return Context(root=root, work=work, shared=shared, session=Session(say=said.append))


# ---- the fixture --------------------------------------------------------------------------------


def test_the_fixture_holds_the_odd_cases(data: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = data
    raw = (folder / "labeledTrainData.tsv").read_text(encoding="utf-8")
    assert "<br /><br />" in raw
    assert '\\"The Café\\"' in raw
    assert "\x96" in raw
    doubled = (folder / "imdb_sample" / "texts.csv").read_text(encoding="utf-8")
    assert '""The Café""' in doubled
    assert "\nSeen, I admit" in doubled
    labelled, test = read_reviews(folder, "train"), read_reviews(folder, "test")
    assert (len(labelled), len(test)) == (800, 400)
    lengths = labelled["review"].str.split().str.len()
    assert lengths.min() == 1
    assert lengths.max() >= 1400
    numbers = labelled["id"].str.partition("_")[0]
    assert numbers.duplicated().any()  # a good and a bad review share it
    stars = labelled["id"].str.partition("_")[2].astype(int)
    assert ((stars >= 7) == (labelled["sentiment"] == 1)).all()
    seen = {word for review in labelled["review"] for word in words_of(review)}
    assert "zwischenspiel" not in seen
    assert any("Zwischenspiel" in review for review in test["review"])
    assert len(list((folder / "aclImdb" / "train" / "unsup").glob("*.txt"))) == 50
    constant, single, pairs = (rung["score"] for rung in facts["rungs"])
    assert constant < single < 0.7 < 0.85 < pairs


# ---- n-grams ------------------------------------------------------------------------------------


def test_words_keep_marks_and_inner_apostrophes() -> None:
    assert words_of("It ISN'T good,<br />is it?") == ["it", "isn't", "good", ",", "is", "it", "?"]


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_ngrams_are_those_that_a_naive_count_finds(longest: int) -> None:
    draw = random.Random(0)
    reviews = [" ".join(draw.choices("abcdef!", k=draw.randint(0, 12))) for _ in range(60)] + [""]

    def held(review: str) -> set[str]:
        words = words_of(review)
        spans = [(i, n) for n in range(1, longest + 1) for i in range(len(words) - n + 1)]
        return {" ".join(words[i : i + n]) for i, n in spans}

    counts = Counter(gram for review in reviews for gram in held(review))
    expected = {gram for gram, n in counts.items() if n >= 2}
    known = Ngrams.of(reviews, longest, 2)
    texts = [known.text(position) for position in range(len(known.keys))]
    assert sorted(texts) == sorted(expected)
    for review, features in zip(reviews, known.features(reviews), strict=True):
        assert {texts[position] for position in features} == held(review) & expected


def test_ngrams_are_kept_without_pickles(tmp_path: Path) -> None:
    known = Ngrams.of(["good film", "good film", "café"], 3, 1)
    known.save(tmp_path)
    again = Ngrams.load(tmp_path)
    assert again.words == known.words
    assert again.text(int(again.features(["café"])[0][0])) == "café"
    with pytest.raises(RunError, match=r"words\.json is missing"):
        Ngrams.load(tmp_path / "nowhere")


def test_no_known_word_gives_no_feature() -> None:
    known = Ngrams.of(["good film", "bad plot"], 3, 2)  # nothing stands in two reviews
    assert [len(row) for row in known.features(["good", ""])] == [0, 0]


# ---- NB-SVM -------------------------------------------------------------------------------------


def rows(*held: list[int]) -> list[np.ndarray]:
    return [np.array(one, dtype=np.int32) for one in held]


def test_log_count_ratios_are_those_worked_out_by_hand() -> None:
    from scipy.sparse import csr_matrix

    presence = csr_matrix([[1, 0], [1, 1], [0, 1]], dtype=np.float32)
    # two good reviews, one bad: (1 + 2) / (1 + 2) against (1 + 0) / (1 + 1), and so on
    expected = [math.log(1 / 0.5), math.log((2 / 3) / 1)]
    found = log_count_ratios(presence, np.array([1, 1, 0]))
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_stored_weights_answer_as_scikit_learn_does(
    data: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    reviews = read_reviews(data[0], "train")
    texts, labels = reviews["review"].tolist(), reviews["sentiment"].to_numpy()
    known = Ngrams.of(texts, 2, 2)
    features = known.features(texts)
    model = NbSvmFold.fit(
        features[:600], labels[:600], len(known.keys), cost=1.0, least=2, name="p"
    )
    model.save(tmp_path)
    asked = pd.DataFrame({"sample": reviews["id"][600:], "features": features[600:]})
    found = NbSvmFold.load(tmp_path, "p").predict(asked).values[:, 0]

    counted = CountVectorizer(analyzer=lambda text: grams(text), binary=True, min_df=2)
    presence = counted.fit_transform(texts[:600]).astype(np.float64)
    good, bad = (presence[labels[:600] == label].sum(axis=0) for label in (1, 0))
    n_good, n_bad = (int((labels[:600] == label).sum()) for label in (1, 0))
    ratios = np.asarray(np.log(((1 + good) / (1 + n_good)) / ((1 + bad) / (1 + n_bad))))
    theirs = LogisticRegression(C=1.0, max_iter=1000).fit(presence.multiply(ratios), labels[:600])
    answers = theirs.predict_proba(counted.transform(texts[600:]).multiply(ratios))[:, 1]
    assert np.abs(found - answers).max() < 0.01
    assert area_under_roc.score(labels[600:], found) > 0.85


def grams(text: str) -> list[str]:
    words = words_of(text)
    return [*words, *map(" ".join, pairwise(words))]


def test_what_a_fold_does_not_hold_often_enough_has_no_weight() -> None:
    labels = np.array([1, 1, 0, 0])
    model = NbSvmFold.fit(
        rows([0, 1], [0], [2], [2]), labels, n_features=4, cost=1.0, least=2, name="p"
    )
    assert model.weights[0] > 0 > model.weights[2]
    assert model.weights[[1, 3]].tolist() == [0, 0]


def test_reviews_without_anything_known_get_the_share_of_good_ones() -> None:
    labels = np.array([1, 1, 1, 0])
    model = NbSvmFold.fit(rows([], [], [], []), labels, 0, cost=1.0, least=2, name="p")
    asked = pd.DataFrame({"sample": ["a"], "features": rows([])})
    assert model.predict(asked).values.tolist() == [[pytest.approx(0.75)]]
    assert len(model.predict(asked.iloc[:0]).samples) == 0


def test_repeated_reviews_share_a_group_and_a_fold(
    data: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    lines: list[str] = []
    context = context_of(tmp_path, data[0], lines)
    pipeline = NbSvm(NbSvmSettings(folds=5))
    pipeline.prepare(context)
    assert lines == [
        "repeated reviews: 1, kept in the fold of their first copy; 0 texts with both sentiments"
    ]
    items = pipeline.items("train", context)
    assert items["group"].duplicated().sum() == 1
    items["fold"] = pipeline.folds(items, seed=3)
    assert (items.groupby("group")["fold"].nunique() == 1).all()
    assert items.groupby("fold")["sentiment"].mean().between(0.47, 0.53).all()


def edited(root: Path, tmp_path: Path, test: list[tuple[str, str]]) -> Path:
    """The fixture's training reviews beside another test set, which the sample asks for."""
    place = tmp_path / "edited"
    place.mkdir()
    for name in ("labeledTrainData.tsv", "unlabeledTrainData.tsv"):
        (place / name).write_bytes((root / name).read_bytes())
    write_tsv(place / "testData.tsv", ("id", "review"), test)
    asked = "".join(f"{name},0\n" for name, _ in test)
    (place / "sampleSubmission.csv").write_text(f"id,sentiment\n{asked}")
    return place


ODD = [("1_9", ""), ("2_1", "not dull " * 11_112), ("3_2", "?!")]  # the second: 100,008 letters


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nbsvm", "ulmfit"])
@pytest.mark.parametrize("test", [ODD, ODD[:1]], ids=["three rows", "one row"])
def test_an_empty_and_a_huge_review_are_answered(
    data: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    test: list[tuple[str, str]],
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    quick = ("epochs=1", "lm_epochs=1") if name == "ulmfit" else ()
    root = edited(data[0], tmp_path, test)
    request = Request(
        "word2vec-nlp-tutorial", pipeline=name, preset="smoke", changes=quick, data=root
    )
    run = train(request, say=lambda line: None)
    answers = pd.read_csv(run / "submission.csv", dtype={"id": str})
    assert answers["id"].tolist() == [asked for asked, _ in test]
    assert answers["sentiment"].between(0, 1).all()


def test_a_test_set_without_rows_is_one_line(
    data: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root = edited(data[0], tmp_path, [])
    with pytest.raises(DataError, match=r"testData\.tsv has a header and no rows"):
        NbSvm().items("test", context_of(tmp_path, root))


def test_a_zip_of_the_hosts_file_has_a_stamp_of_its_content(tmp_path: Path) -> None:
    def stamps(zipped: bytes) -> dict[str, str]:
        (tmp_path / "labeledTrainData.tsv.zip").write_bytes(zipped)
        return data_stamps(NbSvm(), tmp_path)

    assert set(stamps(b"one")) == {"train"}
    assert stamps(b"one") != stamps(b"another")


def test_the_strongest_ngrams_are_shown_good_ones_first() -> None:
    known = Ngrams.of(["great dull fine", "great dull fine"], 1, 2)
    weights = np.array([{"great": 2.0, "dull": -1.0, "fine": 0.0}[word] for word in known.words])
    figure = pictures.strongest(known, weights)

    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    figure.paint(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["great", "dull"]
    assert [bar.get_width() for bar in axes.patches] == [2.0, -1.0]


def test_probabilities_are_answered_as_they_are() -> None:
    items = pd.DataFrame({"sample": ["b_1", "a_9"], "id": ["b_1", "a_9"]})
    dense = Dense(np.array(["a_9", "b_1"]), np.array([[0.75], [0.25]], np.float32), ("p_positive",))
    assert list(NbSvm().submission(items, dense, {})) == [("b_1", 0.25), ("a_9", 0.75)]
