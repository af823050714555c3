"""Run lengths of masks of 1024×1024 pixels, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from benchmarks.runner import Case, Function
from common.rle import RunLength

SIDE = 1024
BATCH = 16
CODE = RunLength(relative=False, column_major=True, first_pixel=1)
KERNEL = "usual numpy kernel"
COCO = "pycocotools"


def cases(work: Path) -> list[Case]:
    """Three blobs (about 500 runs), 300 nuclei (about 6,000), and a batch of probabilities."""
    few, many = _ellipses(3, (60, 110), seed=0), _ellipses(300, (7, 14), seed=1)
    soft = _soft(few)
    texts = CODE.encode(few), CODE.encode(np.roll(few, (9, 14), axis=(0, 1)))

    return [
        Case(
            "encode",
            Function(lambda: CODE.encode(few)),
            {
                KERNEL: Function(lambda: usual_encode(few)),
                COCO: Function(lambda: coco_encode(few)),
            },
            equal=lambda ours, theirs: _same([ours], [theirs]),
        ),
        _decoding("decode_few", few),
        _decoding("decode_many", many),
        Case(
            "threshold_encode",
            Function(lambda: CODE.encode_batch(soft, 0.5)),
            {
                KERNEL: Function(lambda: [usual_encode(one > 0.5) for one in soft]),
                COCO: Function(lambda: coco_encode((soft > 0.5).transpose(1, 2, 0))),
            },
            equal=_same,
        ),
        Case(
            "dice_of_texts",
            Function(lambda: CODE.dice(*texts, (SIDE, SIDE))),
            {KERNEL: Function(lambda: usual_dice(*texts))},
        ),
    ]


def usual_encode(mask: np.ndarray) -> str:
    """A mask as most notebooks write it."""
    flat = np.concatenate([[0], mask.flatten(order="F"), [0]])
    runs = np.where(flat[1:] != flat[:-1])[0] + 1
    runs[1::2] -= runs[::2]
    return " ".join(str(number) for number in runs)


def usual_decode(text: str) -> np.ndarray:
    """A mask as most notebooks read it, uint8 (H, W)."""
    words = text.split()
    starts, lengths = (np.asarray(part, dtype=int) for part in (words[::2], words[1::2]))
    starts -= 1
    flat = np.zeros(SIDE * SIDE, dtype=np.uint8)
    for start, stop in zip(starts, starts + lengths, strict=True):
        flat[start:stop] = 1
    return flat.reshape(SIDE, SIDE).T


def usual_dice(first: str, second: str) -> float:
    """Dice as most notebooks count it, on pixels."""
    a, b = usual_decode(first), usual_decode(second)
    return float(2 * np.sum(a * b) / (np.sum(a) + np.sum(b)))


def coco_encode(masks: np.ndarray) -> Any:
    """A mask (H, W), or masks (H, W, N), as pycocotools packs them; it wants them by columns."""
    return coco.encode(np.asfortranarray(masks, dtype=np.uint8))


def _decoding(name: str, mask: np.ndarray) -> Case:
    text, packed = CODE.encode(mask), coco_encode(mask)
    return Case(
        name,
        Function(lambda: CODE.decode(text, mask.shape)),
        {
            KERNEL: Function(lambda: usual_decode(text)),
            COCO: Function(lambda: coco.decode(packed)),
        },
        equal=np.array_equal,
    )


def _same(ours: list[str], theirs: list[Any]) -> bool:
    """Whether the texts are equal, byte for byte, or the masks where a peer writes no text."""
    if isinstance(theirs[0], str):
        return ours == theirs
    pairs = zip(ours, theirs, strict=True)
    return all(np.array_equal(usual_decode(text), coco.decode(one)) for text, one in pairs)


def _ellipses(n: int, radii: tuple[int, int], *, seed: int) -> np.ndarray:
    """A mask of ellipses that lie inside the image, bool (H, W)."""
    own = np.random.default_rng(seed)
    y, x = np.ogrid[:SIDE, :SIDE]
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for _ in range(n):
        middle_y, middle_x = own.integers(radii[1], SIDE - radii[1], 2)
        radius_y, radius_x = own.integers(*radii, 2)
        inside = ((y - middle_y) / radius_y) ** 2 + ((x - middle_x) / radius_x) ** 2 <= 1
        np.logical_or(mask, inside, out=mask)
    return mask


def _soft(mask: np.ndarray) -> np.ndarray:
    """Probabilities around a mask at as many places as the batch is long, float32 (N, H, W)."""
    own = np.random.default_rng(2)
    noise = own.random((BATCH, SIDE, SIDE), dtype=np.float32) * np.float32(0.4)
    moved = np.stack([np.roll(mask, 23 * place, axis=1) for place in range(BATCH)])
    return np.asarray(np.where(moved, np.float32(0.55), np.float32(0)) + noise)
