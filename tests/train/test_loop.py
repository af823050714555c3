"""Our loop against fastai's own, and what it does at the edges."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import MixUp
from fastai.callback.schedule import ParamScheduler
from fastai.callback.training import BnFreeze, GradientAccumulation
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import OptimWrapper
from torch import nn

from common.augment import light_geometry, unchanged
from common.data import ArrayDataset, ArrayLoader
from common.errors import RunError, UsageError
from common.metrics import accuracy
from common.randomness import seed_generators
from common.train import Company, History, Steps, TrainSettings, fit
from common.train.schedule import MOMENTUM_HIGH, make_schedule

pytestmark = pytest.mark.slow

SEED = 3
STEPS = Steps(
    forward=lambda learner: learner.model(*learner.xb),
    loss=lambda learner: learner.loss_func(learner.pred, *learner.yb),
)
CONSTANT = TrainSettings(
    epochs=2, batch_size=16, learning_rate=1e-2, weight_decay=0.0, schedule="constant"
)


def make_loaders(n: int = 72) -> DataLoaders:
    generator = np.random.default_rng(SEED)
    images = generator.integers(0, 256, size=(n, 1, 8, 8), dtype=np.uint8)
    dataset = ArrayDataset(images, generator.integers(0, 3, size=n), ["a", "b", "c"])
    train = ArrayLoader(
        dataset, policy=light_geometry(), seed=SEED, bs=16, shuffle=True, drop_last=True
    )
    return DataLoaders(train, ArrayLoader(dataset, policy=unchanged(), bs=64))


def make_net() -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(32, 3),
    )


def make_learner(callbacks: list[Callback] | None = None, **options: Any) -> Learner:
    net = make_net()
    return Learner(make_loaders(), net, loss_func=CrossEntropyLossFlat(), cbs=callbacks, **options)


def our_fit(learner: Learner, settings: TrainSettings, **options: Any) -> History:
    company = Company(say=options.pop("say", lambda line: None), **options.pop("company", {}))
    usual = {"steps": STEPS, "validator": None, "seed": SEED, "company": company}
    return fit(learner, settings, metric=accuracy, **{**usual, **options})


class Scores:
    """A validator that gives scores from a list and keeps the weights that it was shown."""

    def __init__(self, *scores: float) -> None:
        self.scores, self.seen = iter(scores), 0

    def begin(self) -> None:
        self.seen = 0

    def add(self, raw: torch.Tensor) -> int:
        self.seen += len(raw)
        return len(raw)

    def finish(self) -> float:
        assert self.seen == 72  # every row of the valid set
        return next(self.scores)


class SeedEachStep(Callback):
    """Gives fastai's loop the random numbers that ours has by key."""

    order = -100

    def before_batch(self) -> None:
        if self.training:
            seed_generators(SEED, "step", self.train_iter)


def weights(learner: Learner) -> torch.Tensor:
    return torch.cat([value.double().ravel() for value in learner.model.state_dict().values()])


@pytest.mark.parametrize(
    "callbacks", [[], [MixUp(0.4)], [BnFreeze()]], ids=["plain", "mixup", "bn"]
)
def test_weights_equal_those_of_fastais_own_loop(callbacks: list[Callback]) -> None:
    adamw = partial(torch.optim.AdamW, betas=(MOMENTUM_HIGH, 0.999), weight_decay=0.0, fused=True)
    theirs = make_learner(
        [SeedEachStep(), *[type(cb)() for cb in callbacks]],
        opt_func=partial(OptimWrapper, opt=adamw),
    )
    with theirs.no_bar(), theirs.no_logging():
        theirs.fit(CONSTANT.epochs, CONSTANT.learning_rate)
    ours = make_learner([type(cb)() for cb in callbacks])
    our_fit(ours, CONSTANT)
    assert torch.equal(weights(ours), weights(theirs))


def test_a_second_fit_with_one_seed_gives_the_same_weights_and_another_seed_others() -> None:
    def trained(seed: int) -> torch.Tensor:
        learner = make_learner()
        our_fit(learner, CONSTANT, seed=seed)
        return weights(learner)

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_fit_leaves_the_global_generators_as_they_were() -> None:
    learner = make_learner()
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    our_fit(learner, CONSTANT)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_unknown_callback_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="GradientAccumulation"):
        our_fit(make_learner([GradientAccumulation(2)]), CONSTANT)
    with pytest.raises(UsageError, match="ParamScheduler"):
        our_fit(make_learner([ParamScheduler({})]), CONSTANT)


