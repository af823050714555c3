"""AdamW over the Learner's parameter groups, and which of them learn."""

from __future__ import annotations

from typing import Any

import torch
from fastai.learner import Learner
from fastai.torch_core import norm_bias_params

from common.errors import UsageError
from common.train.settings import Phase, TrainSettings


def make_optimizer(
    learner: Learner, settings: TrainSettings, phase: Phase | None = None
) -> torch.optim.AdamW:
    """AdamW with one group for what decays and one for biases and norms, per group of
    `learner.splitter`; parameters that are frozen stay out.

    Each of its groups holds `share`: its rate as a share of that of the last group.

    Args:
        phase: None for the settings' last one.
    """
    phase = phase or settings.phases()[-1]
    not_decayed = {id(parameter) for parameter in norm_bias_params(learner.model, True)}
    groups: list[dict[str, Any]] = []
    all_parameters = parameter_groups(learner)
    for number, parameters in enumerate(all_parameters):
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        share = _share(number, len(all_parameters), phase.rate_spread)
        decayed = [p for p in trained if id(p) not in not_decayed]
        kept = [p for p in trained if id(p) in not_decayed]
        groups += [
            {"params": decayed, "weight_decay": settings.weight_decay, "share": share},
            {"params": kept, "weight_decay": 0.0, "share": share},
        ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=phase.learning_rate, fused=True
    )


def _share(number: int, n_groups: int, spread: float) -> float:
    """1 for the last group, 1 / spread for the first, geometric between."""
    return float(spread ** (-(n_groups - 1 - number) / max(1, n_groups - 1)))


def parameter_groups(learner: Learner) -> list[list[torch.nn.Parameter]]:
    """The groups that `learner.splitter` makes of the net's parameters."""
    groups = list(learner.splitter(learner.model))
    if groups and isinstance(groups[0], torch.nn.Parameter):
        return [groups]
    return [list(group) for group in groups]


def freeze(learner: Learner, phase: Phase, trainable: set[int]) -> None:
    """Lets the phase's groups learn, and of the others only the norms and their biases.

    Args:
        trainable: ids of the parameters that learnt before the first phase; others stay frozen.

    Raises: UsageError where the phase freezes but the Learner has one group only.
    """
    groups = parameter_groups(learner)
    n_frozen = len(groups) - phase.trained_groups if phase.trained_groups else 0
    if phase.trained_groups and n_frozen < 1:
        raise UsageError(
            f"a phase trains {phase.trained_groups} of {len(groups)} parameter groups, so it "
            "freezes nothing; give the Learner a splitter with more groups, or set frozen_epochs=0"
        )
    # the norms alone: of the biases of convolutions and linear layers fastai keeps none trained
    norms = {id(parameter) for parameter in norm_bias_params(learner.model, False)}
    for number, parameters in enumerate(groups):
        for parameter in parameters:
            learns = number >= n_frozen or id(parameter) in norms
            parameter.requires_grad_(learns and id(parameter) in trainable)


def set_step(optimizer: torch.optim.Optimizer, rate: float, momentum: float) -> None:
    """Writes a step's rate and momentum into every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
        group["betas"] = (momentum, group["betas"][1])
