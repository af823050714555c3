"""What goes wrong in the data, the maths, the memory, the workers or on the disk is one line, and
the last good checkpoint is there."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from torch import nn

from common.errors import DataError, RunError
from common.metrics import accuracy
from common.train import Company, History, Memory, Stopped, TrainSettings, fit, workers
from tests.train.kinds import SEED, STEPS

pytestmark = pytest.mark.slow

N, BAD = 40, 13
SETTINGS = TrainSettings(epochs=2, batch_size=8, learning_rate=1e-2)
Item = tuple[torch.Tensor, torch.Tensor]


class Rows:
    """Rows of two numbers; `spoil` may change one."""

    def __init__(self, spoil: Callable[[int, torch.Tensor], torch.Tensor]) -> None:
        self.spoil = spoil
        self.values = torch.from_numpy(np.random.default_rng(SEED).normal(size=(N, 2))).float()

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> Item:
        return self.spoil(row, self.values[row]), torch.tensor(row % 3)


def whole(row: int, values: torch.Tensor) -> torch.Tensor:
    return values


def one_nan(row: int, values: torch.Tensor) -> torch.Tensor:
    return values * float("nan") if row == BAD else values


def learner_of(
    spoil: Callable[[int, torch.Tensor], torch.Tensor] = whole,
    *,
    net: nn.Module | None = None,
    shuffle: bool = False,
    n_workers: int = 0,
    timeout: float = 0,
) -> Learner:
    loader = TfmdDL(Rows(spoil), bs=8, shuffle=shuffle, num_workers=n_workers, timeout=timeout)
    torch.manual_seed(SEED)
    net = net or nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))
    loaders = DataLoaders(loader, TfmdDL(Rows(whole), bs=8, num_workers=0))
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat())


def our_fit(learner: Learner, settings: TrainSettings = SETTINGS, **company: Any) -> History:
    company = {"say": lambda line: None, "names": [f"s{row}" for row in range(N)], **company}
    return fit(
        learner,
        settings,
        metric=accuracy,
        steps=STEPS,
        validator=None,
        seed=SEED,
        company=Company(**company),
    )


def weights(learner: Learner) -> torch.Tensor:
    return torch.cat([value.double().ravel() for value in learner.model.state_dict().values()])


def changed(settings: TrainSettings, **values: Any) -> TrainSettings:
    return type(settings)(**{**settings.as_dict(), **values})


# ---- losses that are not finite -----------------------------------------------------------------


def test_a_loss_that_is_not_finite_names_its_samples_and_leaves_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    with pytest.raises(RunError, match=r"nan in epoch 1, batch 1.*\(s8, s9, .*s15\).*checkpoint"):
        our_fit(learner_of(one_nan), folder=tmp_path, checkpoint_every=0)
    learner = learner_of(whole)
    lines: list[str] = []
    our_fit(learner, folder=tmp_path, say=lines.append)  # the row was mended
    assert "goes on in epoch 1, of which 1 of 5 batches are done" in lines[0]
    expected = learner_of(whole)
    our_fit(expected)
    assert torch.equal(weights(learner), weights(expected))


def batch_normed() -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def test_steps_that_are_left_out_touch_neither_weights_nor_running_means() -> None:
    lines: list[str] = []
    learner = learner_of(one_nan, net=batch_normed())
    settings = changed(SETTINGS, skip_nonfinite=2)
    history = our_fit(learner, settings, say=lines.append)
    assert [("left out" in line, "s13" in line) for line in lines].count((True, True)) == 2
    assert bool(torch.isfinite(weights(learner)).all())
    assert int(learner.model[1].num_batches_tracked) == 2 * 4  # of 5 batches each epoch
    assert np.isfinite(history.epochs[0]["train_loss"])
    with pytest.raises(RunError, match=r"in epoch 2, batch 1.*s13"):
        our_fit(learner_of(one_nan, net=batch_normed()), changed(SETTINGS, skip_nonfinite=1))


def test_the_steps_that_were_left_out_are_counted_across_a_resume(tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if "left out" in line:
            signal.raise_signal(signal.SIGINT)

    settings = changed(SETTINGS, skip_nonfinite=1)
    with pytest.raises(Stopped):
        our_fit(learner_of(one_nan), settings, folder=tmp_path, say=stop)
    with pytest.raises(RunError, match="in epoch 2, batch 1"):
        our_fit(learner_of(one_nan), settings, folder=tmp_path)


# ---- memory -------------------------------------------------------------------------------------


class Narrow(nn.Module):
    """A net with room for some rows only."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.seen = room, []
        torch.manual_seed(SEED)
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))

    seen: list[int]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if len(rows) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(rows)} rows\nand more lines")
        self.seen.append(len(rows))
        out: torch.Tensor = self.layers(rows)
        return out


