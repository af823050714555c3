"""The facts of a competition as frozen values. No file is read and nothing heavy is loaded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from common.columns import (
    Column,
    IntegerColumn,
    LabelColumn,
    NumberColumn,
    TextColumn,
    parse_column,
)
from common.errors import DataError
from common.metrics import Metric
from common.refusals import Refusal

if TYPE_CHECKING:
    from common.judges import Judge

__all__ = [
    "Column",
    "CompetitionSource",
    "CompetitionSpec",
    "DatasetSource",
    "ExternalSource",
    "HostFile",
    "IntegerColumn",
    "KernelSpec",
    "LabelColumn",
    "Ladder",
    "NumberColumn",
    "Refusal",
    "Rung",
    "Source",
    "SubmissionFormat",
    "TextColumn",
    "numbered",
    "parse_column",
    "short_kernel_name",
]

Doubt = Callable[[dict[str, np.ndarray]], str]  # target columns -> one line, or ""


@dataclass(frozen=True)
class SubmissionFormat:
    """The columns of a submission: those that name a row, and those that answer it.

    Args:
        compact: the one column with the class's name that a solution may have in place of one
            column per class.
        doubts: what is allowed and still looks wrong, over all target columns together.
        refusals: rows that cannot be scored though each of their cells is allowed.
    """

    key_columns: tuple[str, ...]
    targets: tuple[Column, ...]
    compact: LabelColumn | None = None
    doubts: tuple[Doubt, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def target_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.targets)

    @property
    def header(self) -> tuple[str, ...]:
        return (*self.key_columns, *self.target_columns)

    def all_doubts(self, values: dict[str, np.ndarray]) -> tuple[str, ...]:
        """What is allowed in some target columns and still looks wrong, one line each."""
        of_columns = [column.doubts(values[column.name]) for column in self.targets]
        return tuple(line for line in (*of_columns, *(d(values) for d in self.doubts)) if line)


@dataclass(frozen=True)
class HostFile:
    """One file of the host: what it is for, its name, and what its columns are.

    `separator` stands between two cells.
    `rows` counts the host's own file, without the header; it informs, nothing is checked by it.
    `key` is None where the rows have no name of their own and are numbered from 1.
    """

    role: str
    name: str
    rows: int | None = None
    key: str | None = None
    target: str | None = None
    features: tuple[str, ...] = ()
    separator: str = ","

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a reader needs, in the host's order."""
        named = (self.key, self.target)
        return (*(column for column in named if column is not None), *self.features)


@dataclass(frozen=True)
class CompetitionSource:
    """Data that come from a Kaggle competition."""

    slug: str

    def how_to_get(self, target: str) -> str:
        return (
            f"accept the rules at https://www.kaggle.com/competitions/{self.slug}/rules, then "
            f"run `kaggle competitions download {self.slug} -p {target}` and unzip it there"
        )


@dataclass(frozen=True)
class DatasetSource:
    """Data that somebody has put on Kaggle as a data set, "owner/slug"."""

    name: str

    def how_to_get(self, target: str) -> str:
        return f"run `kaggle datasets download {self.name} -p {target} --unzip`"


@dataclass(frozen=True)
class ExternalSource:
    """Data that lie outside Kaggle."""

    url: str
    files: tuple[str, ...]
    licence: str

    def how_to_get(self, target: str) -> str:
        return f"download {', '.join(self.files)} from {self.url} into {target}"


Source = CompetitionSource | DatasetSource | ExternalSource


@dataclass(frozen=True)
class Rung:
    """A score that somebody reached, and where it is written."""

    name: str
    score: float
    source: str = ""


@dataclass(frozen=True)
class Ladder:
    """Scores to compare with, in any order."""

    rungs: tuple[Rung, ...] = ()

    def place(self, score: float, metric: Metric) -> str:
        """One line that says between which rungs the score lies; "" where there are no rungs.

        A score equal to a rung's has reached it.
        """
        reached = [rung for rung in self.rungs if not metric.is_better(rung.score, score)]
        missed = [rung for rung in self.rungs if metric.is_better(rung.score, score)]
        best = _extreme(reached, metric, best=True)
        next_up = _extreme(missed, metric, best=False)
        shown = f"{score:.5g}"
        if best and next_up:
            return f"{shown} lies between {_named(best)} and {_named(next_up)}"
        if best:
            verb = "equals" if best.score == score else "is better than"
            return f"{shown} {verb} the highest rung, {_named(best)}"
        if next_up:
            return f"{shown} is below the lowest rung, {_named(next_up)}"
        return ""


