"""Do scaled decoding and the cache cost accuracy? One net, one budget, pictures read in each way.

The class of a picture is the direction of faint stripes in a part of it, about three pixels wide
at the size that the net sees, so that whatever blurs loses it. Whether the check can see a loss at
all is shown by pictures that are blurred on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from common.data.images import ImageDataset, ImageLoader, Target
from common.data.images.cache import open_cache
from common.errors import RunError
from common.interval import Interval, interval
from common.metrics import Metric, accuracy
from common.randomness import key, permutation
from common.score import Aligned

HEIGHT, WIDTH = 900, 1200  # of the files
SIDE = 112  # of what the net sees: as much smaller as JPEG's largest scale, 8, allows
DIRECTIONS = 4
PERIOD = 2.8  # of the stripes, in pixels of what the net sees
CONTRAST = (3.0, 14.0)  # of the stripes, grey levels
PATCH = 0.09  # deviation of the part with stripes, as a share of the height
BLUR = 0.7  # deviation in pixels of what the net sees: 0.3 of the stripes' contrast is left
QUALITY = 90  # of the JPEGs

N_TRAIN, N_VALID = 800, 400
SEEDS, EPOCHS, BATCH, RATE = 5, 8, 25, 5e-3
FULL, SCALED, RAW, JPEG, BLURRED = "full decoding", "scaled", "raw cache", "JPEG cache", "blurred"
DEFAULTS = (SCALED, RAW, JPEG)  # what a user gets without asking


@dataclass(frozen=True)
class Row:
    """How one way to read pictures did.

    Args:
        scores: accuracy on the valid pictures for each seed.
        around: where the score of as many other pictures is expected.
        gain: what it scores above full decoding on the same pictures.
        gain_around: where that is expected on other pictures.
    """

    name: str
    scores: list[float]
    around: Interval
    gain: float
    gain_around: Interval


def check(work: Path, side: int = SIDE, say: Callable[[str], None] = print) -> bool:
    """Writes the pictures, trains on each way to read them, and says what was shown.

    Returns: whether the check could see a loss and saw none in what is on by default.
    """
    n = N_TRAIN + N_VALID
    say(f"{n:,} JPEGs of {WIDTH}×{HEIGHT}, seen at {side}×{side}; {SEEDS} nets for each row")
    paths, truth = write_pictures(work / "pictures", n, side)
    ways = readings(paths, side, work / "cache")
    if not np.array_equal(ways[SCALED], ways.pop(RAW)):
        raise RunError("the raw cache gives other pictures than were stored; expected the same")
    answers = {name: _train_all(pictures, truth) for name, pictures in ways.items()}
    answers[RAW] = answers[SCALED]  # the same bytes train the same nets
    rows = {name: row(name, given, answers[FULL], truth) for name, given in answers.items()}
    for line in table(rows):
        say(line)
    ok, lines = verdict(rows)
    for line in lines:
        say(line)
    return ok


def readings(paths: list[Path], side: int, cache: Path) -> dict[str, np.ndarray]:
    """All pictures, uint8 (N, C, H, W), read in each way."""
    target = Target(side, side, method="crop")
    scaled = ImageDataset(paths, target=target)
    full = ImageDataset(paths, target=Target(side, side, method="crop", scaled=False))
    ways = {FULL: _read(full), SCALED: _read(scaled)}
    for name, mode in ((RAW, "raw"), (JPEG, "jpeg")):
        shape = (*target.size, 3)
        scaled.cache = open_cache(cache, mode, len(paths), shape, share=1.0, mode=mode)
        _read(scaled)  # the first epoch fills it
        if scaled.cache is None or not scaled.cache.is_complete:
            raise RunError(f"the cache was not filled; expected room for it in {cache}")
        ways[name] = _read(scaled)
    ways[BLURRED] = np.stack([_blurred(picture) for picture in ways[FULL]])
    return ways


def _read(dataset: ImageDataset) -> np.ndarray:
    loader = ImageLoader(dataset, policy=None)
    return np.concatenate([images.as_subclass(torch.Tensor).numpy() for images, *_ in loader])


def _blurred(picture: np.ndarray) -> np.ndarray:
    """A picture (C, H, W) under a Gaussian."""
    return np.stack([cv2.GaussianBlur(channel, (0, 0), BLUR) for channel in picture])


# ---- pictures --------------------------------------------------------------------------------


def write_pictures(folder: Path, n: int, side: int) -> tuple[list[Path], np.ndarray]:
    """JPEGs like noisy photographs, and the direction of each one's stripes, int64 (n,)."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(key("accuracy", side))
    scenes = [_scene(generator) for _ in range(8)]
    grain = generator.normal(0, 6, (HEIGHT * 2, WIDTH * 2)).astype(np.float32)
    truth = np.arange(n) % DIRECTIONS
    paths = [folder / f"{k:05}.jpg" for k in range(n)]
    for path, direction in zip(paths, truth, strict=True):
        picture = _part(scenes[generator.integers(len(scenes))], generator)
        noise = _part(grain, generator).copy()
        _add_stripes(noise, int(direction), side, generator)
        picture = cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return paths, truth


