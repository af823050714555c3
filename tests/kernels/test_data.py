"""The host's files as a kernel finds them, from one mount or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import paths
from common.errors import DataError
from common.kernels.config import SourceConfig
from common.kernels.data import data_root
from tests.kernels.desk import a_config

COMPETITION = SourceConfig("competition", "open-images", ("sample.csv",))
BOXES = SourceConfig("dataset", "boxes", ("boxes.csv",))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_INPUT", str(tmp_path / "input"))
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    for name in ("competitions/open-images/sample.csv", "competitions/open-images/test/a.jpg"):
        write(tmp_path / "input" / name, "host")
    for name in ("datasets/me/boxes/boxes.csv", "datasets/me/boxes/test/b.jpg"):
        write(tmp_path / "input" / name, "mine")
    return tmp_path / "input"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_one_source_is_read_where_it_is_mounted(root: Path) -> None:
    assert data_root(a_config(sources=(COMPETITION,))) == root / "competitions/open-images"


def test_several_sources_lie_in_one_folder_as_at_home(root: Path) -> None:
    write(root / "datasets/me/boxes/sample.csv", "mine")
    for _ in range(2):  # an interactive session may run this twice
        joined = data_root(a_config(sources=(COMPETITION, BOXES)))
        assert joined == paths.data_dir("digit_recognizer")
        found = {p.relative_to(joined).as_posix() for p in joined.rglob("*") if p.is_file()}
        assert found == {"sample.csv", "boxes.csv", "test/a.jpg", "test/b.jpg"}
        assert (joined / "sample.csv").read_text() == "host"  # the first source's counts


def test_a_source_that_is_missing_is_named(root: Path) -> None:
    missing = SourceConfig("dataset", "somebody/absent", ("absent.csv",))
    with pytest.raises(DataError, match=r"the data set 'somebody/absent' is not mounted"):
        data_root(a_config(sources=(COMPETITION, missing)))
