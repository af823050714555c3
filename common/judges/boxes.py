"""The judge of Open Images detection: boxes of one class each, six tokens a box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.judges import prediction_strings as strings
from common.judges.base import Breakdown, Checked, Verdict
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
        """The score, and beside it the means over kinds of classes and each class's own.

        The truth is expanded along the hierarchy, the submission is not: the host does not.
        """
        known = read_solution(solution)
        groups = _read(submission, known.images, known.tree)
        detections = _detections(groups, known.images, known.tree)
        truth = expanded(known.truth, known.tree)
        doubts = (*_score_doubts(groups), *_expansion_doubts(detections, truth, known.tree))
        n_images = len(known.images)
        if spec.metric is not open_images_map:
            score = float(spec.metric.score(y_true=truth, y_pred=detections))
            return Verdict(score, n_images, doubts=doubts, counted="images")
        precisions = average_precisions(truth, detections)
        n_boxes = np.bincount(truth.label, minlength=truth.n_classes)
        scored = np.flatnonzero(n_boxes)
        parts = _means(precisions, scored, n_boxes, known.tree)
        table = {
            known.tree.names[c]: {"ap": float(precisions[c]), "boxes": int(n_boxes[c])}
            for c in scored
        }
        classes = {"average_precisions": Breakdown("average precision by class", table)}
        score = float(np.mean(precisions[scored]))
        return Verdict(score, n_images, parts, doubts, "images", breakdowns=classes)

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
        return Checked(len(groups.ids), doubts, counted="images")


def boxes_fault(cell: str) -> str:
    """What is wrong with one PredictionString, whatever its labels are; "" where nothing is."""
    return strings.cell_fault(cell, size=_SIZE)


def _means(
    precisions: np.ndarray, scored: np.ndarray, n_boxes: np.ndarray, tree: ClassTree
) -> dict[str, float]:
    """The means over leaves and inner classes, and over the thirds of the classes with the fewest
    boxes, the most, and those between; what has no classes is left out.

    Args:
        scored: the classes with a true box.
    """
    kinds = {
        "map_leaves": scored[tree.leaves[scored]],
        "map_inner": scored[~tree.leaves[scored]],
    }
    if len(scored) >= 3:
        thirds = np.array_split(scored[np.argsort(n_boxes[scored], kind="stable")], 3)
        kinds |= dict(zip(("map_rare", "map_middle", "map_frequent"), thirds, strict=True))
    means = {name: float(np.mean(precisions[c])) for name, c in kinds.items() if len(c)}
    return {**means, "classes": len(scored)}


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
