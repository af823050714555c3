"""Synthetic photographs in the host's layout: a bright disc on black, with dark spots by grade.

The disc's colour, brightness and place are drawn, so they say little; the spots are what tells.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from common.cut_points import midpoints, to_grades
from common.data.images.borders import without_dark_border
from common.fixtures import rung, write_csv
from common.metrics import quadratic_weighted_kappa
from competitions.aptos2019_blindness_detection.spec import SPEC

VERSION = 1
TRAIN = (52, 14, 30, 11, 13)  # pictures of each grade: the host's shares, but for five of grade 3
TEST = (14, 4, 7, 3, 2)  # in each of two folds
SPOTS = (0, 4, 9, 16, 26)  # of each grade
JITTER = (0, 1, 2, 2, 3)  # spots more or fewer
SIDES = (96, 160)  # pixels of the discs' pictures
PENALTY = 0.01  # of the ridge

# what a table reader may take for numbers; the others are drawn
TRAIN_IDS, TEST_IDS = ("123456789012", "12e456789012"), ("000000000017", "98e765432109")


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes train.csv, test.csv, sample_submission.csv, solution.csv and both image folders."""
    rng = np.random.default_rng(seed)
    train, test = (rng.permutation(np.repeat(range(5), counts)) for counts in (TRAIN, TEST))
    ids = _ids(rng, len(train) + len(test) - len(TRAIN_IDS + TEST_IDS))
    n_drawn = len(train) - len(TRAIN_IDS)
    train_ids = [*TRAIN_IDS, *ids[:n_drawn]]
    test_ids = [*TEST_IDS, *ids[n_drawn:]]
    pictures = {}
    for name, own_ids, grades in (("train", train_ids, train), ("test", test_ids, test)):
        (folder / f"{name}_images").mkdir()
        drawn = [_fundus(int(grade), rng) for grade in grades]
        for own_id, picture in zip(own_ids, drawn, strict=True):
            Image.fromarray(picture).save(_path(folder, name, own_id), compress_level=1)
        pictures[name] = drawn
    _plant_forms(folder, train_ids)
    _plant_duplicates(folder, train_ids, train, test_ids, test)
    header = SPEC.submission.header
    write_csv(folder / "train.csv", header, zip(train_ids, train, strict=True))
    write_csv(folder / "test.csv", header[:1], ([name] for name in test_ids))
    write_csv(folder / "sample_submission.csv", header, ((name, 0) for name in test_ids))
    write_csv(folder / "solution.csv", header, zip(test_ids, test, strict=True))
    return {
        "version": VERSION,
        "synthetic": True,
        "called": "synthetic discs with spots",
        "rungs": _rungs(pictures["train"], train, pictures["test"], test),
    }


# ---- one picture --------------------------------------------------------------------------------


def _fundus(grade: int, rng: np.random.Generator) -> np.ndarray:
    """A picture of a grade, uint8 (H, W, 3): a disc that fills most of one side."""
    high, wide = (int(side) for side in rng.integers(*SIDES, endpoint=True, size=2))
    high = min(high, 64 + int(rng.integers(33))) if rng.random() < 0.2 else high
    radius = rng.uniform(0.42, 0.48) * min(high, wide)
    centre = np.array([high, wide]) / 2 + rng.uniform(-0.03, 0.03, 2) * min(high, wide)
    y, x = np.mgrid[:high, :wide].astype(float)
    y, x = (y - centre[0]) / radius, (x - centre[1]) / radius  # -1 to 1 in the disc
    inside = y**2 + x**2 <= 1
    colour = np.array([200.0, 105.0, 55.0]) * rng.uniform(0.7, 1.2) * rng.uniform(0.9, 1.1, 3)
    slope = rng.uniform(-0.15, 0.15, 2)
    light = 1 + slope[0] * y + slope[1] * x
    light += 0.25 * _bump(y, x, _place(rng, 0.6), 0.15)  # the optic disc, which all eyes have
    n_spots = SPOTS[grade] + int(rng.integers(-JITTER[grade], JITTER[grade], endpoint=True))
    for _ in range(n_spots):
        light *= 1 - 0.75 * _bump(y, x, _place(rng, 0.85), rng.uniform(0.05, 0.07))
    picture = colour * light[:, :, None] + rng.normal(0, 3, (high, wide, 1))
    shown: np.ndarray = np.where(inside[:, :, None], picture.clip(25, 255), 0).astype(np.uint8)
    return shown


