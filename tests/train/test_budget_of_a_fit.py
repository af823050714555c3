"""A fit whose time runs out ends early, says how far it came, and goes on to the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from fastai.learner import Learner

from common.budget import Budget
from common.metrics import accuracy
from common.train import Company, History, Steps, TrainSettings, fit
from tests.train.kinds import SEED, STEPS, Counted, pictures

pytestmark = pytest.mark.slow

SETTINGS = TrainSettings(epochs=3, batch_size=8, ema_decay=0.9)
PER_EPOCH = 7  # batches of `pictures`, a second each; the validation takes two batches


class Seconds:
    """A clock that a batch of training or validation moves by a second."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def our_fit(
    seconds: float | None, folder: Path, settings: TrainSettings = SETTINGS, **options: Any
) -> tuple[Learner, History]:
    """A fit with so many seconds, none of which are kept for afterwards."""
    clock, learner = Seconds(), pictures()
    budget = Budget(None if seconds is None else seconds / 3600, 0.0, clock)
    budget.reserve = lambda: 0.0  # type: ignore[method-assign]

    def loss(learner: Learner) -> torch.Tensor:
        clock.now += 1
        return STEPS.loss(learner)

    company = Company(folder, budget=budget, say=lambda line: None)
    common = {"metric": accuracy, "validator": Counted(), "seed": SEED, **options}
    history = fit(learner, settings, steps=Steps(STEPS.forward, loss), company=company, **common)
    return learner, history


def weights(learner: Learner) -> torch.Tensor:
    return torch.cat([value.double().ravel() for value in learner.model.state_dict().values()])


@pytest.mark.parametrize(
    ("seconds", "left_out"),
    [
        (0, "0 of 3 epochs and 1 of 7 batches were trained"),
        (3, "0 of 3 epochs and 4 of 7 batches were trained"),
        (9, "1 of 3 epochs were trained"),  # 7 batches and 2 of the valid set
        (17, "1 of 3 epochs were trained"),  # the second would end after 18
        (18, "2 of 3 epochs were trained"),
        (27, ""),
    ],
)
def test_a_fit_stops_before_what_it_cannot_finish_and_resumes_to_the_whole_one(
    seconds: float, left_out: str, tmp_path: Path
) -> None:
    whole, _ = our_fit(None, tmp_path / "whole")
    cut, history = our_fit(seconds + 0.5, tmp_path / "cut")
    assert history.left_out == left_out
    assert not cut.model.training
    if left_out:
        cut, history = our_fit(None, tmp_path / "cut")
        assert history.left_out == ""
    assert torch.equal(weights(cut), weights(whole))
    assert [row["epoch"] for row in history.epochs] == [1, 2, 3]


def test_time_that_ends_in_every_session_still_leads_to_the_whole_fit(tmp_path: Path) -> None:
    whole, _ = our_fit(None, tmp_path / "whole")
    for _ in range(3 * PER_EPOCH + 3):  # a batch each, and a validation
        cut, history = our_fit(0.5, tmp_path / "cut")
        if not history.left_out:
            break
    assert history.left_out == ""
    assert torch.equal(weights(cut), weights(whole))


def test_of_a_fit_that_is_cut_short_the_best_epoch_is_kept_where_asked(tmp_path: Path) -> None:
    settings = TrainSettings(**{**SETTINGS.as_dict(), "keep": "best"})
    scores = iter([0.9, 0.1])

    class Falling(Counted):
        def finish(self) -> float:
            return next(scores)

    best, history = our_fit(20.5, tmp_path / "cut", settings, validator=Falling())
    assert (history.kept_epoch, history.left_out) == (1, "2 of 3 epochs were trained")
    one, _ = our_fit(9.5, tmp_path / "one", settings)
    assert torch.equal(weights(best), weights(one))
