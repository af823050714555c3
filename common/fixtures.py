"""Fixtures: a competition's data in small, in the host's layout, under a marker that says so."""

from __future__ import annotations

import csv
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import files, paths
from common.errors import DataError
from common.score import FIXTURE_FILE, align
from common.spec import Column, CompetitionSpec, IntegerColumn, LabelColumn, TextColumn
from common.submit import answers

Write = Callable[[Path, int], dict[str, Any]]
Row = tuple[object, ...]

TABLE_VERSION = 1
N_TRAIN, N_TEST = 800, 200  # fewer give a small net too few steps in three epochs
N_PATTERNS = 9  # at most, that the rows of a table are mixed from
N_WAVES = 3  # along each side of a picture
MOST_CLASSES = 20  # of a fixture: more would need more rows
NOISE = 0.5  # of a feature, in standard deviations of what is to be learned
MIXED_UP = 0.05  # share of the labels that are drawn anew, so that no model is right everywhere
DECIMALS = 4


def write_fixture(folder: Path, write: Write, seed: int) -> Path:
    """Fills a folder with a fixture, all of it or nothing.

    Args:
        write: writes the files into a folder that it is given, and gives the facts for
            FIXTURE.json: `called` (what the data are called), `synthetic`, `version`, `rungs`.

    Raises: DataError where the folder holds anything that is no fixture.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{paths.shown(folder)} is a file; expected a folder for the fixture")
    files.make_folder(folder.parent)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    before = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    with files.locked(paths.lock_file(folder), wait=True):
        _check_nothing_else(folder)
        try:
            beside.mkdir()
            facts = {"seed": seed, **write(beside, seed)}
            facts["files"] = sorted(path.name for path in beside.iterdir())
            files.write_json(beside / FIXTURE_FILE, facts)
            if folder.exists():
                folder.replace(before)
            beside.replace(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            shutil.rmtree(before, ignore_errors=True)
    return folder


def _check_nothing_else(folder: Path) -> None:
    """Raises DataError where a folder holds a file that no fixture wrote."""
    marker = folder / FIXTURE_FILE
    known = {FIXTURE_FILE}
    if marker.is_file():
        known |= set(files.read_json(marker).get("files", ()))
    others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in others if name not in known]
    if others:
        raise DataError(
            f"{paths.shown(folder)} holds {others[0]}, which is of no fixture; nothing was "
            "written: name another folder with --out"
        )


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV as hosts do: comma, newline, quotes only where needed."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def rung(name: str, score: float, source: str) -> dict[str, Any]:
    """A rung of the fixture's own ladder, as FIXTURE.json holds it."""
    return {"name": name, "score": score, "source": source}


# ---- a table for any spec -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawn:
    """The rows of a synthetic table: those that train first, then the test set.

    Args:
        features: (n_rows, n_features).
        labels: positions among the classes, (n_rows,); None where the answers are numbers.
        answers: the submission's target columns, one tuple per row.
    """

    features: np.ndarray
    labels: np.ndarray | None
    answers: list[Row]


def table_fixture(
    spec: CompetitionSpec, folder: Path, seed: int, *, id_form: str = "{}"
) -> dict[str, Any]:
    """Writes a synthetic table in the layout of a spec, with `solution.csv`; gives the facts.

    Every class is a smooth pattern of its own under noise, so a small net and a support vector
    machine both learn it; where the answers are numbers, they are the patterns' weights.

    Args:
        id_form: how a row's number becomes its id, such as "g_{:05d}".

    Raises: DataError where the spec names no feature columns, or where the ids that `id_form`
    makes are none of `spec.id_pattern`.
    """
    drawn = _drawn(spec, np.random.default_rng(seed))
    first_test = 1 if spec.file("test").key is None else N_TRAIN + 1
    train_ids = _ids(spec, id_form, range(1, N_TRAIN + 1))
    test_ids = _ids(spec, id_form, range(first_test, first_test + N_TEST))
    _write_features(spec, folder, drawn, train_ids, test_ids)
    return {
        "version": TABLE_VERSION,
        "synthetic": True,
        "called": f"synthetic data for {spec.title}",
        "rungs": _write_answers(spec, folder, drawn, test_ids),
    }


