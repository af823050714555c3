"""Every picture of a folder in one pass: what cannot be read, and what may be read wrongly."""

from __future__ import annotations

import csv
import io
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from common import paths
from common.data.images.decode import cut, decode
from common.data.images.endings import is_cut
from common.data.images.header import (
    MAX_PIXELS,
    TURNED,
    ImageHeader,
    header_by,
    header_of,
    pieces,
    unreadable,
)
from common.errors import DataError

FORMATS = {
    ".bmp": "bmp",
    ".dcm": "dicom",
    ".dicom": "dicom",
    ".gif": "gif",
    ".jpeg": "jpeg",
    ".jpg": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
}
FAULT, DOUBT = "fault", "doubt"
CHUNK = 64  # files that a thread takes at a time
HOLE = bytes(4096)  # a run of zeros that compressed pixels never hold
PREVIEW = 8  # a JPEG is decoded at 1/8: its every byte is read, most arithmetic saved
PRINTED = 20  # faults that are printed


class Finding(NamedTuple):
    """One thing that is wrong, or may be, with one file."""

    kind: str  # FAULT or DOUBT
    path: Path
    found: str
    expected: str


@dataclass
class Report:
    """What a pass over a folder found."""

    root: Path
    headers: dict[Path, ImageHeader] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    n_files: int = 0
    n_bytes: int = 0
    seconds: float = 0.0

    def of(self, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


def image_files(root: Path) -> list[Path]:
    """All files below a folder that are named as pictures, sorted; hidden folders are left out."""
    found = []
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        found += [
            Path(folder, name) for name in names if os.path.splitext(name)[1].lower() in FORMATS
        ]
    return sorted(found)


def check_images(
    root: Path,
    files: Sequence[Path] | None = None,
    *,
    decoded: bool = False,
    threads: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Report:
    """Reads every picture's header and end; nothing is changed.

    Args:
        files: the pictures, where not all below `root` are meant.
        decoded: also decode each one, which finds damage in the middle.
        threads: how many files are looked at at once; None for one per core.

    Raises: DataError where there are no pictures.
    """
    started = time.perf_counter()
    files = image_files(root) if files is None else files
    if not files:
        raise DataError(
            f"{paths.shown(root)} holds no pictures; expected files named {', '.join(FORMATS)}. "
            "Unpack what was downloaded"
        )
    report = Report(root, n_files=len(files))
    chunks = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]

    def look(chunk: Sequence[Path]) -> list[_Look]:
        return [_look_at(path, decoded=decoded, max_pixels=max_pixels) for path in chunk]

    with ThreadPoolExecutor(threads or paths.threads_asked_for() or os.cpu_count()) as pool:
        for looks in pool.map(look, chunks):
            for one in looks:
                report.n_bytes += one.n_bytes
                report.findings += one.findings
                if one.header is not None:
                    report.headers[one.path] = one.header
    report.findings += _odd_ones(report.headers)
    report.seconds = time.perf_counter() - started
    return report


class _Look(NamedTuple):
    path: Path
    header: ImageHeader | None
    n_bytes: int
    findings: list[Finding]


def _look_at(path: Path, *, decoded: bool, max_pixels: int) -> _Look:
    """One file: a fault is the error that reading it would raise."""
    findings: list[Finding] = []
    header, n_bytes = None, 0
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no file; expected a picture")  # a pipe would be waited for
        with path.open("rb", buffering=0) as stream:
            take, n_bytes = pieces(stream)
            header = header_by(take, n_bytes, str(path), max_pixels=max_pixels)
            if is_cut(header.format, take, n_bytes):
                raise cut(str(path), n_bytes)
        if decoded:
            findings += _decoding(path, header, max_pixels)
        findings += [Finding(DOUBT, path, *doubt) for doubt in _doubts(path, header)]
    except (DataError, OSError) as error:
        fault = unreadable(path, error) if isinstance(error, OSError) else error
        found, _, expected = str(fault).removeprefix(str(path)).partition("; expected ")
        findings = [Finding(FAULT, path, found.lstrip(": "), expected)]
    return _Look(path, header, n_bytes, findings)


def _decoding(path: Path, header: ImageHeader, max_pixels: int) -> list[Finding]:
    """Decodes a file; a fault is raised, a doubt is given."""
    content = path.read_bytes()
    header = header_of(content, str(path), max_pixels=max_pixels)
    channels = 4 if header.mode == "channels" and header.channels == 4 else 3
    scale = PREVIEW if header.format in ("jpeg", "dicom") else 1
    decode(content, header, channels, scale=scale, name=str(path))
    if header.format == "jpeg" and HOLE in content:
        return [Finding(DOUBT, path, f"{len(HOLE)} zero bytes in a row", "compressed pixels")]
    return []


def _doubts(path: Path, header: ImageHeader) -> Iterator[tuple[str, str]]:
    """What is read, and may still not be what was meant: found, and expected."""
    named = FORMATS.get(path.suffix.lower(), header.format)
    if named != header.format:
        yield f"{header.format} named {path.suffix}", f"{named}; it is read as what it is"
    if header.mode in ("cmyk", "ycck"):
        yield header.mode, "rgb; it is converted without its colour profile"
    if header.bits > 8:
        yield f"{header.bits} bits", "8 bits; it is scaled down unless dtype is uint16"
    if header.mode == "palette" and header.format != "gif":
        yield "palette", "rgb; it is read as colours, which loses the numbers of a mask"
    if header.orientation != 1:
        turned = "turned" if header.orientation in TURNED else "flipped"
        yield (
            f"EXIF orientation {header.orientation}",
            f"1; it is {turned} as EXIF says, boxes and masks of the stored pixels do not fit",
        )


def _odd_ones(headers: dict[Path, ImageHeader]) -> Iterator[Finding]:
    """Pictures of another mode than most of their folder's."""
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in headers:
        by_folder[path.parent].append(path)
    for members in by_folder.values():
        counts = Counter(headers[path].mode for path in members)
        (usual, _), *others = counts.most_common()
        if others:
            for path in members:
                if headers[path].mode != usual:
                    yield Finding(DOUBT, path, headers[path].mode, f"{usual}, as most beside it")


def lines_of(report: Report) -> Iterator[str]:
    """The report for people: what there is, faults one by one, doubts by folder."""
    kinds = Counter((one.format, one.mode, one.bits) for one in report.headers.values())
    for (name, mode, bits), count in kinds.most_common():
        yield f"{count:,} {name}, {mode}, {bits} bits"
    if report.headers:
        sizes = sorted(report.headers.values(), key=lambda one: one.height * one.width)
        low, high = (f"{one.width}×{one.height}" for one in (sizes[0], sizes[-1]))
        yield f"from {low} to {high} pixels"
    faults = report.of(FAULT)
    for fault in faults[:PRINTED]:
        yield f"fault: {_printable(fault.path)}: {fault.found}; expected {fault.expected}"
    if len(faults) > PRINTED:
        yield f"fault: and {len(faults) - PRINTED:,} more; --list names all"
    yield from _doubt_lines(report)
    yield (
        f"{report.n_files:,} files, {report.n_bytes / 1e6:,.1f} MB in {report.seconds:.2f} s: "
        f"{report.n_files / max(report.seconds, 1e-9):,.0f} files a second"
    )


def _doubt_lines(report: Report) -> Iterator[str]:
    groups: dict[tuple[Path, str, str], list[Path]] = defaultdict(list)
    for doubt in report.of(DOUBT):
        groups[doubt.path.parent, doubt.found, doubt.expected].append(doubt.path)
    for (folder, found, expected), members in groups.items():
        yield (
            f"doubt: {_printable(folder)}: {len(members):,} with {found}, the first is "
            f"{_printable(members[0]).rpartition('/')[2]}; expected {expected}"
        )


def _printable(path: Path) -> str:
    """A path on one line of a terminal, whatever characters its name has."""
    text = paths.shown(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def table_of(report: Report) -> str:
    """All findings as CSV: kind, path, found, expected. What is no UTF-8 in a name is escaped."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Finding._fields)
    table.writerows(report.findings)
    return text.getvalue().encode(errors="backslashreplace").decode()
