"""The judge of Open Images detection: boxes of one class each, six tokens a box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.judges import prediction_strings as strings
from common.judges.base import Checked, Verdict
from common.judges.box_files import HIERARCHY, read_solution, read_tree
from common.metrics import open_images_map
from common.metrics.class_tree import ClassTree
from common.metrics.detection import Detections, TrueBoxes, average_precisions, expanded
from common.spec import CompetitionSpec

FORM = "groups of `Label Confidence XMin YMin XMax YMax` between spaces, or nothing"
_SIZE = 6


class BoxesJudge:
    """Scores `ImageId,PredictionString` against a folder of the challenge's own files."""

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The score, and beside it the means over leaves and over inner classes.

        The truth is expanded along the hierarchy, the submission is not: the host does not.
        """
        known = read_solution(solution)
        groups = _read(submission, known.images, known.tree)
        detections = _detections(groups, known.images, known.tree)
        truth = expanded(known.truth, known.tree)
        doubts = (*_score_doubts(groups), *_expansion_doubts(detections, truth, known.tree))
        if spec.metric is not open_images_map:
            score = spec.metric.score(y_true=truth, y_pred=detections)
            return Verdict(float(score), len(known.images), doubts=doubts)
        precisions = average_precisions(truth, detections)
        scored = ~np.isnan(precisions)
        parts = {
            name: float(np.mean(precisions[scored & chosen]))
            for name, chosen in (
                ("map_leaves", known.tree.leaves),
                ("map_inner", ~known.tree.leaves),
            )
            if (scored & chosen).any()
        }
        parts["classes"] = int(scored.sum())
        return Verdict(float(np.mean(precisions[scored])), len(known.images), parts, doubts)

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score` against the sample's ids; labels are checked where the hierarchy
        lies beside the sample."""
        asked = strings.asked_ids(sample, spec.submission.key_columns[0])
        hierarchy = sample.with_name(HIERARCHY)
        tree = read_tree(hierarchy) if hierarchy.is_file() else None
        groups = _read(submission, asked, tree)
        doubts = _score_doubts(groups)
        if tree is None:
            doubts += (
                f"whether the {len(groups.names)} labels are classes was not checked: no "
                f"{HIERARCHY} beside {sample.name}",
            )
        return Checked(len(groups.ids), doubts)


def boxes_fault(cell: str) -> str:
    """What is wrong with one PredictionString, whatever its labels are; "" where nothing is."""
    return strings.cell_fault(cell, size=_SIZE)


def _read(path: Path, asked: Sequence[str], tree: ClassTree | None) -> strings.Groups:
    """The boxes of a submission that the competition would accept."""
    groups = strings.read_groups(path, size=_SIZE)
    faults = strings.id_faults(groups.ids, asked) + groups.faults
    strings.refuse(path, faults + _box_faults(groups) + _label_faults(groups, tree))
    return groups


def _box_faults(groups: strings.Groups) -> list[str]:
    box = groups.numbers[:, 1:]
    outside = np.any((box < 0) | (box > 1), axis=1)
    empty = (box[:, 0] >= box[:, 2]) | (box[:, 1] >= box[:, 3])
    return [
        *groups.fault("boxes leave the image", outside, box, "coordinates from 0 to 1"),
        *groups.fault("boxes have no area", empty, box, "XMin below XMax and YMin below YMax"),
    ]


def _label_faults(groups: strings.Groups, tree: ClassTree | None) -> list[str]:
    if tree is None:
        return []
    known = set(tree.names)
    unknown = np.array([name not in known for name in groups.names], dtype=bool)
    labels = np.array(groups.names, dtype=object)[groups.words[:, 0]]
    expected = f"one of the {len(known)} classes of the hierarchy"
    return groups.fault("labels are unknown", unknown[groups.words[:, 0]], labels, expected)


def _detections(groups: strings.Groups, images: Sequence[str], tree: ClassTree) -> Detections:
    """The boxes with images and classes as the truth numbers them."""
    image_of = {name: number for number, name in enumerate(images)}
    class_of = {name: number for number, name in enumerate(tree.names)}
    image = np.array([image_of[name] for name in groups.ids], dtype=np.int64)
    label = np.array([class_of[name] for name in groups.names], dtype=np.int64)
    return Detections(
        image=image[groups.owners],
        label=label[groups.words[:, 0]],
        score=groups.numbers[:, 0],
        box=groups.numbers[:, 1:],
    )


def _score_doubts(groups: strings.Groups) -> tuple[str, ...]:
    score = groups.numbers[:, 0]
    outside = (score < 0) | (score > 1)
    return tuple(groups.fault("scores are unusual", outside, score, "0 to 1, as from a detector"))


def _expansion_doubts(detections: Detections, truth: TrueBoxes, tree: ClassTree) -> tuple[str, ...]:
    inner = ~tree.leaves
    if len(detections.label) == 0 or inner[detections.label].any() or not inner[truth.label].any():
        return ()
    return (
        "no box names a class that has others below it, and those classes count as much as all: "
        "repeat each box for the classes above its own",
    )
