"""Answers with classes: which are confused, which samples are furthest off, what the folds hold."""

from __future__ import annotations

from collections import Counter

import numpy as np

from common.folds import TRAIN_ONLY
from common.report.evidence import Confusion, Evidence
from common.report.markup import Html, columns, join, note, paragraph, scrolling, table, tag
from common.report.numbers import counted
from common.report.page import Section
from common.report.pictures import image

TITLE = "Confusion matrix"
MOST_CELLS = 30  # classes up to which the matrix is a table; beyond that it is a picture
MOST_PIXELS = 256  # classes up to which the picture has a pixel per cell
RIGHT, WRONG = (64, 125, 226), (214, 106, 22)  # red, green, blue; to be seen on light and on dark
MOST_PAIRS = 10
MOST_CLASSES = 50  # rows of the table of counts
LONG_NAME = 4  # letters from which a column's heading stands upright


# ---- the confusion matrix -----------------------------------------------------------------------


def confusion(evidence: Evidence) -> Section | None:
    """Counts of truth against prediction; None where a row's answer is not one class."""
    answers, decided = evidence.answers, evidence.decided
    if answers is not None:
        given = Confusion(answers.truth, answers.predicted, answers.names)
        taken = "when the most probable class is taken"
    elif decided is not None:
        given, taken = decided, "as submitted"
    elif evidence.pipeline.spec.classes and evidence.scores is None:
        sentence = "Nothing was held out, so there are no predictions to compare."
        return Section("confusion", TITLE, paragraph(sentence))
    else:
        return None
    mistakes = given.mistakes()
    wrong = sum(count for _, _, count in mistakes)
    intro = paragraph(
        f"{counted(wrong, 'row')} of {len(given.truth):,} {'is' if wrong == 1 else 'are'} wrong "
        f"{taken}. Rows are the truth, columns the prediction."
    )
    body = [intro, columns(_drawn(given), _pairs(given, mistakes), width="loose")]
    return Section("confusion", TITLE, join(body))


def _drawn(given: Confusion) -> Html:
    n_classes = len(given.names)
    if n_classes > MOST_PIXELS:
        return note(f"{n_classes:,} classes are too many to draw.")
    counts = given.counts()
    return _matrix(counts, given.names) if n_classes <= MOST_CELLS else _map(counts)


def _matrix(counts: np.ndarray, names: tuple[str, ...]) -> Html:
    most_wrong = max(1, int((counts - np.diag(np.diag(counts))).max()))
    long = any(len(name) > LONG_NAME for name in names)
    look: dict[str, str | int] = {"class_": "upright"} if long else {}
    head = [tag("th", name, scope="col", **look) for name in names]
    rows = []
    for truth, name in enumerate(names):
        total = int(counts[truth].sum())
        cells = [
            _cell(int(count), truth == column, total if truth == column else most_wrong)
            for column, count in enumerate(counts[truth])
        ]
        share = f"{counts[truth, truth] / total:.1%}" if total else "–"
        end = tag("td", share, class_="total")
        rows.append(tag("tr", tag("th", name, scope="row"), *cells, end))
    body = tag("tbody", *rows)
    top = tag("tr", tag("td", class_="total"), *head, tag("th", "right", scope="col"))
    return scrolling(tag("table", tag("thead", top), body, class_="matrix"))


def _cell(count: int, is_right: bool, most: int) -> Html:
    """A count, the more coloured the larger: right ones by their row, wrong ones by the worst."""
    if not count:
        return tag("td", "0", class_="none")
    heat = f"--heat: {count / most:.3f}"
    return tag("td", f"{count:,}", class_="right" if is_right else "wrong", style=heat)


def _map(counts: np.ndarray) -> Html:
    """The matrix as a picture, a pixel per cell, each row's counts as shares of the row."""
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    pixels = np.empty((*counts.shape, 4), dtype=np.uint8)
    pixels[..., :3] = WRONG
    pixels[np.diag_indices(len(counts))] = (*RIGHT, 0)
    pixels[..., 3] = np.rint(255 * np.sqrt(shares))  # the root, so that rare ones can be seen
    alt = f"Confusion matrix of {len(counts)} classes; the pairs below name its largest cells"
    return tag("div", image(pixels, alt), class_="map")


def _pairs(given: Confusion, mistakes: list[tuple[int, int, int]]) -> Html:
    """The most frequent mistakes."""
    if not mistakes:
        return note("No two classes are confused.")
    per_class = np.bincount(given.truth, minlength=len(given.names))
    rows = [
        (given.names[truth], given.names[taken], f"{n:,}", f"{n / per_class[truth]:.1%}")
        for truth, taken, n in mistakes[:MOST_PAIRS]
    ]
    header = ("truth", "taken for", "rows", "of this class")
    return tag("div", tag("h3", "Most confused"), table(header, rows, numbers=(2, 3)))


# ---- class counts -------------------------------------------------------------------------------


def class_counts(evidence: Evidence) -> Section:
    """Rows per class and fold; per fold alone for questions without two classes or more."""
    frame, spec = evidence.folds, evidence.pipeline.spec
    folds = sorted(int(fold) for fold in frame["fold"].unique())
    folds = [fold for fold in folds if fold != TRAIN_ONLY] + [TRAIN_ONLY] * (TRAIN_ONLY in folds)
    named = [f"fold {fold}" if fold != TRAIN_ONLY else "train only" for fold in folds]
    per_fold = Counter(frame["fold"].tolist())
    total = ("all", *(f"{per_fold[fold]:,}" for fold in folds), f"{len(frame):,}")
    header = ("", *named, "all")
    numbers = range(1, len(header))
    if len(spec.classes) < 2 or spec.submission.target_columns[0] not in frame:
        return Section("folds", "Rows per fold", table(header, [total], numbers=numbers))
    rows, further = _class_rows(evidence, folds)
    left_out = f"{further:,} classes with fewer rows are left out." if further else ""
    body = [table(header, [*rows, total], numbers=numbers), note(left_out) if further else None]
    return Section("folds", "Classes per fold", join(body))


def _class_rows(evidence: Evidence, folds: list[int]) -> tuple[list[tuple[str, ...]], int]:
    """A row of the table per class, and how many classes are left out: those with fewest rows."""
    frame, spec = evidence.folds, evidence.pipeline.spec
    cells = frame[spec.submission.target_columns[0]].astype(str)
    known = [str(name) for name in spec.classes]
    pairs: Counter[tuple[str, int]] = Counter()
    for (cell, fold), count in Counter(zip(cells, frame["fold"].tolist(), strict=True)).items():
        for label in _labels(cell, set(known)):
            pairs[label, fold] += count
    per_class: Counter[str] = Counter()
    for (label, _), count in pairs.items():
        per_class[label] += count
    shown = set(sorted(known, key=lambda name: -per_class[name])[:MOST_CLASSES])
    rows = [
        (name, *(f"{pairs[name, fold]:,}" for fold in folds), f"{per_class[name]:,}")
        for name in known
        if name in shown
    ]
    others = [label for label in per_class if label not in set(known)]
    if others:
        of_fold = [sum(pairs[label, fold] for label in others) for fold in folds]
        rows.append(("no class", *(f"{n:,}" for n in of_fold), f"{sum(of_fold):,}"))
    return rows, len(known) - len(shown)


def _labels(cell: str, known: set[str]) -> set[str]:
    """What a cell says: one class or, where it is none, several with blanks between them."""
    several = set(cell.split())
    return several if cell not in known and several and several <= known else {cell}
