"""The moving average of a net's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class WeightAverage:
    """An exponential moving average of the floating-point parameters and buffers of a net.

    The decay rises from 0.1 towards `decay` in the first steps, so that the average does not
    remember the untrained weights.

    Args:
        decay: share of the old average that a step keeps; 0 switches the average off.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay, self.n_steps = decay, 0
        self.own = [*model.parameters(), *model.buffers()] if decay else []
        self.own = [tensor for tensor in self.own if tensor.is_floating_point()]
        self.mean = [tensor.detach().clone() for tensor in self.own]

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights of a step."""
        if not self.mean:
            return
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        torch._foreach_lerp_(self.mean, self.own, 1 - decay)
        self.n_steps += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The net holds the average for the length of the block. No weight is copied."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def swap(self) -> None:
        """Exchanges the net's weights and the average."""
        for number, tensor in enumerate(self.own):
            tensor.data, self.mean[number] = self.mean[number], tensor.data

    def state(self) -> dict[str, object]:
        """What a checkpoint holds."""
        return {"n_steps": self.n_steps, "mean": self.mean}

    def load(self, state: dict[str, object]) -> None:
        """Goes on from what `state` gave."""
        self.n_steps = int(state["n_steps"])  # type: ignore[call-overload]
        with torch.no_grad():
            for own, stored in zip(self.mean, state["mean"], strict=True):  # type: ignore[call-overload]
                own.copy_(stored)
