"""Submissions with any number of groups of tokens in one cell per image: read fast, in pieces.

`ImageId,PredictionString`, where the cell holds groups of words and numbers between spaces:
`Label Confidence XMin YMin XMax YMax` six by six, or twelve by twelve for relationships.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.csv_table import cut, place, second_places
from common.errors import DataError, SubmissionError
from common.judges.csv_chunks import Codes, read_chunks

_N_TOKENS = 10_000  # held as text at a time: what fits into the processor's cache


@dataclass(frozen=True)
class Groups:
    """All groups of a file, in its order.

    Args:
        ids: the images, one per row of the file, as written.
        owners: (n_groups,), the position in `ids` of each group's row; never falling.
        numbers: (n_groups, n_numbers), float64, the groups' tokens that are no words, in order.
        words: (n_groups, n_words), int32, each word's position in `names`.
        names: the different words, in the order in which the file has them.
        faults: what is wrong with the form, one line per kind of fault: rows whose tokens are no
            whole groups (they have no groups here) and tokens that are no finite numbers (they are
            nan here).
    """

    ids: list[str]
    owners: np.ndarray
    numbers: np.ndarray
    words: np.ndarray
    names: list[str]
    faults: list[str]

    def fault(self, what: str, bad: np.ndarray, shown: np.ndarray, expected: str) -> list[str]:
        """One line for the groups that `bad` marks, or none.

        Args:
            what: what such groups do, "boxes have no area".
            bad: bool, (n_groups,).
            shown: what is shown of the first of them, one row per group.
        """
        at = np.flatnonzero(bad)
        if len(at) == 0:
            return []
        first = " ".join(str(value) for value in np.atleast_1d(shown[at[0]]).tolist())
        row = int(self.owners[at[0]])
        where = f"{cut(repr(first))} for id {cut(repr(self.ids[row]))} in {place(row)}"
        return [f"{len(at)} {what}, the first is {where}; expected {expected}"]


def read_groups(
    path: Path,
    *,
    size: int,
    words: Sequence[int] = (0,),
    key: str = "ImageId",
    column: str = "PredictionString",
) -> Groups:
    """The groups of a submission; no more than a piece of the file is held as text.

    Args:
        size: tokens in a group.
        words: the positions in a group that hold words; all others hold numbers.

    Raises: SubmissionError where the file cannot be read as a table with these two columns and no
    other. Other faults are collected in `Groups.faults`.
    """
    reading = _Reading(size, tuple(words))
    try:
        for ids, cells in read_chunks(path, (key, column), only=True, n_rows=200):
            reading.add(ids, cells)
    except DataError as error:
        raise SubmissionError(str(error)) from None
    return reading.result(column)


def cell_fault(cell: str, *, size: int, words: Sequence[int] = (0,)) -> str:
    """What is wrong with the form of one cell, or ""."""
    reading = _Reading(size, tuple(words))
    reading.add(("",), (cell,))
    reading.flush()
    if reading.n_ragged:
        return f"{len(cell.split())} tokens, no groups of {size}"
    return f"{reading.first_number!r} is no finite number" if reading.n_numbers else ""


def asked_ids(path: Path, key: str) -> list[str]:
    """The ids of a sample submission, in its order.

    Raises: DataError where the file has no such column, no rows, or an id twice.
    """
    ids = [name for (names,) in read_chunks(path, (key,)) for name in names]
    if not ids:
        raise DataError(f"{path} has a header and no rows; expected one row per id")
    twice = second_places(ids)
    if twice:
        raise DataError(f"{path}: {_named(ids, twice[0])} stood there before; expected ids once")
    return ids


def id_faults(ids: Sequence[str], asked: Sequence[str]) -> list[str]:
    """What is wrong with a submission's ids, one line per kind of fault: those asked for must be
    there once, and no other."""
    faults = []
    given, wanted = set(ids), set(asked)
    missing = [name for name in asked if name not in given]
    if missing:
        faults.append(
            f"{len(missing)} of {len(asked)} ids are missing, the first is {cut(repr(missing[0]))}"
        )
    extra = [row for row, name in enumerate(ids) if name not in wanted]
    if extra:
        faults.append(f"{len(extra)} ids were not asked for, the first is {_named(ids, extra[0])}")
    twice = second_places(ids) if len(given) < len(ids) else []
    if twice:
        faults.append(f"{len(twice)} ids are repeated, the first is {_named(ids, twice[0])}")
    return faults


def refuse(path: Path, faults: Sequence[str]) -> None:
    """Raises SubmissionError with all faults, where there are any."""
    if faults:
        raise SubmissionError(f"{path.name} would not be accepted: {faults[0]}", tuple(faults))


@dataclass
class _Reading:
    """What has been read so far, and the tokens that still are text."""

    size: int
    words: tuple[int, ...]
    ids: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    n_groups: list[int] = field(default_factory=list)  # one per row
    numbers: list[np.ndarray] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)
    names: Codes = field(default_factory=Codes)
    n_ragged: int = 0
    first_ragged: str = ""
    n_numbers: int = 0
    first_number: str = ""
    first_number_group: int = 0
    n_flushed: int = 0  # groups that are no longer text

    def add(self, ids: Iterable[str], cells: Iterable[str]) -> None:
        """Takes rows in."""
        self.ids.extend(ids)
        for cell in cells:
            tokens = cell.split()
            n_groups, rest = divmod(len(tokens), self.size)
            if rest:
                self._ragged(len(tokens))
            else:
                self.tokens += tokens
            self.n_groups.append(0 if rest else n_groups)
            if len(self.tokens) > _N_TOKENS:
                self.flush()

    def _ragged(self, n_tokens: int) -> None:
        if self.n_ragged == 0:
            self.first_ragged = f"{n_tokens} for id {_named(self.ids, len(self.n_groups))}"
        self.n_ragged += 1

    def flush(self) -> None:
        """Turns the tokens into numbers."""
        n_groups = len(self.tokens) // self.size
        columns = [self.tokens[k :: self.size] for k in range(self.size)]
        codes = np.empty((n_groups, len(self.words)), dtype=np.int32)
        for position, k in enumerate(self.words):
            codes[:, position] = list(map(self.names.__getitem__, columns[k]))
        given = [column for k, column in enumerate(columns) if k not in self.words]
        numbers = np.empty((n_groups, len(given)))
        for position, column in enumerate(given):
            numbers[:, position] = _floats(column)
        self._find_bad(numbers, given)
        self.codes.append(codes)
        self.numbers.append(numbers)
        self.tokens = []
        self.n_flushed += n_groups

    def _find_bad(self, numbers: np.ndarray, given: list[list[str]]) -> None:
        bad = ~np.isfinite(numbers)
        if not bad.any():
            return
        numbers[bad] = np.nan
        if self.n_numbers == 0:
            group, position = (int(at[0]) for at in np.nonzero(bad))
            self.first_number = given[position][group]
            self.first_number_group = self.n_flushed + group
        self.n_numbers += int(bad.sum())

    def result(self, column: str) -> Groups:
        """Everything that was read."""
        self.flush()
        n_groups = np.array(self.n_groups, dtype=np.int64)
        owners = np.repeat(np.arange(len(n_groups)), n_groups)
        faults = []
        if self.n_ragged:
            faults.append(
                f"{self.n_ragged} cells of {column} are no groups of {self.size} tokens, the "
                f"first has {self.first_ragged}; expected a multiple of {self.size}"
            )
        if self.n_numbers:
            where = _named(self.ids, int(owners[self.first_number_group]))
            faults.append(
                f"{self.n_numbers} values of {column} are no finite numbers, the first is "
                f"{cut(repr(self.first_number))} for id {where}"
            )
        numbers, codes = np.concatenate(self.numbers), np.concatenate(self.codes)
        return Groups(self.ids, owners, numbers, codes, list(self.names), faults)


def _floats(tokens: list[str]) -> np.ndarray:
    """The tokens as numbers, nan where they are none."""
    try:
        values = np.fromiter(map(float, tokens), dtype=np.float64, count=len(tokens))
    except ValueError:
        return np.array([_float(token) for token in tokens])
    text = "".join(tokens)
    if text.isascii() and "_" not in text:
        return values
    return np.array([_float(token) for token in tokens])


def _float(token: str) -> float:
    """The token as a number, nan where it is none. Python takes 1_000 and the digits of other
    scripts for numbers, a host does not."""
    try:
        return float(token) if token.isascii() and "_" not in token else np.nan
    except ValueError:
        return np.nan


def _named(ids: Sequence[str], row: int) -> str:
    return f"{cut(repr(ids[row]))} in {place(row)}"
