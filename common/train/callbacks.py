"""The fastai callbacks that our loop runs, those that it passes over, and no others."""

from __future__ import annotations

from typing import Any

import torch
from fastai.callback.core import Callback, TrainEvalCallback
from fastai.callback.mixup import CutMix, MixUp
from fastai.callback.progress import CSVLogger, ProgressCallback, ShowGraphCallback
from fastai.callback.rnn import ModelResetter, RNNCallback, RNNRegularizer
from fastai.callback.training import BnFreeze
from fastai.learner import CastToTensor, Learner, Recorder

from common.errors import UsageError

# They carry training logic, and the loop calls them at fastai's own event points.
RUN = (ModelResetter, RNNCallback, RNNRegularizer, MixUp, CutMix, BnFreeze, CastToTensor)
# The loop does their work itself (train and eval mode, the record), or they only display.
PASSED_OVER = (TrainEvalCallback, Recorder, ProgressCallback, ShowGraphCallback, CSVLogger)


def allowed_callbacks(learner: Learner) -> list[Callback]:
    """The callbacks that the loop runs, in fastai's order.

    Raises: UsageError for a callback that it neither runs nor may pass over: none is ignored.
    """
    running: list[Any] = []
    for callback in learner.cbs.sorted("order"):
        if isinstance(callback, RUN):
            running.append(callback)
        elif not isinstance(callback, PASSED_OVER):
            known = ", ".join(kind.__name__ for kind in RUN)
            raise UsageError(
                f"the training loop does not run {type(callback).__name__}; it runs {known}: take "
                "it out of learner(), or use a setting of the loop in its place"
            )
    return running


class Events:
    """Calls the Learner's callbacks at fastai's event points and keeps the state they read."""

    def __init__(self, learner: Learner, n_epochs: int) -> None:
        self.learner, self.callbacks = learner, allowed_callbacks(learner)
        self.answering: dict[str, list[Callback]] = {}  # most callbacks answer to few events
        self.n_steps = n_epochs * len(learner.dls.train)
        learner.n_epoch, learner.train_iter, learner.pct_train = n_epochs, 0, 0.0
        if hasattr(learner.model, "reset"):
            learner.model.reset()

    def __call__(self, event: str) -> None:
        callbacks = self.answering.get(event)
        if callbacks is None:
            callbacks = [callback for callback in self.callbacks if _answers(callback, event)]
            self.answering[event] = callbacks
        for callback in callbacks:
            if event == "before_batch" and type(callback) is CastToTensor and self._is_plain():
                continue
            callback(event)

    def _is_plain(self) -> bool:
        """True where CastToTensor, which every Learner has, would find nothing to do."""
        return all(type(part) is torch.Tensor for part in (*self.learner.xb, *self.learner.yb))

    def advance(self) -> None:
        """Counts a training step."""
        self.learner.train_iter += 1
        self.learner.pct_train += 1.0 / self.n_steps


def _answers(callback: Callback, event: str) -> bool:
    """False where fastai's call of an event would look for a method and find none."""
    own = vars(callback).get(event) or getattr(type(callback), event, None)
    return own is not None or event == "after_fit"  # at which fastai resets every callback
