"""Batches as people look at them: each picture as the model sees it, its target drawn in.

Pillow draws, so nothing depends on a display; matplotlib brings a font that has most letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from fastai.torch_core import TensorCategory, TensorMask, TensorMultiCategory
from fastai.vision.core import TensorBBox, TensorPoint
from PIL import Image, ImageDraw, ImageFont

from common.augment import Policy
from common.errors import UsageError

CELL_PX = 192  # side of a cell: pictures that are smaller are enlarged by whole numbers
GAP_PX = 10
TEXT_PX = 12
PAPER, INK, FAINT = (255, 255, 255), (32, 33, 36), (110, 113, 120)
FRAME = (206, 209, 214)  # says where a picture ends that is as white as the paper
# colours that colour-blind people tell apart (Okabe and Ito), black left out
COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
MASK_SHARE = 0.45  # of a mask's colour over the picture
LEAST_SHARE = 0.01  # of a class in a mixed target that is still named
MOST_NAMES = 3  # under one picture


@dataclass(frozen=True)
class Picture:
    """One picture with what is known of it.

    Args:
        pixels: uint8 (H, W, 3).
        caption: one line that stands below.
        mask: classes, (H, W); class 0 is left clear.
        boxes: left, top, right and bottom in pixels, (n_boxes, 4).
        names: of the boxes; empty where they have none.
        points: x and y in pixels, (n_points, 2).
    """

    pixels: np.ndarray
    caption: str = ""
    mask: np.ndarray | None = None
    boxes: np.ndarray | None = None
    names: tuple[str, ...] = ()
    points: np.ndarray | None = None


def pictures_of(batch: Sequence[Any], vocab: Sequence[Any], policy: Policy) -> list[Picture]:
    """The pictures of a batch with their targets, normalisation taken back.

    Args:
        batch: as a loader serves it: pictures (N, C, H, W) first, then targets, told apart by
            their fastai types, or a dict of boxes and labels for each picture. Boxes and points
            are in pixels; boxes without area are padding.

    Raises: UsageError where the batch holds no pictures.
    """
    images = batch[0]
    if not isinstance(images, torch.Tensor) or images.ndim != 4:
        shape = tuple(getattr(images, "shape", ()))
        raise UsageError(
            f"the batches hold {type(images).__name__} {shape}; expected pictures (N, C, H, W): "
            "only those can be shown"
        )
    shown = _bytes(images, policy)
    return [
        Picture(shown[row], **_target([part[row] for part in batch[1:]], vocab))
        for row in range(len(shown))
    ]


def _bytes(images: torch.Tensor, policy: Policy) -> np.ndarray:
    """Pictures in colour, uint8 (N, H, W, 3): one channel is repeated, of more than three the
    first three are shown, and two have no blue."""
    values = images.detach().as_subclass(torch.Tensor).float().cpu().permute(0, 2, 3, 1).numpy()
    if images.dtype == torch.uint8:
        values = values / 255
    elif policy.mean:
        values = values * np.array(policy.std) + np.array(policy.mean)
    if not policy.mean and (values.min() < 0 or values.max() > 1):
        low, high = values.min(), values.max()  # a range of its own: from black to white
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[3] == 1:
        values = values.repeat(3, axis=3)
    if values.shape[3] == 2:
        values = np.concatenate([values, np.zeros_like(values[..., :1])], axis=3)
    return np.asarray(np.round(255 * np.clip(values[..., :3], 0, 1)), dtype=np.uint8)


def _target(parts: Sequence[Any], vocab: Sequence[Any]) -> dict[str, Any]:
    """What is drawn for the targets of one picture."""
    drawn: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, dict):
            drawn["boxes"] = part["boxes"].cpu().numpy()
            drawn["names"] = tuple(str(vocab[int(label)]) for label in part["labels"])
            drawn["caption"] = ", ".join(drawn["names"][:MOST_NAMES]) or "none"
            continue
        values = part.detach().as_subclass(torch.Tensor).float().cpu().numpy()
        if isinstance(part, TensorMask):
            drawn["mask"] = values.astype(np.int64)
        elif isinstance(part, TensorBBox):
            boxes = values.reshape(-1, 4)
            drawn["boxes"] = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
        elif isinstance(part, TensorPoint):
            drawn["points"] = values.reshape(-1, 2)
        elif isinstance(part, TensorCategory | TensorMultiCategory) and vocab:
            drawn["caption"] = _caption(values, vocab)
        elif values.size <= MOST_NAMES:
            drawn["caption"] = ", ".join(f"{value:.4g}" for value in values.ravel())
    return drawn


def _caption(values: np.ndarray, vocab: Sequence[Any]) -> str:
    """A class's name; of shares or marks the largest with their share, where it is not 1."""
    if values.ndim == 0:
        return str(vocab[int(values)])
    order = [row for row in np.argsort(-values, kind="stable") if values[row] >= LEAST_SHARE]
    named = [
        str(vocab[row]) if values[row] >= 1 - LEAST_SHARE else f"{vocab[row]} {values[row]:.2f}"
        for row in order[:MOST_NAMES]
    ]
    more = len(order) - len(named)
    return ", ".join(named) + (f" + {more}" if more else "") if named else "none"


