"""Masks from files: values are kept, never mixed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from fastai.vision.augment import Resize
from fastai.vision.core import PILMask
from PIL import Image

from common.data.images import Target
from common.data.images.masks import read_mask
from common.data.images.targets import CodedMasks
from common.errors import DataError
from common.rle import RunLength


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    values = np.random.default_rng(0).integers(0, 5, (45, 61), dtype=np.uint8)
    cv2.imwrite(str(path), values)
    return path


@pytest.mark.parametrize("method", ["squish", "crop", "pad"])
@pytest.mark.parametrize("size", [(20, 20), (90, 70), (33, 61)])
def test_masks_are_framed_as_fastai_frames_them(
    mask: Path, method: str, size: tuple[int, int]
) -> None:
    by_fastai = np.asarray(Resize(size, method=method)(PILMask.create(mask), split_idx=1))
    ours = read_mask(mask, Target(*size, method=method))
    assert ours.shape == size
    assert (ours == by_fastai).mean() > 0.98  # rounding at a half may fall to either side


def test_a_palette_gives_its_positions(tmp_path: Path) -> None:
    positions = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    image = Image.frombytes("P", (2, 2), positions.tobytes())
    image.putpalette([value // 3 for value in range(768)])
    image.save(tmp_path / "palette.png")
    assert np.array_equal(read_mask(tmp_path / "palette.png", None), positions)


def test_zeros_come_in_where_the_padding_is_zeros(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "ones.png"), np.ones((10, 20), np.uint8))
    padded = read_mask(tmp_path / "ones.png", Target(20, 20, method="pad", padding="zeros"))
    assert padded[:5].sum() == padded[15:].sum() == 0
    assert (padded[5:15] == 1).all()


def test_a_mask_in_colours_is_refused_by_name(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "colours.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match=r"colours\.png is rgb; expected a grey mask"):
        read_mask(tmp_path / "colours.png", None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_sixteen_bits_of_a_file_are_numbers_and_no_shades(tmp_path: Path, dtype: type) -> None:
    values = np.array([[0, 1], [2, 200]], dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    assert np.array_equal(read_mask(tmp_path / "deep.png", None, dtype=dtype), values)
    cv2.imwrite(str(tmp_path / "flat.png"), values.astype(np.uint8))
    assert np.array_equal(read_mask(tmp_path / "flat.png", None, dtype=dtype), values)


def test_numbers_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((2, 2), 256, dtype=np.uint16))
    with pytest.raises(DataError, match=r"deep\.png holds 256; expected numbers up to 255"):
        read_mask(tmp_path / "deep.png", None)


def test_it_is_written_where_it_is_asked_for(mask: Path) -> None:
    out = np.zeros((45, 61), dtype=np.uint8)
    read_mask(mask, None, out=out)
    assert np.array_equal(out, cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE))


def test_run_lengths_are_read_like_the_file_that_they_stand_for(tmp_path: Path) -> None:
    code = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
    truth = np.random.default_rng(0).random((45, 61)) < 0.5
    cv2.imwrite(str(tmp_path / "mask.png"), truth.astype(np.uint8))
    texts = [b"-1", code.encode(truth).encode()]
    masks = CodedMasks(texts, code=code, shape=(45, 61)).rows(np.array([1, 0, 1]))
    for method in ("squish", "crop", "pad"):
        target = Target(20, 24, method=method)
        out = np.full((3, 20, 24), 7, np.uint8)
        for position in range(3):
            masks.read(position, target, out[position])
        by_file = read_mask(tmp_path / "mask.png", target)
        assert np.array_equal(out[0], by_file)
        assert np.array_equal(out[2], by_file)
        assert not out[1].any()