def _bump(y: np.ndarray, x: np.ndarray, place: np.ndarray, width: float) -> np.ndarray:
    """1 at a place, falling to 0 over about its width."""
    fallen: np.ndarray = np.exp(-((((y - place[0]) ** 2 + (x - place[1]) ** 2) / width**2) ** 2))
    return fallen


def _place(rng: np.random.Generator, reach: float) -> np.ndarray:
    """A place in the disc, evenly drawn."""
    angle, distance = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
    place: np.ndarray = np.array([np.sin(angle), np.cos(angle)]) * distance
    return place


# ---- edge cases ---------------------------------------------------------------------------------


def _ids(rng: np.random.Generator, n: int) -> list[str]:
    """Names of 12 hex digits, each once."""
    names: dict[str, None] = {}
    while len(names) < n:
        names[f"{int(rng.integers(16**12)):012x}"] = None
    return list(names)


def _path(folder: Path, split: str, name: str) -> Path:
    return folder / f"{split}_images" / f"{name}.png"


def _plant_forms(folder: Path, ids: list[str]) -> None:
    """Saves three pictures anew: one that looks grey, one with alpha, one with a palette."""
    for name, mode in zip(ids[2:5], ("L", "RGBA", "P"), strict=True):
        path = _path(folder, "train", name)
        with Image.open(path) as picture:
            saved = picture.convert(mode)
        (saved.convert("RGB") if mode == "L" else saved).save(path)


def _plant_duplicates(
    folder: Path, train_ids: list[str], train: np.ndarray, test_ids: list[str], test: np.ndarray
) -> None:
    """Makes three pairs: equal files of two grades within train, one picture of one grade in two
    sizes within train, and equal files across train and test."""
    free = list(range(5, len(train)))  # those before have a form of their own
    first = next(k for k in free if train[k] == 1)
    second = next(k for k in free if train[k] == 2)
    shutil.copyfile(*(_path(folder, "train", train_ids[k]) for k in (first, second)))
    large, small = [k for k in free if train[k] == 0][:2]
    with Image.open(_path(folder, "train", train_ids[large])) as picture:
        shrunk = picture.resize((round(picture.width * 0.8), round(picture.height * 0.8)))
    shrunk.save(_path(folder, "train", train_ids[small]))
    asked = len(test) - 1
    known = [k for k in free if train[k] == test[asked] and k not in (first, second, small)][-1]
    shutil.copyfile(
        _path(folder, "train", train_ids[known]), _path(folder, "test", test_ids[asked])
    )


# ---- rungs --------------------------------------------------------------------------------------


def _rungs(
    train: list[np.ndarray], y_train: np.ndarray, test: list[np.ndarray], y_test: np.ndarray
) -> list[dict[str, Any]]:
    """The constant and a trivial model, measured on the test set."""
    known, asked = _colours(train), _colours(test)
    centre = known.mean(axis=0)
    known, asked = known - centre, asked - centre
    weights = np.linalg.solve(
        known.T @ known + PENALTY * np.eye(3), known.T @ (y_train - y_train.mean())
    )
    guessed = to_grades(asked @ weights + y_train.mean(), midpoints(5))
    source = f"measured on the {len(y_test)} synthetic test pictures"

    def scored(grades: np.ndarray) -> float:
        return quadratic_weighted_kappa.score(y_true=y_test, y_pred=grades)

    return [
        rung("sample submission, all 0", scored(np.zeros_like(y_test)), source),
        rung("ridge on mean colour", scored(guessed), source),
    ]


def _colours(pictures: list[np.ndarray]) -> np.ndarray:
    """Mean colours within the borders, (n, 3), from 0 to 1."""
    return np.array([cv2.mean(without_dark_border(one))[:3] for one in pictures]) / 255
