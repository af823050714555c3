"""A fit that is cut short at any step and resumed equals the whole fit, bit for bit."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.learner import Learner

from common.data import ArrayDataset
from common.data.images import dataset
from common.metrics import accuracy
from common.train import Company, History, Steps, Stopped, TrainSettings, fit
from tests.train.kinds import (
    KINDS,
    N_FILES,
    SEED,
    STEPS,
    Counted,
    mixed_pictures,
    noisy_rows,
    picture_files,
    pictures,
    write_pictures,
)

pytestmark = [
    pytest.mark.slow,
    # fastai's own: tensors of pandas' read-only arrays
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
]


class PowerCut(Exception):
    """What ends a fit here; no part of the loop expects it."""


Make = Callable[[], Learner]
End = Callable[[], None]


def power_cut() -> None:
    raise PowerCut


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


class Session:
    """Fits of one kind with one folder, each ended after some batches."""

    def __init__(self, make: Make, settings: TrainSettings, folder: Path | None) -> None:
        self.make, self.settings = make, settings
        self.company = Company(folder, checkpoint_every=0, say=lambda line: None)

    def fit(self, n_batches: int | None = None, end: End = ctrl_c) -> tuple[Any, ...]:
        """The learner and the history of a fit, which `end` is called for in its n-th batch."""
        learner, seen = self.make(), 0

        def loss(learner: Learner) -> torch.Tensor:
            nonlocal seen
            seen += learner.training
            if seen == n_batches and learner.training:
                end()
            return STEPS.loss(learner)

        history = fit(
            learner,
            self.settings,
            metric=accuracy,
            steps=Steps(STEPS.forward, loss),
            validator=Counted(),
            seed=SEED,
            company=self.company,
        )
        return weights(learner), rows(history)


def weights(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: own.detach().clone() for name, own in learner.model.state_dict().items()}


def rows(history: History) -> Any:
    """All of the history but the seconds."""
    epochs = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    return epochs, history.steps, history.kept_epoch, history.left_out


def assert_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for name, own in one[0].items():
        assert torch.equal(own, other[0][name]), name


def n_batches_of(settings: TrainSettings, make: Make) -> int:
    return len(make().dls.train) * sum(phase.epochs for phase in settings.phases())


def cut_at(n: int, make: Make, settings: TrainSettings, folder: Path, end: End) -> tuple[Any, ...]:
    """A fit that was ended in its n-th batch and resumed."""
    session = Session(make, settings, folder / f"after{n}")
    with pytest.raises((Stopped, PowerCut)):
        session.fit(n, end)
    return session.fit()


PLAIN = TrainSettings(epochs=2, batch_size=8, learning_rate=1e-2, ema_decay=0.99)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short_in_every_batch_in_turn_a_fit_of_any_kind_equals_the_whole_one(
    kind: str, tmp_path: Path
) -> None:
    make = KINDS[kind]
    whole = Session(make, PLAIN, None).fit()
    session = Session(make, PLAIN, tmp_path)
    for _ in range(n_batches_of(PLAIN, make)):
        with pytest.raises(Stopped):
            session.fit(1)
    assert_same(session.fit(), whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", [ctrl_c, power_cut], ids=["ctrl-c", "power-cut"])
def test_a_fit_of_any_kind_that_was_cut_short_equals_the_whole_one(
    kind: str, end: End, tmp_path: Path
) -> None:
    make = KINDS[kind]
    whole = Session(make, PLAIN, None).fit()
    for n in (1, 3, len(make().dls.train), len(make().dls.train) + 2):
        assert_same(cut_at(n, make, PLAIN, tmp_path, end), whole)


SETTINGS: dict[str, dict[str, Any]] = {
    "accumulate": {"accumulate": 2},  # of 7 batches: the last step of an epoch has one
    "phases": {"frozen_epochs": 1, "head_rate": 3e-2, "rate_spread": 10},
    "clipped": {"clip_norm": 0.1},
    "smoothed": {"label_smoothing": 0.1},
    "best": {"keep": "best", "epochs": 3},
    "sizes": {"sizes": "6,8"},
    "bfloat16": {"precision": "bfloat16"},
    "skipping": {"skip_nonfinite": 2},
    "no-average": {"ema_decay": 0.0},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_with_any_setting_a_fit_resumes_from_every_batch(name: str, tmp_path: Path) -> None:
    settings = TrainSettings(**{**PLAIN.as_dict(), **SETTINGS[name]})
    whole = Session(pictures, settings, None).fit()
    for n in range(1, n_batches_of(settings, pictures) + 1):
        assert_same(cut_at(n, pictures, settings, tmp_path, ctrl_c), whole)


def test_with_mixup_a_fit_resumes_from_every_batch(tmp_path: Path) -> None:
    whole = Session(mixed_pictures, PLAIN, None).fit()
    for n in range(1, n_batches_of(PLAIN, mixed_pictures) + 1):
        assert_same(cut_at(n, mixed_pictures, PLAIN, tmp_path, ctrl_c), whole)


def test_what_is_drawn_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    whole = Session(noisy_rows, PLAIN, None).fit()
    workers = partial(noisy_rows, n_workers=2)
    assert_same(Session(workers, PLAIN, None).fit(), whole)
    assert_same(cut_at(3, workers, PLAIN, tmp_path, ctrl_c), whole)


# ---- what resuming costs ------------------------------------------------------------------------


def test_a_stock_loader_reads_no_row_that_a_resumed_epoch_skips(tmp_path: Path) -> None:
    made: list[Learner] = []

    def make() -> Learner:
        made.append(noisy_rows())
        return made[-1]

    settings = TrainSettings(epochs=1, batch_size=8)
    cut_at(4, make, settings, tmp_path, ctrl_c)
    assert [learner.dls.train.dataset.read - 1 for learner in made] == [32, 8]  # one to look at


def test_our_loader_reads_no_row_that_a_resumed_epoch_skips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[int]] = []
    batch = ArrayDataset.batch

    def counted(self: ArrayDataset, positions: np.ndarray) -> tuple[Any, ...]:
        read.append(positions.tolist())
        return batch(self, positions)

    settings = TrainSettings(epochs=1, batch_size=8)
    session = Session(pictures, settings, tmp_path)
    with pytest.raises(Stopped):
        session.fit(5)
    monkeypatch.setattr(ArrayDataset, "batch", counted)
    session.fit()
    trained = [rows for rows in read if len(rows) == 8]
    assert len(trained) == 2  # of 7 batches; the valid rows come 32 at a time


def test_an_image_loader_decodes_no_picture_that_a_resumed_epoch_skips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "files")
    settings = TrainSettings(epochs=1, batch_size=8)
    session = Session(partial(picture_files, tmp_path / "files", None), settings, tmp_path)
    with pytest.raises(Stopped):
        session.fit(9)
    decoded: list[str] = []
    read = dataset.read_image

    def counted(source: Path, *args: Any, **options: Any) -> Any:
        decoded.append(source.name)
        return read(source, *args, **options)

    monkeypatch.setattr(dataset, "read_image", counted)
    session.fit()
    n_valid = 32
    assert len(decoded) == N_FILES - 9 * 8 + n_valid
