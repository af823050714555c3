"""Reading one picture on one thread: file to a uint8 array of the model's size, nothing cached."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runner import Case, Function, Measured
from common.data.images import Target, read_image

CONTRAST = 45.0  # deviation of the brightness in grey levels
TINT = 0.3  # of the colours, as a share of it
FAR = 16.0  # mean grey levels between two pictures that are not the same one


def cases(work: Path) -> list[Case]:
    """Every side reads the file, brings the short side to the target and cuts the middle out, all
    antialiased. Whoever crops first and resizes what is left does so: it is the same picture."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    small, large = SMALL.write(work / "small"), LARGE.write(work / "large")
    grey = GREY.write(work / "grey")
    return [
        _case("jpeg_small_224", small, 224),
        _case("jpeg_large_224", large, 224),
        _case("jpeg_large_512", large, 512),
        _case("png_grey_512", grey, 512, channels=1),
        _header_case(large),
    ]


def _case(name: str, paths: list[Path], side: int, channels: int = 3) -> Case:
    target = Target(side, side, method="crop")
    exact = Target(side, side, method="crop", scaled=False)
    peers: dict[str, Measured] = {
        "fastai": _over(paths, _fastai(side, channels)),
        "whole decoding": _over(paths, lambda path: read_image(path, exact, channels=channels)),
    }
    albumentations = _albumentations(side, channels)
    if albumentations is not None:
        peers["albumentations INTER_AREA"] = _over(paths, albumentations)
    ours = _over(paths, lambda path: read_image(path, target, channels=channels))
    return Case(name, ours, peers, equal=_same_pictures)


def _header_case(paths: list[Path]) -> Case:
    from PIL import Image

    from common.data.images import read_header

    def by_pillow(path: Path) -> Any:
        with Image.open(path) as image:
            return image.size[::-1]

    return Case(
        "header",
        Function(lambda: [read_header(path).shown_size for path in paths]),
        {"Pillow": Function(lambda: [by_pillow(path) for path in paths])},
    )


def _over(paths: list[Path], read: Callable[[Path], np.ndarray]) -> Function:
    """Reads all files; its result is the first picture."""

    def run() -> np.ndarray:
        first, *_ = [read(path) for path in paths]
        return first

    return Function(run)


def _fastai(side: int, channels: int) -> Callable[[Path], np.ndarray]:
    from fastai.vision.augment import Resize
    from fastai.vision.core import PILImage, PILImageBW

    kind, resize = PILImageBW if channels == 1 else PILImage, Resize(side)

    def read(path: Path) -> np.ndarray:
        return np.asarray(resize(kind.create(path), split_idx=1)).reshape(side, side, channels)

    return read


def _albumentations(side: int, channels: int) -> Callable[[Path], np.ndarray] | None:
    import cv2

    try:
        albumentations = importlib.import_module("albumentations")
    except ImportError:
        return None
    pipeline = albumentations.Compose(
        [
            albumentations.SmallestMaxSize(side, interpolation=cv2.INTER_AREA),
            albumentations.CenterCrop(side, side),
        ]
    )
    flag = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR

    def read(path: Path) -> np.ndarray:
        picture = np.asarray(cv2.imread(str(path), flag))
        if channels == 3:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        result: np.ndarray = pipeline(image=picture)["image"]
        return result.reshape(side, side, channels)

    return read


def _same_pictures(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Filters differ, so sharp noise does; another framing would differ by far more."""
    gap = np.abs(ours.astype(int) - theirs.astype(int)).mean()
    return ours.shape == theirs.shape and float(gap) < FAR


@dataclass(frozen=True)
class Photos:
    """What generated pictures are like.

    Args:
        falloff: how fast amplitude falls with frequency; the larger, the smoother.
        noise: deviation of the sensor's noise in grey levels.
    """

    height: int
    width: int
    falloff: float
    noise: float
    suffix: str = "jpg"
    n: int = 6

    def write(self, folder: Path) -> list[Path]:
        """Files of the same content every time; JPEG at quality 92, PNG grey."""
        import cv2

        folder.mkdir(parents=True)
        own = np.random.default_rng(0)
        paths = [folder / f"{number}.{self.suffix}" for number in range(self.n)]
        for path in paths:
            picture = self._draw(own, channels=1 if self.suffix == "png" else 3)
            quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if self.suffix == "jpg" else []
            cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8), quality)
        return paths

    def _draw(self, own: np.random.Generator, channels: int) -> np.ndarray:
        light = self._clouds(own)
        tints = [TINT * self._clouds(own) for _ in range(channels)]
        noise = own.normal(0, self.noise, (self.height, self.width, 1))
        picture: np.ndarray = 128 + light[:, :, None] + np.stack(tints, axis=2) + noise
        return picture

    def _clouds(self, own: np.random.Generator) -> np.ndarray:
        """Noise over all frequencies, of mean 0 and CONTRAST."""
        rows, columns = np.fft.fftfreq(self.height)[:, None], np.fft.rfftfreq(self.width)[None]
        frequency = np.hypot(rows, columns)
        frequency[0, 0] = 1.0
        waves = np.exp(2j * np.pi * own.random(frequency.shape)) / frequency**self.falloff
        waves[0, 0] = 0.0
        clouds = np.fft.irfft2(waves, (self.height, self.width))
        return np.asarray(CONTRAST * clouds / clouds.std())


SMALL = Photos(375, 500, falloff=1.5, noise=3, n=24)  # 63 KB each
LARGE = Photos(1500, 2000, falloff=1.75, noise=2)  # 456 KB each
GREY = Photos(1024, 1024, falloff=1.5, noise=3, suffix="png")  # 600 KB each
