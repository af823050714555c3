"""Test sets of another size, under other ids, with nothing else changed."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from common import registry
from common.errors import DataError
from common.kernels.rehearsal import testsets
from common.kernels.rehearsal.layouts import NEWER, OLDER
from common.spec import HostFile
from competitions.digit_recognizer.spec import SPEC

KEYED = replace(
    SPEC,
    files=(
        SPEC.file("train"),
        HostFile("test", "test.csv", key="id"),
        SPEC.file("sample_submission"),
    ),
)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def host(folder: Path, test: str, sample: str) -> Path:
    folder.mkdir()
    (folder / "train.csv").write_text("label,pixel0\n1,2\n")
    (folder / "test.csv").write_text(test)
    (folder / "sample_submission.csv").write_text(sample)
    (folder / "solution.csv").write_text("secret")
    return folder


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A competition whose test.csv has an id of its own."""
    monkeypatch.setattr(registry, "load_spec", lambda _: KEYED)


def test_rows_without_an_id_are_numbered_anew(tmp_path: Path) -> None:
    data = host(tmp_path / "data", "pixel0\n7\n8\n", "ImageId,Label\n1,0\n2,0\n")
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 5)
    assert [row[0] for row in rows(out / "sample_submission.csv")[1:]] == ["1", "2", "3", "4", "5"]
    # in another order than the host's
    assert rows(out / "test.csv") == [["pixel0"], ["8"], ["7"], ["8"], ["7"], ["8"]]
    assert testsets.n_rows_of(SPEC, out) == 5


@pytest.mark.usefixtures("keyed")
def test_ids_stand_once_keep_their_zeros_and_lead_to_their_own_rows(tmp_path: Path) -> None:
    data = host(tmp_path / "data", "id,v\n007,a\n17,b\n", "ImageId,Label\n007,0\n17,0\n")
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 5)
    assert rows(out / "test.csv")[1:] == [
        ["17", "b"],
        ["007", "a"],
        ["1017", "b"],
        ["1007", "a"],
        ["2017", "b"],
    ]


@pytest.mark.usefixtures("keyed")
def test_all_rows_of_an_id_stay_together(tmp_path: Path) -> None:
    test = "id,v\nx,1\nx,2\ny,3\n"
    data = host(tmp_path / "data", test, "ImageId,Label\nx,0\ny,0\n")
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 3)
    assert rows(out / "test.csv")[1:] == [["y", "3"], ["x", "1"], ["x", "2"], ["y1", "3"]]


@pytest.mark.usefixtures("keyed")
def test_pictures_named_by_an_id_follow_it_to_its_new_ones(tmp_path: Path) -> None:
    data = host(tmp_path / "data", "id\nx\ny\n", "ImageId,Label\nx,0\ny,0\n")
    (data / "test_images").mkdir()
    for name in "xyz":
        (data / "test_images" / f"{name}.png").write_text(f"picture {name}")
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 3)
    assert [row[0] for row in rows(out / "test.csv")[1:]] == ["y", "x", "y1"]
    found = {path.name: path.read_text() for path in (out / "test_images").iterdir()}
    assert found == {
        "x.png": "picture x",
        "y.png": "picture y",
        "y1.png": "picture y",
        "z.png": "picture z",
    }


def test_what_does_not_change_is_linked_and_the_solution_stays_away(tmp_path: Path) -> None:
    data = host(tmp_path / "data", "pixel0\n7\n", "ImageId,Label\n1,0\n")
    (data / "images").mkdir()
    (data / "images/1.png").write_bytes(b"png")
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 1)
    assert (out / "images/1.png").stat().st_ino == (data / "images/1.png").stat().st_ino
    assert not (out / "solution.csv").exists()
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_competitions_own_way_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
        (out / "sample_submission.csv").write_text("ImageId,Label\n" + "9,0\n" * n_rows)

    fixture = registry.load_fixture("digit_recognizer")
    monkeypatch.setattr(fixture, "with_test_rows", with_test_rows, raising=False)
    data = host(tmp_path / "data", "pixel0\n7\n", "ImageId,Label\n1,0\n")
    out = testsets.swapped("digit_recognizer", data, tmp_path / "out", 2)
    assert testsets.n_rows_of(SPEC, out) == 2
    assert (out / "test.csv").read_text() == "pixel0\n7\n"


@pytest.mark.parametrize(
    ("test", "sample", "expected"),
    [
        ("pixel0\n", "ImageId,Label\n", "asks for no row of test.csv"),
        ("", "ImageId,Label\n1,0\n", "test.csv is empty"),
        ("pixel0\n7\n", "", "sample_submission.csv is empty"),
        ("pixel0\n7\n", "ImageId,Label\n5,0\n", "asks for no row of test.csv"),
    ],
)
def test_a_test_set_without_rows_is_refused(
    tmp_path: Path, test: str, sample: str, expected: str
) -> None:
    data = host(tmp_path / "data", test, sample)
    with pytest.raises(DataError, match=expected):
        testsets.swapped("digit_recognizer", data, tmp_path / "out", 2)


def test_a_test_set_that_is_no_table_needs_the_competitions_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = replace(SPEC, files=(HostFile("test", "test.zip"), SPEC.file("sample_submission")))
    monkeypatch.setattr(registry, "load_spec", lambda _: images)
    data = host(tmp_path / "data", "pixel0\n7\n", "ImageId,Label\n1,0\n")
    with pytest.raises(DataError, match=r"write with_test_rows\(data, out, n_rows\)"):
        testsets.swapped("digit_recognizer", data, tmp_path / "out", 2)


def test_rows_are_counted_as_one_says_it() -> None:
    assert [testsets.counted(n) for n in (0, 1, 1500)] == ["0 rows", "1 row", "1,500 rows"]


def test_both_layouts_have_places_for_every_kind() -> None:
    assert NEWER.place("competition", "titanic") == "competitions/titanic"
    assert NEWER.place("dataset", "me/weights") == "datasets/me/weights"
    assert NEWER.place("kernel", "me/digits-train") == "notebooks/me/digits-train"
    for kind in ("dataset", "kernel"):
        assert OLDER.place(kind, "me/digits-train") == "digits-train"
