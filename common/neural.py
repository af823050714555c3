"""The default way through a fold: loaders → learner → loop → weights on disk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import safetensors.torch
import torch
from fastai.learner import Learner
from safetensors import SafetensorError

from common import files
from common.collect import Predictions
from common.errors import MetricError, RunError, UsageError
from common.pipeline import Context, Pipeline
from common.predict import check_all_served, outputs_to_numpy, predict
from common.randomness import generators_restored, seed_generators
from common.score import align
from common.submit import answers
from common.train import Company, History, Memory, Steps, TrainSettings, fit
from common.train.precision import memory_format
from common.train.ranks import ALONE
from common.train.rate_finder import RATE, RateCurve, find_rate
from common.train.trackers import Tracker, open_tracker
from common.tta import check_allowed, views

WEIGHTS = "weights.safetensors"


@dataclass
class NeuralFold:
    """A net with its pipeline: predicts, and writes its weights."""

    pipeline: Pipeline
    net: torch.nn.Module
    context: Context
    history: History | None = None

    @property
    def left_out(self) -> str:
        """How far the fit came, where the budget ended it early; "" for a whole one."""
        return self.history.left_out if self.history is not None else ""

    def predict(self, items: pd.DataFrame) -> Predictions:
        """The predictions of some items; none of none."""
        collector = self.pipeline.collect(items, self.context)
        if items.empty:
            return collector.finish()
        loader = self.pipeline.test_loader(items, self.context)
        step = self.pipeline.predict_step
        samples = items["sample"].to_numpy()
        return predict(self.net, loader, samples, collector, step, self.context.device)

    def save(self, folder: Path) -> None:
        """Writes the weights, and the history where the net was trained here."""
        files.write_bytes(folder / WEIGHTS, weights_as_bytes(self.net))
        if self.history is not None:
            self.history.save(folder)


def weights_as_bytes(net: torch.nn.Module) -> bytes:
    """A net's weights as a safetensors file; what two names share is written under both."""
    seen: set[int] = set()
    weights: dict[str, torch.Tensor] = {}
    for name, value in net.state_dict().items():
        own = value.contiguous().cpu()
        weights[name] = own.clone() if own.data_ptr() in seen else own
        seen.add(own.data_ptr())
    return safetensors.torch.save(weights)


def fit_neural(
    pipeline: Pipeline, items: pd.DataFrame, fold: int | None, context: Context
) -> NeuralFold:
    """Trains the net of one fold.

    Raises: UsageError where the pipeline's settings are not the loop's.
    """
    settings = pipeline.settings
    if not isinstance(settings, TrainSettings):
        raise UsageError(
            f"{type(settings).__name__} has no settings for the training loop; expected a "
            "subclass of TrainSettings, or a pipeline that answers fit_fold()"
        )
    check_allowed(views(settings.views), pipeline.spec)
    train, valid = (items.iloc[rows] for rows in pipeline.splits(items, fold))
    with generators_restored():
        seed_generators(context.seed, "weights", str(fold))
        learner = pipeline.learner(pipeline.loaders(items, fold, context), context)
    learner.model.to(context.device)
    steps = Steps(pipeline.forward, pipeline.loss)
    if settings.find_rate:
        settings = _with_found_rate(learner, settings, steps, context)
    with _tracked(settings, fold, context) as tracker:
        history = fit(
            learner,
            settings,
            metric=pipeline.spec.metric,
            steps=steps,
            validator=FoldValidator(pipeline, valid, context) if len(valid) else None,
            seed=context.seed,
            company=_company(settings, train, context, tracker),
        )
    return NeuralFold(pipeline, learner.model, context, history)


def _with_found_rate(
    learner: Learner, settings: TrainSettings, steps: Steps, context: Context
) -> TrainSettings:
    """The settings with the rate that the finder chose for this run, found once for all folds."""
    run, ranks = context.session.run, context.session.ranks or ALONE
    choice = 0.0
    if ranks.is_first:  # the others wait for its answer
        if run is not None and (run / RATE).is_file():
            curve = RateCurve.load(run)
        else:
            curve = find_rate(learner, settings, steps, seed=context.seed)
            if run is not None:
                curve.save(run)
        choice = curve.choice
    choice = ranks.share(choice)
    context.session.say(f"learning rate: {choice:.1e}, found")
    return replace(settings, learning_rate=choice)


@contextmanager
def _tracked(settings: TrainSettings, fold: int | None, context: Context) -> Iterator[Tracker]:
    """The tracker that the session asked for, begun and ended."""
    session = context.session
    tracker = open_tracker(session.track, session.run or context.work, session.say)
    tracker.begin(f"fold{'all' if fold is None else fold}", settings.as_dict())
    try:
        yield tracker
    except BaseException:
        tracker.end(failed=True)
        raise
    tracker.end(failed=False)


def _company(
    settings: TrainSettings, train: pd.DataFrame, context: Context, tracker: Tracker
) -> Company:
    """What stands around the fit of a fold."""
    session = context.session
    return Company(
        folder=context.state,
        checkpoint_every=session.checkpoint_every,
        budget=session.budget,
        memory=Memory(session.run, settings.batch_size, context.device, session.say),
        tracker=tracker,
        ranks=session.ranks or ALONE,
        names=train["sample"].tolist(),
        say=session.say,
    )


def load_neural(pipeline: Pipeline, folder: Path, context: Context) -> NeuralFold:
    """The net of a fold from its weights.

    Raises: RunError where the weights are missing, cut, or of another net.
    """
    path = folder / WEIGHTS
    net = pipeline.model(context)
    try:
        net.load_state_dict(safetensors.torch.load(path.read_bytes()))
    except FileNotFoundError:
        raise RunError(f"{path} is missing; train the fold again with --resume") from None
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} does not fit this net ({reason}); it was cut or replaced") from None
    device = torch.device(context.device)
    settings = pipeline.settings
    asked = settings.memory_format if isinstance(settings, TrainSettings) else "contiguous"
    net = net.to(device).to(memory_format=memory_format(asked, device))
    return NeuralFold(pipeline, net.eval(), context)


class FoldValidator:
    """Scores the rows of a fold: the competition's metric, through the submission's own form,
    with the default decision.

    Args:
        valid: the items that the valid loader serves, in its order.
    """

    def __init__(self, pipeline: Pipeline, valid: pd.DataFrame, context: Context) -> None:
        self.pipeline, self.valid, self.context = pipeline, valid, context
        self.samples = valid["sample"].to_numpy()
        solution = pipeline.solution(valid, context).itertuples(index=False, name=None)
        self.truth = answers(pipeline.spec.submission, solution)

    def begin(self) -> None:
        """Forgets what was added."""
        self.collector, self.n_added = self.pipeline.collect(self.valid, self.context), 0

    def add(self, raw: Any) -> int:
        """Takes the net's raw output for a batch; gives its rows."""
        outputs = outputs_to_numpy(self.pipeline.activation(raw))
        names = self.samples[self.n_added : self.n_added + len(outputs)]
        self.collector.add(names, outputs)
        self.n_added += len(outputs)
        return len(outputs)

    def finish(self) -> float:
        """The score of the whole fold."""
        check_all_served(self.n_added, len(self.valid), "the valid loader of loaders()")
        spec = self.pipeline.spec
        rows = self.pipeline.submission(self.valid, self.collector.finish(), {})
        aligned = align(spec, answers(spec.submission, rows), self.truth)
        try:
            return aligned.score(spec.metric)
        except MetricError:  # one class in a small fold, say: nan is shown, and is never the best
            return math.nan