def test_without_room_a_batch_is_taken_in_parts_with_the_same_result(tmp_path: Path) -> None:
    lines: list[str] = []
    narrow, roomy = learner_of(net=Narrow(3)), learner_of(net=Narrow(8))
    our_fit(narrow, memory=Memory(tmp_path, 8, "cpu", lines.append))
    our_fit(roomy)
    assert max(narrow.model.seen) == 2  # 8 rows in 4 parts
    np.testing.assert_allclose(weights(narrow), weights(roomy), rtol=0, atol=1e-6)
    assert [line.split(";")[0] for line in lines] == [
        "out of memory with 8 rows at once",
        "out of memory with 4 rows at once",
    ]


def test_the_size_that_fits_is_remembered_for_the_next_fold(tmp_path: Path) -> None:
    our_fit(learner_of(net=Narrow(4)), memory=Memory(tmp_path, 8, "cpu", lambda line: None))
    lines: list[str] = []
    our_fit(learner_of(net=Narrow(4)), memory=Memory(tmp_path, 8, "cpu", lines.append))
    assert lines == []
    our_fit(learner_of(net=Narrow(4)), memory=Memory(tmp_path, 8, "cuda:0", lines.append))
    assert len(lines) == 1  # another device knows nothing yet


def test_a_net_without_room_for_one_row_is_told_in_one_line() -> None:
    with pytest.raises(RunError, match=r"one row at a time does not fit.*no room for 1 rows\)"):
        our_fit(learner_of(net=Narrow(0)))


# ---- workers ------------------------------------------------------------------------------------


def dies(row: int, values: torch.Tensor) -> torch.Tensor:
    if row == BAD:
        os._exit(9)
    return values


def hangs(row: int, values: torch.Tensor) -> torch.Tensor:
    if row == BAD:
        time.sleep(4)
    return values


def refuses(row: int, values: torch.Tensor) -> torch.Tensor:
    if row == BAD:
        raise DataError(f"row {row} is cut; fetch it again")
    return values


@pytest.mark.parametrize("n_workers", [0, 2])
def test_what_a_worker_refuses_is_told_as_without_workers(n_workers: int) -> None:
    with pytest.raises(DataError) as caught:
        our_fit(learner_of(refuses, n_workers=n_workers))
    assert str(caught.value) == "row 13 is cut; fetch it again"


def test_a_worker_that_dies_is_told_in_one_line() -> None:
    with pytest.raises(RunError, match=r"a loader's worker died: .*exited unexpectedly") as caught:
        our_fit(learner_of(dies, n_workers=2))
    assert "of epoch 1 (s" in str(caught.value)


def test_a_worker_that_hangs_is_told_with_what_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 1.0)
    learner = learner_of(hangs, n_workers=2)
    with pytest.raises(RunError, match=r"worker hangs: .* 1.0 seconds for batch 1 .*\(s8, s9"):
        our_fit(learner)
    assert learner.dls.train.fake_l.timeout == 0


def test_a_loaders_own_time_limit_holds() -> None:
    with pytest.raises(RunError, match=r"after 1 seconds"):
        our_fit(learner_of(hangs, n_workers=2, timeout=1))


# ---- the disk -----------------------------------------------------------------------------------


@contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_good_checkpoint_and_the_fit_resumes(tmp_path: Path) -> None:
    expected = learner_of()
    our_fit(expected)

    def stop(line: str) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):  # after the first epoch's line
        our_fit(learner_of(), folder=tmp_path, say=stop)
    before = (tmp_path / "resume.pt").read_bytes()
    with pytest.raises(OSError, match="too large"), room_for(1000):
        our_fit(learner_of(), folder=tmp_path, checkpoint_every=0)
    assert [path.name for path in tmp_path.iterdir()] == ["resume.pt"]
    assert (tmp_path / "resume.pt").read_bytes() == before
    learner = learner_of()
    our_fit(learner, folder=tmp_path)
    assert torch.equal(weights(learner), weights(expected))
