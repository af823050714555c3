"""Reads a signal from CSV in blocks: numbers of the first column as int16, without a parser.

The host's files are plain (digits, a comma, digits), so whole blocks are read with a few passes of
numpy; a block that is not plain is read line by line, which also finds the line that is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import DataError

BLOCK = 2**19  # bytes; more do not fit into the cache of the processor
NEWLINE, COMMA, MINUS, ZERO, NINE = b"\n,-09"
MOST_DIGITS = 5  # of an int16
INT16 = np.iinfo(np.int16)
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some lines of a file.

    Args:
        path, header: of the file.
        signal: int16 (n_rows,).
        text: the lines' bytes, uint8.
        ends: where each line's newline stands in `text`, (n_rows,).
        first_row: the block's first row, counted from 0.
        end_byte: where the block ends in the file.
    """

    path: Path
    header: tuple[str, ...]
    signal: np.ndarray
    text: np.ndarray
    ends: np.ndarray
    first_row: int
    end_byte: int

    def times(self, rows: np.ndarray) -> np.ndarray:
        """The second column of some rows, float64; rows are counted from the block's first.

        Raises: DataError for a cell that is no number.
        """
        starts = np.where(rows > 0, self.ends[rows - 1] + 1, 0)
        lines = zip(starts.tolist(), self.ends[rows].tolist(), strict=True)
        cells = [self.text[start:end].tobytes().split(b",")[1] for start, end in lines]
        try:
            return np.array([float(cell) for cell in cells], dtype=np.float64)
        except ValueError:
            again = self.text.tobytes()
            return _careful(self.path, again, self.header, self.first_row, 0).times(rows)


def read_blocks(
    path: Path, header: tuple[str, ...], start: tuple[int, int] = (0, 0), block: int = BLOCK
) -> Iterator[Block]:
    """The blocks of a CSV whose first column is the signal.

    A byte-order mark and CRLF are read as CSV has them.

    Args:
        header: the columns, in their order.
        start: the byte and the row to begin at; where an earlier block ended.
        block: bytes that are read at once, at least.

    Raises: DataError where the file is missing, has another header, no rows, a cell that is none
        of the column's numbers, or a last line without its end (the file was cut).
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path") from None
    with stream:
        at, row = start
        if at == 0:
            at = _skip_header(path, stream.readline(1000), header)
        stream.seek(at)
        rest = b""
        while chunk := stream.read(block):
            cut = chunk.rfind(b"\n") + 1
            lines, rest = rest + chunk[:cut], (chunk[cut:] if cut else rest + chunk)
            if cut:
                at += len(lines)
                found = _block(path, lines, header, row, at)
                row += len(found.signal)
                yield found
    if rest:
        raise DataError(
            f"{path}: the last line (row {row + 1}, {_shown(rest)}) has no end; the file was cut: "
            "get it again"
        )
    if row == 0:
        raise DataError(f"{path} holds a header and no rows; get it again")


def _skip_header(path: Path, line: bytes, header: tuple[str, ...]) -> int:
    """The byte where the rows begin."""
    names = line.removeprefix(BOM).decode("utf-8", errors="replace").strip()
    if tuple(name.strip('"') for name in names.split(",")) != header:
        found = repr(names[:60]) if line else "nothing"
        raise DataError(
            f"{path} begins with {found}; expected the header {','.join(header)!r}: get it again"
        )
    return len(line)


def _block(path: Path, lines: bytes, header: tuple[str, ...], row: int, end: int) -> Block:
    if b"\r" in lines:
        lines = lines.replace(b"\r", b"")
    text = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    signal = _plain(text, ends, len(header))
    if signal is None:
        return _careful(path, lines, header, row, end)
    return Block(path, header, signal, text, ends, row, end)


def _plain(text: np.ndarray, ends: np.ndarray, n_columns: int) -> np.ndarray | None:
    """The first column of plain lines, int16; None where a line is not plain."""
    if text.max() > NINE or np.count_nonzero(text == COMMA) != (n_columns - 1) * len(ends):
        return None
    if n_columns > 1 and (text[ends - 1] == COMMA).any():  # an empty cell
        return None
    stop = COMMA if n_columns > 1 else NEWLINE
    at = np.concatenate([[0], ends[:-1] + 1])
    negative = text[at] == MINUS
    if negative.any():
        at += negative
    digits = text[at] - np.uint8(ZERO)  # what is no digit wraps to more than 9
    if digits.max() > 9:
        return None
    value = digits.astype(np.int32)
    longer = np.arange(len(at))  # the lines whose number goes on
    for _ in range(MOST_DIGITS):
        at = at + 1
        letters = text[np.minimum(at, len(text) - 1)]
        goes_on = np.flatnonzero(letters != stop)
        if len(goes_on) == 0:
            break
        longer, at, digits = longer[goes_on], at[goes_on], letters[goes_on] - np.uint8(ZERO)
        if digits.max() > 9:
            return None
        value[longer] = 10 * value[longer] + digits
    else:
        return None
    if negative.any():
        value = np.where(negative, -value, value)
    if value.min() < INT16.min or value.max() > INT16.max:
        return None
    signal: np.ndarray = value.astype(np.int16)
    return signal


def _careful(path: Path, lines: bytes, header: tuple[str, ...], row: int, end: int) -> Block:
    """A block line by line; written again in plain form, empty lines left out.

    Raises: DataError that names the line.
    """
    cells = []
    for number, line in enumerate(filter(None, lines.split(b"\n")), row + 1):
        parts = [part.strip(b'" ') for part in line.split(b",")]
        if len(parts) != len(header):
            raise DataError(
                f"{path}: row {number} has {len(parts)} of {len(header)} cells ({_shown(line)}); "
                "the file was cut or edited, get it again"
            )
        if not _is_sample(parts[0]):
            raise DataError(
                f"{path}: row {number} holds {_shown(parts[0])} as {header[0]}; expected a whole "
                f"number from {INT16.min} to {INT16.max}: get the file again"
            )
        for name, part in zip(header[1:], parts[1:], strict=True):
            if not _is_finite(part):
                raise DataError(
                    f"{path}: row {number} holds {_shown(part)} as {name}; expected a finite "
                    "number: get the file again"
                )
        cells.append(parts)
    text = np.frombuffer(b"".join(b",".join(parts) + b"\n" for parts in cells), dtype=np.uint8)
    signal = np.array([int(parts[0]) for parts in cells], dtype=np.int16)
    return Block(path, header, signal, text, np.flatnonzero(text == NEWLINE), row, end)


def _is_sample(cell: bytes) -> bool:
    digits = cell.removeprefix(b"-")
    return digits.isdigit() and INT16.min <= int(cell) <= INT16.max


def _is_finite(cell: bytes) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _shown(cell: bytes) -> str:
    return repr(cell[:40].decode("utf-8", errors="replace"))
