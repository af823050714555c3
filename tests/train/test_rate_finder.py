"""The learning-rate finder: its curve against fastai's, its choice, and what it leaves behind."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import MixUp
from fastai.callback.schedule import valley as fastai_valley
from fastai.callback.training import BnFreeze, GradientAccumulation
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import OptimWrapper
from torch import nn

from common.augment import light_geometry, unchanged
from common.data import ArrayDataset, ArrayLoader
from common.errors import DataError, RunError, UsageError
from common.metrics import accuracy
from common.randomness import seed_generators
from common.train import Company, Steps, TrainSettings, fit
from common.train.rate_finder import RateCurve, find_rate, longest_fall, valley
from common.train.schedule import MOMENTUM_HIGH

SEED = 3
STEPS = Steps(
    forward=lambda learner: learner.model(*learner.xb),
    loss=lambda learner: learner.loss_func(learner.pred, *learner.yb),
)
QUIET = Company(say=lambda line: None)
SETTINGS = TrainSettings(epochs=2, batch_size=16, weight_decay=0.0)


def make_learner(callbacks: list[Callback] | None = None, n: int = 160, **options: Any) -> Learner:
    """A small net and pictures whose class is where they are bright: it can be learned."""
    generator = np.random.default_rng(SEED)
    targets = generator.integers(0, 3, size=n)
    images = generator.integers(0, 100, size=(n, 1, 6, 6), dtype=np.uint8)
    for image, target in zip(images, targets, strict=True):
        image[0, 2 * target : 2 * target + 2] += 120
    dataset = ArrayDataset(images, targets, ["a", "b", "c"])
    train = ArrayLoader(
        dataset, policy=light_geometry(), seed=SEED, bs=16, shuffle=True, drop_last=True
    )
    torch.manual_seed(SEED)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)
    )
    net.register_buffer("hidden", torch.zeros(1), persistent=False)  # in no state_dict
    loaders = DataLoaders(train, ArrayLoader(dataset, policy=unchanged(), bs=64))
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat(), cbs=callbacks, **options)


def state(learner: Learner) -> list[torch.Tensor]:
    model = learner.model
    return [value.clone() for value in [*model.parameters(), *model.buffers()]]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(first, second, strict=True))


# ---- against fastai -----------------------------------------------------------------------------


class SeedEachStep(Callback):
    """Gives fastai's loop the random numbers that ours has by key."""

    order = -100

    def before_batch(self) -> None:
        seed_generators(SEED, "rate finder", self.train_iter)


# of fastai, as it loads the weights that it put aside
@pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning")
@pytest.mark.parametrize("callbacks", [[], [MixUp(0.4)]], ids=["plain", "mixup"])
def test_curve_and_choice_are_those_of_fastais_own_finder(
    callbacks: list[Callback], tmp_path: Path
) -> None:
    n_steps, lowest, highest = 100, 1e-7, 10.0
    ours = find_rate(
        make_learner([type(cb)() for cb in callbacks]),
        SETTINGS,
        STEPS,
        seed=SEED,
        n_steps=n_steps,
        lowest=lowest,
        highest=highest,
    )
    adamw = partial(torch.optim.AdamW, betas=(MOMENTUM_HIGH, 0.999), weight_decay=0.0, fused=True)
    theirs = make_learner(
        [SeedEachStep(), *[type(cb)() for cb in callbacks]],
        opt_func=partial(OptimWrapper, opt=adamw),
        path=tmp_path,
    )
    # ours reaches the highest rate in its last step, theirs would in the step after it
    beyond = lowest * (highest / lowest) ** (n_steps / (n_steps - 1))
    with theirs.no_bar():
        suggested = theirs.lr_find(lowest, beyond, num_it=n_steps, show_plot=False)
    assert ours.rates == pytest.approx(np.array(theirs.recorder.lrs), rel=1e-9)
    assert ours.losses == pytest.approx(torch.stack(theirs.recorder.losses).numpy(), rel=1e-4)
    assert ours.choice == pytest.approx(suggested.valley)


@pytest.mark.parametrize("seed", range(20))
def test_middle_of_the_longest_fall_is_where_fastai_puts_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(6, 90))
    losses = np.cumsum(generator.normal(size=n)).round(1)  # rounded: some are equal
    expected, _ = fastai_valley(list(range(n)), losses.tolist(), n)
    assert valley(*longest_fall(losses.tolist())) == expected


# ---- the rule, by hand --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "end", "length"),
    [
        ([], 0, 0),
        ([7.0], 0, 1),
        ([1.0, 2.0, 3.0], 0, 1),  # never falls
        ([4.0, 4.0, 4.0], 0, 1),  # equal is not falling
        ([9.0, 8.0, 7.0, 8.0, 9.0], 2, 3),
        ([9.0, 5.0, 8.0, 4.0, 7.0, 6.0], 5, 4),  # 9, 8, 7, 6
        ([2.0, 1.0, 5.0, 4.0], 1, 2),  # the first of equally long ones
    ],
)
def test_longest_fall_by_hand(values: list[float], end: int, length: int) -> None:
    assert longest_fall(values) == (end, length)


