"""Pictures from what was drawn, by torch: one sampling of a grid and one pointwise pass.

It runs on any device. On a GPU the pictures arrive as uint8, a quarter of the bytes of float32,
and are sampled in half precision; the CPU's tests hold the same code in float32.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from common.augment.draws import EPSILON, GREY, Draws

PADDINGS = {"black": "zeros", "edge": "border", "mirror": "reflection"}
# Rounding a place to float16 moves it by up to W / 8192 pixels: a sixteenth at this side.
LARGEST_HALF = 512


def device_dtype(device: torch.device | str) -> torch.dtype:
    """The precision in which pictures are made on a device: float16 on CUDA, float32 elsewhere."""
    return torch.float16 if torch.device(device).type == "cuda" else torch.float32


def augment(images: torch.Tensor, draws: Draws, dtype: torch.dtype | None = None) -> torch.Tensor:
    """The batch as the model sees it, (N, C, h, w), on the device of `images`.

    Args:
        images: uint8 or uint16 (N, C, H, W) in any memory format: a batch (N, H, W, C) is passed
            as `batch.permute(0, 3, 1, 2)`. Or float, already in [0, 1], which is left as it is;
            without brightness, contrast, saturation and normalisation any range will do.
        dtype: of the result; None for float32. The result of half precision is channels_last.
    """
    dtype = dtype or torch.float32
    policy = draws.policy
    policy.check_channels(images.shape[1])
    numbers = _on_device(draws, images.device)
    # of the half precisions float16 is the finer one for values in [0, 1]
    batch = _floats(images, dtype if dtype == torch.float32 else torch.float16)
    if draws.moves:
        batch = _warp(batch, numbers["matrix"], draws)
    if policy.lights:
        batch = batch.logit(EPSILON)
        batch = batch.add_(numbers["brightness"]).mul_(numbers["contrast"]).sigmoid_()
    if policy.saturation and batch.shape[1] == 3:
        share = numbers["saturation"].to(batch.dtype)
        batch = torch.lerp(_grey(batch), batch, share).clamp_(0, 1)
    if policy.mean:
        batch = _normalised(batch, policy.mean, policy.std)
    if policy.cutout:
        batch = batch.masked_fill(_inside(numbers["hole"], draws.out_size), 0)
    if policy.mixes:
        batch = _mixed(batch, numbers, draws)
    if dtype == torch.float32:
        return batch
    return batch.to(dtype).contiguous(memory_format=torch.channels_last)


def masks(given: torch.Tensor, draws: Draws, outside: int = 0) -> torch.Tensor:
    """Masks as their pictures were moved, (N, h, w), on their device: see `warp_cpu.masks`.

    Args:
        given: classes below 2²⁴, of any integer type (N, H, W).
    """
    numbers = _on_device(draws, given.device)
    moved = given
    if draws.moves:
        shifted = given[:, None].float() - outside  # torch fills with 0
        grid = _grid(numbers["matrix"], draws, 1)
        padding = PADDINGS[draws.policy.padding]
        sampled = F.grid_sample(shifted, grid, "nearest", padding, align_corners=False)
        moved = (sampled[:, 0] + outside).to(given.dtype)
    if draws.policy.cutmix:
        partners = moved[numbers["partner"].flatten().long()]
        moved = torch.where(_inside(numbers["patch"], draws.out_size)[:, 0], partners, moved)
    return moved


def _on_device(draws: Draws, device: torch.device) -> dict[str, torch.Tensor]:
    """What was drawn, sent in one copy: float32, each entry (N, ...) ready for broadcasting."""
    n = len(draws)
    parts = {
        "matrix": draws.unit_matrix.reshape(n, 9),
        "brightness": draws.brightness[:, None],
        "contrast": draws.contrast[:, None],
        "saturation": draws.saturation[:, None],
        "hole": draws.hole,
        "patch": draws.patch,
        "blend": draws.blend[:, None],
        "partner": draws.partner[:, None],
    }
    packed = np.concatenate([*parts.values()], axis=1).astype(np.float32)
    sent = torch.from_numpy(packed).to(device)
    columns = torch.split(sent, [part.shape[1] for part in parts.values()], dim=1)
    return {
        name: column.reshape(n, 3, 3) if name == "matrix" else column[:, :, None, None]
        for name, column in zip(parts, columns, strict=True)
    }


def _floats(images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    highest = {torch.uint8: 255, torch.uint16: 65535}.get(images.dtype)
    batch = images.to(dtype)
    return batch / highest if highest else batch


def _warp(batch: torch.Tensor, matrix: torch.Tensor, draws: Draws) -> torch.Tensor:
    """The batch moved, in its own precision.

    A picture too large for places in float16 is sampled in float32. So is all on the CPU, where
    torch counts pixels in the precision of the values and loses its way in float16; the places
    are rounded to float16 first, so that a test sees what a GPU does.
    """
    dtype, large = batch.dtype, max(*draws.size, *draws.out_size) > LARGEST_HALF
    grid = _grid(matrix, draws, batch.shape[1])
    if not large:
        grid = grid.to(dtype)
    if large or batch.device.type == "cpu":
        batch, grid = batch.float(), grid.float()
    padding = PADDINGS[draws.policy.padding]
    return F.grid_sample(batch, grid, align_corners=False, padding_mode=padding).to(dtype)


def _grid(matrix: torch.Tensor, draws: Draws, channels: int) -> torch.Tensor:
    """Where each pixel comes from, in [-1, 1], float32 (N, h, w, 2)."""
    shape = [len(matrix), channels, *draws.out_size]
    if not draws.policy.warp:
        return F.affine_grid(matrix[:, :2], shape, align_corners=False)
    height, width = draws.out_size
    x = (2 * torch.arange(width, device=matrix.device) + 1) / width - 1
    y = (2 * torch.arange(height, device=matrix.device) + 1) / height - 1
    parts = matrix[:, :, 0, None, None] * x + matrix[:, :, 1, None, None] * y[:, None]
    parts = parts + matrix[:, :, 2, None, None]
    return (parts[:, :2] / parts[:, 2:]).permute(0, 2, 3, 1)


def _grey(batch: torch.Tensor) -> torch.Tensor:
    weights = torch.tensor(GREY, device=batch.device, dtype=batch.dtype)
    return torch.einsum("nchw,c->nhw", batch, weights)[:, None]


def _normalised(
    batch: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """(value - mean) / std as one multiplication and addition."""
    scale = 1 / torch.tensor(std, device=batch.device)[:, None, None]
    offset = -torch.tensor(mean, device=batch.device)[:, None, None] * scale
    return torch.addcmul(offset.to(batch.dtype), batch, scale.to(batch.dtype))


def _inside(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """True inside each picture's box, bool (N, 1, h, w)."""
    rows = torch.arange(size[0], device=boxes.device)[:, None]
    columns = torch.arange(size[1], device=boxes.device)
    top, left, bottom, right = torch.split(boxes, 1, dim=1)
    inside: torch.Tensor = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return inside


def _mixed(batch: torch.Tensor, numbers: dict[str, torch.Tensor], draws: Draws) -> torch.Tensor:
    """Each picture blended with its partner, or with a patch of it."""
    partners = batch[numbers["partner"].flatten().long()]
    if draws.policy.mixup:
        batch = torch.lerp(partners, batch, numbers["blend"].to(batch.dtype))
    if draws.policy.cutmix:
        batch = torch.where(_inside(numbers["patch"], draws.out_size), partners, batch)
    return batch
