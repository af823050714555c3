"""Synthetic chips in the host's layout, JPGs and TIFFs, with the odd rows that the host's have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common import files
from common.csv_table import read_table
from common.fixtures import rung, write_csv
from common.metrics.tags import mean_f2_of_flags_score
from common.tag_sets import START
from competitions.planet_understanding_the_amazon_from_space.decisions import answered
from competitions.planet_understanding_the_amazon_from_space.drawing import bands, chip, tiff
from competitions.planet_understanding_the_amazon_from_space.spec import SPEC
from competitions.planet_understanding_the_amazon_from_space.tags import marks_of

VERSION = 1
N_TRAIN, N_TEST, N_FILE = 150, 40, 20
SAMPLE = "primary clear agriculture road water"  # the host's constant answer
# weather of the chips of train, then those of the test set that are drawn by share
WEATHER = {"clear": 0.66, "partly_cloudy": 0.17, "haze": 0.1, "cloudy": 0.07}
COMMON = {"primary": 0.92, "agriculture": 0.34, "water": 0.24}
WITH_FIELDS = {"road": (0.65, 0.12), "cultivation": (0.35, 0.03), "habitation": (0.35, 0.04)}
RARE = {  # chips of train beside the odd ones; half as many of the test set
    "bare_ground": 3,
    "selective_logging": 3,
    "artisinal_mine": 2,
    "blooming": 3,
    "slash_burn": 3,
    "conventional_mine": 2,
}
NINE = "agriculture artisinal_mine bare_ground clear cultivation habitation primary road water"
# rows of train as the host has them: a tag twice, out of order, nine tags, no weather
ODD_CELLS = (
    "agriculture clear cultivation cultivation primary",
    "primary clear road",
    NINE,
    "water",
)
BLOWN = "blow_down clear primary"  # of two equal files, so that one fold has none of it
EQUAL = ((4, 5), (6, 7))  # the chips of BLOWN, and two with different tags
CMYK, RGBA = 8, 9  # chips of train that are stored so
PENALTY = 1.0  # of the ridge


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes the three tables, solution.csv, and the folders of JPGs and TIFFs."""
    rng = np.random.default_rng(seed)
    train = _train_cells(rng)
    test = [" ".join(sorted(tags)) for tags in _drawn(rng, N_TEST + N_FILE, 2)]
    train_ids = [f"train_{k}" for k in range(N_TRAIN)]
    test_ids = [*_named("test", N_TEST), *sorted(_named("file", N_FILE))]
    known = [chip(set(cell.split()), rng) for cell in train]
    asked = [chip(set(cell.split()), rng) for cell in test]
    for one, other in EQUAL:
        known[other] = known[one]
    _write_train(folder, train_ids, known)
    _write_test(folder, test_ids, asked)
    header = SPEC.submission.header
    write_csv(folder / SPEC.file("train").name, header, zip(train_ids, train, strict=True))
    sample = SPEC.file("sample_submission").name
    write_csv(folder / sample, header, ((name, SAMPLE) for name in test_ids))
    write_csv(folder / "solution.csv", header, zip(test_ids, test, strict=True))
    return {
        "version": VERSION,
        "synthetic": True,
        "called": "synthetic chips of forest",
        "rungs": _rungs(known, marks_of(train), asked, marks_of(test)),
    }


def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
    """Writes a test set of `n_rows` chips into `out`: the JPGs of `data` under new ids."""
    sample = SPEC.file("sample_submission").name
    known = read_table(data / sample).columns[SPEC.submission.key_columns[0]]
    paths = {path.stem: path for path in data.rglob("*.jpg")}
    folders = {"test": "test-jpg", "file": "test-jpg-additional"}
    names = [f"{known[k % len(known)].split('_')[0]}_{100_000 + k}" for k in range(n_rows)]
    for k, name in enumerate(names):
        folder = out / folders[name.split("_")[0]]
        files.make_folder(folder)
        shutil.copyfile(paths[known[k % len(known)]], folder / f"{name}.jpg")
    write_csv(out / sample, SPEC.submission.header, ((name, SAMPLE) for name in names))


# ---- tags ---------------------------------------------------------------------------------------


def _named(prefix: str, n: int) -> list[str]:
    return [f"{prefix}_{k}" for k in range(n)]


