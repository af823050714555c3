"""Everything of a fit that a checkpoint holds, and which epoch's weights it ends with."""

from __future__ import annotations

from typing import Any

import torch
from fastai.learner import Learner

from common.errors import RunError
from common.metrics import Metric
from common.train.checkpoint import recurrent_state, restore_recurrent_state
from common.train.ema import WeightAverage
from common.train.history import History
from common.train.settings import TrainSettings
from common.train.stepping import Place, Step


class Fit:
    """The net, its average, its best weights and its history."""

    def __init__(
        self,
        learner: Learner,
        settings: TrainSettings,
        metric: Metric,
        step: Step,
        n_epochs: int,
        seed: int,
    ) -> None:
        self.learner, self.metric, self.keep = learner, metric, settings.keep
        self.step = step
        self.average = step.average = WeightAverage(learner.model, settings.ema_decay)
        self.history = History(metric.name)
        self.recurrent: dict[str, Any] = {}
        self.best: float | None = None
        self.weights: dict[str, torch.Tensor] | None = None
        self.made_for = {
            "settings": settings.as_dict(),
            "seed": seed,
            "epochs": n_epochs,
            "batches": step.n_batches,
        }

    def sees(self, epoch: int, score: float | None) -> bool:
        """Takes an epoch's score; True where it is the best so far. The net holds the weights
        that were validated."""
        is_best = score is not None and self.metric.is_better(score, self.best)
        if is_best:
            self.best = score
        if self.keep == "last" or score is None:
            self.history.kept_epoch = epoch
        elif is_best:
            self.history.kept_epoch = epoch
            state = self.learner.model.state_dict()
            self.weights = {name: value.clone() for name, value in state.items()}
        return is_best

    def end(self) -> None:
        """Leaves the kept weights in the net: the best epoch's, or the average, or the last."""
        self.average.swap()
        if self.weights is not None:
            self.learner.model.load_state_dict(self.weights)
        self.learner.model.eval()

    # ---- a checkpoint ----------------------------------------------------------------------------

    def state(self, place: Place) -> dict[str, Any]:
        """The state at a place, not yet copied."""
        learner = self.learner
        return {
            "made_for": self.made_for,
            "place": (place.epoch, place.batch),
            "model": learner.model.state_dict(),
            "recurrent": recurrent_state(learner.model),
            "average": self.average.state(),
            "step": self.step.state(),
            "best": self.best,
            "weights": self.weights,
            "history": self.history.state(),
            "train_iter": learner.train_iter,
            "pct_train": learner.pct_train,
        }

    def place_of(self, state: dict[str, Any]) -> Place:
        """Where a checkpoint was made.

        Raises: RunError where it belongs to another fit.
        """
        for name, value in self.made_for.items():
            if state["made_for"][name] != value:
                raise RunError(
                    f"the checkpoint was made with {name} {state['made_for'][name]!r}; found "
                    f"{value!r}: resume with the same data and command, or use --overwrite"
                )
        return Place(*state["place"])

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a checkpoint; the phase of its place has been entered."""
        learner = self.learner
        learner.model.load_state_dict(state["model"])
        self.recurrent = state["recurrent"]
        self.average.load(state["average"])
        self.step.load(state["step"])
        self.best, self.weights = state["best"], state["weights"]
        self.history = History.from_state(state["history"])
        learner.train_iter, learner.pct_train = state["train_iter"], state["pct_train"]

    def restore_recurrent(self) -> None:
        """Puts back what a recurrent net carried, after the callbacks have reset it."""
        restore_recurrent_state(self.learner.model, self.recurrent)
        self.recurrent = {}
