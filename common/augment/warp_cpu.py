"""Pictures from what was drawn, on the CPU: uint8, one warp and one table of 256 entries each.

All of it writes into buffers that the caller keeps, so a ring of batches is never allocated anew.
A thread may call `picture` for a slot of a batch while others fill the rest; `mix` comes after.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from common.augment.draws import GREY, Draws

BORDERS = {
    "black": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "mirror": cv2.BORDER_REFLECT,
}
MOST_CHANNELS = 4  # of one call of OpenCV
MASK_TYPES = (np.uint8, np.int16, np.uint16)  # what OpenCV moves without rounding


def augment(images: np.ndarray, draws: Draws, out: np.ndarray | None = None) -> np.ndarray:
    """The batch as it was drawn, uint8 (N, h, w, C), in `out` where it is given.

    Args:
        images: uint8 (N, H, W, C), colour as RGB.
        out: uint8 (N, h, w, C), contiguous; may be `images` itself where the size stays.
    """
    if out is None:
        out = np.empty((len(images), *draws.out_size, images.shape[3]), dtype=np.uint8)
    for row in range(len(images)):
        picture(images[row], draws, row, out[row])
    mix(out, draws)
    return out


def picture(image: np.ndarray, draws: Draws, row: int, out: np.ndarray) -> None:
    """Writes one picture of a batch as it was drawn, before any mixing.

    Args:
        image: uint8 (H, W, C).
        row: the picture's row in the batch.
        out: uint8 (h, w, C), contiguous; may be `image` itself where the size stays.
    """
    policy = draws.policy
    if draws.moves:
        _warp(image, draws, row, out)
    elif out is not image:
        np.copyto(out, image)
    if policy.lights:
        cv2.LUT(out, draws.light_table[row], out)
    if policy.saturation and out.shape[2] == 3:
        cv2.transform(out, _colour(draws.saturation[row]), out)
    if policy.cutout:
        top, left, bottom, right = draws.hole[row]
        out[top:bottom, left:right] = _fill(draws, out.shape[2])


def mix(images: np.ndarray, draws: Draws) -> None:
    """Mixes the pictures of a finished batch in place, uint8 (N, h, w, C)."""
    if not draws.policy.mixes:
        return
    partners = images[draws.partner]
    for row, (top, left, bottom, right) in enumerate(draws.patch):
        if bottom:
            own = images[row, top:bottom, left:right]
            np.copyto(own, partners[row, top:bottom, left:right])
        elif draws.blend[row] < 1:
            share = float(draws.blend[row])
            cv2.addWeighted(images[row], share, partners[row], 1 - share, 0, images[row])


def _fill(draws: Draws, channels: int) -> np.ndarray:
    """What a hole is filled with, uint8 (C,): the mean, which the model sees as 0."""
    mean = draws.policy.mean
    draws.policy.check_channels(channels)
    if not mean:
        return np.zeros(channels, dtype=np.uint8)
    return np.round(255 * np.array(mean)).astype(np.uint8)


def to_model(images: np.ndarray, draws: Draws, out: np.ndarray | None = None) -> torch.Tensor:
    """The batch as the model sees it, float32 (N, C, h, w) in memory format channels_last.

    Args:
        images: uint8 (N, h, w, C), as `augment` gives them.
        out: float32 (N, h, w, C), contiguous, whose memory the batch then has; a buffer that is
            kept saves the time in which the system finds a new one.
    """
    draws.policy.check_channels(images.shape[3])
    mean = np.array(draws.policy.mean or 0.0)
    std = np.array(draws.policy.std or 1.0)
    values = (np.arange(256)[:, None] / 255 - mean) / std
    table = np.broadcast_to(values, (256, images.shape[3])).astype(np.float32)
    floats = np.empty(images.shape, dtype=np.float32) if out is None else out
    one = images.shape[3] == 1
    lines = (-1, images.shape[2]) if one else (-1, images.shape[2], images.shape[3])
    cv2.LUT(images.reshape(lines), table.ravel() if one else table[:, None], floats.reshape(lines))
    return torch.from_numpy(floats).permute(0, 3, 1, 2)


def masks(
    given: np.ndarray, draws: Draws, outside: int = 0, out: np.ndarray | None = None
) -> np.ndarray:
    """Masks as their pictures were moved, (N, h, w): each pixel has its nearest one's value.

    A patch of cutmix is pasted. A blend of mixup has no mask of its own: weigh the losses of the
    two masks by `Draws.blend`; `given[draws.partner]` are the others.

    Args:
        given: classes, uint8, int16 or uint16 (N, H, W).
        outside: what comes in where the padding is black, such as the class "void".
    """
    if given.dtype not in MASK_TYPES:
        raise ValueError(f"masks of {given.dtype}; expected uint8, int16 or uint16")
    if out is None:
        out = np.empty((len(given), *draws.out_size), dtype=given.dtype)
    border = BORDERS[draws.policy.padding]
    for row in range(len(given)):
        if draws.moves:
            _warp_plane(given[row], draws, row, out[row], cv2.INTER_NEAREST, border, outside)
        else:
            out[row] = given[row]
    if draws.policy.cutmix:
        partners = out[draws.partner]
        for row, (top, left, bottom, right) in enumerate(draws.patch):
            out[row, top:bottom, left:right] = partners[row, top:bottom, left:right]
    return out


def _warp(image: np.ndarray, draws: Draws, row: int, out: np.ndarray) -> None:
    """Moves one picture; more channels than OpenCV takes at once go in groups."""
    if out.shape[2] > MOST_CHANNELS:
        for start in range(0, out.shape[2], MOST_CHANNELS):
            group = slice(start, start + MOST_CHANNELS)
            part = np.empty((*out.shape[:2], out[..., group].shape[2]), dtype=out.dtype)
            _warp(np.ascontiguousarray(image[..., group]), draws, row, part)
            out[..., group] = part
        return
    if np.may_share_memory(image, out):
        image = image.copy()
    _warp_plane(image, draws, row, out, cv2.INTER_LINEAR, BORDERS[draws.policy.padding])


def _warp_plane(
    image: np.ndarray,
    draws: Draws,
    row: int,
    out: np.ndarray,
    interpolation: int,
    border: int,
    value: float = 0.0,
) -> None:
    """Moves an array of at most 4 channels, (H, W) or (H, W, C), into `out` of another memory.

    Raises: ValueError where `out` is not contiguous, because OpenCV would write elsewhere.
    """
    if not out.flags.c_contiguous:
        raise ValueError("out is not contiguous; expected a whole slot of a batch")
    if out.ndim == 3 and out.shape[2] == 1:
        image, out = image[..., 0], out[..., 0]  # OpenCV drops an axis of one channel
    height, width = draws.out_size
    matrix = draws.pixel_matrix[row]
    # The affine warp takes OpenCV 4 a third less time; with the nearest pixel, 4.13 makes quarter
    # turns the wrong way round.
    flat = not draws.policy.warp and interpolation == cv2.INTER_LINEAR
    warp = cv2.warpAffine if flat else cv2.warpPerspective
    warp(
        image,
        matrix[:2] if flat else matrix,
        (width, height),
        dst=out,
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=(value,) * MOST_CHANNELS,
    )


def _colour(saturation: float) -> np.ndarray:
    """The 3×3 matrix that moves colours from their grey, or towards it."""
    grey = np.tile(GREY, (3, 1))
    return np.asarray(saturation * np.eye(3) + (1 - saturation) * grey)
