"""Augmentation on the CPU: from JPEG or from memory to the batch, and the batch alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_reader import SMALL
from benchmarks.runner import Case, Function, Measured

N = 64  # pictures of a batch, as fastai has it
SIDE, CACHED_SIDE = 224, 256
# A batch of other pictures, or without normalisation, would differ by more: fastai's random
# numbers are its own, so only brightness, spread and shape of the batches can be compared.
MEAN_APART, SPREAD_APART = 0.4, 0.5
SAME = 4.0  # mean grey levels between a picture warped once and one that is warped three times


def cases(work: Path) -> list[Case]:
    """The ranges are fastai's `aug_transforms()` on all sides; what comes out is normalised
    float32, or, in the cases named bytes, uint8 as it is sent to a device."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    paths = replace(SMALL, n=N).write(work / "photos")
    stock: dict[str, Measured] = {"fastai": Function(_fastai(paths))}
    with_peer = {**stock, **_albumentations(paths)}
    decoded, pictures = _decoded(paths, CACHED_SIDE), _decoded(paths, SIDE)
    return [
        Case("small_photos", Function(_from_files(paths)), with_peer, equal=_alike),
        Case("small_photos_bytes", Function(_from_files(paths, floats=False)), stock, _bytes_alike),
        Case("cached", Function(_from_memory(decoded)), stock, equal=_alike),
        Case("cached_bytes", Function(_from_memory(decoded, floats=False)), stock, _bytes_alike),
        Case("batch", Function(_from_memory(pictures)), _fastai_batch(pictures), equal=_alike),
        Case("same_draws", Function(_from_memory(pictures)), _torch_batch(pictures), equal=_same),
    ]


def _policy() -> Any:
    from common.augment import photographs

    return photographs()


def _draws(size: tuple[int, int], epoch: int) -> Any:
    from common.augment import Draw, draw_batch

    return draw_batch(_policy(), Draw(0, epoch, np.arange(N)), size, (SIDE, SIDE))


def _from_files(paths: list[Path], *, floats: bool = True) -> Callable[[], np.ndarray]:
    """Decoded and resized into one slot, changed in another."""
    from common.augment import warp_cpu
    from common.data.images import Target, read_image

    target = Target(SIDE, SIDE, method="crop")
    slots = np.empty((2, N, SIDE, SIDE, 3), dtype=np.uint8)
    kept = np.empty((N, SIDE, SIDE, 3), dtype=np.float32)

    def run() -> np.ndarray:
        draws = _draws((SIDE, SIDE), 0)
        for row, path in enumerate(paths):
            read_image(path, target, out=slots[0, row])
            warp_cpu.picture(slots[0, row], draws, row, slots[1, row])
        return warp_cpu.to_model(slots[1], draws, kept).numpy() if floats else slots[1]

    return run


def _from_memory(decoded: np.ndarray, *, floats: bool = True) -> Callable[[], np.ndarray]:
    from common.augment import warp_cpu

    slot = np.empty((N, SIDE, SIDE, 3), dtype=np.uint8)
    kept = np.empty((N, SIDE, SIDE, 3), dtype=np.float32)

    def run() -> np.ndarray:
        draws = _draws(decoded.shape[1:3], 0)
        warp_cpu.augment(decoded, draws, slot)
        return warp_cpu.to_model(slot, draws, kept).numpy() if floats else slot

    return run


def _decoded(paths: list[Path], side: int) -> np.ndarray:
    from common.data.images import Target, read_image

    return np.stack([read_image(path, Target(side, side, method="crop")) for path in paths])


def _fastai(paths: list[Path]) -> Callable[[], np.ndarray]:
    """An epoch of one batch through fastai's own loader, in this process."""
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.data.transforms import IndexSplitter
    from fastai.vision.augment import Resize, aug_transforms
    from fastai.vision.data import ImageBlock, Normalize, imagenet_stats

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_y=lambda path: int(path.stem) % 2,
        splitter=IndexSplitter([]),
        item_tfms=Resize(SIDE),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(*imagenet_stats)],
    )
    loader = block.dataloaders(paths, bs=N, num_workers=0, device="cpu").train

    def run() -> np.ndarray:
        ((images, _),) = list(loader)
        return np.asarray(images)

    return run


