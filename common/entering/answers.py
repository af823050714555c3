"""What a host asks for: the train column with the answers, the classes, the target columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.entering.discovery import same
from common.entering.tables import MOST_VALUES, Column
from common.errors import DataError
from common.spec import Column as Target
from common.spec import IntegerColumn, LabelColumn, NumberColumn

MOST_NUMBERED = 100  # whole numbers with more different values are amounts, not classes
MOST_TEXTS = 0.5  # of the rows: a text that hardly stands twice is no class

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)(\.0*)?")

Classes = tuple[str | int, ...]


@dataclass(frozen=True)
class Answers:
    """What is to be answered.

    Args:
        column: the train column with the answers; None where each target has its own.
        classes: in the order of the model's outputs; () where the answers are numbers.
        targets: the submission's columns.
        doubts: what could not be known.
    """

    column: str | None
    classes: Classes
    targets: tuple[Target, ...]
    doubts: tuple[str, ...] = ()


def answers_of(
    asked: Mapping[str, Column], train: Mapping[str, Column], only_train: Sequence[str], told: str
) -> Answers:
    """What is to be answered, from what the files hold.

    Args:
        asked: the sample submission's target columns.
        train: all columns of the train file.
        only_train: those that the test file lacks, without the key.
        told: the train column that the person names; "" to find it.

    Raises: DataError where it cannot be told, or is of no kind that is known here.
    """
    if len(asked) == 1:
        (name,) = asked
        column = _column_of(name, train, only_train, told)
        return _one(asked[name], train[column])
    own = {name: same(name, only_train) for name in asked}
    if not told and all(own.values()):
        return _each_its_own(asked, {name: train[str(own[name])] for name in asked})
    return _one_per_class(list(asked.values()), _class_column(asked, train, only_train, told))


def _column_of(name: str, train: Mapping[str, Column], only_train: Sequence[str], told: str) -> str:
    """The train column that answers a target: as told, by its name, or the only one left."""
    if told:
        found = same(told, list(train))
        if found is None:
            raise DataError(f"the train file has no column {told!r}; found {_listed(train)}")
        return found
    found = same(name, only_train) or same(name, list(train))
    if found is not None:
        return found
    if len(only_train) == 1:
        return only_train[0]
    if not only_train:
        raise DataError(
            "the train file has no column that the test file lacks, so it holds no answers; "
            f"expected one such as {name!r}: join the file that holds them"
        )
    raise DataError(
        f"the train file has {len(only_train)} columns that the test file lacks "
        f"({_listed(only_train)}), none of them named like the submission's {name!r}; expected one "
        "with the answers: name it with --target"
    )


# ---- one target column --------------------------------------------------------------------------


def _one(asked: Column, truth: Column) -> Answers:
    if truth.n_empty == truth.n_rows:
        raise DataError(f"the train column {truth.name!r} is empty; expected the answers in it")
    doubts = []
    if truth.n_empty:
        doubts.append(
            f"what the {truth.n_empty:,} rows of train mean that have no {truth.name!r}: leave "
            "them out in items()"
        )
    classes = _classes_of(truth)
    if not classes:
        return Answers(truth.name, (), (NumberColumn(asked.name),), tuple(doubts))
    target, doubt = _class_target(asked, classes)
    return Answers(truth.name, classes, (target,), (*doubts, *doubt))


def _classes_of(truth: Column) -> Classes:
    """The classes that a train column holds; () where its cells are amounts.

    Raises: DataError for texts that are no classes, and where all rows have one value.
    """
    values = truth.values
    if truth.is_number and (values is None or not truth.is_whole or len(values) > MOST_NUMBERED):
        return ()
    if values is None or (not truth.is_number and _hardly_repeats(truth, len(values))):
        raise DataError(
            f"the train column {truth.name!r} holds texts that are no classes (more than "
            f"{MOST_VALUES}, or hardly any twice); expected classes or numbers: fork without "
            "--slug and --data, and write spec.py by hand"
        )
    if len(values) == 1:
        raise DataError(
            f"the train column {truth.name!r} holds {next(iter(values))!r} in every row; expected "
            "at least two different answers: name the column with --target"
        )
    if not all(_WHOLE.fullmatch(value) for value in values):
        return tuple(sorted(values))  # texts, or numbers whose zeros in front are part of the name
    if len(values) * 2 > truth.n_rows:
        return ()
    return tuple(sorted({int(float(value)) for value in values}))


def _hardly_repeats(truth: Column, n_values: int) -> bool:
    return n_values > 20 and n_values > MOST_TEXTS * (truth.n_rows - truth.n_empty)


def _class_target(asked: Column, classes: Classes) -> tuple[Target, tuple[str, ...]]:
    """The submission's column for classes, and what is in doubt by what the sample holds."""
    name = asked.name
    filled = asked.n_empty < asked.n_rows
    if isinstance(classes[0], int):
        if not filled:
            return _whole(name, classes), ()
        if asked.is_whole:
            return _whole(name, (*classes, int(asked.low), int(asked.high))), ()
    known = set(map(str, classes))
    if filled and asked.is_number and (asked.values is None or not set(asked.values) <= known):
        return _number(asked), (_as_number(asked, classes),)
    others = tuple(value for value in asked.values or {} if value not in known)
    doubt = (
        (f"what {others[0]!r} in the sample's {name!r} means: it is no class of train",)
        if others
        else ()
    )
    return LabelColumn(name, (*map(str, classes), *others)), doubt


