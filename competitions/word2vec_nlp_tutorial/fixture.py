"""Synthetic reviews in which order counts: "not dull" is praise.

Written as Kaggle's TSV files, and beside them as the folders of `aclImdb` and as the one CSV of
the fastai sample. A bag of single words misses what is negated; pairs of words do not.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.fixtures import rung, write_csv
from competitions.word2vec_nlp_tutorial.layouts import write_tsv
from competitions.word2vec_nlp_tutorial.reviews import read_reviews
from competitions.word2vec_nlp_tutorial.spec import SPEC

VERSION = 1
N_TRAIN, N_TEST, N_UNLABELLED = 800, 400, 400
AGREES, NEGATED = 0.72, 0.35  # shares of the phrases, and of the words of opinion
NEUTRAL = (
    *("the plot", "the cast", "the score", "a scene", "the ending", "this film", "the script"),
    *("the camera", "the pace", "the dialogue", "an actor", "the story", "the sequel"),
    *("that role", "the music", "the set", "the first half", "the director"),
)
GOOD = ("great", "moving", "funny", "superb", "clever", "charming", "gripping")
BAD = ("dull", "awful", "boring", "clumsy", "stupid", "tedious", "weak")
LONG = 1500  # words of one review


@dataclass(frozen=True)
class Review:
    """A review as all three layouts write it.

    Args:
        number: counts within a class, so a good and a bad review may share it.
        stars: 7 to 10 for good reviews, 1 to 4 for bad ones; 0 where nobody says.
    """

    number: int
    stars: int
    good: bool
    text: str

    @property
    def name(self) -> str:
        return f"{self.number}_{self.stars}"


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes the three layouts and solution.csv."""
    draw = random.Random(seed)
    train = _decorated(_drawn(draw, N_TRAIN), draw)
    test = _drawn(draw, N_TEST)
    test[3] = Review(test[3].number, test[3].stars, test[3].good, f"{test[3].text} Zwischenspiel.")
    unlabelled = [Review(n, 0, r.good, r.text) for n, r in enumerate(_drawn(draw, N_UNLABELLED))]
    _write_kaggle(folder, train, test, unlabelled)
    _write_folders(folder / "aclImdb", train, test, unlabelled)
    _write_sample(folder / "imdb_sample", train, test)
    return {
        "version": VERSION,
        "synthetic": True,
        "called": f"synthetic data for {SPEC.title}",
        "rungs": _rungs(train, test),
    }


# ---- the reviews --------------------------------------------------------------------------------


def _drawn(draw: random.Random, n: int) -> list[Review]:
    """Reviews, half of them good, in random order; numbers run within each class."""
    goods = [k % 2 == 0 for k in range(n)]
    draw.shuffle(goods)
    counts = {True: 0, False: 0}
    reviews = []
    for good in goods:
        stars = draw.randint(7, 10) if good else draw.randint(1, 4)
        reviews.append(Review(counts[good], stars, good, _text(draw, good, draw.randint(3, 8))))
        counts[good] += 1
    return reviews


def _text(draw: random.Random, good: bool, n_phrases: int) -> str:
    """Phrases such as "The cast was not dull", each in the review's sense or against it."""
    phrases = []
    for _ in range(n_phrases):
        praises = good if draw.random() < AGREES else not good
        negated = draw.random() < NEGATED
        word = draw.choice(GOOD if praises != negated else BAD)
        said = f"{draw.choice(NEUTRAL)} was {'not ' if negated else ''}{word}"
        phrases.append(said.capitalize() + draw.choice(".,.!"))
    return " ".join(phrases)


