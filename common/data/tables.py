"""CSV files of the host as columns, checked cell by cell before anything is trained on them."""

from __future__ import annotations

import csv as plain_csv
import os
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common.csv_table import cut
from common.errors import DataError
from common.spec import HostFile
from common.zipped import is_there, opened

_WHOLE_AS_FLOAT = re.compile(r"\.0*$")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_ROW_IN_ERROR = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read_columns(
    path: Path, names: Sequence[str], separator: str = ","
) -> dict[str, pa.ChunkedArray]:
    """Some columns of a CSV as text, found by name; the others are passed over. Where only the
    file's zip is there, the CSV in it is read.

    Raises: DataError where the file is missing, empty, has a header only, lacks a column, or has
    a row with more or fewer cells than the header.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a CSV file. Does it lie in there?")
    if not is_there(path):
        raise DataError(f"{path} does not exist; download the data or write the fixture")
    header = _header(path, separator)
    missing = [name for name in names if name not in header]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r} (found: {_shortened(header)}); it was renamed, "
            f"or the file is another one: get it again"
        )
    convert = csv.ConvertOptions(
        include_columns=list(names), column_types=dict.fromkeys(names, pa.string())
    )
    parse = csv.ParseOptions(delimiter=separator)
    try:
        table = csv.read_csv(_source(path), parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        raise DataError(_why_unreadable(path, parse, convert, error)) from None
    _check_end(path)
    if table.num_rows == 0:
        raise DataError(f"{path} has a header and no rows; get it again")
    return {name: table.column(name) for name in names}


def read_features(
    path: Path, file: HostFile, value_range: tuple[float, float] | None
) -> np.ndarray:
    """The feature columns of a table, (n_rows, n_features): uint8 where whole numbers of 0–255
    are allowed only, else float32.

    Args:
        value_range: lowest and highest value; None: any finite number.

    Raises: DataError, naming the first cell that is no number or lies outside the range.
    """
    columns = read_columns(path, file.features)
    narrow = value_range == (0, 255)
    n_rows = len(next(iter(columns.values())))
    features = np.empty((n_rows, len(columns)), dtype=np.uint8 if narrow else np.float32)
    for position, (name, cells) in enumerate(columns.items()):
        values = _numbers(path, name, cells)
        _check_range(path, name, values, value_range, whole=narrow)
        features[:, position] = values
    return features


def read_ids(path: Path, name: str) -> np.ndarray:
    """A column that names the rows, as text: an id that looks like a number stays text.

    Raises: DataError for an id that is empty, holds a control character, or stands twice.
    """
    cells = read_columns(path, [name])[name].to_pylist()
    bad = next((row for row, cell in enumerate(cells) if not cell or _CONTROL.search(cell)), None)
    if bad is not None:
        raise DataError(
            f"{path}: {_place(bad)}, column {name!r} holds {cut(repr(cells[bad]))}; expected an "
            "id on one line: the file was cut or edited, get it again"
        )
    ids: np.ndarray = np.array(cells, dtype=str)
    again = np.setdiff1d(np.arange(len(ids)), np.unique(ids, return_index=True)[1])
    if len(again):
        raise DataError(
            f"{path}: {_place(int(again[0]))}, column {name!r} holds {str(ids[again[0]])!r} for "
            "the second time; expected every id once"
        )
    return ids


def read_classes(path: Path, name: str, classes: Sequence[str | int]) -> np.ndarray:
    """A column of class names as positions in `classes`, int64 (n_rows,).

    Edge cases: where the classes are numbers, `3.0` is class 3.

    Raises: DataError for a cell that is none of the classes.
    """
    position = {str(value): number for number, value in enumerate(classes)}
    whole = all(isinstance(value, int) for value in classes)
    cells = read_columns(path, [name])[name].to_pylist()
    found = np.array([position.get(_class_name(cell, whole), -1) for cell in cells])
    bad = np.flatnonzero(found < 0)
    if len(bad):
        shown = ", ".join(str(value) for value in classes[:12])
        raise DataError(
            f"{path}: {_place(int(bad[0]))}, column {name!r} holds {cells[int(bad[0])]!r}; "
            f"expected one of {len(classes)} classes ({shown})"
        )
    return found


def _class_name(cell: str, whole: bool) -> str:
    return _WHOLE_AS_FLOAT.sub("", cell) if whole else cell


def row_numbers(n_rows: int) -> np.ndarray:
    """The names of rows that have none: 1, 2, 3 … as text."""
    return np.arange(1, n_rows + 1).astype(str)


def _numbers(path: Path, name: str, cells: pa.ChunkedArray) -> np.ndarray:
    """A column of text as float64."""
    try:
        values: np.ndarray = pc.cast(cells, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        values = np.array([_number_or_nan(cell) for cell in cells.to_pylist()])
    # what float32 cannot hold is infinite in the features; nan compares as false
    bad = np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max))
    if len(bad):
        raise DataError(
            f"{path}: {_place(int(bad[0]))}, column {name!r} holds "
            f"{cells[int(bad[0])].as_py()!r}; expected a finite number"
        )
    return values


def _number_or_nan(cell: str) -> float:
    try:
        return float(cell) if "_" not in cell else float("nan")
    except ValueError:
        return float("nan")


def _check_range(
    path: Path,
    name: str,
    values: np.ndarray,
    value_range: tuple[float, float] | None,
    *,
    whole: bool,
) -> None:
    if value_range is None:
        return
    low, high = value_range
    outside = (values < low) | (values > high)
    if whole:
        outside |= values != np.floor(values)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        kind = "a whole number" if whole else "a number"
        raise DataError(
            f"{path}: {_place(row)}, column {name!r} holds {values[row]:.10g}; expected {kind} "
            f"from {low:g} to {high:g}"
        )


def _source(path: Path) -> Any:
    """What Arrow reads: the file itself, which it maps, or what its zip holds."""
    return path if path.is_file() else opened(path)


def _header(path: Path, separator: str) -> list[str]:
    with opened(path) as stream:
        text = "".join(line.decode("utf-8-sig", errors="replace") for line in _up_to_header(stream))
    first = re.split("[\r\n]", text.lstrip("\r\n"))[0]
    if not first.strip():
        raise DataError(f"{path} is empty; expected a header and rows: get it again")
    try:
        names = next(plain_csv.reader([first], delimiter=separator))
    except plain_csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}; get it again") from None
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{path} names the column {twice[0]!r} twice; expected every column once")
    return names


def _up_to_header(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines up to the first that is not empty, which Arrow takes for the header."""
    for line in stream:
        yield line
        if line.removeprefix(BOM_UTF8).strip(b"\r\n"):
            return