def _write_features(
    spec: CompetitionSpec, folder: Path, drawn: _Drawn, train_ids: list[str], test_ids: list[str]
) -> None:
    """Writes the train and the test file; ids stand where the host has them."""
    train, test = spec.file("train"), spec.file("test")
    truth = spec.submission.target_columns if train.target is None else (train.target,)
    header = (*_keys(train.key), *truth, *train.features)
    write_csv(folder / train.name, header, _train_rows(spec, drawn, train_ids))
    rows = zip(test_ids, drawn.features[N_TRAIN:].tolist(), strict=True)
    keyed = ((*_keys(test.key and name), *cells) for name, cells in rows)
    write_csv(folder / test.name, (*_keys(test.key), *test.features), keyed)


def _write_answers(
    spec: CompetitionSpec, folder: Path, drawn: _Drawn, ids: list[str]
) -> list[dict[str, Any]]:
    """Writes sample submission and solution; gives the rungs, measured on them."""
    form = spec.submission
    constant = tuple(_constant(column, spec) for column in form.targets)
    given: list[list[Row]] = [
        [constant for _ in ids],
        _nearest(spec, drawn),
        drawn.answers[N_TRAIN:],
    ]
    sample, guessed, solution = (
        [((name,) * len(form.key_columns)) + row for name, row in zip(ids, rows, strict=True)]
        for rows in given
    )
    write_csv(folder / spec.file("sample_submission").name, form.header, sample)
    write_csv(folder / "solution.csv", form.header, solution)
    trivial = "nearest row" if drawn.labels is None else "nearest class mean"
    source = f"measured on the {N_TEST} synthetic test rows"
    return [
        rung("sample submission", _scored(spec, sample, solution), source),
        rung(trivial, _scored(spec, guessed, solution), source),
    ]


def _drawn(spec: CompetitionSpec, generator: np.random.Generator) -> _Drawn:
    n_features, n_rows = len(spec.file("train").features), N_TRAIN + N_TEST
    if n_features == 0:
        raise DataError(
            f"the spec of {spec.slug} names no feature columns, so there is no table to draw; "
            "write into fixture.py what the host's folder holds"
        )
    patterns = _patterns(spec, generator)
    if not spec.classes:
        weights = generator.normal(size=(n_rows, len(patterns)))
        numbers = [_numbers(column, weights, k) for k, column in enumerate(spec.submission.targets)]
        cells: list[Row] = list(zip(*numbers, strict=True))
        return _Drawn(_features(spec, weights @ patterns, generator), None, cells)
    used = np.unique(np.linspace(0, len(spec.classes) - 1, MOST_CLASSES).astype(np.int64))
    labels = used[generator.permutation(n_rows) % len(used)]
    centres = _far_apart(len(used), len(patterns), generator)
    signal = centres[np.searchsorted(used, labels)] @ patterns
    mixed_up = generator.random(n_rows) < MIXED_UP
    labels = np.where(mixed_up, generator.choice(used, size=n_rows), labels)
    answered = [_answer(spec, int(label)) for label in labels]
    return _Drawn(_features(spec, signal, generator), labels, answered)


def _patterns(spec: CompetitionSpec, generator: np.random.Generator) -> np.ndarray:
    """Rows to be mixed, (n_patterns, n_features): slow waves where the columns are a picture."""
    n_features = len(spec.file("train").features)
    if spec.image_size is None:
        mixed: np.ndarray = generator.normal(size=(min(n_features, N_PATTERNS), n_features))
        return mixed
    down, across = (
        np.cos(np.pi * np.outer(np.arange(N_WAVES), np.linspace(0, 1, side)))
        for side in spec.image_size
    )
    waves: np.ndarray = np.einsum("ai,bj->abij", down, across).reshape(N_WAVES**2, n_features)
    return waves


def _far_apart(n_points: int, n_axes: int, generator: np.random.Generator) -> np.ndarray:
    """Points that keep away from each other, (n_points, n_axes): each is the farthest of many."""
    points = np.zeros((n_points, n_axes))
    for position in range(n_points):
        candidates = generator.normal(size=(100, n_axes))
        gaps = candidates[:, None] - points[None, : max(1, position)]
        points[position] = candidates[(gaps**2).sum(axis=2).min(axis=1).argmax()]
    return points