def _albumentations(paths: list[Path]) -> dict[str, Measured]:
    try:
        import albumentations
    except ImportError:
        return {}
    import cv2

    mirror = cv2.BORDER_REFLECT
    pipeline = albumentations.Compose(
        [
            albumentations.SmallestMaxSize(SIDE, interpolation=cv2.INTER_AREA),
            albumentations.CenterCrop(SIDE, SIDE),
            albumentations.HorizontalFlip(),
            albumentations.Affine(scale=(0.9, 1.1), rotate=(-10, 10), border_mode=mirror, p=1),
            albumentations.Perspective(scale=(0.0, 0.1), border_mode=mirror, p=1),
            albumentations.RandomBrightnessContrast(p=1),
            albumentations.Normalize(),
        ]
    )

    def run() -> np.ndarray:
        batch = np.empty((N, SIDE, SIDE, 3), dtype=np.float32)
        for row, path in enumerate(paths):
            picture: Any = cv2.imread(str(path))
            batch[row] = pipeline(image=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))["image"]
        return batch.transpose(0, 3, 1, 2)

    return {"albumentations": Function(run)}


def _fastai_batch(pictures: np.ndarray) -> dict[str, Measured]:
    """fastai's batch transforms on pictures that are decoded already."""
    import torch
    from fastai.data.transforms import IntToFloatTensor
    from fastai.torch_basics import Pipeline
    from fastai.torch_core import TensorImage
    from fastai.vision.augment import aug_transforms
    from fastai.vision.data import Normalize, imagenet_stats

    normalise = Normalize.from_stats(*imagenet_stats, cuda=False)
    pipeline = Pipeline([IntToFloatTensor(), *aug_transforms(), normalise], split_idx=0)
    given = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()

    def run() -> np.ndarray:
        return np.asarray(pipeline(TensorImage(given)))

    return {"fastai": Function(run)}


def _torch_batch(pictures: np.ndarray) -> dict[str, Measured]:
    """What torch makes of the same numbers: all at once, and one change after another."""
    import torch

    from common.augment import Draw, draw_batch, warp_gpu

    given, policy = torch.from_numpy(pictures).permute(0, 3, 1, 2), _policy()
    drawn = Draw(0, 0, np.arange(N))
    plain = policy.replace(mean=(), std=())

    def at_once() -> np.ndarray:
        return warp_gpu.augment(given, _draws((SIDE, SIDE), 0)).numpy()

    def one_by_one() -> np.ndarray:
        batch = given.float() / 255
        for change in (("rotate", "zoom"), ("warp",), ("flips",), ("brightness",), ("contrast",)):
            draws = draw_batch(plain.only(*change), drawn, (SIDE, SIDE))
            batch = warp_gpu.augment(batch, draws)
        return warp_gpu.augment(batch, draw_batch(policy.only(), drawn, (SIDE, SIDE))).numpy()

    return {"torch at once": Function(at_once), "torch one by one": Function(one_by_one)}


def _alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """The same photographs, normalised, changed by other random numbers."""
    return (
        ours.shape == theirs.shape == (N, 3, SIDE, SIDE)
        and ours.dtype == theirs.dtype == np.float32
        and abs(float(ours.mean() - theirs.mean())) < MEAN_APART
        and abs(float(ours.std() / theirs.std()) - 1) < SPREAD_APART
    )


def _bytes_alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    from common.augment import IMAGENET_MEAN, IMAGENET_STD

    floats = (ours / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    seen = floats.astype(np.float32).transpose(0, 3, 1, 2)
    return ours.dtype == np.uint8 and _alike(seen, theirs)


def _same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """The same pictures by the same numbers, away from the border."""
    from common.augment import IMAGENET_STD

    apart = np.abs(ours - theirs) * np.array(IMAGENET_STD)[:, None, None] * 255
    return ours.shape == theirs.shape and float(apart[..., 8:-8, 8:-8].mean()) < SAME
