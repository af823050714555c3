"""Synthetic radiographs in the layout of stage 2 and of the copies of stage 1.

A crescent that is darker than its lung is the pneumothorax. Exposure is drawn, so the mean grey of
a picture says little.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.fixtures import rung, write_csv
from competitions.siim_acr_pneumothorax_segmentation import chests
from competitions.siim_acr_pneumothorax_segmentation.dicom_files import write_dicom
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE, SPEC

VERSION = 1
TRAIN, OLD_TEST, TEST = 72, 12, 32  # pictures of stage 1, of its test set, and of stage 2
POSITIVE = 0.28  # share
COPY_SIDE = 256  # pixels of the PNG copies
PLAIN = 2  # pictures of each folder that are not compressed
STAGE_1 = "1.2.276.0.7230010.3.1.4.8323329"
EMPTY = MASKS.empty[0]


@dataclass
class Chest:
    """A picture with its masks, one for each instance."""

    name: str
    picture: np.ndarray
    instances: list[np.ndarray] = field(default_factory=list)

    @property
    def mask(self) -> np.ndarray:
        """All instances together."""
        united = np.zeros(SIZE, bool)
        for one in self.instances:
            united |= one
        return united

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The labels: a row per instance, or one that says there is none."""
        return [(self.name, MASKS.encode(one)) for one in self.instances] or [(self.name, EMPTY)]


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes the three tables, solution.csv, the DICOM trees and the PNG copies."""
    rng = np.random.default_rng(seed)
    noise = chests.noise_field(rng)
    drawn = [
        _chest(_old_id(rng, number), _kind(number), noise, rng)
        for number in range(TRAIN + OLD_TEST)
    ]
    drawn[TRAIN - 1].picture = drawn[TRAIN - 2].picture  # equal pixels under two names
    drawn[TRAIN - 1].instances = drawn[TRAIN - 2].instances
    unlabelled = _chest(_old_id(rng, len(drawn)), 0, noise, rng)
    kinds = rng.permutation(TEST_KINDS).tolist()
    test = [_chest(_new_id(number, rng), kind, noise, rng) for number, kind in enumerate(kinds)]
    train, old_test = drawn[:TRAIN], drawn[TRAIN:]
    for place, group in (
        ("dicom-images-train", [*train, unlabelled]),
        ("dicom-images-test", old_test),
        ("stage_2_images", test),
    ):
        _write_dicoms(folder / place, group, rng)
    _write_copies(folder / "train", [*drawn, unlabelled])
    _write_copies(folder / "test", test)
    _write_tables(folder, train, drawn, test)
    return {
        "version": VERSION,
        "synthetic": True,
        "called": "synthetic radiographs with dark crescents",
        "rungs": _rungs(drawn, test),
    }


# ---- one picture --------------------------------------------------------------------------------

# 0 has no crescent, 1 to 3 as many instances; the others are edge cases
FIRST_PIXEL, LAST_PIXEL, ONE_PIXEL, VANISHING = 11, 12, 13, 14
EDGE_CASES = (2, 3, FIRST_PIXEL, LAST_PIXEL, ONE_PIXEL, VANISHING)
N_POSITIVE = round(POSITIVE * TEST)
TEST_KINDS = tuple([2, LAST_PIXEL] + [1] * (N_POSITIVE - 2) + [0] * (TEST - N_POSITIVE))


def _kind(number: int) -> int:
    """The edge cases first; of the rest so many are positive, evenly over the names, that all
    together have the share."""
    n_others = TRAIN + OLD_TEST - len(EDGE_CASES)
    share = (POSITIVE * (TRAIN + OLD_TEST) - len(EDGE_CASES)) / n_others
    if number < len(EDGE_CASES):
        return EDGE_CASES[number]
    return int((number * share) % 1 < share)


def _chest(name: str, kind: int, noise: np.ndarray, rng: np.random.Generator) -> Chest:
    own = chests.lungs(rng)
    instances = _instances(kind, own, rng)
    chest = Chest(name, np.empty(0), instances)
    chest.picture = chests.radiograph(own, chest.mask, noise, rng)
    return chest


def _instances(kind: int, own: list[chests.Lung], rng: np.random.Generator) -> list[np.ndarray]:
    left, right = chests.crescent(own[0], -1, rng), chests.crescent(own[1], 1, rng)
    if kind in (2, 3):
        upper = right.copy()
        upper[450:] = False  # what stands in two instances counts once
        return [left, right, upper][:kind]
    if kind == 1:
        return [left if rng.random() < 0.5 else right]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    shapes = {
        0: [],
        FIRST_PIXEL: [rows + columns < 260],
        LAST_PIXEL: [rows + columns > 2 * (SIZE[0] - 1) - 260],
        ONE_PIXEL: [(rows == 500) & (columns == 300)],
        # between the pixels that a grid of 64 by 64 looks at, which are 8, 24, 40 …
        VANISHING: [(abs(rows - 400) < 4) & (abs(columns - 320) < 4)],
    }
    return shapes[kind]


def _old_id(rng: np.random.Generator, number: int) -> str:
    """A name of stage 1, as DICOM numbers its instances."""
    return f"{STAGE_1}.{1000 + 37 * number}.{1517875160 + number // 9}.{rng.integers(10**5, 10**6)}"


def _new_id(number: int, rng: np.random.Generator) -> str:
    """A name of stage 2: nine hex digits, of which the first one's are all decimal."""
    drawn = int(rng.integers(10**6))
    return f"ID_{number:03x}{drawn:06d}" if number == 0 else f"ID_{number:03x}{drawn:06x}"


