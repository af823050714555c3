"""The judge of visual relationships: triplets with two boxes in one cell per image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.csv_table import cut, place
from common.errors import DataError
from common.judges.base import Breakdown, Checked, Verdict
from common.judges.csv_chunks import Codes, read_chunks
from common.judges.prediction_strings import (
    Groups,
    asked_ids,
    cell_fault,
    id_faults,
    read_groups,
    refuse,
)
from common.metrics.relationships import (
    WEIGHTS,
    Relations,
    RelationshipTerms,
    relationship_terms,
)
from common.spec import CompetitionSpec

TRIPLETS_FILE = "challenge-2019-validation-vrd.csv"
LABELS_FILE = "challenge-2019-validation-vrd-labels.csv"

_KEY = "ImageId"
_TOKENS = 12
_WORDS = (1, 6, 11)  # where a group's two labels and its relation stand
_CORNERS = tuple(f"{name}{k}" for k in (1, 2) for name in ("XMin", "YMin", "XMax", "YMax"))
_NAMES = ("LabelName1", "LabelName2", "RelationshipLabel")


def triplets_fault(cell: str) -> str:
    """What is wrong with the form of an image's triplets, or ""."""
    return cell_fault(cell, size=_TOKENS, words=_WORDS)


@dataclass(frozen=True)
class _Truth:
    """A solution: triplets with texts in place of numbers.

    Args:
        triplets: (image, label1, label2, relation), as texts.
        boxes: (n, 2, 4), float32.
        verified: (image, label), as texts.
    """

    triplets: list[tuple[str, ...]]
    boxes: np.ndarray
    verified: list[tuple[str, ...]]

    def images(self) -> list[str]:
        """The images of both files, each once."""
        return list(dict.fromkeys([row[0] for row in [*self.triplets, *self.verified]]))

    def labels(self) -> set[str]:
        return {label for row in self.triplets for label in row[1:3]} | {
            label for _, label in self.verified
        }

    def relations(self) -> set[str]:
        return {row[3] for row in self.triplets}


class RelationshipsJudge:
    """Scores `ImageId,PredictionString` against a folder with the host's two files of truth.

    Labels and relations that neither the competition nor the solution knows are refused: the
    host's evaluator fails on them.

    Args:
        attributes: labels that may stand in the second place, besides the competition's classes.
        relations: the names of the relations.
        rare: relations with so few triplets that single hits move the score: the means without
            them are told as well.
    """

    def __init__(
        self, attributes: Sequence[str], relations: Sequence[str], rare: Sequence[str] = ()
    ) -> None:
        self.attributes = tuple(attributes)
        self.relations = tuple(relations)
        self.rare = tuple(rare)

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The weighted sum over the images of the solution, its three terms, and the average
        precisions of each relation."""
        truth = _read_truth(solution)
        asked = truth.images()
        known = {*map(str, spec.classes), *self.attributes, *truth.labels()}
        groups = self._read(submission, asked, known, {*self.relations, *truth.relations()})
        terms, names = _terms(truth, asked, groups)
        parts = {
            "map_relation": terms.map_relation,
            "recall_at_50": terms.recall_at_50,
            "map_phrase": terms.map_phrase,
        }
        weights = dict(zip(parts, WEIGHTS, strict=True))
        parts |= self._without_rare(terms, names)
        breakdowns = {"relations": _by_relation(terms, names)}
        doubts = _doubts(groups)
        return Verdict(terms.score, len(asked), parts, doubts, "images", weights, breakdowns)

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score`, against the images of the sample and the host's labels."""
        asked = asked_ids(sample, _KEY)
        known = {*map(str, spec.classes), *self.attributes}
        groups = self._read(submission, asked, known, {*self.relations})
        return Checked(len(groups.ids), _doubts(groups), "images")

    def _without_rare(self, terms: RelationshipTerms, names: Sequence[str]) -> dict[str, float]:
        """Both means without the rare relations; nothing where the truth has none or no other."""
        frequent = np.array([name not in self.rare for name in names], dtype=bool)
        if frequent.all() or not frequent.any():
            return {}
        of_relations, of_phrases = terms.precisions[frequent].mean(axis=0).tolist()
        return {
            "map_relation_without_rare": of_relations,
            "map_phrase_without_rare": of_phrases,
        }

    def _read(
        self, path: Path, asked: Sequence[str], labels: set[str], relations: set[str]
    ) -> Groups:
        """The triplets of a submission that would be accepted."""
        groups = read_groups(path, size=_TOKENS, words=_WORDS, key=_KEY)
        faults = id_faults(groups.ids, asked) + groups.faults
        refuse(path, faults + _box_faults(groups) + _name_faults(groups, labels, relations))
        return groups