def test_the_valley_is_the_middle_of_the_stretch() -> None:
    assert valley(end=40, length=30) == 25  # from 10 to 40
    assert valley(end=1, length=2) == 0


def test_the_choice_lies_where_the_loss_falls() -> None:
    curve = find_rate(make_learner(), SETTINGS, STEPS, seed=SEED)
    assert curve.choice in curve.rates
    place = curve.rates.tolist().index(curve.choice)
    assert curve.losses[place + 3] < curve.losses[place] < curve.losses[place - 3]
    assert 1e-5 < curve.choice < 1.0


# ---- the sweep ----------------------------------------------------------------------------------


def test_rates_rise_by_equal_factors_from_the_lowest() -> None:
    curve = find_rate(make_learner(), SETTINGS, STEPS, seed=SEED, lowest=1e-4, highest=1e-1)
    assert len(curve.rates) == len(curve.losses) == 100
    assert curve.rates[[0, -1]] == pytest.approx([1e-4, 1e-1])
    assert curve.rates[33] == pytest.approx(1e-3)  # 99 factors for three powers of ten


def test_a_loader_shorter_than_the_sweep_is_gone_through_again() -> None:
    learner = make_learner(n=32)  # two batches
    seen: list[tuple[int, int]] = []

    def forward(learner: Learner) -> Any:
        seen.append((learner.epoch, learner.iter))
        return STEPS.forward(learner)

    find_rate(learner, SETTINGS, Steps(forward, STEPS.loss), seed=SEED, n_steps=25, highest=0.1)
    assert seen == [(step // 2, step % 2) for step in range(25)]


def losses_of(*values: float) -> Steps:
    """Steps whose losses are given; the last one goes on for ever."""
    left = list(values)

    def loss(learner: Learner) -> torch.Tensor:
        value = left.pop(0) if len(left) > 1 else left[0]
        return STEPS.loss(learner) * 0.0 + value

    return Steps(STEPS.forward, loss)


def test_the_sweep_ends_beyond_four_times_the_lowest_loss() -> None:
    falling = [1.0 - 0.01 * step for step in range(60)]
    curve = find_rate(make_learner(), SETTINGS, losses_of(*falling, 1000.0), seed=SEED)
    # the step that blew up is the last, and is still in the curve
    assert len(curve.losses) == 61
    assert curve.losses[-1] > 4 * curve.losses[-2]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_sweep_ends_before_a_loss_that_is_not_finite(value: float) -> None:
    falling = [1.0 - 0.01 * step for step in range(60)]
    curve = find_rate(make_learner(), SETTINGS, losses_of(*falling, value), seed=SEED)
    assert len(curve.rates) == len(curve.losses) == 60
    assert np.isfinite(curve.losses).all()


def test_the_running_mean_starts_without_a_pull_to_nought() -> None:
    curve = find_rate(make_learner(), SETTINGS, losses_of(*np.linspace(3, 1, 50)), seed=SEED)
    assert curve.losses[0] == pytest.approx(3.0)
    # two losses, 3 and 3 - 2/49, with weights 0.98 and 1
    assert curve.losses[1] == pytest.approx(3 - 2 / 49 / 1.98)


@pytest.mark.parametrize(
    "losses", [(float("nan"),), (1.0, 1000.0), (1.0,)], ids=["nan", "blows up at once", "flat"]
)
def test_a_curve_without_a_valley_says_what_to_do(losses: tuple[float, ...]) -> None:
    with pytest.raises(RunError, match=r"found no rate: between 1.0e-07 and .* set learning_rate"):
        find_rate(make_learner(), SETTINGS, losses_of(*losses), seed=SEED)


def test_groups_keep_the_ratio_of_their_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []

    class Watched(torch.optim.AdamW):
        def step(self, closure: Any = None) -> None:
            seen.append((self.param_groups[0]["lr"], self.param_groups[1]["lr"]))

    def body_and_head(learner: Learner, settings: TrainSettings) -> torch.optim.Optimizer:
        first, *others = learner.model.parameters()
        rate = settings.learning_rate
        shares = [{"params": [first], "share": 0.1}, {"params": others, "share": 1.0}]
        return Watched(shares, lr=rate)

    monkeypatch.setattr("common.train.rate_finder.make_optimizer", body_and_head)
    find_rate(make_learner(), SETTINGS, losses_of(*np.linspace(3, 1, 100)), seed=SEED)
    body, head = np.array(seen).T
    assert head[[0, -1]] == pytest.approx([1e-7, 10.0])
    assert body == pytest.approx(head / 10)


def test_too_few_steps_and_unknown_callbacks_are_refused() -> None:
    with pytest.raises(UsageError, match="19 steps are too few"):
        find_rate(make_learner(), SETTINGS, STEPS, seed=SEED, n_steps=19)
    with pytest.raises(UsageError, match="GradientAccumulation"):
        find_rate(make_learner([GradientAccumulation(2)]), SETTINGS, STEPS, seed=SEED)


# ---- what it leaves behind ----------------------------------------------------------------------


@pytest.mark.parametrize("callback", [None, MixUp, BnFreeze], ids=["plain", "mixup", "bn"])
def test_weights_buffers_modes_and_generators_are_as_before(callback: Any) -> None:
    learner = make_learner([callback()] if callback else None)
    learner.model[2].eval()  # one of its own, in a net that trains
    before, loss_func = state(learner), learner.loss_func
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what must not move
    torch.manual_seed(1)
    expected = (random.random(), np.random.rand(), torch.rand(1))  # noqa: NPY002 - the same
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the same
    torch.manual_seed(1)

    moved: list[bool] = []

    def forward(learner: Learner) -> Any:
        learner.model.hidden += 1
        moved.append(not same(before, state(learner)))
        return STEPS.forward(learner)

    find_rate(learner, SETTINGS, Steps(forward, STEPS.loss), seed=SEED)
    assert all(moved)
    assert same(before, state(learner))
    assert [module.training for module in learner.model] == [True, True, False, True, True]
    assert (random.random(), np.random.rand(), torch.rand(1)) == expected  # noqa: NPY002 - the same
    assert all(parameter.grad is None for parameter in learner.model.parameters())
    assert learner.loss_func is loss_func


def test_a_fit_after_the_finder_is_the_fit_without_it() -> None:
    def trained(*, with_finder: bool) -> list[torch.Tensor]:
        learner = make_learner()
        if with_finder:
            find_rate(learner, SETTINGS, STEPS, seed=SEED)
        options: dict[str, Any] = {"validator": None, "seed": SEED}
        fit(learner, SETTINGS, metric=accuracy, steps=STEPS, company=QUIET, **options)
        return state(learner)

    assert same(trained(with_finder=True), trained(with_finder=False))


def test_loaders_that_draw_from_a_stream_serve_the_same_order_afterwards() -> None:
    def orders(*, with_finder: bool) -> list[Any]:
        random.seed(5)
        rows = [(torch.full((36,), float(row % 3)), row % 3) for row in range(48)]
        loaders = DataLoaders.from_dsets(rows, rows, bs=16, num_workers=0)
        net = nn.Sequential(nn.Linear(36, 3))
        learner = Learner(loaders, net, loss_func=CrossEntropyLossFlat())
        if with_finder:
            find_rate(learner, SETTINGS, STEPS, seed=SEED)
        return [targets.tolist() for _ in range(2) for _, targets in loaders.train]

    assert orders(with_finder=True) == orders(with_finder=False)


def test_the_learner_is_put_back_after_an_error_too() -> None:
    learner = make_learner([MixUp(0.4)])
    before, loss_func = state(learner), learner.loss_func
    n_calls = 0

    def forward(learner: Learner) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 7:
            raise RuntimeError("broken")
        return STEPS.forward(learner)

    with pytest.raises(RuntimeError, match="broken"):
        find_rate(learner, SETTINGS, Steps(forward, STEPS.loss), seed=SEED)
    assert same(before, state(learner))
    assert learner.loss_func is loss_func


# ---- files --------------------------------------------------------------------------------------


def test_a_curve_comes_back_from_its_files(tmp_path: Path) -> None:
    curve = find_rate(make_learner(), SETTINGS, STEPS, seed=SEED)
    curve.save(tmp_path)
    again = RateCurve.load(tmp_path)
    assert np.array_equal(again.rates, curve.rates)
    assert np.array_equal(again.losses, curve.losses)
    assert again.choice == curve.choice
    written = json.loads((tmp_path / "rate.json").read_text(encoding="utf-8"))
    assert written == {"rate": curve.choice, "rule": "valley"}
    lines = (tmp_path / "rate_finder.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "rate,loss"
    assert len(lines) == len(curve.rates) + 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rate.json", None, "rate.json is missing"),
        ("rate_finder.csv", None, "rate_finder.csv is missing"),
        ("rate.json", '{"rule": "valley"}', "not what the rate finder wrote"),
        ("rate.json", "[1]", "not what the rate finder wrote"),
        ("rate_finder.csv", "rate,loss\n1e-7,0.5\n1e-6\n", "not what the rate finder wrote"),
        ("rate_finder.csv", "rate,loss\n1e-7,zero\n", "not what the rate finder wrote"),
    ],
)
def test_a_curve_that_was_cut_or_edited_is_refused(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    RateCurve(np.array([0.1, 0.2]), np.array([2.0, 1.0]), 0.1).save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        RateCurve.load(tmp_path)