def _scene(generator: np.random.Generator) -> np.ndarray:
    """Shades and colours of all sizes, the larger the stronger, float32 (2H, 2W, 3)."""
    height, width = HEIGHT * 2, WIDTH * 2
    scene = np.full((height, width, 3), 128, dtype=np.float32)
    for cell in (512, 256, 128, 64, 32, 16, 8, 4):
        cells = (height // cell + 2, width // cell + 2)
        grey = generator.normal(size=(*cells, 1)) + 0.3 * generator.normal(size=(*cells, 3))
        large = cv2.resize(grey.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        scene += large * 40 * math.sqrt(cell / 512)
    return scene


def _part(scene: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A part of the files' size, mirrored or not."""
    top, left = generator.integers(0, HEIGHT), generator.integers(0, WIDTH)
    part = scene[top : top + HEIGHT, left : left + WIDTH]
    return cv2.flip(part, int(generator.integers(-1, 2)))


def _add_stripes(
    picture: np.ndarray, direction: int, side: int, generator: np.random.Generator
) -> None:
    """Adds stripes that fade away from a place in the middle square; picture (H, W)."""
    deviation = PATCH * HEIGHT
    reach = round(3 * deviation)
    y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32)
    angle = math.pi * direction / DIRECTIONS
    period = PERIOD * HEIGHT / side * generator.uniform(0.95, 1.05)
    phase = generator.uniform(0, 2 * math.pi)
    along = (math.cos(angle) * x + math.sin(angle) * y) * (2 * math.pi / period) + phase
    strength = generator.uniform(*CONTRAST)
    stripes = strength * np.sin(along) * np.exp(-(x**2 + y**2) / (2 * deviation**2))
    middle = np.array([HEIGHT, WIDTH]) / 2 + generator.uniform(-0.18, 0.18, 2) * HEIGHT
    top, left = (middle - reach).astype(int)
    picture[top : top + 2 * reach, left : left + 2 * reach] += stripes


# ---- nets ------------------------------------------------------------------------------------


def _train_all(pictures: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What the net of each seed answers for the valid pictures, int64 (seeds, N_VALID)."""
    images = torch.from_numpy(pictures).contiguous(memory_format=torch.channels_last)
    targets = torch.from_numpy(truth)
    return np.stack([_train(images, targets, seed) for seed in range(SEEDS)])


def _train(images: torch.Tensor, targets: torch.Tensor, seed: int) -> np.ndarray:
    """The first N_TRAIN pictures train; gives the classes of the others."""
    torch.manual_seed(seed)
    model = _net().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    steps = EPOCHS * (N_TRAIN // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        order = torch.from_numpy(permutation(N_TRAIN, seed, "order", epoch))
        for rows in torch.split(order, BATCH):
            loss = nn.functional.cross_entropy(model(_seen(images[rows])), targets[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.inference_mode():
        raw = torch.cat([model(_seen(part)) for part in torch.split(images[N_TRAIN:], 100)])
    return np.asarray(raw.argmax(dim=1))


def _seen(images: torch.Tensor) -> torch.Tensor:
    """Pictures less what surrounds each pixel: without it a small net needs many more epochs."""
    levels = images.float()
    around = nn.functional.avg_pool2d(levels, 5, stride=1, padding=2, count_include_pad=False)
    return (levels - around) / 10


def _net() -> nn.Module:
    def block(given: int, n: int, width: int) -> list[nn.Module]:
        conv = nn.Conv2d(given, n, width, stride=2, padding=width // 2, bias=False)
        return [conv, nn.BatchNorm2d(n), nn.ReLU()]

    layers = [*block(3, 16, 5), *block(16, 32, 3), *block(32, 32, 3)]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, DIRECTIONS))


# ---- what was shown --------------------------------------------------------------------------


def _gain(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    right = y_pred == y_true[:, None]
    return float(right[:, 0].mean() - right[:, 1].mean())


GAIN = Metric("gain", higher_is_better=True, score=_gain, best=1.0, worst=-1.0)


def row(name: str, answers: np.ndarray, full: np.ndarray, truth: np.ndarray) -> Row:
    """A row of the table.

    Args:
        answers: classes that the nets of each seed gave, (seeds, n).
        full: the same from full decoding.
        truth: of all pictures; the last n are those that were answered.
    """
    n_seeds, n = answers.shape
    y_true = np.tile(truth[-n:], n_seeds)
    pairs = np.stack([answers.ravel(), full.ravel()], axis=1)
    pictures, seeds = np.tile(np.arange(n), n_seeds), np.repeat(np.arange(n_seeds), n)

    def around(metric: Metric, y_pred: np.ndarray) -> Interval:
        rows = Aligned([], y_true, y_pred)
        return interval(rows, metric, groups=pictures, folds=seeds, n_test=len(y_true), seed=0)

    return Row(
        name,
        [accuracy.score(y_true=truth[-n:], y_pred=own) for own in answers],
        around(accuracy, answers.ravel()),
        _gain(y_true, pairs),
        around(GAIN, pairs),
    )


def table(rows: dict[str, Row]) -> list[str]:
    """One line per way to read pictures."""
    lines = [f"{'':<14} accuracy  90 % interval    against full decoding"]
    for name in (FULL, *DEFAULTS, BLURRED):
        own = rows[name]
        mean = float(np.mean(own.scores))
        line = f"{name:<14} {mean:.3f}     {own.around.low:.3f} to {own.around.high:.3f}"
        if name != FULL:
            low, high = own.gain_around.low, own.gain_around.high
            line += f"   {own.gain:+.3f} ({low:+.3f} to {high:+.3f})"
        lines.append(line)
    return lines


def verdict(rows: dict[str, Row]) -> tuple[bool, list[str]]:
    """Whether nothing is lost by default, and the sentences that say so.

    A loss is seen where the interval of the difference lies below zero; the check can see one
    where blurring costs more than the width of the score's interval.
    """
    width = rows[FULL].around.high - rows[FULL].around.low
    drop = -rows[BLURRED].gain
    if drop <= width:
        return False, [
            f"nothing was shown: blurring costs {drop:.3f}, no more than the interval's {width:.3f}"
        ]
    lines = [f"shown: blurring costs {drop:.3f}, more than the interval's {width:.3f}"]
    lost = [name for name in DEFAULTS if rows[name].gain_around.high < 0]
    for name in DEFAULTS:
        own = rows[name]
        if name in lost:
            lines.append(f"{name} loses {-own.gain:.3f}: it should not be on by default")
        else:
            most = -own.gain_around.low
            left = (
                f"by the interval at most {most:.3f}"
                if most > 0
                else "nor does the interval hold one"
            )
            lines.append(f"{name}: no loss was seen, {left}")
    return not lost, lines
