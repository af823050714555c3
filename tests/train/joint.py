"""Processes that train together: python -m tests.train.joint <what> <folder>.

Without batch norm and without dropout, of which each process has its own, so that the result is
that of one process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from torch import nn

from common.augment import light_geometry, unchanged
from common.cli import expected_errors
from common.data import ArrayDataset, ArrayLoader
from common.errors import DataError
from common.metrics import accuracy
from common.randomness import key
from common.train import Company, Steps, TrainSettings, fit
from common.train.joining import joined
from common.train.ranks import ALONE, Ranks

SEED = 3
BATCH = 16
# rows that train; the last batch then has that many
CASES: dict[str, dict[str, Any]] = {
    "whole": {"n": 64},
    "uneven": {"n": 61, "ema_decay": 0.9},  # 13
    "one-row": {"n": 49, "keep": "best"},  # 1, fewer than there are processes
    "dropped": {"n": 61, "drop_last": True},
    "accumulated": {"n": 56, "accumulate": 2, "clip_norm": 0.5},  # 8
    "items": {"n": 56, "is_fastai": True},
}


class Collected:
    """Keeps what the net gave for the valid rows; the score is the first row's first number."""

    def begin(self) -> None:
        self.parts: list[np.ndarray] = []

    def add(self, raw: torch.Tensor) -> int:
        self.parts.append(np.asarray(raw.detach()))
        return len(raw)

    def finish(self) -> float:
        self.outputs = np.concatenate(self.parts)
        return float(self.outputs[0, 0])


def make_learner(n: int, *, drop_last: bool = False, is_fastai: bool = False) -> Learner:
    generator = np.random.default_rng(SEED)
    images = generator.integers(0, 256, size=(n, 1, 8, 8), dtype=np.uint8)
    labels = generator.integers(0, 3, size=n)
    dataset = ArrayDataset(images, labels, ["a", "b", "c"])
    options = {"bs": BATCH, "shuffle": True, "drop_last": drop_last}
    if is_fastai:
        pairs = [*zip(torch.from_numpy(images / 255.0).float(), torch.tensor(labels), strict=True)]
        train: Any = DataLoader(pairs, **options)
    else:
        train = ArrayLoader(dataset, policy=light_geometry(), seed=SEED, **options)
    torch.manual_seed(SEED)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 3),
    )
    valid = ArrayLoader(dataset, policy=unchanged(), bs=20)
    return Learner(DataLoaders(train, valid), net, loss_func=CrossEntropyLossFlat())


def fit_case(name: str, ranks: Ranks = ALONE) -> dict[str, np.ndarray]:
    """What a fit leaves: weights, losses, and in the first process the outputs of all rows."""
    options = dict(CASES[name])
    made = {part: options.pop(part) for part in ("n", "drop_last", "is_fastai") if part in options}
    learner, validator = make_learner(**made), Collected()
    fixed = {"epochs": 2, "batch_size": BATCH, "learning_rate": 1e-2, "schedule": "constant"}
    history = fit(
        learner,
        TrainSettings(**{**fixed, **options}),
        metric=accuracy,
        steps=steps(),
        validator=validator,
        seed=SEED,
        company=Company(ranks=ranks, say=lambda line: None),
    )
    state = learner.model.state_dict().values()
    left = {
        "weights": torch.cat([value.double().ravel() for value in state]).numpy(),
        "losses": np.array([row["loss"] for row in history.steps]),
        "epochs": np.array([[row["train_loss"], row["valid_loss"]] for row in history.epochs]),
    }
    return {**left, "outputs": validator.outputs} if ranks.is_first else left


def steps(fault: str = "", ranks: Ranks = ALONE) -> Steps:
    """The usual steps, with a fault in the fifth step of the last process."""
    seen = []

    def loss(learner: Learner) -> torch.Tensor:
        seen.append(0)
        if fault and len(seen) == 5 and ranks.rank == ranks.world - 1:
            stumble(fault)
        found: torch.Tensor = learner.loss_func(learner.pred, *learner.yb)
        return found

    return Steps(forward=lambda learner: learner.model(*learner.xb), loss=loss)


def stumble(fault: str) -> None:
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hangs":
        time.sleep(60)
    raise DataError("7.png is cut; expected a picture")


@expected_errors
def main(argv: list[str] | None = None) -> int:
    what, folder = sys.argv[1], Path(sys.argv[2])
    with joined(hang_seconds=3.0 if what == "hangs" else 60.0) as ranks:
        if what == "cases":
            for name in CASES:
                np.savez(folder / f"{name}-{ranks.rank}.npz", **fit_case(name, ranks))
            assert ranks.share(key("word")) == key("word")
        else:
            fit(
                make_learner(64),
                TrainSettings(epochs=2, batch_size=BATCH),
                metric=accuracy,
                steps=steps(what, ranks),
                validator=None,
                seed=SEED,
                company=Company(ranks=ranks),
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