def _why_unreadable(
    path: Path, parse: csv.ParseOptions, convert: csv.ConvertOptions, error: Exception
) -> str:
    """The first fault with its row; only a single-threaded read knows the row."""
    alone = csv.ReadOptions(use_threads=False)
    try:
        source = _source(path)
        csv.read_csv(source, read_options=alone, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as again:
        error = again
    if "Empty CSV" in str(error):
        return f"{path} has a header and no rows; get it again"
    found = _ROW_IN_ERROR.search(str(error))
    if found:
        line, expected, got = map(int, found.groups())
        return (
            f"{path}: {_place(line - 2)} has {got} of {expected} cells; the file was cut or "
            "edited, get it again"
        )
    return f"{path} cannot be read as CSV: {error}; get it again"


def _place(row: int) -> str:
    return f"row {row + 1} (line {row + 2})"


def _check_end(path: Path) -> None:
    """Raises DataError where a file ends inside a quoted cell, which Arrow takes for its end."""
    with opened(path) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 2**16))
        last = stream.read().rstrip(b"\r\n").rsplit(b"\n", 1)[-1]
    if last.count(b'"') % 2:
        raise DataError(f"{path} ends inside a quoted cell; the file was cut, get it again")


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(cut(name) for name in names[:6]) + (
        f", … {len(names)} columns" if len(names) > 6 else ""
    )
