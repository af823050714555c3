"""AdamW over the Learner's parameter groups."""

from __future__ import annotations

import torch
from fastai.learner import Learner
from fastai.torch_core import norm_bias_params

from common.train.schedule import Schedule
from common.train.settings import TrainSettings


def make_optimizer(learner: Learner, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW with one group for what decays and one for biases and norms, per group of
    `learner.splitter`; parameters that are frozen stay out."""
    not_decayed = {id(parameter) for parameter in norm_bias_params(learner.model, True)}
    groups = []
    for parameters in _parameter_groups(learner):
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        decayed = [p for p in trained if id(p) not in not_decayed]
        kept = [p for p in trained if id(p) in not_decayed]
        groups += [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=settings.learning_rate, fused=True
    )


def _parameter_groups(learner: Learner) -> list[list[torch.nn.Parameter]]:
    groups = list(learner.splitter(learner.model))
    if groups and isinstance(groups[0], torch.nn.Parameter):
        return [groups]
    return [list(group) for group in groups]


def set_step(optimizer: torch.optim.Optimizer, schedule: Schedule, step: int) -> None:
    """Writes a step's rate and momentum into every group."""
    for group in optimizer.param_groups:
        group["lr"] = float(schedule.rates[step])
        group["betas"] = (float(schedule.momenta[step]), group["betas"][1])
