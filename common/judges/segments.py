"""The judge of ranked segments: one list of `<video>:<start>` per class, read row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from common.csv_table import cut, place
from common.errors import DataError, SubmissionError
from common.judges.base import Checked, Verdict
from common.judges.csv_chunks import read_chunks
from common.judges.ratings import (
    BOTH,
    ID_FORM,
    ID_PATTERN,
    Ratings,
    class_number,
    read_ratings,
)
from common.metrics.segments import MAX_SEGMENTS, segments_average_precision
from common.spec import CompetitionSpec

_ID = re.compile(ID_PATTERN)
_IDS = re.compile(rf"(?:{ID_PATTERN}(?: {ID_PATTERN})*+)?+")  # possessive: no way back to try


def segments_fault(cell: str) -> str:
    """What is wrong with a list of ids, or ""."""
    segments = cell.split(" ") if cell else []
    if not _IDS.fullmatch(cell):
        return f"{cut(repr(_malformed(segments)[0]))} is no {ID_FORM}"
    repeated = len(segments) - len(set(segments))
    return f"{cut(repr(_second(segments)))} stands there twice" if repeated else ""


class SegmentsJudge:
    """Scores `Class,Segments`, one list per class, by average precision over rated segments.

    A class that is missing counts 0, as the formula has it; one that is not asked for is ignored.

    Args:
        k: how many ids of a class count.
    """

    def __init__(self, k: int = MAX_SEGMENTS) -> None:
        self.k = k

    def score(self, spec: CompetitionSpec, submission: Path, solution: Path) -> Verdict:
        """The mean over the solution's classes that have a positive, and that of each board where
        the solution's column `Usage` tells them."""
        boards = read_ratings(solution)
        asked = {number for ratings in boards.values() for number in ratings}
        reading = _Reading(asked, self.k)
        precisions: dict[str, dict[int, float]] = {board: {} for board in boards}
        for number, segments in reading.rows(submission):
            for board, ratings in boards.items():
                if any(ratings.get(number, {}).values()):
                    precisions[board][number] = segments_average_precision(
                        segments, ratings[number], k=self.k
                    )
        n_scored = _n_scored(boards)
        scores = {
            board: math.fsum(precisions[board].values()) / n_classes
            for board, n_classes in n_scored.items()
        }
        score = scores.pop(BOTH)
        return Verdict(score, n_scored[BOTH], scores, reading.doubts(), counted="classes")

    def check(self, spec: CompetitionSpec, submission: Path, sample: Path) -> Checked:
        """The checks of `score`, against the classes of the sample."""
        reading = _Reading(_classes_of(sample), self.k)
        n_rows = sum(1 for _ in reading.rows(submission))
        return Checked(n_rows, reading.doubts(), counted="classes")


def _n_scored(boards: dict[str, Ratings]) -> dict[str, int]:
    """How many classes have a positive, for each board that has such classes."""
    counts = {
        board: sum(any(rated.values()) for rated in ratings.values())
        for board, ratings in boards.items()
    }
    return {board: count for board, count in counts.items() if count}


@dataclass
class _Fault:
    """A kind of fault: how often, and where first."""

    what: str
    expected: str
    count: int = 0
    first: str = ""

    def add(self, first: str, count: int = 1) -> None:
        self.first = self.first or first
        self.count += count

    def line(self) -> str:
        return f"{self.count} {self.what}, the first is {self.first}; expected {self.expected}"


@dataclass
class _Reading:
    """What is found in a submission while its rows pass by."""

    asked: set[int]
    k: int
    seen: set[int] = field(default_factory=set)
    n_long: int = 0
    n_empty: int = 0
    numbers: _Fault = field(
        default_factory=lambda: _Fault("classes are no whole numbers", "the class's number")
    )
    twice: _Fault = field(
        default_factory=lambda: _Fault("classes are repeated", "one row per class")
    )
    malformed: _Fault = field(
        default_factory=lambda: _Fault(
            "ids are malformed", f"{ID_FORM}, with single blanks between ids"
        )
    )
    repeated: _Fault = field(
        default_factory=lambda: _Fault("ids are repeated", "every id once in a class")
    )

    def rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Every class with its ids; only one row is held at a time.

        Raises: SubmissionError with all faults, after the last row.
        """
        row, broken = 0, ""
        try:
            for names, cells in read_chunks(path, ("Class", "Segments"), only=True, n_rows=1):
                for name, cell in zip(names, cells, strict=True):
                    number, segments = self._read(name, cell, row)
                    row += 1
                    if number is not None:
                        yield number, segments
        except DataError as error:
            broken = str(error)
        self._refuse(path, row, broken)

    def _read(self, name: str, cell: str, row: int) -> tuple[int | None, list[str]]:
        number = class_number(name)
        shown = f"class {cut(repr(name))} in {place(row)}"
        if number is None:
            self.numbers.add(shown)
        elif number in self.seen:
            self.twice.add(shown)
        else:
            self.seen.add(number)
        segments = cell.split(" ") if cell else []
        if not _IDS.fullmatch(cell):
            bad = _malformed(segments)
            self.malformed.add(f"{cut(repr(bad[0]))} for {shown}", len(bad))
            segments = [text for text in segments if _ID.fullmatch(text)]
        n_repeated = len(segments) - len(set(segments))
        if n_repeated:
            self.repeated.add(f"{cut(repr(_second(segments)))} for {shown}", n_repeated)
        self.n_long += len(segments) > self.k
        self.n_empty += not segments
        return number, segments

    def _refuse(self, path: Path, n_rows: int, broken: str) -> None:
        kinds = (self.numbers, self.twice, self.malformed, self.repeated)
        faults = ([broken] if broken else []) + [kind.line() for kind in kinds if kind.count]
        if not faults and n_rows == 0:
            faults = ["the file has a header and no rows; expected one row per class"]
        if faults:
            raise SubmissionError(f"{path.name} would not be accepted: {faults[0]}", tuple(faults))

    def doubts(self) -> tuple[str, ...]:
        """What is allowed and still looks wrong."""
        missing, extra = sorted(self.asked - self.seen), sorted(self.seen - self.asked)
        lines = []
        if missing:
            lines.append(
                f"{len(missing)} of {len(self.asked)} classes are missing and count 0, the first "
                f"is {missing[0]}"
            )
        if extra:
            lines.append(
                f"{len(extra)} classes are not asked for and are ignored, the first is {extra[0]}"
            )
        if self.n_empty:
            lines.append(f"{self.n_empty} classes have no segments")
        if self.n_long:
            lines.append(f"{self.n_long} classes have more than {self.k} ids; the rest is cut off")
        return tuple(lines)


def _malformed(segments: list[str]) -> list[str]:
    return [text for text in segments if not _ID.fullmatch(text)]


def _second(segments: list[str]) -> str:
    """The first id that stood there before."""
    seen: set[str] = set()
    for text in segments:
        if text in seen:
            return text
        seen.add(text)
    return ""


def _classes_of(sample: Path) -> set[int]:
    """The classes that a sample asks for."""
    found: set[int] = set()
    for (names,) in read_chunks(sample, ("Class",), n_rows=1):
        for name in names:
            number = class_number(name)
            if number is None or number in found:
                what = "twice" if number in found else "where a class's number belongs"
                raise DataError(f"{sample} has {cut(repr(name))} {what}; check the path")
            found.add(number)
    if not found:
        raise DataError(f"{sample} has a header and no rows; expected one row per class")
    return found
