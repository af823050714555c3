"""The truth of Open Images detection: the challenge's own files in one folder, found by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.csv_table import cut, place
from common.errors import DataError
from common.judges.csv_chunks import Codes, read_chunks
from common.metrics.class_tree import ClassTree, class_tree
from common.metrics.detection import TrueBoxes

BOXES = "challenge-2019-validation-detection-bbox.csv"
LABELS = "challenge-2019-validation-detection-human-imagelabels.csv"
HIERARCHY = "challenge-2019-label500-hierarchy.json"

_BOX_COLUMNS = ("ImageID", "LabelName", "XMin", "YMin", "XMax", "YMax", "IsGroupOf")
_LABEL_COLUMNS = ("ImageID", "LabelName", "Confidence")


@dataclass(frozen=True, eq=False)
class Solution:
    """What a folder knows: the images in the order of the files, the classes, and the truth as
    released, not expanded."""

    images: list[str]
    tree: ClassTree
    truth: TrueBoxes


def read_solution(folder: Path) -> Solution:
    """The truth of a folder; both widths of the two tables are read, their columns by name.

    Raises: DataError, naming the file, where one is missing or holds something unexpected.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder} is no folder; expected one with {BOXES}, {LABELS} and {HIERARCHY}"
        )
    tree = read_tree(folder / HIERARCHY)
    classes = {name: number for number, name in enumerate(tree.names)}
    images = Codes()
    labels = _Table(folder / LABELS, _LABEL_COLUMNS, images, classes)
    boxes = _Table(folder / BOXES, _BOX_COLUMNS, images, classes)
    confidence, flags = labels.numbers[:, 0], boxes.numbers[:, 4]
    labels.refuse((confidence != 0) & (confidence != 1), "a Confidence that is neither 0 nor 1")
    box = np.ascontiguousarray(boxes.numbers[:, :4])
    ends_early = (box[:, 0] > box[:, 2]) | (box[:, 1] > box[:, 3])
    boxes.refuse(ends_early, "a box that ends before it begins")
    boxes.refuse(~np.isin(flags, (-1, 0, 1)), "an IsGroupOf that is none of -1, 0 and 1")
    truth = TrueBoxes(
        n_classes=len(tree.names),
        image=boxes.images,
        label=boxes.labels,
        box=box,
        group=flags == 1,
        verified_image=labels.images,
        verified_label=labels.labels,
        present=confidence == 1,
    )
    if len(truth.label) == 0:
        raise DataError(f"{folder / BOXES} has a header and no rows; expected one row per box")
    return Solution(list(images), tree, truth)


def read_tree(path: Path) -> ClassTree:
    """The classes of a hierarchy file.

    Raises: DataError, naming the file, where it is missing or no hierarchy.
    """
    try:
        return class_tree(json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError:
        raise DataError(f"{path} is missing or cannot be read; expected the hierarchy") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}); it was cut or edited") from None
    except DataError as error:
        raise DataError(f"{path} is no hierarchy of classes: {error}") from None


class _Table:
    """One of the tables: images, classes, and all further columns as finite numbers."""

    def __init__(
        self, path: Path, columns: Sequence[str], images: Codes, classes: dict[str, int]
    ) -> None:
        self.path = path
        read_images: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
        read_labels: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
        read_numbers: list[np.ndarray] = [np.empty((0, len(columns) - 2))]
        self.n_rows = 0
        for ids, names, *rest in read_chunks(path, columns):
            read_images.append(np.fromiter(map(images.__getitem__, ids), np.int64, len(ids)))
            read_labels.append(self._column("LabelName", names, classes.__getitem__))
            cells = zip(columns[2:], rest, strict=True)
            numbers = [self._column(name, column, float) for name, column in cells]
            read_numbers.append(np.stack(numbers, axis=1))
            self.n_rows += len(ids)
        self.images = np.concatenate(read_images)
        self.labels = np.concatenate(read_labels).astype(np.int64)
        self.numbers = np.concatenate(read_numbers)
        self.refuse(~np.isfinite(self.numbers).all(axis=1), "a value that is no finite number")

    def _column(self, name: str, cells: Sequence[str], parse: Callable[[str], float]) -> np.ndarray:
        try:
            return np.fromiter(map(parse, cells), np.float64, len(cells))
        except (ValueError, KeyError):
            row = next(row for row, cell in enumerate(cells) if not _can(parse, cell))
        expected = "a class of the hierarchy" if name == "LabelName" else "a number"
        raise DataError(
            f"{self.path}: {place(self.n_rows + row)}, column {name} holds "
            f"{cut(repr(cells[row]))}; expected {expected}"
        )

    def refuse(self, bad: np.ndarray, what: str) -> None:
        """Raises DataError where any row is bad, naming the first."""
        if bad.any():
            raise DataError(
                f"{self.path}: {place(int(np.argmax(bad)))} has {what}; the file was edited, get "
                "it again"
            )


def _can(parse: Callable[[str], float], cell: str) -> bool:
    try:
        parse(cell)
    except (ValueError, KeyError):
        return False
    return True
