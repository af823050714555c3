"""The steps of torch's fused AdamW, without what it looks up anew at every step.

Torch walks over all parameters in Python, sorts them by device and asks for a profiler, which for
a small net takes longer than the step itself. Its state stays torch's own, and so do the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

STATE = ("exp_avg", "exp_avg_sq", "step")  # torch's names

Tensors = list[torch.Tensor]


@dataclass(frozen=True)
class _Group:
    """The tensors of a parameter group; its rates are read at each step."""

    options: dict[str, Any]
    parameters: Tensors
    means: Tensors
    squares: Tensors
    steps: Tensors


class QuickAdamW:
    """Takes the steps of an optimizer. What it does not know how to do, the optimizer does."""

    def __init__(self, optimizer: torch.optim.AdamW) -> None:
        self.optimizer = optimizer
        self.groups: list[_Group] = []

    @torch.no_grad()
    def step(self) -> None:
        """One step with the gradients that lie there."""
        if not self._is_current():
            self.optimizer.step()
            self.groups = self._listed()
            return
        gradients: list[Any] = [[p.grad for p in group.parameters] for group in self.groups]
        if any(gradient is None for own in gradients for gradient in own):
            self.optimizer.step()
            return
        for group, own in zip(self.groups, gradients, strict=True):
            options = group.options
            torch._foreach_add_(group.steps, 1)
            torch._fused_adamw_(
                group.parameters,
                own,
                group.means,
                group.squares,
                [],
                group.steps,
                lr=options["lr"],
                beta1=options["betas"][0],
                beta2=options["betas"][1],
                weight_decay=options["weight_decay"],
                eps=options["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _is_current(self) -> bool:
        """False before the first step, and after the optimizer has read another state."""
        listed = [id(group.options) for group in self.groups]
        return listed == [id(options) for options in self.optimizer.param_groups]

    def _listed(self) -> list[_Group]:
        """The groups of the optimizer; none where one of them is not of the plain kind."""
        optimizer = self.optimizer
        groups = []
        for options in optimizer.param_groups:
            states = [optimizer.state.get(parameter) for parameter in options["params"]]
            if not _is_plain(options) or not all(states):
                return []
            columns = [[own[name] for own in states if own] for name in STATE]
            groups.append(_Group(options, options["params"], *columns))
        return groups


def _is_plain(options: dict[str, Any]) -> bool:
    kinds = {(parameter.device, parameter.dtype) for parameter in options["params"]}
    plain = options["fused"] and not options["amsgrad"] and not options["maximize"]
    return bool(plain) and len(kinds) == 1 and isinstance(options["lr"], float)