def test_a_loss_that_is_not_finite_stops_with_its_step() -> None:
    broken = Steps(STEPS.forward, lambda learner: STEPS.loss(learner) * float("nan"))
    with pytest.raises(RunError, match="nan in epoch 1, batch 0"):
        our_fit(make_learner(), CONSTANT, steps=broken)


def test_the_best_epoch_is_kept_only_where_asked() -> None:
    settings = {"epochs": 3, "batch_size": 16, "schedule": "constant"}
    learners = {keep: make_learner() for keep in ("best", "last")}
    kept = {
        keep: our_fit(
            learner, TrainSettings(**settings, keep=keep), validator=Scores(0.5, 0.9, 0.7)
        ).kept_epoch
        for keep, learner in learners.items()
    }
    assert kept == {"best": 2, "last": 3}
    # a constant rate makes the first two epochs of three the same as two epochs alone
    two = make_learner()
    our_fit(two, TrainSettings(**{**settings, "epochs": 2}))
    assert torch.equal(weights(learners["best"]), weights(two))
    assert not torch.equal(weights(learners["last"]), weights(two))


def test_a_score_of_nan_is_never_the_best_epoch() -> None:
    nan = float("nan")
    settings = TrainSettings(epochs=3, batch_size=16, keep="best")
    history = our_fit(make_learner(), settings, validator=Scores(nan, 0.2, nan))
    assert history.kept_epoch == 2


def test_each_epoch_is_one_line_with_a_star_at_the_best() -> None:
    lines: list[str] = []
    settings = TrainSettings(epochs=3, batch_size=16)
    our_fit(make_learner(), settings, validator=Scores(0.25, 0.5, 0.4), say=lines.append)
    assert len(lines) == 3
    assert ["*" in line for line in lines] == [True, True, False]
    assert "epoch  2/3" in lines[1]
    assert "accuracy 0.5000*" in lines[1]


def test_valid_loss_is_the_mean_per_row_over_batches_of_unequal_size() -> None:
    learner = make_learner()
    history = our_fit(learner, CONSTANT, validator=Scores(0.1, 0.2))
    dataset = learner.dls.valid.dataset
    with torch.no_grad():
        logits = learner.model(dataset.images.float() / 255)
        expected = nn.functional.cross_entropy(logits, dataset.targets)
    assert history.epochs[-1]["valid_loss"] == pytest.approx(float(expected), abs=1e-5)


def test_history_has_a_row_per_epoch_and_per_step() -> None:
    learner = make_learner()
    history = our_fit(learner, TrainSettings(epochs=2, batch_size=16, learning_rate=1e-2))
    n_steps = 2 * (72 // 16)  # the last, short batch is dropped
    assert [row["step"] for row in history.steps] == list(range(n_steps))
    assert [row["epoch"] for row in history.epochs] == [1, 2]
    first_epoch = [row["loss"] for row in history.steps[:4]]
    assert history.epochs[0]["train_loss"] == pytest.approx(sum(first_epoch) / 4)


def test_one_cycle_rises_to_the_asked_rate_and_falls_to_nothing() -> None:
    schedule = make_schedule("one_cycle", 0.1, 100)
    assert len(schedule.rates) == 100
    assert schedule.rates[0] == pytest.approx(0.1 / 25)
    assert schedule.rates.max() == pytest.approx(0.1)
    assert schedule.rates.argmax() == 24  # a quarter of the steps
    assert schedule.rates[-1] == pytest.approx(1e-6)
    # momentum is lowest where the rate is highest
    assert schedule.momenta.argmin() == 24
    assert schedule.momenta[0] == schedule.momenta[-1] == 0.95
    assert schedule.momenta[24] == pytest.approx(0.85)
    lower = make_schedule("one_cycle", 0.1, 100, momentum=0.8)
    assert (lower.momenta[0], lower.momenta[24]) == pytest.approx((0.8, 0.7))


@pytest.mark.parametrize("n_steps", [1, 2, 3, 5])
def test_one_cycle_of_few_steps_has_a_rate_for_each(n_steps: int) -> None:
    schedule = make_schedule("one_cycle", 3e-3, n_steps)
    assert len(schedule.rates) == len(schedule.momenta) == n_steps
    assert np.isfinite(schedule.rates).all()


def test_weight_decay_leaves_norms_and_biases_alone() -> None:
    from common.train.optimizer import make_optimizer

    learner = make_learner()
    optimizer = make_optimizer(learner, TrainSettings(weight_decay=0.3))
    decayed = {
        id(parameter)
        for group in optimizer.param_groups
        if group["weight_decay"] > 0
        for parameter in group["params"]
    }
    names = {name for name, value in learner.model.named_parameters() if id(value) in decayed}
    assert names == {"0.weight", "6.weight"}  # the convolution's and the linear layer's
