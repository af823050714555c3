"""Label PNGs for tests: two small frames with their answers, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

VOID = 11
ROAD, CAR, TREE = 3, 8, 5
A, B = "0001TP_008550.png", "Seq05VD_f00000.png"

# Over both frames, without the two void pixels:
# road: 3 right, one lost to car, one to void      -> 3 / 5
# car: 2 right, one taken from road, one lost to tree -> 2 / 4
# tree: 2 right, one taken from car                -> 2 / 3
# 7 of 10 labelled pixels are right
TRUTH = {
    A: [[ROAD, ROAD, ROAD], [CAR, CAR, VOID]],
    B: [[ROAD, ROAD], [TREE, TREE], [VOID, CAR]],
}
GOOD = {
    A: [[ROAD, ROAD, CAR], [CAR, TREE, 0]],
    B: [[ROAD, VOID], [TREE, TREE], [7, CAR]],
}
MEAN_IOU = (3 / 5 + 2 / 4 + 2 / 3) / 3
ACCURACY = 7 / 10

Masks = dict[str, list[list[int]]]


def grey(labels: list[list[int]] | np.ndarray) -> Image.Image:
    return Image.fromarray(np.array(labels, dtype=np.uint8))


def palette(labels: list[list[int]], colours: int = 256) -> Image.Image:
    """The labels as indices of a palette whose colours are of no use as labels."""
    height, width = np.shape(labels)
    image = Image.new("P", (width, height))
    image.putpalette([200 + number % 50 for number in range(3 * colours)])
    image.putdata(np.ravel(labels).tolist())
    return image


def frames_fixture(name: str, masks: Masks) -> Callable[[Path], Path]:
    """A fixture: the frames, written into a folder of the test's own."""

    @pytest.fixture
    def frames(tmp_path: Path) -> Path:
        return write(tmp_path / name, masks)

    return frames


def write(folder: Path, masks: Masks, picture: Callable[..., Image.Image] = grey) -> Path:
    folder.mkdir(exist_ok=True)
    for name, labels in masks.items():
        picture(labels).save(folder / name, format="PNG")
    return folder
