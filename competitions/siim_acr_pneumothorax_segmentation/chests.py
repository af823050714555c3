"""Synthetic chest radiographs: a grey body, two dark lungs with ribs, and darker crescents at the
rim of a lung, whose mask is known."""

from __future__ import annotations

import cv2
import numpy as np

from competitions.siim_acr_pneumothorax_segmentation.spec import SIZE

SIDE = SIZE[0]
SMALL = 64  # side of the grid on which soft shapes are drawn
DARKER = (36, 52)  # grey levels by which a crescent is darker than its lung
NOISE = 5.0  # grey levels of standard deviation
LUNGS = (312, 712)  # columns of the lungs' centres

Lung = tuple[tuple[int, int], tuple[int, int], float]  # centre, half axes, turn in degrees


def noise_field(rng: np.random.Generator) -> np.ndarray:
    """Noise that pictures are given, each shifted in its own way, float32 (SIDE, SIDE)."""
    return (NOISE * rng.standard_normal(SIZE, dtype=np.float32)).astype(np.float32)


def lungs(rng: np.random.Generator) -> list[Lung]:
    """Two lungs, drawn near their usual places: centre (x, y), half axes (x, y), turn."""
    return [
        (
            (middle + int(rng.integers(-25, 26)), 500 + int(rng.integers(-30, 31))),
            (int(rng.integers(135, 165)), int(rng.integers(300, 350))),
            float(rng.uniform(-8, 8)),
        )
        for middle in LUNGS
    ]


def crescent(lung: Lung, outwards: int, rng: np.random.Generator) -> np.ndarray:
    """The rim between a lung and its collapsed self, bool (SIDE, SIDE).

    Args:
        outwards: -1 for the lung on the picture's left, 1 for the other.
    """
    (x, y), (wide, high), turn = lung
    away = int(rng.integers(65, 95))
    inner = ((x - outwards * away, y + away // 2), (wide, high), turn)
    mask: np.ndarray = filled(lung) & ~filled(inner)
    mask[y + high // 2 :] = False  # the base of the lung stays where it is
    return mask


def filled(lung: Lung) -> np.ndarray:
    """The inside of an ellipse, bool (SIDE, SIDE)."""
    (x, y), axes, turn = lung
    drawn = np.zeros(SIZE, np.uint8)
    cv2.ellipse(drawn, (x, y), axes, turn, 0, 360, 1, -1)
    return drawn.view(bool)


def radiograph(
    own_lungs: list[Lung], mask: np.ndarray, noise: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A picture, uint8 (SIDE, SIDE); what the mask covers is darker than its surroundings."""
    body = np.full(SIZE, 165.0, np.float32)
    for lung in own_lungs:
        body[filled(lung)] = 95.0 + rng.uniform(-8, 8)
    small = cv2.GaussianBlur(cv2.resize(body, (256, 256), interpolation=cv2.INTER_AREA), (0, 0), 2)
    inside = cv2.resize(_ribs(rng) + _tissue(rng), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    seen = cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_LINEAR) + inside
    seen = seen - np.float32(rng.uniform(*DARKER)) * mask
    seen = seen + np.roll(noise, tuple(rng.integers(SIDE, size=2)), axis=(0, 1))
    seen = seen + np.float32(rng.uniform(-18, 18))  # exposure: mean darkness says little
    return np.asarray(np.clip(np.rint(seen), 0, 255), np.uint8)


def _ribs(rng: np.random.Generator) -> np.ndarray:
    """Bright bent stripes, float32 (SMALL, SMALL)."""
    rows, columns = np.mgrid[:SMALL, :SMALL] / SMALL
    bent = rows + rng.uniform(0.2, 0.5) * (columns - rng.uniform(0.4, 0.6)) ** 2
    stripes = np.cos(2 * np.pi * (bent * rng.uniform(6, 9) + rng.random()))
    return np.asarray(9 * stripes, np.float32)


def _tissue(rng: np.random.Generator) -> np.ndarray:
    """What differs from person to person, float32 (SMALL, SMALL)."""
    drawn = cv2.GaussianBlur(rng.standard_normal((SMALL, SMALL), dtype=np.float32), (0, 0), 1.5)
    return np.asarray(drawn * (7 / drawn.std()), dtype=np.float32)