def _decorated(reviews: list[Review], draw: random.Random) -> list[Review]:
    """The odd cases of the real files, one by one; the last row repeats the first of its class."""
    edits: dict[int, Callable[[str], str]] = {
        1: lambda text: text.replace(" ", "<br /><br />", 1),
        2: lambda text: f'"The Café" it is called. {text}',
        3: lambda text: f'{text} "Naïve", they said, "and \\ or so".',
        4: lambda text: f"{text} A film \x96 it was \x97 for all.",
        5: lambda text: "Superb" if reviews[5].good else "Dull",
        6: lambda text: _text(draw, reviews[6].good, LONG // 4),
        7: lambda text: f"{text}\nSeen, I admit, twice.",
        8: lambda text: f"{text} Tom &amp; Ann WON!!!! ;-)",
    }
    texts = [edits[k](r.text) if k in edits else r.text for k, r in enumerate(reviews)]
    like_last = next(k for k, r in enumerate(reviews) if r.good == reviews[-1].good)
    texts[-1] = f"{texts[like_last].upper()} <br />"
    return [Review(r.number, r.stars, r.good, text) for r, text in zip(reviews, texts, strict=True)]


# ---- the layouts --------------------------------------------------------------------------------


def _write_kaggle(
    folder: Path, train: list[Review], test: list[Review], unlabelled: list[Review]
) -> None:
    """The host's TSV files: inner quotes behind a backslash, one line per review."""
    rows = [(r.name, int(r.good), r.text.replace("\n", " ")) for r in train]
    write_tsv(folder / SPEC.file("train").name, SPEC.file("train").columns, rows)
    for role, reviews in (("test", test), ("unlabelled", unlabelled)):
        write_tsv(
            folder / SPEC.file(role).name,
            SPEC.file(role).columns,
            ((r.name, r.text) for r in reviews),
        )
    header = SPEC.submission.header
    write_csv(folder / "sampleSubmission.csv", header, ((r.name, 0) for r in test))
    write_csv(folder / "solution.csv", header, ((r.name, int(r.good)) for r in test))


def _write_folders(
    folder: Path, train: list[Review], test: list[Review], unlabelled: list[Review]
) -> None:
    """aclImdb: a file per review, its class the folder's name."""
    for split, reviews in (("train", train), ("test", test)):
        for part in ("pos", "neg"):
            (folder / split / part).mkdir(parents=True)
        for r in reviews:
            place = folder / split / ("pos" if r.good else "neg") / f"{r.name}.txt"
            place.write_text(r.text.replace("\n", " "), encoding="utf-8")
    (folder / "train" / "unsup").mkdir()
    for r in unlabelled[:50]:
        place = folder / "train" / "unsup" / f"{r.name}.txt"
        place.write_text(r.text, encoding="utf-8")


def _write_sample(folder: Path, train: list[Review], test: list[Review]) -> None:
    """The fastai sample: one CSV with doubled quotes, and a text that goes over two lines."""
    folder.mkdir()
    rows = [
        ("positive" if r.good else "negative", r.text, held_out)
        for reviews, held_out in ((train, False), (test, True))
        for r in reviews[: N_TRAIN // 4]
    ]
    write_csv(folder / "texts.csv", ("label", "text", "is_valid"), rows)


def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
    """Writes a test set of so many rows: known reviews, under new ids from the second round on."""
    known = read_reviews(data, "test")
    pairs = [*zip(known["id"], known["review"], strict=True)]
    rows = []
    for k in range(n_rows):
        name, review = pairs[k % len(pairs)]
        number, _, stars = name.partition("_")
        turn = k // len(pairs)
        rows.append((f"{turn}{number:0>5}_{stars}" if turn else name, review))
    file = SPEC.file("test")
    write_tsv(out / file.name, file.columns, rows)
    with (data / "sampleSubmission.csv").open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream))
    write_csv(out / "sampleSubmission.csv", header, ((name, 0) for name, _ in rows))


# ---- its rungs ----------------------------------------------------------------------------------


def _rungs(train: list[Review], test: list[Review]) -> list[dict[str, Any]]:
    """The constant, and logistic regression on the presence of words and of pairs of words."""
    source = f"measured on the {len(test)} synthetic test rows"
    return [
        rung("constant", 0.5, "by definition"),
        rung("single words, logistic regression", _linear(train, test, 1), source),
        rung("words and pairs, logistic regression", _linear(train, test, 2), source),
    ]


def _linear(train: Iterable[Review], test: Iterable[Review], longest: int) -> float:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counted = CountVectorizer(ngram_range=(1, longest), binary=True)
    known = counted.fit_transform([r.text for r in train])
    model = LogisticRegression(max_iter=1000).fit(known, [r.good for r in train])
    asked = model.decision_function(counted.transform([r.text for r in test]))
    return SPEC.metric.score([int(r.good) for r in test], asked)
