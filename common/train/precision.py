"""In which numbers a net computes: one path for all of them, switched off rather than left out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

TENSOR_CORES = (7, 0)  # compute capability from which float16 is faster than float32


class Precision:
    """Autocast and gradient scaling for a device.

    Args:
        name: "float32", "bfloat16", "float16", or "auto".
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.device = device
        self.name = best_precision(device) if name == "auto" else name
        self.dtype = None if self.name == "float32" else getattr(torch, self.name)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.name == "float16")

    def autocast(self) -> AbstractContextManager[Any]:
        """Within it the net's forward pass is computed in this precision."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def outputs(self, raw: Any) -> Any:
        """The net's outputs in float32, in which losses are computed."""
        if self.dtype is None:
            return raw
        if isinstance(raw, torch.Tensor):
            return raw.float() if raw.is_floating_point() else raw
        if isinstance(raw, dict):
            return {name: self.outputs(part) for name, part in raw.items()}
        if isinstance(raw, (list, tuple)):
            return type(raw)(self.outputs(part) for part in raw)
        return raw


def best_precision(device: torch.device) -> str:
    """The precision that is fast on a device without harm."""
    if device.type != "cuda":
        return "float32"
    if torch.cuda.get_device_capability(device) < TENSOR_CORES:
        return "float32"
    in_hardware = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if in_hardware else "float16"


def memory_format(name: str, device: torch.device) -> torch.memory_format:
    """How pictures lie in memory: "auto" is channels_last on a GPU, contiguous elsewhere."""
    last = name == "channels_last" or (name == "auto" and device.type == "cuda")
    return torch.channels_last if last else torch.contiguous_format