def _extreme(rungs: Sequence[Rung], metric: Metric, *, best: bool) -> Rung | None:
    ordered = sorted(rungs, key=lambda rung: rung.score, reverse=metric.higher_is_better)
    if not ordered:
        return None
    return ordered[0] if best else ordered[-1]


def _named(rung: Rung) -> str:
    return f"{rung.name} ({rung.score:.5g})"


@dataclass(frozen=True)
class KernelSpec:
    """What Kaggle is told of a competition's kernels.

    Args:
        short_name: begins their names; at most 30 characters, lower case. "" takes the folder's
            name, as `short_kernel_name` has it.
        machine_shape: the accelerator, such as NvidiaTeslaT4 (two of 15 GB); "" for none.
        train_internet: whether the train kernel has the internet; infer never has it.
        data: the data set with what lies outside Kaggle (ExternalSource): "owner/slug", or "slug"
            for the user's own.
        datasets: further data sets to attach (weights, wheels), named like `data`.
        weights: pretrained weights that `pack_dataset.py <competition>` packs, such as
            "timm/resnet18.a1_in1k"; one of `datasets` then holds them.
        code_attached: one of `datasets` holds the packed code, which is too large for a kernel;
            `pack_dataset.py <competition> --code` packs it, after every change. Scripts only.
        models: models to attach, "owner/model/framework/variation/version".
        packages: modules that wheels in `datasets` bring, as they are imported.
        train_hours: from the session's start within which the train kernel ends by itself, with
            what it has. A session lasts 12 hours; half an hour is for what surrounds the kernel.
        image_pinning: "original" keeps the image of the kernel's first version, "latest" does not.
    """

    short_name: str = ""
    machine_shape: str = "NvidiaTeslaT4"
    train_internet: bool = True
    data: str = ""
    datasets: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    code_attached: bool = False
    models: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    train_hours: float = 11.5
    image_pinning: str = "original"


LONGEST_SHORT_NAME = 30  # characters; the role, a pipeline and folds follow, 50 are allowed


def short_kernel_name(folder: str) -> str:
    """The name that a folder's kernels begin with where its spec gives none: the folder's own, cut
    where it is too long."""
    return folder.replace("_", "-")[:LONGEST_SHORT_NAME].rstrip("-")


@dataclass(frozen=True)
class CompetitionSpec:
    """What is known of a competition before any file is opened.

    Args:
        slug: what Kaggle is told; the folder's name is the key on this machine.
        kind: a few words, such as "image classification".
        files: the host's files; roles "train", "test" and "sample_submission" are looked up.
        classes: the classes in the order of the model's outputs, as the submission writes them.
        image_size: (height, width) in pixels.
        value_range: lowest and highest value of a feature column; None: any finite number.
        symmetries: one line on which flips and turns leave the answer as it is.
        flips: the same for augmentation: which of "horizontal" (left and right), "vertical" (up
            and down) and "turns" (by a quarter) a train policy may use; None where that is not
            known or there are no pictures.
        groups: what folds must keep on one side: a column, or what can be told from the data;
            "" where rows are independent as far as known.
        licence: what the host allows with the data.
        judge: what reads, checks and scores a submission; None where it is a table with one
            answer per row.
        kernel: what Kaggle is told of the competition's kernels.
    """

    slug: str
    title: str
    kind: str
    metric: Metric
    submission: SubmissionFormat
    files: tuple[HostFile, ...]
    sources: tuple[Source, ...] = ()
    classes: tuple[str | int, ...] = ()
    image_size: tuple[int, int] | None = None
    value_range: tuple[float, float] | None = None
    id_pattern: str = r".+"
    symmetries: str = ""
    flips: tuple[str, ...] | None = None
    groups: str = ""
    licence: str = ""
    ladder: Ladder = Ladder()
    judge: Judge | None = None
    kernel: KernelSpec = KernelSpec()

    def file(self, role: str) -> HostFile:
        """The host's file of a role.

        Raises: DataError where the competition has none.
        """
        for entry in self.files:
            if entry.role == role:
                return entry
        known = ", ".join(entry.role for entry in self.files)
        raise DataError(f"{self.slug} has no file for {role!r}; the spec names {known}")


def numbered(prefix: str, count: int) -> tuple[str, ...]:
    """Column names with a running number: numbered("pixel", 784) is pixel0 … pixel783."""
    return tuple(f"{prefix}{number}" for number in range(count))
