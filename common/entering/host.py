"""What a host's files say of a competition that nobody here has seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import paths
from common.entering.answers import Answers, answers_of
from common.entering.discovery import ROLES, find_files, same
from common.entering.ids import ANY, ROW_NUMBERS, Naming, are_row_numbers, n_missing, naming_of
from common.entering.tables import Column, header_of, read_column, scan
from common.errors import DataError
from common.spec import HostFile, SubmissionFormat

SMALLEST_SIDE = 4  # pixels; fewer columns are a table, whatever their number


@dataclass(frozen=True)
class Host:
    """What was read.

    Args:
        naming: of the rows.
        left_out: columns that train and test share and that no model can read as they are, each
            with the reason.
        doubts: what could not be known, with where to edit.
    """

    slug: str
    files: tuple[HostFile, ...]
    submission: SubmissionFormat
    classes: tuple[str | int, ...]
    naming: Naming
    value_range: tuple[int, int] | None
    image_size: tuple[int, int] | None
    left_out: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def title(self) -> str:
        """The slug as a title: words of small letters get a capital."""
        words = self.slug.split("-")
        return " ".join(word.capitalize() if word.islower() else word for word in words if word)

    def file(self, role: str) -> HostFile:
        """The file of a role."""
        return next(file for file in self.files if file.role == role)


def read_host(slug: str, folder: Path, target: str = "") -> Host:
    """The facts of a competition from the host's train, test and sample files.

    Every file is read once, block by block, so none has to fit in memory.

    Args:
        target: the train column with the answers; "" to find it.

    Raises: DataError where files are missing or malformed, or where they could mean two things.
    """
    places = find_files(folder)
    headers = {role: header_of(places[role]) for role in ROLES}
    keys, targets = _keys_and_targets(headers["sample_submission"], headers["test"], target, places)
    test_key = same(keys[0], headers["test"])
    train_key = same(keys[0], headers["train"])
    only_train = [
        name
        for name in headers["train"]
        if name != train_key and same(name, headers["test"]) is None
    ]
    remembered = [*only_train, *(_found([target, *targets], headers["train"]))]
    train = scan(places["train"], remembered)
    test = scan(places["test"])
    sample = scan(places["sample_submission"], targets)
    answers = answers_of({name: sample[name] for name in targets}, train, only_train, target)
    features, left_out = _features(train, test, {train_key, test_key, answers.column})
    naming, doubts = _naming(places, keys, test_key, sample[keys[0]].n_rows, test)
    value_range, image_size = _shape([*_of(train, features), *_of(test, features)], len(features))
    return Host(
        slug=slug,
        files=(
            _file("train", places, train, train_key, answers.column, features),
            _file("test", places, test, test_key, None, features),
            HostFile("sample_submission", places["sample_submission"].name, sample[keys[0]].n_rows),
        ),
        submission=SubmissionFormat(keys, answers.targets),
        classes=answers.classes,
        naming=naming,
        value_range=value_range,
        image_size=image_size,
        left_out=left_out,
        doubts=(*answers.doubts, *doubts, *_unused(only_train, answers, targets)),
    )


def _file(
    role: str,
    places: Mapping[str, Path],
    columns: Mapping[str, Column],
    key: str | None,
    target: str | None,
    features: tuple[str, ...],
) -> HostFile:
    n_rows = next(iter(columns.values())).n_rows
    return HostFile(role, places[role].name, n_rows, key, target, features)


def _found(names: Iterable[str], header: Sequence[str]) -> list[str]:
    return [found for name in names if name and (found := same(name, header)) is not None]


def _of(columns: Mapping[str, Column], names: Iterable[str]) -> list[Column]:
    return [columns[name] for name in names]


# ---- the rows' names ----------------------------------------------------------------------------


def _keys_and_targets(
    sample: Sequence[str], test: Sequence[str], told: str, places: Mapping[str, Path]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The submission's columns that name a row, and those that answer it: what test has too is
    no answer, unless the person says so; where test has none of them, the first names the row."""
    shared = [name for name in sample if same(name, test) is not None]
    keys = tuple(name for name in shared if name.lower() != told.lower()) or tuple(sample[:1])
    targets = tuple(name for name in sample if name not in keys)
    if not targets:
        raise DataError(
            f"{paths.shown(places['sample_submission'])} has no column to answer (found: "
            f"{', '.join(sample)}); expected one that {places['test'].name} lacks: name it with "
            "--target, or check that this is the sample submission"
        )
    return keys, targets


def _naming(
    places: Mapping[str, Path],
    keys: tuple[str, ...],
    test_key: str | None,
    n_rows: int,
    test: Mapping[str, Column],
) -> tuple[Naming, tuple[str, ...]]:
    """How the rows are named, and what is in doubt about it."""
    n_test = next(iter(test.values())).n_rows
    sample, test_name = places["sample_submission"], places["test"].name
    if len(keys) > 1:
        doubt = f"how {' and '.join(keys)} name a row together: give `id` as a tuple in items()"
        return Naming(ANY, "{}"), (doubt,)
    ids = read_column(sample, keys[0])
    naming = naming_of(ids, f"{paths.shown(sample)}: the column {keys[0]!r}")
    edit = "say in items() which rows answer which `id`"
    if test_key is None:
        if are_row_numbers(ids) and n_rows == n_test:
            return ROW_NUMBERS, ()
        doubt = (
            f"how {n_rows:,} ids such as {ids[0].as_py()!r} belong to the {n_test:,} rows of "
            f"{test_name}, which has no column {keys[0]!r}: {edit}"
        )
        return naming, (doubt,)
    missing = n_missing(ids, among=read_column(places["test"], test_key))
    if missing:
        doubt = f"where {missing:,} ids come from that {test_name} does not hold: {edit}"
        return naming, (doubt,)
    if n_rows != n_test:
        doubt = f"why {test_name} has {n_test:,} rows for {n_rows:,} ids: {edit}"
        return naming, (doubt,)
    return naming, ()


# ---- the features -------------------------------------------------------------------------------


def _features(
    train: Mapping[str, Column], test: Mapping[str, Column], named: set[str | None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that train and test share and that hold a number in every row; and the shared
    ones that do not, with the reason."""
    features, left_out = [], []
    for name in train:
        if name in named or name not in test:
            continue
        why = train[name].why_no_feature or test[name].why_no_feature
        if why:
            left_out.append(f"{name} ({why})")
        else:
            features.append(name)
    return tuple(features), tuple(left_out)


def _shape(
    columns: Sequence[Column], n_features: int
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """(0, 255) where all features are such whole numbers; (side, side) where they are a square."""
    inside = all(column.is_whole and column.low >= 0 and column.high <= 255 for column in columns)
    side = math.isqrt(n_features)
    is_square = side * side == n_features and side >= SMALLEST_SIDE
    return (0, 255) if columns and inside else None, (side, side) if is_square else None


def _unused(only_train: Sequence[str], answers: Answers, targets: Sequence[str]) -> tuple[str, ...]:
    """A doubt about columns that only train has and that answer nothing."""
    used = {answers.column} if answers.column else {same(name, only_train) for name in targets}
    others = [name for name in only_train if name not in used]
    if not others:
        return ()
    shown = ", ".join(others[:6]) + (", …" if len(others) > 6 else "")
    return (f"what the columns are for that only train has ({shown}): read them in items()",)