def _box_faults(groups: Groups) -> list[str]:
    bad = np.zeros(len(groups.owners), dtype=bool)
    empty = bad.copy()
    for box in (groups.numbers[:, 1:5], groups.numbers[:, 5:9]):
        bad |= ((box < 0) | (box > 1)).any(axis=1)
        empty |= (box[:, :2] >= box[:, 2:]).any(axis=1)
    corners, form = groups.numbers[:, 1:], "XMin < XMax and YMin < YMax in both boxes"
    return [
        *groups.fault("triplets have a box without area", empty, corners, form),
        *groups.fault("triplets have a box outside the image", bad, corners, "shares from 0 to 1"),
    ]


def _name_faults(groups: Groups, labels: set[str], relations: set[str]) -> list[str]:
    names = np.array(groups.names, dtype=object)
    is_label = np.array([name in labels for name in groups.names], dtype=bool)
    is_relation = np.array([name in relations for name in groups.names], dtype=bool)
    shown = names[groups.words] if len(names) else groups.words
    faults = []
    for k in (0, 1):
        faults += groups.fault(
            f"triplets have an unknown Label{k + 1}",
            ~is_label[groups.words[:, k]],
            shown[:, k],
            f"one of the {len(labels)} classes and attributes",
        )
    return faults + groups.fault(
        "triplets have an unknown relation",
        ~is_relation[groups.words[:, 2]],
        shown[:, 2],
        f"one of {', '.join(sorted(relations))}",
    )


def _doubts(groups: Groups) -> tuple[str, ...]:
    if len(groups.owners):
        return ()
    return ("no image has a prediction",)


def _by_relation(terms: RelationshipTerms, names: Sequence[str]) -> Breakdown:
    rows = zip(names, terms.precisions, terms.counts, strict=True)
    table = {
        name: {"relation": float(pair[0]), "phrase": float(pair[1]), "triplets": int(count)}
        for name, pair, count in rows
    }
    return Breakdown("average precision by relation", dict(sorted(table.items())))


def _terms(
    truth: _Truth, asked: Sequence[str], groups: Groups
) -> tuple[RelationshipTerms, list[str]]:
    """The terms, and the names of their relations.

    Truth and submission get the same numbers; images by name, so no file's order matters.
    """
    position = {name: number for number, name in enumerate(sorted(asked))}
    codes = Codes({name: number for number, name in enumerate(groups.names)})
    true = Relations(
        images=np.array([position[row[0]] for row in truth.triplets], dtype=np.int64),
        labels=np.array([[codes[name] for name in row[1:]] for row in truth.triplets]),
        boxes=truth.boxes,
        scores=np.ones(len(truth.triplets)),
    )
    verified = [(position[image], codes[label]) for image, label in truth.verified]
    rows = np.array([position[name] for name in groups.ids], dtype=np.int64)
    predicted = Relations(
        images=rows[groups.owners],
        labels=groups.words.astype(np.int64),
        boxes=groups.numbers[:, 1:].astype(np.float32).reshape(-1, 2, 4),
        scores=groups.numbers[:, 0],
    )
    looked_for = np.array(verified, dtype=np.int64).reshape(-1, 2)
    terms = relationship_terms(true, looked_for, predicted)
    names = list(codes)
    return terms, [names[relation] for relation in terms.relations.tolist()]


def _read_truth(folder: Path) -> _Truth:
    """The two files of a solution.

    Raises: DataError, naming the first fault.
    """
    if not folder.is_dir():
        raise DataError(
            f"the solution {folder} is no folder; expected a folder with {TRIPLETS_FILE} and "
            f"{LABELS_FILE}"
        )
    columns = _columns(folder / TRIPLETS_FILE, ("ImageID", *_NAMES, *_CORNERS))
    verified = _columns(folder / LABELS_FILE, ("ImageID", "LabelName"))
    if not columns[0]:
        raise DataError(f"{folder / TRIPLETS_FILE} has a header and no rows; expected triplets")
    triplets = list(zip(*columns[:4], strict=True))
    return _Truth(
        triplets,
        _true_boxes(folder / TRIPLETS_FILE, columns[4:]),
        list(zip(*verified, strict=True)),
    )


def _columns(path: Path, names: Sequence[str]) -> list[list[str]]:
    columns: list[list[str]] = [[] for _ in names]
    for cells in read_chunks(path, names):
        for column, more in zip(columns, cells, strict=True):
            column.extend(more)
    return columns


def _true_boxes(path: Path, columns: Sequence[Sequence[str]]) -> np.ndarray:
    """The corners as (n, 2, 4). A box without area is the host's to give, one turned round not."""
    for name, column in zip(_CORNERS, columns, strict=True):
        for row, cell in enumerate(column):
            if not _is_number(cell):
                raise DataError(
                    f"{path}: {place(row)}, column {name} holds {cut(repr(cell))}; expected a "
                    "finite number"
                )
    boxes = np.array(columns, dtype=np.float64).T.astype(np.float32).reshape(-1, 2, 4)
    turned = np.flatnonzero((boxes[:, :, :2] > boxes[:, :, 2:]).any(axis=(1, 2)))
    if len(turned):
        raise DataError(
            f"{path}: {place(int(turned[0]))} has a box whose XMin or YMin is above its XMax or "
            "YMax; expected it below"
        )
    return boxes


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