# ---- files --------------------------------------------------------------------------------------


def _write_dicoms(folder: Path, group: Sequence[Chest], rng: np.random.Generator) -> None:
    """Flat where names are those of stage 2, below a study and a series where they are DICOM's."""
    for number, chest in enumerate(group):
        path = folder / f"{chest.name}.dcm"
        if chest.name.startswith(STAGE_1):
            study, series = (f"{STAGE_1}.{kind}.{number}" for kind in (3, 2))
            path = folder / study / series / path.name
        age, sex = int(rng.integers(18, 90)), "MF"[int(rng.integers(2))]
        # DICOM's numbers have no letters, so those of stage 2 have another one inside
        own = chest.name if chest.name.startswith(STAGE_1) else f"{STAGE_1}.4.{number}"
        write_dicom(path, chest.picture, own, age=age, sex=sex, plain=number < PLAIN)


def _write_copies(folder: Path, group: Sequence[Chest]) -> None:
    """The pictures as small PNGs, which people share."""
    folder.mkdir()
    for chest in group:
        small = cv2.resize(chest.picture, (COPY_SIDE, COPY_SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{chest.name}.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _write_tables(
    folder: Path, train: Sequence[Chest], drawn: Sequence[Chest], test: Sequence[Chest]
) -> None:
    header = SPEC.submission.header
    write_csv(folder / SPEC.file("train").name, header, (row for one in drawn for row in one.rows))
    older = ["ImageId, EncodedPixels"] + [", ".join(row) for one in train for row in one.rows]
    (folder / "train-rle.csv").write_text("\n".join(older) + "\n", encoding="utf-8")
    names = [chest.name for chest in test]
    sample = SPEC.file("sample_submission").name
    write_csv(folder / sample, header, ((name, EMPTY) for name in names))
    write_csv(folder / "solution.csv", header, (row for one in test for row in one.rows))


def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
    """Another test set: `n_rows` of the pictures of stage 2, over and over, under new names."""
    sample = SPEC.file("sample_submission").name
    with (data / sample).open(encoding="utf-8", newline="") as stream:
        known = [row["ImageId"] for row in csv.DictReader(stream)]
    names = [f"ID_{16**8 + number:09x}" for number in range(n_rows)]
    write_csv(out / sample, SPEC.submission.header, ((name, EMPTY) for name in names))
    (out / "stage_2_images").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        picture = data / "stage_2_images" / f"{known[number % len(known)]}.dcm"
        (out / "stage_2_images" / f"{name}.dcm").write_bytes(picture.read_bytes())


# ---- rungs --------------------------------------------------------------------------------------


def _rungs(drawn: Sequence[Chest], test: Sequence[Chest]) -> list[dict[str, Any]]:
    """The constant and a trivial model, measured on the test set."""
    truth = np.array([MASKS.merge([text for _, text in one.rows], SIZE) for one in test])
    source = f"measured on the {len(test)} synthetic test pictures"

    def scored(answers: list[str]) -> float:
        return SPEC.metric.score(y_true=truth, y_pred=np.array(answers))

    usual, darkest = _trivial(drawn)
    guessed = [usual if one.picture.mean() < darkest else EMPTY for one in test]
    return [
        rung("sample submission, all -1", scored([EMPTY] * len(test)), source),
        rung("mean mask of the positives on dark pictures", scored(guessed), source),
    ]


def _trivial(drawn: Sequence[Chest]) -> tuple[str, float]:
    """The mask that most positives share, and the mean grey below which it is answered, both by
    what scores best on the training pictures."""
    positives = np.stack([one.mask for one in drawn if one.instances])
    usual = MASKS.encode(positives.mean(axis=0) >= 0.5 * positives.mean(axis=0).max())
    truth = np.array([MASKS.encode(one.mask) for one in drawn])
    greys = np.array([one.picture.mean() for one in drawn])
    cuts = [*np.quantile(greys, np.linspace(0.05, 1, 20)), -1.0]
    scores = [
        SPEC.metric.score(y_true=truth, y_pred=np.where(greys < cut, usual, EMPTY)) for cut in cuts
    ]
    return usual, float(cuts[int(np.argmax(scores))])