def _as_number(asked: Column, classes: Classes) -> str:
    until = "answers with the class" if isinstance(classes[0], int) else "is refused"
    return (
        f"how a class becomes a number: the sample's {asked.name!r} holds {asked.low:g} to "
        f"{asked.high:g} where train has classes: say it in submission(), without which the copied "
        f"pipeline {until}"
    )


def _whole(name: str, values: Sequence[str | int]) -> IntegerColumn:
    numbers = [int(value) for value in values]
    return IntegerColumn(name, low=min(numbers), high=max(numbers))


def _number(asked: Column) -> NumberColumn:
    """A column of numbers; probabilities where the sample's lie in [0, 1] and are not all whole,
    as no other number of a sample tells its range."""
    if asked.is_number and asked.low >= 0 and asked.high <= 1 and not asked.is_whole:
        return NumberColumn(asked.name, low=0, high=1)
    return NumberColumn(asked.name)


# ---- several target columns ---------------------------------------------------------------------


def _each_its_own(asked: Mapping[str, Column], truths: Mapping[str, Column]) -> Answers:
    for name, truth in truths.items():
        if not truth.is_number:
            raise DataError(
                f"the submission has {len(asked)} target columns, and the train column {name!r} "
                f"holds text ({truth.no_number!r}); expected numbers in each: fork without --slug "
                "and --data, and write spec.py by hand"
            )
    doubt = (
        f"how one row gets {len(asked)} answers: read the target columns in items(), and answer "
        "all of them in model() and submission()"
    )
    return Answers(None, (), tuple(NumberColumn(name) for name in asked), (doubt,))


def _class_column(
    asked: Mapping[str, Column], train: Mapping[str, Column], only_train: Sequence[str], told: str
) -> Column:
    """The train column whose classes are the submission's columns."""
    if told:
        return train[_column_of("", train, only_train, told)]
    fitting = [name for name in only_train if _named_by(list(asked), train[name])]
    if len(fitting) == 1:
        return train[fitting[0]]
    raise DataError(
        f"the submission has {len(asked)} target columns ({_listed(asked)}), and "
        f"{len(fitting) or 'no'} column of the train file holds them as classes (found: "
        f"{_listed(only_train)}); expected one: name it with --target"
    )


def _one_per_class(asked: Sequence[Column], truth: Column) -> Answers:
    classes = _named_by([column.name for column in asked], truth)
    if not classes:
        raise DataError(
            f"the train column {truth.name!r} holds {_listed(truth.values or ['too many values'])};"
            f" expected the submission's columns ({_listed([column.name for column in asked])}) "
            "as classes: name another with --target"
        )
    doubt = (
        "how a class becomes one probability for each: the copied pipeline answers one column, so "
        "items() has to give the target columns, and submission() the probabilities"
    )
    whole = all(_WHOLE.fullmatch(name) for name in classes)
    kept: Classes = tuple(int(float(name)) for name in classes) if whole else classes
    targets = tuple(NumberColumn(column.name, low=0, high=1) for column in asked)
    return Answers(truth.name, kept, targets, (doubt,))


def _named_by(columns: Sequence[str], truth: Column) -> tuple[str, ...]:
    """The class that each submission column is for: its name, or what follows a prefix that all
    have, such as class_1; () where the train column holds others."""
    values = truth.values
    if not values:
        return ()
    first = next(iter(values))
    prefixes = {name[: len(name) - len(first)] for name in columns if name.endswith(first)}
    for prefix in sorted(prefixes, key=len):
        classes = tuple(name.removeprefix(prefix) for name in columns)
        if all(name.startswith(prefix) for name in columns) and set(values) <= set(classes):
            return classes
    return ()


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:6]) + (f", … {len(shown)} in all" if len(shown) > 6 else "")
