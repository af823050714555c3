"""Synthetic chips: forest from above, with a mark of its own for each tag, under weather.

Brightness, tint and how green the ground is are drawn, so mean colours tell the weather and little
else; shapes and their local colours tell the rest.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np

SIDE = 64  # pixels
FOREST, GROUND = (38.0, 92.0, 44.0), (96.0, 100.0, 70.0)
CLOUD, VEIL = (228.0, 230.0, 232.0), (176.0, 180.0, 186.0)
Place = tuple[int, int]


def chip(tags: set[str], rng: np.random.Generator) -> np.ndarray:
    """A chip with some tags, uint8 (SIDE, SIDE, 3) in RGB order."""
    colour = np.array(FOREST if "primary" in tags else GROUND) * rng.uniform(0.6, 1.5)
    picture = np.tile(colour * rng.uniform(0.8, 1.2, 3), (SIDE, SIDE, 1))
    picture *= 1 + 0.12 * _blurred(rng, 2.0)[:, :, None]
    for tag, draw in LAND.items():
        if tag in tags:
            draw(picture, rng)
    if "cloudy" in tags:
        picture[:] = np.array(CLOUD) * (1 + 0.05 * _blurred(rng, 6.0)[:, :, None])
    elif "haze" in tags:
        picture[:] = 0.5 * picture + 0.5 * np.array(VEIL)
    elif "partly_cloudy" in tags:
        picture[:] = _under_clouds(picture, rng)
    noisy = picture + rng.normal(0, 3, picture.shape)
    seen: np.ndarray = noisy.clip(0, 255).astype(np.uint8)
    return seen


def bands(picture: np.ndarray) -> np.ndarray:
    """The chip as a TIFF has it, uint16 (SIDE, SIDE, 4): blue, green, red and near infrared, which
    plants reflect and water does not."""
    red, green, blue = (picture[:, :, k].astype(np.float32) for k in range(3))
    infrared = np.clip(3_000 + 60 * green - 25 * blue, 500, None)
    values = [2_200 + 20 * blue, 2_900 + 20 * green, 3_600 + 20 * red, infrared]
    return np.stack(values, axis=2).astype(np.uint16)


def tiff(samples: np.ndarray) -> bytes:
    """A plain little-endian TIFF of uint16 (H, W, C) in one strip: Pillow writes none of four
    channels with 16 bits."""
    height, width, channels = samples.shape
    pixels = samples.astype("<u2").tobytes()
    behind = 8 + len(pixels)
    short, long = 3, 4
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, channels, behind),  # where the bits of every channel stand
        (259, short, 1, 1),  # not packed
        (262, short, 1, 1),  # black is zero
        (273, long, 1, 8),
        (277, short, 1, channels),
        (278, long, 1, height),
        (279, long, 1, len(pixels)),
        (284, short, 1, 1),  # the channels of a pixel are neighbours
        (338, short, channels - 1, behind + 2 * channels),  # further ones of no known meaning
    ]
    further = struct.pack(f"<{channels}H", *[16] * channels) + bytes(2 * (channels - 1))
    head = b"II*\0" + struct.pack("<I", behind + len(further))
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return head + pixels + further + directory


# ---- weather ------------------------------------------------------------------------------------


def _blurred(rng: np.random.Generator, pixels: float) -> np.ndarray:
    """Smooth noise of mean 0 and standard deviation 1, (SIDE, SIDE)."""
    smooth = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), pixels)
    return np.asarray((smooth - smooth.mean()) / smooth.std())


def _under_clouds(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    cover = np.zeros((SIDE, SIDE))
    for _ in range(int(rng.integers(3, 6))):
        axes = tuple(int(side) for side in rng.integers(5, 11, 2))
        cv2.ellipse(cover, _place(rng), axes, float(rng.integers(180)), 0, 360, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.5))[:, :, None]
    return picture * (1 - soft) + np.array(CLOUD) * soft


# ---- land ---------------------------------------------------------------------------------------


def _place(rng: np.random.Generator, margin: int = 8) -> Place:
    x, y = rng.integers(margin, SIDE - margin, 2)
    return int(x), int(y)


def _across(rng: np.random.Generator) -> tuple[Place, Place]:
    """The ends of a line through the whole chip."""
    one, other = (int(k) for k in rng.integers(8, SIDE - 8, 2))
    return ((0, one), (SIDE - 1, other)) if rng.random() < 0.5 else ((one, 0), (other, SIDE - 1))


def _field(colour: tuple[float, ...], sides: tuple[int, int], n: int) -> Callable[..., None]:
    """Rectangles of a colour."""

    def draw(picture: np.ndarray, rng: np.random.Generator) -> None:
        for _ in range(n):
            x, y = _place(rng, 4)
            wide, high = (int(side) for side in rng.integers(*sides, 2))
            cv2.rectangle(picture, (x, y), (x + wide, y + high), colour, -1)

    return draw


def _line(colour: tuple[float, ...], widths: tuple[int, int]) -> Callable[..., None]:
    """A line from edge to edge."""

    def draw(picture: np.ndarray, rng: np.random.Generator) -> None:
        cv2.line(picture, *_across(rng), colour, int(rng.integers(*widths)))

    return draw


def _dots(colour: tuple[float, ...], n: int, radius: int, spread: float) -> Callable[..., None]:
    """Dots around a place."""

    def draw(picture: np.ndarray, rng: np.random.Generator) -> None:
        centre = np.array(_place(rng, 16))
        for x, y in (centre + rng.normal(0, spread, (n, 2))).astype(int):
            cv2.circle(picture, (int(x), int(y)), radius, colour, -1)

    return draw


# in the order in which they are drawn: what is small lies on top
LAND: dict[str, Callable[..., None]] = {
    "water": _line((18, 38, 104), (6, 10)),
    "agriculture": _field((168, 196, 96), (12, 22), 2),
    "cultivation": _field((196, 128, 60), (6, 11), 3),
    "slash_burn": _field((22, 16, 18), (10, 16), 2),
    "bare_ground": _dots((226, 160, 110), 5, 5, 4.0),
    "artisinal_mine": _dots((90, 200, 190), 7, 3, 6.0),
    "conventional_mine": _field((150, 140, 170), (14, 20), 2),
    "blow_down": _dots((140, 150, 60), 12, 2, 7.0),
    "selective_logging": _dots((120, 70, 50), 9, 1, 12.0),
    "blooming": _dots((230, 220, 80), 12, 1, 14.0),
    "road": _line((212, 172, 140), (2, 4)),
    "habitation": _dots((240, 214, 214), 16, 1, 6.0),
}
