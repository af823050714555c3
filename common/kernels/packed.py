"""A packed data set as it lies attached: its manifest, its hashes, the run that it may hold."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from common import files, paths
from common.errors import DataError

MANIFEST = "manifest.json"
KINDS = ("weights", "wheel", "run", "code")


@dataclass(frozen=True)
class Entry:
    """A file of a packed data set.

    Args:
        name: in the data set, without folders.
        sha256: of its content, in hex.
        bytes: its size.
        kind: one of KINDS.
        path: of weights, where a library looks for them below its caches; else the name.
        of: what the file belongs to, such as "timm/resnet18.a1_in1k"; of a run or code its hash.
        ref: of weights on a hub, the branch that stands for their commit; "" for none.
    """

    name: str
    sha256: str
    bytes: int
    kind: str
    path: str
    of: str
    ref: str = ""


def entries_of(place: Path) -> list[Entry] | None:
    """What the manifest of a packed data set names; None where scripts/pack_dataset.py did not make
    the data set.

    Raises: DataError for a manifest that was cut or edited.
    """
    path = place / MANIFEST
    if not path.is_file():
        return None
    values = files.read_json(path)
    if not isinstance(values, dict) or not isinstance(values.get("files"), list):
        return None
    return [_entry(value, path) for value in values["files"]]


def _entry(value: object, path: Path) -> Entry:
    known = {field.name for field in fields(Entry)}
    if not isinstance(value, dict) or set(value) != known or value["kind"] not in KINDS:
        raise DataError(
            f"{path} names a file that this version does not understand; pack the data set again"
        )
    entry = Entry(**value)
    for name in (entry.name, entry.path):
        if name.startswith("/") or ".." in name.split("/"):
            raise DataError(f"{path} names {name!r}, which leads elsewhere; pack it again")
    return entry


def verify(place: Path, entries: list[Entry], dataset: str) -> None:
    """Raises DataError, with the file, what was found and what was expected, where a file of a data
    set is missing or is not the one that was packed."""
    again = f"upload the data set {dataset} again, wait until Kaggle has processed it, and push"
    for entry in entries:
        path = place / entry.name
        if not path.is_file():
            raise DataError(
                f"{path} is missing; expected {entry.bytes:,} bytes for {entry.of}: {again}"
            )
        size = path.stat().st_size
        if size != entry.bytes:
            raise DataError(f"{path} has {size:,} bytes; expected {entry.bytes:,}: {again}")
        found = files.sha256(path)
        if found != entry.sha256:
            raise DataError(f"{path} has the SHA-256 {found}; expected {entry.sha256}: {again}")


def attached_place(place: Path, dataset: str) -> Path:
    """The folder below which the runs of an attached data set lie: a packed run is unpacked into
    the kernel's home, once; anything else is read where it is."""
    entry = _run_entry(place)
    if entry is None:
        return place
    target = paths.home() / "attached-runs" / entry.of
    if not target.is_dir():
        verify(place, [entry], dataset)
        _unpack(place / entry.name, target)
    return target


@contextlib.contextmanager
def opened(place: Path) -> Iterator[Path]:
    """As above, for a look at a data set at home: nothing is left behind."""
    entry = _run_entry(place)
    if entry is None:
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="kit-run-") as scratch:
        verify(place, [entry], paths.shown(place))
        target = Path(scratch) / "run"
        _unpack(place / entry.name, target)
        yield target


def _run_entry(place: Path) -> Entry | None:
    """The packed run; None where there is none, or where Kaggle has unpacked it already."""
    runs = [entry for entry in entries_of(place) or () if entry.kind == "run"]
    return next((entry for entry in runs if not (place / entry.name).is_dir()), None)


def _unpack(archive: Path, target: Path) -> None:
    """Unpacks a run beside the target and renames it.

    Raises: DataError where the archive is cut.
    """
    files.make_folder(target.parent)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name[:12]}.", dir=target.parent))
    try:
        with tarfile.open(archive, mode="r:") as packed:
            packed.extractall(beside, filter="data")
        beside.rename(target)
    except tarfile.TarError as error:
        raise DataError(f"{archive} cannot be unpacked ({error}); pack the run again") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