def _train_cells(rng: np.random.Generator) -> list[str]:
    """The cells of train: the odd ones first, then drawn ones in the alphabet's order."""
    odd = [*ODD_CELLS, BLOWN, BLOWN, "clear primary", "clear primary water", "clear primary road"]
    return [*odd, *(" ".join(sorted(tags)) for tags in _drawn(rng, N_TRAIN - len(odd), 1))]


def _drawn(rng: np.random.Generator, n: int, every: int) -> Iterator[set[str]]:
    """Sets of tags: one weather each, `cloudy` alone, rare tags on the first that are clear."""
    counts = np.rint(np.array([*WEATHER.values()]) * n).astype(int)
    counts[0] += n - counts.sum()
    weather = rng.permutation(np.repeat([*WEATHER], counts)).tolist()
    rare = [tag for tag, count in RARE.items() for _ in range(-(-count // every))]
    for sky in weather:
        if sky == "cloudy":
            yield {"cloudy"}
            continue
        tags = {sky} | {tag for tag, share in COMMON.items() if rng.random() < share}
        for tag, shares in WITH_FIELDS.items():
            if rng.random() < shares["agriculture" not in tags]:
                tags.add(tag)
        if sky == "clear" and rare:
            tags.add(rare.pop())
        yield tags


# ---- files --------------------------------------------------------------------------------------


def _write_train(folder: Path, ids: Sequence[str], pictures: Sequence[np.ndarray]) -> None:
    for name in ("train-jpg", "train-tif-v2"):
        (folder / name).mkdir()
    for k, (name, picture) in enumerate(zip(ids, pictures, strict=True)):
        path = folder / "train-jpg" / f"{name}.jpg"
        if k == RGBA:  # a PNG under the name of a JPG
            Image.fromarray(picture).convert("RGBA").save(path, format="PNG")
        else:
            Image.fromarray(picture).convert("CMYK" if k == CMYK else "RGB").save(path, quality=92)
        (folder / "train-tif-v2" / f"{name}.tif").write_bytes(tiff(bands(picture)))


def _write_test(folder: Path, ids: Sequence[str], pictures: Sequence[np.ndarray]) -> None:
    """The TIFFs of file_* lie under each other's names, which the mapping puts right."""
    for name in ("test-jpg", "test-jpg-additional", "test-tif-v2"):
        (folder / name).mkdir()
    right = sorted(name for name in ids if name.startswith("file"))
    wrong = dict(zip(right, [*right[1:], right[0]], strict=True))
    for name, picture in zip(ids, pictures, strict=True):
        place = "test-jpg-additional" if name.startswith("file") else "test-jpg"
        Image.fromarray(picture).save(folder / place / f"{name}.jpg", quality=92)
        stored = folder / "test-tif-v2" / f"{wrong.get(name, name)}.tif"
        stored.write_bytes(tiff(bands(picture)))
    mapping = SPEC.file("file_mapping")
    rows = ((f"{old}.tif", f"{new}.tif") for new, old in wrong.items())
    write_csv(folder / mapping.name, mapping.features, rows)


# ---- rungs --------------------------------------------------------------------------------------


def _rungs(
    train: Sequence[np.ndarray], y_train: np.ndarray, test: Sequence[np.ndarray], y_test: np.ndarray
) -> list[dict[str, Any]]:
    """The constant answer and a ridge per tag on the mean colours, measured on the test set."""
    known, asked = (_colours(pictures) for pictures in (train, test))
    centre, scale = known.mean(axis=0), known.std(axis=0)
    known, asked = (known - centre) / scale, (asked - centre) / scale
    shares = y_train.mean(axis=0)
    ridge = known.T @ known + PENALTY * np.eye(known.shape[1])
    weights = np.linalg.solve(ridge, known.T @ (y_train - shares))
    guessed = answered(np.clip(asked @ weights + shares, 0, 1), "thresholds", {})
    constant = np.tile(marks_of([SAMPLE]), (len(y_test), 1))
    source = f"measured on the {len(y_test)} synthetic test chips"
    return [
        rung(f"sample submission, {SAMPLE}", mean_f2_of_flags_score(y_test, constant), source),
        rung(
            f"ridge per tag on mean colour, threshold {START:g}",
            mean_f2_of_flags_score(y_test, guessed),
            source,
        ),
    ]


def _colours(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Mean colours, (n, 3)."""
    return np.array([picture.mean(axis=(0, 1)) for picture in pictures])