def _features(
    spec: CompetitionSpec, signal: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The feature columns: the signal under noise, within the spec's range of values."""
    noisy = signal + NOISE * signal.std() * generator.normal(size=signal.shape)
    if spec.value_range is None:
        anything: np.ndarray = noisy.round(DECIMALS)
        return anything
    low, high = spec.value_range
    shares = np.clip((noisy - signal.min()) / np.ptp(signal), 0, 1)
    values: np.ndarray = (low + (high - low) * shares).round(DECIMALS)
    return np.rint(values).astype(np.uint8) if spec.value_range == (0, 255) else values


def _numbers(column: Column, weights: np.ndarray, position: int) -> list[object]:
    """A column of answers that are numbers: one pattern's weight, within the column's range."""
    values = weights[:, position % weights.shape[1]]
    low, high = getattr(column, "low", -math.inf), getattr(column, "high", math.inf)
    if math.isfinite(low) and math.isfinite(high):
        values = low + (high - low) / (1 + np.exp(-2 * values))
    values = np.clip(values, low, high)
    whole = isinstance(column, IntegerColumn)
    values = np.rint(values).astype(np.int64) if whole else values.round(DECIMALS)
    cells: list[object] = values.tolist()
    return cells


def _answer(spec: CompetitionSpec, label: int) -> Row:
    """The target cells of a row of some class: one column for each class, or one for all."""
    targets = spec.submission.targets
    if len(targets) > 1:
        return tuple(int(position == label) for position in range(len(targets)))
    value = spec.classes[label]
    named = isinstance(targets[0], LabelColumn) or isinstance(value, int)
    return (value if named else label,)


def _constant(column: Column, spec: CompetitionSpec) -> object:
    """What the sample submission answers everywhere."""
    if isinstance(column, LabelColumn):
        return column.classes[0]
    if isinstance(column, TextColumn):
        raise DataError(f"{column.name} has a form of its own; write this fixture by hand")
    if not isinstance(column, IntegerColumn) and (column.low, column.high) == (0, 1):
        n_columns = len(spec.submission.targets)
        return round(1 / n_columns, 6) if n_columns > 1 else 0.5
    return min(max(0, column.low), column.high)


def _ids(spec: CompetitionSpec, id_form: str, numbers: range) -> list[str]:
    ids = [id_form.format(number) for number in numbers]
    for name in ids:
        if not re.fullmatch(spec.id_pattern, name):
            raise DataError(
                f"{id_form!r} makes the id {name!r}; expected one of the pattern "
                f"{spec.id_pattern!r}: change id_form in fixture.py, or id_pattern in spec.py"
            )
    return ids


def _keys(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _train_rows(spec: CompetitionSpec, drawn: _Drawn, ids: list[str]) -> Iterable[Row]:
    """The rows of the train file: the id where it has one, the answers, the features."""
    file = spec.file("train")
    for row, (name, cells) in enumerate(zip(ids, drawn.features[:N_TRAIN].tolist(), strict=True)):
        truth = drawn.answers[row]
        if drawn.labels is not None and file.target is not None:
            truth = (spec.classes[int(drawn.labels[row])],)
        yield (*_keys(file.key and name), *truth, *cells)


def _nearest(spec: CompetitionSpec, drawn: _Drawn) -> list[Row]:
    """The test rows' answers by the class whose mean is nearest, or by the nearest row."""
    known, asked = (part.astype(float) for part in np.split(drawn.features, [N_TRAIN]))
    if drawn.labels is None:
        return [drawn.answers[row] for row in _nearest_of(asked, known)]
    labels = drawn.labels[:N_TRAIN]
    classes = np.unique(labels)
    means = np.stack([known[labels == label].mean(axis=0) for label in classes])
    return [_answer(spec, int(classes[row])) for row in _nearest_of(asked, means)]


def _nearest_of(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The position in `known` of the row nearest to each row of `asked`."""
    nearest: np.ndarray = ((known**2).sum(axis=1) - 2 * asked @ known.T).argmin(axis=1)
    return nearest


def _scored(spec: CompetitionSpec, given: list[Row], solution: list[Row]) -> float:
    form = spec.submission
    return align(spec, answers(form, given), answers(form, solution)).score(spec.metric)