def grid(pictures: Sequence[Picture], columns: int, title: str, note: str = "") -> Image.Image:
    """A page with the pictures in rows, under a title and a fainter note."""
    font = _font(TEXT_PX)
    cells = [_cell(picture) for picture in pictures]
    width = max(cell.width for cell in cells)
    height = max(cell.height for cell in cells) + TEXT_PX + GAP_PX // 2
    head = 2 * (TEXT_PX + GAP_PX) + GAP_PX
    rows = -(-len(cells) // columns)
    page = Image.new(
        "RGB",
        (GAP_PX + columns * (width + GAP_PX), head + rows * (height + GAP_PX)),
        PAPER,
    )
    pen = ImageDraw.Draw(page)
    pen.text((GAP_PX, GAP_PX), title, INK, _font(TEXT_PX + 2))
    pen.text((GAP_PX, 2 * GAP_PX + TEXT_PX), note, FAINT, font)
    for number, (cell, picture) in enumerate(zip(cells, pictures, strict=True)):
        left = GAP_PX + number % columns * (width + GAP_PX)
        top = head + number // columns * (height + GAP_PX)
        page.paste(cell, (left, top))
        pen.rectangle((left - 1, top - 1, left + cell.width, top + cell.height), outline=FRAME)
        caption = _fitting(picture.caption, width, font)
        pen.text((left, top + cell.height + GAP_PX // 4), caption, INK, font)
    return page


def _cell(picture: Picture) -> Image.Image:
    """A picture at the size of a cell, its target drawn in at that size."""
    height, width = picture.pixels.shape[:2]
    factor = CELL_PX / max(height, width)
    factor = max(1, int(factor)) if factor >= 1 else factor
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    pixels = picture.pixels
    if picture.mask is not None:
        pixels = _tinted(pixels, picture.mask)
    enlarged = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.LANCZOS
    cell = Image.fromarray(pixels).resize(size, enlarged)
    pen = ImageDraw.Draw(cell)
    if picture.boxes is not None:
        for number, box in enumerate(picture.boxes):
            edges = [float(value) * factor for value in box]
            colour = COLOURS[number % len(COLOURS)]
            pen.rectangle(edges, outline=colour, width=2)
            if picture.names:
                _label(pen, edges[0], edges[1], picture.names[number], colour)
    if picture.points is not None:
        for number, (x, y) in enumerate(picture.points):
            _mark(pen, float(x) * factor, float(y) * factor, COLOURS[number % len(COLOURS)])
    return cell


def _tinted(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture with its classes in colour; class 0 is left clear."""
    palette = np.array(COLOURS)[(mask - 1) % len(COLOURS)]
    share = MASK_SHARE * (mask > 0)[..., None]
    return np.asarray(np.round((1 - share) * pixels + share * palette), dtype=np.uint8)


def _label(
    pen: ImageDraw.ImageDraw, x: float, y: float, name: str, colour: tuple[int, int, int]
) -> None:
    """A box's name in its upper left corner, on the box's colour."""
    font = _font(TEXT_PX - 2)
    pen.rectangle((x, y, x + font.getlength(name) + 4, y + TEXT_PX), fill=colour)
    pen.text((x + 2, y), name, INK, font)


def _mark(pen: ImageDraw.ImageDraw, x: float, y: float, colour: tuple[int, int, int]) -> None:
    """A disc with a dark rim, to be seen on any ground."""
    pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour, outline=INK)


def _font(size_px: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size_px)


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """The text, cut with an ellipsis where it is wider than a cell."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
