"""Equal and nearly equal pictures, found among discs that look alike."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from common.data.images.borders import without_dark_border
from common.duplicates import Duplicates, equal_files, find_duplicates, joined_groups
from common.errors import DataError

N = 12


def disc(rng: np.random.Generator) -> np.ndarray:
    """A grey disc on black with blurred spots of its own, uint8 (120, 150, 3)."""
    y, x = np.mgrid[:120, :150]
    spots = cv2.GaussianBlur(rng.normal(0, 1, (120, 150)).astype(np.float32), (0, 0), 3)
    picture = 130 + 300 * spots
    picture[(y - 60) ** 2 + (x - 75) ** 2 > 55**2] = 0
    return np.repeat(picture.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(N):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), disc(rng))
    return tmp_path


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.*g"))


def test_a_clean_set_has_no_duplicates(folder: Path) -> None:
    found = find_duplicates(pictures(folder), trim=without_dark_border)
    assert (found.exact, found.near) == ((), ())
    assert found.groups().tolist() == list(range(N))
    assert found.lines([str(k) for k in range(N)], [0] * N) == []


def test_equal_files_are_found_by_their_bytes(folder: Path) -> None:
    (folder / "90.png").write_bytes((folder / "03.png").read_bytes())
    (folder / "91.png").write_bytes((folder / "03.png").read_bytes())
    found = find_duplicates(pictures(folder))
    assert found.exact == ((3, N), (3, N + 1))
    assert found.near == ()


def test_files_of_one_length_need_not_be_equal() -> None:
    assert equal_files([b"ab", b"ba", b"abc", b"ab"]) == [(0, 3)]


def test_another_size_compression_or_border_is_the_same_picture(folder: Path) -> None:
    picture = cv2.imread(str(folder / "05.png"))
    cv2.imwrite(str(folder / "90.png"), cv2.resize(picture, None, fx=0.8, fy=0.8))
    cv2.imwrite(str(folder / "91.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    padded = cv2.copyMakeBorder(picture, 5, 20, 40, 10, cv2.BORDER_CONSTANT)
    cv2.imwrite(str(folder / "92.png"), padded)
    found = find_duplicates(pictures(folder), trim=without_dark_border)
    assert set(np.flatnonzero(found.groups() == 5)) == {5, N, N + 1, N + 2}
    assert len(np.unique(found.groups())) == N


def test_flat_pictures_are_no_duplicates_unless_their_files_are_equal(tmp_path: Path) -> None:
    for number, grey in enumerate((0, 100, 101, 100)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((80, 80, 3), grey, np.uint8))
    found = find_duplicates(pictures(tmp_path))
    assert (found.exact, found.near) == (((1, 3),), ())


def test_pairs_join_into_groups_named_by_their_first() -> None:
    assert joined_groups(6, [(4, 5), (1, 2), (2, 4)]).tolist() == [0, 1, 1, 3, 1, 1]


def test_groups_with_different_labels_are_told() -> None:
    found = Duplicates(5, exact=((0, 3),), near=((1, 2),))
    labels = [0, 1, 1, 4, 2]
    assert found.conflicts(labels) == [(0, 3)]
    assert found.lines(list("abcde"), labels) == [
        "duplicates: 1 equal file, 1 nearly equal pair; each group stays in one fold",
        "equal pictures with different labels: a is 0, d is 4",
    ]


def test_a_second_pass_reads_the_cache_and_finds_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "90.png").write_bytes((folder / "03.png").read_bytes())
    files = pictures(folder)
    first = find_duplicates(files, cache=tmp_path / "cache")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a picture was decoded again")

    monkeypatch.setattr("common.data.images.dataset.read_image", refuse)
    assert find_duplicates(files, cache=tmp_path / "cache") == first


def test_no_pictures_have_no_duplicates() -> None:
    assert find_duplicates([]) == Duplicates(0)


def test_a_damaged_picture_is_named(folder: Path) -> None:
    (folder / "07.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"07\.png"):
        find_duplicates(pictures(folder))
