"""The loop's options, each against what it promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from fastai.callback.mixup import MixUp
from fastai.losses import MSELossFlat
from torch import nn

from common.errors import SettingsError, UsageError
from common.train import Phase, Steps, TrainSettings
from common.train.ema import WeightAverage
from common.train.optimizer import make_optimizer
from common.train.precision import Precision, best_precision
from tests.train.nets import STEPS, body_and_head, our_fit, picture_learner, weights

pytestmark = pytest.mark.slow

CONSTANT: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 1e-2,
    "schedule": "constant",
}


def test_two_half_batches_make_the_step_of_a_whole_one() -> None:
    whole, halves = picture_learner(norm=False, bs=16), picture_learner(norm=False, bs=8)
    our_fit(whole, TrainSettings(**CONSTANT))
    history = our_fit(halves, TrainSettings(**CONSTANT, accumulate=2))
    # nine batches of eight make four steps of two and one of one, where the whole one drops it
    assert len(history.steps) == 2 * 5
    one_epoch = {**CONSTANT, "epochs": 1}
    whole, halves = picture_learner(norm=False, bs=24), picture_learner(norm=False, bs=12)
    our_fit(whole, TrainSettings(**one_epoch))
    our_fit(halves, TrainSettings(**one_epoch, accumulate=2))
    torch.testing.assert_close(weights(halves), weights(whole), rtol=1e-4, atol=1e-6)


def test_frozen_epochs_train_the_head_and_the_norms_alone() -> None:
    learner = picture_learner()
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    seen: list[dict[str, torch.Tensor]] = []

    def after_epoch(_: str) -> None:
        seen.append({name: value.clone() for name, value in learner.model.state_dict().items()})

    our_fit(
        learner,
        TrainSettings(**{**CONSTANT, "epochs": 1}, frozen_epochs=1),
        company={"say": after_epoch},
    )
    changed = {name for name, value in seen[0].items() if not torch.equal(value, before[name])}
    assert {"6.weight", "6.bias", "1.weight", "1.bias"} <= changed
    assert not {"0.weight", "0.bias"} & changed
    assert not torch.equal(seen[1]["0.weight"], before["0.weight"])


def test_what_the_pipeline_froze_stays_frozen_in_every_phase() -> None:
    learner = picture_learner()
    learner.model[0].weight.requires_grad_(False)
    before = learner.model[0].weight.clone()
    our_fit(learner, TrainSettings(**{**CONSTANT, "epochs": 1}, frozen_epochs=1))
    assert torch.equal(learner.model[0].weight, before)


def test_frozen_epochs_of_a_learner_with_one_group_are_refused() -> None:
    learner = picture_learner(splitter=lambda net: [list(net.parameters())])
    with pytest.raises(UsageError, match="1 of 1 parameter groups"):
        our_fit(learner, TrainSettings(**CONSTANT, frozen_epochs=1))


def test_rates_of_three_groups_lie_on_a_geometric_line() -> None:
    learner = picture_learner(
        splitter=lambda net: [[*net[0].parameters()], *body_and_head(net[1:])]
    )
    optimizer = make_optimizer(learner, TrainSettings(), Phase(1, 1e-3, rate_spread=100.0))
    shares = {
        id(parameter): group["share"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    net = learner.model
    assert shares[id(net[0].weight)] == shares[id(net[0].bias)] == pytest.approx(0.01)
    assert shares[id(net[1].weight)] == pytest.approx(0.1)
    assert shares[id(net[6].weight)] == 1.0


def test_a_fit_has_a_warm_up_for_each_phase() -> None:
    settings = TrainSettings(epochs=2, frozen_epochs=2, learning_rate=1e-2, head_rate=1e-1)
    history = our_fit(picture_learner(), settings)
    rates = [row["lr"] for row in history.steps]
    assert max(rates[:8]) == pytest.approx(1e-1)
    assert max(rates[8:]) == pytest.approx(1e-2)
    assert rates[8] == pytest.approx(1e-2 / 25)


def test_the_average_of_weights_by_hand() -> None:
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
        average = WeightAverage(net, 0.5)
        for value, expected in ((1.0, 0.9), (1.0, 0.9818), (0.0, 0.2454)):
            # decays: 1/10, 2/11, 3/12; all below 0.5
            net.weight.fill_(value)
            average.update()
            with average.applied():
                assert float(net.weight) == pytest.approx(expected, abs=1e-4)
            assert float(net.weight) == value


def test_the_net_ends_with_the_average_and_validates_with_it() -> None:
    plain, averaged = picture_learner(), picture_learner()
    our_fit(plain, TrainSettings(**CONSTANT))
    our_fit(averaged, TrainSettings(**CONSTANT, ema_decay=0.9))
    assert not torch.equal(weights(plain), weights(averaged))
    nothing_kept = picture_learner()
    # a decay of almost nothing is the last weights
    our_fit(nothing_kept, TrainSettings(**CONSTANT, ema_decay=1e-12))
    torch.testing.assert_close(weights(nothing_kept), weights(plain))


def test_smoothed_labels_raise_the_training_loss_alone() -> None:
    losses: dict[float, list[float]] = {}
    for amount in (0.0, 0.3):
        learner = picture_learner(norm=False)
        history = our_fit(learner, TrainSettings(**CONSTANT, label_smoothing=amount))
        losses[amount] = [row["loss"] for row in history.steps]
        assert learner.loss_func.func.label_smoothing == 0.0  # as it was
    # the first step's net is the same: its smoothed loss mixes in the mean over all classes
    learner = picture_learner(norm=False)
    learner.dls.train.set_epoch(0)
    images, targets = (part.as_subclass(torch.Tensor) for part in next(iter(learner.dls.train)))
    shares = learner.model(images).log_softmax(1)
    by_hand = -0.7 * shares[range(16), targets].mean() - 0.3 * shares.mean()
    assert losses[0.3][0] == pytest.approx(float(by_hand.detach()), abs=1e-5)
    assert losses[0.0][0] != losses[0.3][0]


def test_smoothing_works_with_mixup_and_is_refused_without_a_cross_entropy() -> None:
    our_fit(picture_learner([MixUp(0.4)]), TrainSettings(**CONSTANT, label_smoothing=0.1))
    learner = picture_learner(loss_func=MSELossFlat())
    steps = Steps(STEPS.forward, lambda own: own.loss_func(own.pred.mean(1), own.yb[0].float()))
    with pytest.raises(UsageError, match="has no label smoothing"):
        our_fit(learner, TrainSettings(**CONSTANT, label_smoothing=0.1), steps=steps)


def test_a_clipped_step_is_no_longer_than_asked() -> None:
    norms: list[float] = []

    class Watched(torch.optim.AdamW):
        def step(self, closure: Any = None) -> None:
            own = [p.grad.norm() for group in self.param_groups for p in group["params"]]
            norms.append(float(torch.stack(own).norm()))
            super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.train.optimizer.torch.optim.AdamW", Watched)
        our_fit(picture_learner(), TrainSettings(**CONSTANT, clip_norm=0.05))
    assert norms
    assert max(norms) <= 0.05 * 1.001


def test_bfloat16_computes_in_it_and_keeps_float32_weights() -> None:
    learner, seen = picture_learner(), set()
    learner.model[0].register_forward_hook(lambda module, x, y: seen.add(y.dtype))
    preds: set[torch.dtype] = set()

    def loss(own: Any) -> torch.Tensor:
        preds.add(own.pred.dtype)
        return STEPS.loss(own)

    settings = TrainSettings(**CONSTANT, precision="bfloat16")
    our_fit(learner, settings, steps=Steps(STEPS.forward, loss))
    assert seen == {torch.bfloat16}
    assert preds == {torch.float32}
    assert {p.dtype for p in learner.model.parameters()} == {torch.float32}


def test_a_cpu_computes_in_float32_unless_told_otherwise() -> None:
    assert best_precision(torch.device("cpu")) == "float32"
    assert Precision("auto", torch.device("cpu")).dtype is None


@pytest.mark.parametrize(
    ("capability", "has_bf16", "expected"),
    [((6, 0), False, "float32"), ((7, 5), False, "float16"), ((8, 0), True, "bfloat16")],
    ids=["P100", "T4", "A100"],
)
def test_precision_is_chosen_by_the_device(
    capability: tuple[int, int], has_bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: has_bf16)
    assert best_precision(torch.device("cuda")) == expected


def test_pictures_reach_the_net_channels_last_where_asked() -> None:
    learner, seen = picture_learner(), set()

    def look(module: Any, inputs: Any, output: Any) -> None:
        seen.add(output.is_contiguous(memory_format=torch.channels_last))

    learner.model[0].register_forward_hook(look)
    our_fit(learner, TrainSettings(**CONSTANT, memory_format="channels_last"))
    assert seen == {True}


def test_sizes_grow_over_the_epochs() -> None:
    learner, seen = picture_learner(), []
    learner.model[0].register_forward_pre_hook(lambda module, x: seen.append(x[0].shape[-1]))
    our_fit(learner, TrainSettings(**{**CONSTANT, "epochs": 3}, sizes="4,6,8"))
    assert seen == [4] * 4 + [6] * 4 + [8] * 4


def test_the_net_is_compiled_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: called.append(self))
    learner = picture_learner()
    our_fit(learner, TrainSettings(**CONSTANT, compile=True))
    assert called == [learner.model]


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulate": 0},
        {"ema_decay": 1.0},
        {"label_smoothing": -0.1},
        {"momentum": 1.0},
        {"momentum": 0.05},
        {"precision": "fp16"},
        {"rate_spread": 0.5},
        {"sizes": "64,big"},
        {"clip_norm": -1.0},
        {"memory_format": "nhwc"},
    ],
    ids=str,
)
def test_settings_out_of_their_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(changes))):
        TrainSettings(**changes)
