"""Real handwritten digits without a download: scikit-learn's bundled 1,797 pictures of 8×8.

They are written in the host's layout, scaled to 28×28 and to 0–255: 1,297 to train on, 500
stratified ones as the test set, whose labels go to `solution.csv`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.fixtures import rung, write_csv
from competitions.digit_recognizer.spec import SPEC

VERSION = 1
N_TEST = 500
SIDE = 28
FULL_INK = 16  # the largest value in the bundled pictures


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes train.csv, test.csv, sample_submission.csv and solution.csv."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = np.stack([_enlarged(image) for image in digits.images]).reshape(-1, SIDE * SIDE)
    labels = digits.target
    train, test = train_test_split(
        np.arange(len(labels)), test_size=N_TEST, stratify=labels, random_state=seed
    )
    pixels, header = SPEC.file("train").features, SPEC.submission.header
    train_rows = np.column_stack([labels[train], images[train]])
    write_csv(folder / "train.csv", (SPEC.file("train").target or "", *pixels), train_rows)
    write_csv(folder / "test.csv", pixels, images[test])
    ids = range(1, N_TEST + 1)
    write_csv(folder / "sample_submission.csv", header, ((name, 0) for name in ids))
    write_csv(folder / "solution.csv", header, zip(ids, labels[test], strict=True))
    return {
        "version": VERSION,
        "synthetic": False,
        "called": "scikit-learn's bundled handwritten digits (real, 8×8 enlarged)",
        "rungs": _rungs(images[train] / 255, labels[train], images[test] / 255, labels[test]),
    }


def _enlarged(image: np.ndarray) -> np.ndarray:
    """A picture of 8×8 in 0–16 as uint8 28×28 in 0–255."""
    scaled = Image.fromarray((image * (255 / FULL_INK)).astype(np.float32))
    enlarged = np.asarray(scaled.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    pixels: np.ndarray = np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)
    return pixels


def _rungs(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> list[dict[str, Any]]:
    """The constant and a trivial model, measured on the test set."""
    means = np.stack([x_train[y_train == label].mean(axis=0) for label in np.unique(y_train)])
    nearest = ((x_test[:, None, :] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
    source = f"measured on the {len(y_test)} held-out digits"
    return [
        rung("constant, all 0", float((y_test == 0).mean()), source),
        rung("nearest class mean", float((y_test == nearest).mean()), source),
    ]
