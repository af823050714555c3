"""What a step does faster than torch and fastai do it gives the same numbers, bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import CastToTensor, Learner
from fastai.torch_core import TensorImage
from torch import nn

from common.randomness import key, seed_generators
from common.train.adamw import QuickAdamW
from common.train.batches import on_device
from common.train.callbacks import RUN, Events
from common.train.clipping import clip_gradients

RATES = (0.1, 0.03, 0.2, 0.01, 0.05)


def make_optimizer() -> tuple[list[nn.Parameter], torch.optim.AdamW]:
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.randn(n, 3, generator=generator)) for n in (4, 1, 7)]
    groups = [
        {"params": parameters[:2], "weight_decay": 0.1},
        {"params": parameters[2:], "weight_decay": 0.0},
    ]
    return parameters, torch.optim.AdamW(groups, fused=True)


def train(quick: bool, *, without: int | None = None, reload_at: int | None = None) -> list[Any]:
    """The parameters after five steps; in step 2 one may lack its gradient."""
    parameters, optimizer = make_optimizer()
    stepper = QuickAdamW(optimizer)
    generator = torch.Generator().manual_seed(1)
    for number, rate in enumerate(RATES):
        if number == reload_at:
            optimizer.load_state_dict(optimizer.state_dict())
        for group in optimizer.param_groups:
            group["lr"], group["betas"] = rate, (0.95 - rate, 0.999)
        for position, parameter in enumerate(parameters):
            gradient = torch.randn(parameter.shape, generator=generator)
            parameter.grad = None if (number, position) == (2, without) else gradient
        (stepper if quick else optimizer).step()
    state = optimizer.state_dict()["state"]
    return [*parameters, *(own[name] for own in state.values() for name in sorted(own))]


@pytest.mark.parametrize("options", [{}, {"without": 0}, {"without": 2}, {"reload_at": 3}], ids=str)
def test_quick_steps_leave_weights_and_state_as_torchs_own_do(options: dict[str, int]) -> None:
    ours, theirs = train(True, **options), train(False, **options)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_quick_steps_leave_an_optimizer_of_another_kind_to_torch() -> None:
    def weights(quick: bool) -> torch.Tensor:
        parameter = nn.Parameter(torch.ones(3))
        optimizer = torch.optim.AdamW([parameter], lr=0.1, fused=True, amsgrad=True)
        for number in range(4):
            parameter.grad = torch.tensor([1.0, -2.0, 0.5]) * (number - 1)
            (QuickAdamW(optimizer) if quick else optimizer).step()
        return parameter.detach()

    assert torch.equal(weights(True), weights(False))


@pytest.mark.parametrize("largest", [0.5, 3.0, 100.0])
@pytest.mark.parametrize("kinds", [(torch.float32,), (torch.float32, torch.float64)])
def test_clipping_is_torchs_own(largest: float, kinds: tuple[torch.dtype, ...]) -> None:
    def clipped(clip: Any) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(2)
        parameters = [
            nn.Parameter(torch.zeros(n, 5, dtype=kinds[n % len(kinds)])) for n in (1, 2, 3)
        ]
        for parameter in parameters[:2]:  # the third has no gradient
            parameter.grad = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
        clip(parameters, largest)
        return [parameter.grad for parameter in parameters[:2] if parameter.grad is not None]

    ours, theirs = clipped(clip_gradients), clipped(nn.utils.clip_grad_norm_)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_clipping_a_gradient_that_is_nan_does_not_hide_it() -> None:
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([float("nan"), 1.0])
    clip_gradients([parameter], 1.0)
    assert parameter.grad.isnan().all()


def test_generators_are_set_as_their_libraries_set_them() -> None:
    seed_generators("a", 1)
    ours = (random.random(), np.random.rand(), float(torch.rand(())))  # noqa: NPY002 - the global one
    number = key("a", 1)
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002 - see above
    torch.manual_seed(number % 2**63)
    assert ours == (random.random(), np.random.rand(), float(torch.rand(())))  # noqa: NPY002


class Notes(Callback):
    """Keeps the names of the events that it was called at."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def before_fit(self) -> None:
        self.heard.append("before_fit")

    def after_loss(self) -> None:
        self.heard.append("after_loss")


def make_learner(*callbacks: Callback) -> Learner:
    batches = [(torch.zeros(2, 3), torch.zeros(2))]
    loaders = DataLoaders(batches, batches, device="cpu")
    return Learner(loaders, nn.Linear(3, 1), loss_func=nn.MSELoss(), cbs=[*callbacks])


def test_a_callback_hears_the_events_that_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.train.callbacks.RUN", (*RUN, Notes))
    notes = Notes()
    events = Events(make_learner(notes), 1)
    for event in ("before_fit", "after_pred", "after_loss", "after_loss", "after_fit"):
        events(event)
    assert notes.heard == ["before_fit", "after_loss", "after_loss"]


def test_a_callback_that_switched_itself_off_runs_again_in_the_next_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("common.train.callbacks.RUN", (*RUN, Notes))
    notes = Notes()
    events = Events(make_learner(notes), 1)
    notes.run = False
    events("before_fit")
    events("after_fit")  # as in fastai, which resets every callback here
    events("before_fit")
    assert notes.heard == ["before_fit"]


def test_inputs_of_a_subclass_are_cast_where_the_learner_has_the_callback() -> None:
    learner = make_learner()
    assert any(isinstance(callback, CastToTensor) for callback in learner.cbs)
    events = Events(learner, 1)
    learner.xb, learner.yb = (TensorImage(torch.ones(1, 3, 2, 2)),), (torch.zeros(1),)
    events("before_batch")
    assert type(learner.xb[0]) is torch.Tensor


def test_a_batch_that_lies_where_the_net_does_is_handed_on() -> None:
    cpu, meta = torch.device("cpu"), torch.device("meta")
    batch = (torch.zeros(2), torch.ones(2))
    assert on_device(batch, cpu) is batch
    nested = on_device(((batch[0], batch[1]), batch[1]), meta)
    assert nested[0][1].device == nested[1].device == meta
