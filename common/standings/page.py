"""The table of runs as people read it: a block per competition and kind of data, 120 columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations, groupby

from common.standings.entry import BROKEN, FINISHED, Entry

WIDTH = 120
HEADER = (
    *("run", "pipeline", "preset", "CV", "90 % interval", "public", "private", "min", "folds"),
    "commit",
)
_RIGHT = {3, 4, 5, 6, 7}  # columns of numbers
_SHORTENED = (0, 2, 1)  # columns that are cut where a line would be too long, in this order
_LEAST = 8  # characters that are left of them
_COMMIT = 7  # characters


def listing(found: Sequence[Entry]) -> list[str]:
    """The lines of all blocks; within a block the best run first."""
    whole = [one for one in found if one.state != BROKEN]
    lines: list[str] = []
    for (competition, _), block in groupby(whole, key=lambda one: (one.competition, one.kind)):
        lines += [*_block(competition, list(block)), ""]
    lines += [f"{one.competition}/{one.name}: broken: {one.fault}" for one in found if one.fault]
    return lines if lines[-1:] != [""] else lines[:-1]


def _block(competition: str, runs: Sequence[Entry]) -> list[str]:
    first = runs[0]
    data = f"synthetic data ({first.data})" if first.synthetic else f"data: {first.data}"
    direction = "higher" if first.higher_is_better else "lower"
    judged = f"; {first.metric}, {direction} is better" if first.metric else ""
    cells = [_cells(one, runs) for one in runs]
    return [f"{competition}, {data}{judged}", *_table([HEADER, *cells]), *_notes(runs)]


def _cells(one: Entry, runs: Sequence[Entry]) -> tuple[str, ...]:
    places = _places(runs)
    between = "" if one.low is None or one.high is None else _range(one.low, one.high, places)
    state = "no score" if one.state == FINISHED else one.state
    head, _, changes = one.commit.partition("+")
    return (
        one.name,
        one.pipeline,
        one.preset,
        _shown(one.cv, places),
        between or state,
        _shown(one.public, places),
        _shown(one.private, places),
        "" if one.seconds is None else f"{one.seconds / 60:.1f}",
        _folds(one, runs),
        head[:_COMMIT] + ("+" if changes else ""),
    )


def _places(runs: Sequence[Entry]) -> int:
    """Decimals that show the largest score with five digits, so that numbers line up."""
    numbers = [n for one in runs for n in (one.cv, one.low, one.high, one.public) if n is not None]
    largest = max(map(abs, numbers), default=0.0)
    before_the_point = math.floor(math.log10(largest)) + 1 if largest else 1
    return min(9, max(0, 5 - before_the_point))


def _shown(number: float | None, places: int) -> str:
    return "" if number is None else f"{number:.{places}f}"


def _range(low: float, high: float, places: int) -> str:
    return f"{low:.{places}f} to {high:.{places}f}"


def _folds(one: Entry, runs: Sequence[Entry]) -> str:
    """The letter of the fold set, and the folds where others of that set have more of them."""
    most = max(len(other.folds) for other in runs if other.fold_set == one.fold_set)
    few = len(one.folds) < most or one.folds == ("all",)
    return f"{one.fold_set}:{','.join(one.folds)}" if few else one.fold_set


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned lines; long names are cut so that a line fits."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for column in _SHORTENED:
        excess = sum(widths) + 2 * len(widths) - WIDTH
        if excess > 0:
            widths[column] = max(min(_LEAST, widths[column]), widths[column] - excess)
    return [_line(row, widths) for row in rows]


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    cells = []
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        cut = cell if len(cell) <= width else f"{cell[: width - 1]}~"
        cells.append(cut.rjust(width) if column in _RIGHT else cut.ljust(width))
    return f"  {'  '.join(cells)}".rstrip()


def _notes(runs: Sequence[Entry]) -> list[str]:
    """What to know before trusting the order, a line each."""
    lines = [f"{one.name}: {note}" for one in runs for note in one.notes]
    letters = sorted({one.fold_set for one in runs if one.cv is not None})
    if len(letters) > 1:
        lines.append(f"folds {', '.join(letters)}: CV of different letters is not comparable")
    if any(":" in _folds(one, runs) for one in runs):
        lines.append("a letter with numbers: only these folds were trained; not comparable either")
    if any("+" in one.commit for one in runs):
        lines.append("commit with +: made with changes that no commit holds")
    return [f"  ! {line}" for line in [*lines, *_agreement(runs)]]


def _agreement(runs: Sequence[Entry]) -> list[str]:
    """In how many pairs of comparable runs CV and the public board disagree on the better one."""
    known = [one for one in runs if one.cv is not None and one.public is not None]
    pairs = [
        ((one.cv or 0) - (two.cv or 0), (one.public or 0) - (two.public or 0))
        for one, two in combinations(known, 2)
        if (one.fold_set, one.folds) == (two.fold_set, two.folds)
    ]
    against = sum(ours * theirs < 0 for ours, theirs in pairs)
    if not against:
        return []
    return [f"CV and public order {against} of {len(pairs)} pairs of runs the other way round"]
