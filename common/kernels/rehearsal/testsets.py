"""The competition's data with another test set: as large as asked for, under other ids.

The scored rerun swaps the test set, and the saved run often sees a placeholder of a few rows.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import defaultdict
from pathlib import Path

from common import files, paths, registry
from common.errors import DataError
from common.spec import CompetitionSpec, HostFile
from common.zipped import is_there, opened

HOOK = "with_test_rows"  # in a competition's fixture.py, where its test set is more than a table
NEVER_MOUNTED = ("solution.csv",)
Row = list[str]


def swapped(folder: str, data: Path, out: Path, n_rows: int) -> Path:
    """Fills `out` with the data, the test set replaced by one of `n_rows` rows.

    Tables are written anew, and files in folders that are named by a row's id get its new ids. The
    competition's own `with_test_rows(data, out, n_rows)` in fixture.py does it where there is one;
    it writes the files that change, all others are linked.

    Raises: DataError where the test set is no table and nothing else is known.
    """
    spec = registry.load_spec(folder)
    hook = None
    if (registry.directory(folder) / "fixture.py").is_file():
        hook = getattr(registry.load_fixture(folder), HOOK, None)
    files.make_folder(out)
    if hook is not None:
        hook(data, out, n_rows)
    else:
        _swap_tables(spec, data, out, n_rows)
    link_rest(data, out)
    return out


def link_rest(data: Path, out: Path) -> None:
    """Links or copies what `out` does not have yet; the solution stays away."""
    for path in sorted(data.rglob("*")):
        name = path.relative_to(data)
        target = out / name
        if path.is_dir() or target.exists() or name.as_posix() in NEVER_MOUNTED:
            continue
        link(path, target)


def link(path: Path, target: Path) -> None:
    """Links a file, or copies it from another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:  # another disk
        shutil.copy2(path, target)


def n_rows_of(spec: CompetitionSpec, data: Path) -> int:
    """The rows that the sample submission asks for."""
    return len(_read(data / spec.file("sample_submission").name)[1])


def counted(n_rows: int) -> str:
    """1 row, 1,500 rows."""
    return f"{n_rows:,} row{'' if n_rows == 1 else 's'}"


def _swap_tables(spec: CompetitionSpec, data: Path, out: Path, n_rows: int) -> None:
    test, sample = spec.file("test"), spec.file("sample_submission")
    if len(spec.submission.key_columns) != 1 or Path(test.name).suffix != ".csv":
        raise DataError(
            f"the test set of {spec.slug} is more than a table with one id; write "
            f"{HOOK}(data, out, n_rows) in its fixture.py, see kernels/README.md"
        )
    sample_header, sample_rows = _read(data / sample.name)
    test_header, test_rows = _read(data / test.name)
    key = sample_header.index(spec.submission.key_columns[0])
    by_id = _by_id(test, test_header, test_rows)
    asked = [row for row in reversed(sample_rows) if row[key] in by_id]
    if not asked:
        raise DataError(f"{data / sample.name} asks for no row of {test.name}; get both again")
    new_sample, new_test = [], []
    renamed: dict[str, list[str]] = defaultdict(list)
    digits = max(len(row[key]) for row in asked)
    for position in range(n_rows):
        row = asked[position % len(asked)]
        name = str(position + 1)
        if test.key is not None:
            name = _new_id(row[key], position // len(asked), digits)
            renamed[row[key]].append(name)
        new_sample.append([name if at == key else cell for at, cell in enumerate(row)])
        new_test += [_renamed(test, test_header, cells, name) for cells in by_id[row[key]]]
    _write(out / sample.name, sample_header, new_sample)
    _write(out / test.name, test_header, new_test)
    _link_renamed(data, out, renamed)


def _link_renamed(data: Path, out: Path, renamed: dict[str, list[str]]) -> None:
    """Links the files that belong to a row, such as test_images/<id>.png, under its new ids."""
    for path in data.glob("*/**/*"):
        for name in renamed.get(path.stem, ()) if path.is_file() else ():
            if name != path.stem:
                link(path, (out / path.relative_to(data)).with_name(name + path.suffix))


def _by_id(test: HostFile, header: Row, rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        found[str(number) if test.key is None else row[header.index(test.key)]].append(row)
    return found


def _new_id(name: str, round_: int, digits: int) -> str:
    """An id of the same form that stands once: the first round keeps the known ones, later ones
    put their number before a number (7, 17 and 107 lead to 1007), or behind a text."""
    if round_ == 0:
        return name
    return f"{round_}{name.zfill(digits)}" if name.isdecimal() else f"{name}{round_}"


def _renamed(test: HostFile, header: Row, row: Row, name: str) -> Row:
    if test.key is None:
        return row
    return [name if at == header.index(test.key) else cell for at, cell in enumerate(row)]


def _read(path: Path) -> tuple[Row, list[Row]]:
    if not is_there(path):
        raise DataError(f"{paths.shown(path)} is missing; expected the host's file")
    with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if not rows:
        raise DataError(f"{paths.shown(path)} is empty; get it again")
    return rows[0], rows[1:]


def _write(path: Path, header: Row, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
