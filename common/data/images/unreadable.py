"""What of a table of pictures cannot be read: found before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from common import paths
from common.data.images.check import FAULT, PRINTED, check_images
from common.data.images.reader import Source
from common.errors import DataError


def unreadable_rows(
    sources: Sequence[Source], *, decoded: bool = False, channels: int = 3
) -> dict[int, str]:
    """The rows whose picture cannot be read, each with one line that names the file.

    Args:
        sources: a file per row, or one per channel; bytes are not looked at.
        decoded: also decode every picture, which finds damage in the middle; as long as an epoch
            takes to read.
        channels: that are asked of each picture; 4 are not made of fewer.
    """
    rows = [_files(source) for source in sources]
    files = list(dict.fromkeys(path for row in rows for path in row))
    if not files:
        return {}
    report = check_images(files[0].parent, files, decoded=decoded)
    faults = {one.path: f"{one.found}; expected {one.expected}" for one in report.of(FAULT)}
    alone = {row[0] for row, source in zip(rows, sources, strict=True) if _is_file(source)}
    for path, header in report.headers.items() if channels == 4 else ():
        if path in alone and header.channels != 4:
            faults[path] = f"{header.channels} channels; expected 4"
    return {
        number: f"{paths.shown(path)}: {faults[path]}"
        for number, row in enumerate(rows)
        for path in [next((path for path in row if path in faults), None)]
        if path is not None
    }


def _files(source: Source) -> list[Path]:
    parts = source if isinstance(source, tuple) else (source,)
    return [Path(part) for part in parts if not isinstance(part, bytes)]


def _is_file(source: Source) -> bool:
    return not isinstance(source, tuple | bytes)


def tell(
    found: dict[int, str], n_rows: int, what: str, *, skip: str, say: Callable[[str], None]
) -> None:
    """Says which pictures cannot be read, a line each.

    Args:
        found: of `unreadable_rows`.
        what: the rows, such as "train".
        skip: what is done with them; "" where that was not asked for.

    Raises: DataError where there are any and `skip` is "".
    """
    if not found:
        return
    lines = list(found.values())
    for line in lines if skip else lines[1 : PRINTED + 1]:
        say(f"cannot be read{f' ({skip})' if skip else ''}: {line}")
    if not skip:
        end = "" if lines[0].endswith("?") else "."
        raise DataError(
            f"{len(found):,} of {n_rows:,} {what} pictures cannot be read: {lines[0]}{end} "
            "Download them again, or go on without them with --skip-unreadable"
        )
