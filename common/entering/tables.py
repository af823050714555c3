"""A host's CSV in one pass and bounded memory: what its columns hold, whatever its size."""

from __future__ import annotations

import csv as text_csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common import paths
from common.errors import DataError

BLOCK_BYTES = 1 << 23  # in memory at a time; a row has to fit in
MOST_VALUES = 1000  # different cells that are remembered of a column


@dataclass
class Column:
    """What one pass over a column found.

    Args:
        n_rows, n_empty: its cells, and those without text.
        is_number, is_whole: whether every cell that has text is a finite number, a whole one.
        low, high: of the numbers.
        no_number: the first cell that is no number.
        values: the different cells in the order in which they first stand; None where nobody
            asked for them, or where there are more than MOST_VALUES.
    """

    name: str
    n_rows: int = 0
    n_empty: int = 0
    is_number: bool = True
    is_whole: bool = True
    low: float = math.inf
    high: float = -math.inf
    no_number: str = ""
    values: dict[str, None] | None = field(default=None)

    def add(self, cells: pa.Array) -> None:
        """Takes the next cells, as text."""
        self.n_rows += len(cells)
        if self.values is not None:
            self.values.update(dict.fromkeys(pc.unique(cells).to_pylist()))
            self.values.pop("", None)
            if len(self.values) > MOST_VALUES:
                self.values = None
        filled = cells.filter(pc.not_equal(cells, ""))
        self.n_empty += len(cells) - len(filled)
        if self.is_number and len(filled):
            self._add_numbers(filled)

    def _add_numbers(self, cells: pa.Array) -> None:
        numbers = _numbers(cells)
        finite = np.isfinite(numbers)
        if not finite.all():
            self.is_number = self.is_whole = False
            self.no_number = str(cells[int(np.flatnonzero(~finite)[0])].as_py())
            return
        self.low = min(self.low, float(numbers.min()))
        self.high = max(self.high, float(numbers.max()))
        self.is_whole = self.is_whole and bool((numbers == np.floor(numbers)).all())

    @property
    def why_no_feature(self) -> str:
        """Why a model cannot read the column as it is; "" where it can."""
        if not self.is_number:
            return f"{self.no_number[:20]!r} is no number"
        return f"{self.n_empty:,} empty cells" if self.n_empty else ""


def _numbers(cells: pa.Array) -> np.ndarray:
    """Cells as float64, as the readers of a table take them; nan for what is no number."""
    try:
        numbers: np.ndarray = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        numbers = np.array([_number(cell) for cell in cells.to_pylist()])
    return numbers


def _number(cell: str) -> float:
    try:
        return float(cell) if "_" not in cell else math.nan
    except ValueError:
        return math.nan


def header_of(path: Path) -> tuple[str, ...]:
    """The names of a CSV's columns.

    Raises: DataError where the file is empty, is no UTF-8 text, has another separator than the
    comma, or names a column twice or not at all.
    """
    shown = paths.shown(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next((row for row in text_csv.reader(stream, strict=True) if row), [])
    except (UnicodeDecodeError, text_csv.Error) as error:
        raise DataError(f"{shown} cannot be read as CSV ({error}); get it again") from None
    if not header:
        raise DataError(f"{shown} is empty; expected a header and rows: get it again")
    for separator in (";", "\t", "|"):
        if len(header) == 1 and separator in header[0]:
            raise DataError(
                f"{shown} separates its columns by {separator!r}; expected commas: convert it"
            )
    for name in header:
        if not name.strip():
            raise DataError(f"{shown} has a column without a name; expected one: name or drop it")
        if header.count(name) > 1:
            raise DataError(f"{shown} names the column {name!r} twice; expected every column once")
    return tuple(header)


def scan(path: Path, remember: Sequence[str] = ()) -> dict[str, Column]:
    """Every column of a CSV, by name, after one pass.

    Args:
        remember: the columns whose different cells are wanted.

    Raises: DataError where the file has a header only, or a row with more or fewer cells.
    """
    header = header_of(path)
    columns = {name: Column(name, values={} if name in remember else None) for name in header}
    for batch in _batches(path, header):
        for name in header:
            columns[name].add(batch.column(name))
    if columns[header[0]].n_rows == 0:
        raise DataError(f"{paths.shown(path)} has a header and no rows; get it again")
    return columns


def read_column(path: Path, name: str) -> pa.ChunkedArray:
    """One column of a CSV as text."""
    return pa.chunked_array([batch.column(0) for batch in _batches(path, [name])], pa.string())


def _batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """A CSV's rows, block by block, every cell as text.

    Raises: DataError, naming the first row with more or fewer cells than the header.
    """
    convert = csv.ConvertOptions(
        include_columns=list(names), column_types=dict.fromkeys(names, pa.string())
    )
    read, parse = csv.ReadOptions(block_size=BLOCK_BYTES), csv.ParseOptions(newlines_in_values=True)
    try:
        yield from csv.open_csv(path, read, parse, convert)
    except pa.ArrowInvalid as error:
        reason = " ".join(str(error).split())[:200]
        fault = (
            _fault(path) or f"{paths.shown(path)} cannot be read as CSV ({reason}); get it again"
        )
        raise DataError(fault) from None


def _fault(path: Path) -> str:
    """The first row that has more or fewer cells than the header; "" where all have as many.

    It reads as text, row by row, because the fast reader does not always know the row.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = text_csv.reader(stream)
        n_cells = len(next((row for row in reader if row), []))
        for number, row in enumerate(filter(None, reader), start=1):
            if len(row) != n_cells:
                return (
                    f"{paths.shown(path)}: row {number} (line {reader.line_num}) has {len(row)} "
                    f"of {n_cells} cells; the file was cut or edited, get it again"
                )
    return ""
