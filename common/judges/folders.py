"""The judge of folders of label PNGs: one picture per frame, one class number per pixel.

The pictures' names play the part of ids. Frames are read one after the other, so that memory
does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import DataError, SubmissionError
from common.judges.base import Breakdown, Checked, Verdict
from common.judges.label_png import Flaw, Size, read_header, read_labels
from common.metrics.label_maps import (
    N_CLASSES,
    class_ious,
    confusion_counts,
    mean_iou_of,
    pixel_accuracy_of,
)

if TYPE_CHECKING:
    from common.spec import CompetitionSpec


@dataclass(frozen=True)
class LabelFolderJudge:
    """Scores a folder of label PNGs against a folder of label PNGs with the same names.

    The score is the mean IoU over all labelled pixels together; pixel accuracy stands beside it.

    Args:
        n_classes: the classes are 0 to n_classes - 1; `n_classes` itself is void. Both may be
            predicted; truth that is void is left out.
    """

    n_classes: int = N_CLASSES

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The verdict over all frames of the solution.

        Raises: SubmissionError with every kind of fault, DataError for a solution that is none,
        MetricError where no pixel of the solution is labelled.
        """
        asked = _frames_asked(solution, "the solution")
        faults = _Faults(submission, asked)
        counts = np.zeros((self.n_classes, self.n_classes + 1), dtype=np.int64)
        for name in asked:
            truth = self._truth(solution / name)
            labels = self._labels(faults, submission / name, (truth.shape[0], truth.shape[1]))
            if labels is not None:
                counts += confusion_counts(truth, labels, n_classes=self.n_classes)
        faults.refuse()
        parts = {"mean_iou": mean_iou_of(counts), "pixel_accuracy": pixel_accuracy_of(counts)}
        return Verdict(
            parts["mean_iou"],
            len(asked),
            parts,
            self._doubts(counts),
            "frames",
            breakdowns={"ious": _by_class(spec, counts)},
        )

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score`, against the names and sizes of a folder of PNGs.

        The sample's pictures may be anything, such as the frames that are to be labelled.
        """
        asked = _frames_asked(sample, "the sample")
        faults = _Faults(submission, asked)
        for name in asked:
            header = read_header(sample / name)
            if isinstance(header, Flaw):
                raise _no_truth(sample / name, header, "the sample")
            self._labels(faults, submission / name, header.size)
        faults.refuse()
        return Checked(len(asked), counted="frames")

    def _truth(self, path: Path) -> np.ndarray:
        labels = read_labels(path, self.n_classes)
        if isinstance(labels, list):
            raise _no_truth(path, labels[0], "the solution")
        return labels

    def _labels(self, faults: _Faults, path: Path, size: Size) -> np.ndarray | None:
        """A frame of the submission; None where it is missing or has flaws, which are noted."""
        if path.name not in faults.given:
            return None
        labels = read_labels(path, self.n_classes, size)
        if isinstance(labels, list):
            faults.note(path.name, labels)
            return None
        return labels

    def _doubts(self, counts: np.ndarray) -> tuple[str, ...]:
        n_void = int(counts[:, self.n_classes].sum())
        if n_void == 0:
            return ()
        void = self.n_classes
        return (f"{n_void} labelled pixels are answered with {void} (void) and count as wrong",)


@dataclass
class _Faults:
    """What is wrong with a submission: frames that lack, frames too many, flaws by kind."""

    submission: Path
    asked: list[str]
    given: set[str] = field(init=False)
    flaws: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self.given = set(_entries(self.submission))
        except DataError as error:
            raise SubmissionError(str(error)) from None
        if not self.given:
            raise SubmissionError(
                f"{self.submission} is an empty folder; expected {len(self.asked)} label PNGs"
            )

    def note(self, name: str, flaws: Iterable[Flaw]) -> None:
        """Counts a frame's flaws; the first frame of each kind is the one that is told."""
        for flaw in flaws:
            told = f"the first is {name!r}{flaw.detail}; expected {flaw.expected}"
            n_frames, first = self.flaws.get(flaw.kind, (0, told))
            self.flaws[flaw.kind] = (n_frames + 1, first)

    def refuse(self) -> None:
        """Raises SubmissionError with every kind of fault, where there is one."""
        lines = [
            *self._names(),
            *(f"{n} frames {kind}, {t}" for kind, (n, t) in self.flaws.items()),
        ]
        if lines:
            raise SubmissionError(
                f"{self.submission.name} would not be accepted: {lines[0]}", tuple(lines)
            )

    def _names(self) -> list[str]:
        lines = []
        missing = [place for place, name in enumerate(self.asked) if name not in self.given]
        if missing:
            lines.append(
                f"{len(missing)} of {len(self.asked)} frames are missing, the first is "
                f"{self.asked[missing[0]]!r} (frame {missing[0] + 1} of the frames asked for)"
            )
        extra = sorted(self.given - set(self.asked))
        if extra:
            lines.append(
                f"{len(extra)} frames were not asked for, the first is {extra[0]!r}; expected the "
                f"{len(self.asked)} frames asked for and nothing else"
            )
        return lines


def _by_class(spec: CompetitionSpec, counts: np.ndarray) -> Breakdown:
    """The IoU of each class that truth or prediction holds, by its name or else its number."""
    ious = class_ious(counts)
    names = spec.classes if len(spec.classes) == len(ious) else range(len(ious))
    held = np.flatnonzero(~np.isnan(ious)).tolist()
    return Breakdown("IoU by class", {str(names[c]): {"iou": float(ious[c])} for c in held})


def _frames_asked(folder: Path, called: str) -> list[str]:
    """The names of the PNGs in a folder, sorted; files of other kinds are passed over.

    Raises: DataError where there is no such folder, or no PNG in it.
    """
    try:
        names = [name for name in _entries(folder) if name.lower().endswith(".png")]
    except DataError as error:
        raise DataError(f"{called} {error}") from None
    if not names:
        raise DataError(f"{called} {folder} holds no PNG; expected one per frame")
    return names


def _entries(folder: Path) -> list[str]:
    """The names in a folder, sorted, without those that a system hides there."""
    if not folder.exists():
        raise DataError(f"{folder} does not exist; check the path")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; expected a folder of label PNGs")
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def _no_truth(path: Path, flaw: Flaw, called: str) -> DataError:
    return DataError(
        f"{called} cannot be used: frames {flaw.kind}, the first is {path}{flaw.detail}; expected "
        f"{flaw.expected}"
    )
