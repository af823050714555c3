"""A batch on its way to the net: where it lies, its parts, its size."""

from __future__ import annotations

from typing import Any

import torch
from fastai.torch_core import to_device

from common.errors import RunError


def on_device(batch: Any, device: torch.device) -> Any:
    """The batch where the net is; what is there already is handed on as it is."""
    if isinstance(batch, (tuple, list)) and all(_is_on(part, device) for part in batch):
        return batch
    return to_device(batch, device)


def _is_on(part: Any, device: torch.device) -> bool:
    return isinstance(part, torch.Tensor) and part.device == device


def inputs_and_targets(batch: Any, n_inputs: int | None) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The two halves of a batch.

    Args:
        n_inputs: how many parts are inputs; None for all but the last, where there are several.
    """
    n_inputs = max(1, len(batch) - 1) if n_inputs is None else n_inputs
    return tuple(batch[:n_inputs]), tuple(batch[n_inputs:])


def laid_out(inputs: tuple[Any, ...], layout: torch.memory_format) -> tuple[Any, ...]:
    """The inputs, of which pictures (N, C, H, W) lie in memory as `layout` says."""
    if layout is torch.contiguous_format:
        return inputs
    return tuple(_laid_out(part, layout) for part in inputs)


def _laid_out(part: Any, layout: torch.memory_format) -> Any:
    is_picture = isinstance(part, torch.Tensor) and part.ndim == 4
    return part.contiguous(memory_format=layout) if is_picture else part


def count_rows(batch: Any) -> int:
    """How many samples a batch holds: the length of its first tensor or list."""
    first = batch[0] if isinstance(batch, (tuple, list)) else batch
    return len(first)


def in_parts(batch: Any, n_parts: int) -> list[Any]:
    """A batch in parts of its rows, as equal as they can be; none is empty."""
    if n_parts == 1:
        return [batch]
    n = count_rows(batch)
    size = -(-n // n_parts)
    return [
        type(batch)(part[start : start + size] for part in batch) for start in range(0, n, size)
    ]


def resized(
    inputs: tuple[Any, ...], targets: tuple[Any, ...], size: int
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Pictures (N, C, H, W), and the masks that belong to them, with `size` as the longer side."""
    pictures = [part for part in inputs if isinstance(part, torch.Tensor) and part.ndim == 4]
    if not pictures:
        raise RunError("sizes is set, but no input is a picture (N, C, H, W); leave it empty")
    height, width = pictures[0].shape[-2:]
    scale = size / max(height, width)
    shape = (round(height * scale), round(width * scale))

    def one(part: Any) -> Any:
        if not isinstance(part, torch.Tensor) or part.shape[-2:] != (height, width):
            return part
        if part.is_floating_point() and part.ndim == 4:
            return torch.nn.functional.interpolate(part, shape, mode="bilinear", antialias=True)
        channelled = part[:, None].float() if part.ndim == 3 else part.float()
        masks = torch.nn.functional.interpolate(channelled, shape, mode="nearest")
        return (masks[:, 0] if part.ndim == 3 else masks).to(part.dtype)

    return tuple(map(one, inputs)), tuple(map(one, targets))
