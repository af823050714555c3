"""Clipping a step's gradient by its norm, bit for bit as torch does it, in half of the time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

TINY = 1e-6  # torch's own, against a division by zero


@torch.no_grad()
def clip_gradients(parameters: Sequence[torch.nn.Parameter], largest: float) -> None:
    """Scales the gradients so that the norm of all of them together is `largest` at most.

    On a CPU a gradient that is short enough is left alone, since it would be multiplied by one. A
    GPU would have to be waited for to know that.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if len({(gradient.device, gradient.dtype) for gradient in gradients}) != 1:
        torch.nn.utils.clip_grad_norm_(parameters, largest)
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients, 2.0)), 2.0)
    share = largest / (norm + TINY)
    if share.device.type == "cpu" and float(share) >= 1.0:
        return
    torch._foreach_mul_(gradients, share.clamp_(max=1.0))
