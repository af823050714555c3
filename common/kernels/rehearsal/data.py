"""The competition's data as a rehearsal mounts them: as they are, with more rows, with one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from common import files, paths, registry
from common.errors import DataError, UsageError
from common.fixtures import write_fixture
from common.kernels.rehearsal import testsets
from common.score import FIXTURE_FILE
from common.spec import CompetitionSpec

Say = Callable[[str], None]

PLACEHOLDER_ROWS = 1
TIMES_LARGER = 3


@dataclass(frozen=True)
class Data:
    """Three folders with the host's files, each with another test set."""

    usual: Path
    larger: Path
    placeholder: Path


@contextmanager
def laid_out(
    folder: str, spec: CompetitionSpec, given: Path | None, beside: Path, say: Say
) -> Iterator[Data]:
    """The data of a competition, for the length of the block.

    Args:
        given: the host's files; None for the fixture.
        beside: a folder to lay them out in where they are on its disk and the temporary folder is
            on another.

    Raises: UsageError or DataError where there are no data, or none that can be varied.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-rehearsal-")))
        if given is None:
            data = write_fixture(place / "fixture", _fixture(folder).write, seed=0)
        else:
            if not given.is_dir():
                raise UsageError(f"{given} is no folder; expected the host's files of {folder}")
            data, place = given, _near(given, place, beside, stack)
        called = "the host's"
        if (data / FIXTURE_FILE).is_file():
            called = str(files.read_json(data / FIXTURE_FILE)["called"])
        n_rows = testsets.n_rows_of(spec, data)
        say(f"data: {called}; {testsets.counted(n_rows)} to predict")
        testsets.link_rest(data, place / "usual")
        yield Data(
            place / "usual",
            testsets.swapped(folder, data, place / "larger", n_rows * TIMES_LARGER),
            testsets.swapped(folder, data, place / "placeholder", PLACEHOLDER_ROWS),
        )


def _fixture(folder: str) -> ModuleType:
    if not (registry.directory(folder) / "fixture.py").is_file():
        raise UsageError(
            f"competitions/{folder} has no fixture.py to rehearse with; expected one, or --data "
            "with the host's files"
        )
    return registry.load_fixture(folder)


def _near(data: Path, place: Path, beside: Path, stack: ExitStack) -> Path:
    """A folder on the disk of the data, where links cost nothing; else one with room for copies.

    Raises: DataError where there is no such room.
    """
    disk = data.stat().st_dev
    if place.stat().st_dev == disk:
        return place
    files.make_folder(beside)
    if beside.stat().st_dev == disk:
        near = tempfile.TemporaryDirectory(prefix=".kit-rehearsal-", dir=beside)
        return Path(stack.enter_context(near))
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    free = shutil.disk_usage(place).free
    if 3 * size > free:
        raise DataError(
            f"{paths.shown(data)} holds {size / 1e9:.1f} GB on another disk than {place}, where "
            f"{free / 1e9:.1f} GB are left for three copies; set TMPDIR to a folder on its disk"
        )
    return place
