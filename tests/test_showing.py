"""Pages of pictures: what the model sees, taken back to bytes, with targets drawn in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fastai.torch_core import TensorCategory, TensorImage, TensorMask, TensorMultiCategory
from fastai.vision.core import TensorBBox, TensorPoint

from common.augment import photographs, unchanged
from common.errors import UsageError
from common.showing import COLOURS, Picture, grid, pictures_of

PLAIN = unchanged()


def image(value: float, channels: int = 3, side: int = 4) -> TensorImage:
    return TensorImage(torch.full((1, channels, side, side), value))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_are_shown_as_bytes_in_colour(channels: int) -> None:
    (shown,) = pictures_of((image(0.2, channels),), (), PLAIN)
    assert shown.pixels.shape == (4, 4, 3)
    assert shown.pixels.dtype == np.uint8
    assert shown.pixels[0, 0].tolist() == [51, 51, 0 if channels == 2 else 51]


def test_normalisation_is_taken_back() -> None:
    policy = photographs()
    mean, std = (torch.tensor(part)[:, None, None] for part in (policy.mean, policy.std))
    seen = (torch.full((1, 3, 2, 2), 0.4) - mean) / std
    (shown,) = pictures_of((TensorImage(seen),), (), policy)
    assert (shown.pixels == 102).all()


def test_a_range_of_its_own_is_shown_from_black_to_white() -> None:
    values = torch.tensor([-3.0, 0.0, 3.0]).reshape(1, 1, 1, 3)
    (shown,) = pictures_of((TensorImage(values),), (), PLAIN)
    assert shown.pixels[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("target", "caption"),
    [
        (TensorCategory(torch.tensor([2])), "dog"),
        (TensorMultiCategory(torch.tensor([[1.0, 0.0, 1.0]])), "ant, dog"),
        (TensorMultiCategory(torch.tensor([[0.3, 0.7, 0.0]])), "cat 0.70, ant 0.30"),
        (TensorMultiCategory(torch.tensor([[0.0, 0.0, 0.0]])), "none"),
        (torch.tensor([[0.25]]), "0.25"),
    ],
)
def test_the_caption_names_the_target(target: torch.Tensor, caption: str) -> None:
    (shown,) = pictures_of((image(0.0), target), ["ant", "cat", "dog"], PLAIN)
    assert shown.caption == caption


def test_more_classes_than_fit_are_counted() -> None:
    marks = TensorMultiCategory(torch.ones(1, 5))
    (shown,) = pictures_of((image(0.0), marks), list("abcde"), PLAIN)
    assert shown.caption == "a, b, c + 2"


def test_masks_boxes_and_points_are_told_apart_and_padding_left_out() -> None:
    boxes = TensorBBox(torch.tensor([[[1.0, 1.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]]]))
    points = TensorPoint(torch.tensor([[[2.0, 3.0]]]))
    mask = TensorMask(torch.ones(1, 4, 4, dtype=torch.uint8))
    (shown,) = pictures_of((image(0.0), mask, boxes, points), (), PLAIN)
    assert shown.mask is not None
    assert shown.boxes is not None
    assert shown.points is not None
    assert shown.mask.sum() == 16
    assert shown.boxes.tolist() == [[1, 1, 3, 2]]
    assert shown.points.tolist() == [[2, 3]]


def test_boxes_of_a_detector_have_their_names() -> None:
    own = {"boxes": torch.tensor([[1.0, 1.0, 3.0, 2.0]]), "labels": torch.tensor([1])}
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    pictures = TensorImage(torch.zeros(2, 3, 4, 4))
    first, second = pictures_of((pictures, [own, none]), ["ant", "cat"], PLAIN)
    assert first.boxes is not None
    assert first.boxes.tolist() == [[1, 1, 3, 2]]
    assert (first.names, first.caption) == (("cat",), "cat")
    assert (second.names, second.caption) == ((), "none")
    assert grid([first, second], 2, "title").width > 0


def test_bytes_are_shown_as_they_are() -> None:
    (shown,) = pictures_of((torch.full((1, 3, 2, 2), 77, dtype=torch.uint8),), (), photographs())
    assert (shown.pixels == 77).all()


def test_a_batch_without_pictures_is_refused() -> None:
    with pytest.raises(UsageError, match=r"hold Tensor \(4, 7\); expected pictures"):
        pictures_of((torch.zeros(4, 7),), (), PLAIN)


def drawn(picture: Picture) -> np.ndarray:
    """The cell of a page with one black picture of 4×4, which is enlarged 48 times."""
    page = np.asarray(grid([picture], 1, "title"))
    rows, columns = np.nonzero((page != 255).any(axis=2) & (page.sum(axis=2) == 0))
    top, left = rows.min(), columns.min()
    return page[top : top + 192, left : left + 192]


BLACK = np.zeros((4, 4, 3), dtype=np.uint8)


def test_a_box_is_drawn_where_it_lies() -> None:
    cell = drawn(Picture(BLACK, boxes=np.array([[1, 2, 3, 4]])))
    coloured = np.argwhere((cell == COLOURS[0]).all(axis=2))
    assert coloured.min(axis=0) == pytest.approx((96, 48), abs=2)
    assert coloured.max(axis=0) == pytest.approx((191, 144), abs=2)


def test_a_point_is_drawn_where_it_lies() -> None:
    cell = drawn(Picture(BLACK, points=np.array([[3.0, 1.0]])))
    centre = np.argwhere((cell == COLOURS[0]).all(axis=2)).mean(axis=0)
    assert centre == pytest.approx((48, 144), abs=1)


def test_a_mask_is_drawn_over_its_pixels_and_class_0_is_clear() -> None:
    mask = np.zeros((4, 4), dtype=np.int64)
    mask[1, 2] = 1
    cell = drawn(Picture(BLACK, mask=mask))
    rows, columns = np.nonzero(cell.any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (48, 95, 96, 143)


def test_a_page_holds_every_picture_in_rows() -> None:
    grey = Picture(np.full((10, 20, 3), 128, dtype=np.uint8), "a caption that is far too long " * 9)
    three, four = (np.asarray(grid([grey] * n, 3, "title", "note")) for n in (3, 4))
    assert four.shape[1] == three.shape[1]
    assert four.shape[0] > three.shape[0]
    grey_pixels = (np.asarray(three) == 128).all(axis=2).sum()
    assert grey_pixels == 3 * 90 * 180  # enlarged nine times


def test_a_large_picture_is_made_smaller() -> None:
    page = grid([Picture(np.full((900, 600, 3), 128, dtype=np.uint8))], 1, "title")
    assert page.height < 300
