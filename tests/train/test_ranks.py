"""Several processes train one net as one process does, and end together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from common.errors import RunError, UsageError
from common.train.feeding import Feed
from common.train.gathering import check_rows
from common.train.joining import joined
from common.train.ranks import ALONE, Ranks
from tests.processes import ended, start_together
from tests.train.joint import BATCH, CASES, fit_case, make_learner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left of every case."""
    folder = tmp_path_factory.mktemp("together")
    for code, _, errors in ended(start_together(2, "tests.train.joint", "cases", str(folder))):
        assert code == 0, errors
    return folder


@pytest.mark.parametrize("name", CASES)
def test_two_processes_give_what_one_gives(name: str, together: Path) -> None:
    alone = fit_case(name)
    first, second = (np.load(together / f"{name}-{rank}.npz") for rank in (0, 1))
    assert np.array_equal(first["weights"], second["weights"])
    for part, expected in alone.items():
        assert first[part] == pytest.approx(expected, abs=1e-5), part


GONE = "process 1 of 2: error: another process of this training has ended or does not answer"


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [("killed", -9, ""), ("raises", 2, "process 2 of 2: error: 7.png is cut; expected a picture")],
)
def test_a_process_that_fails_says_why_and_ends_the_others(
    fault: str, code: int, line: str
) -> None:
    first, last = ended(start_together(2, "tests.train.joint", fault, ""))
    assert last[0] == code
    assert last[2].strip() == line
    assert first[0] == 2
    assert first[2].splitlines()[-1].startswith(GONE)


def test_a_process_that_hangs_ends_the_others() -> None:
    first, hanging = start_together(2, "tests.train.joint", "hangs", "")
    try:
        code, _, errors = ended([first])[0]
    finally:
        hanging.kill()
        hanging.communicate()
    assert code == 2
    assert errors.splitlines()[-1].startswith(GONE)


# ---- what each process reads --------------------------------------------------------------------


@pytest.mark.parametrize("n", [64, 61, 49, 1])
@pytest.mark.parametrize("world", [2, 3])
def test_each_row_of_a_batch_is_read_by_one_process(n: int, world: int) -> None:
    served: list[list[int]] = []
    for rank in range(world):
        loader = make_learner(n).dls.valid
        feed = Feed(loader, seed=0, epoch=0, ranks=Ranks(rank, world))
        batches = list(feed)
        served.append([len(batch[0]) if batch is not None else 0 for batch in batches])
        assert [len(feed.rows_of(k)) for k in range(len(batches))] == served[-1]
        assert loader.bs == 20
    sizes = np.sum(served, axis=0)
    assert sizes.tolist() == [len(feed.whole_rows_of(k)) for k in range(len(sizes))]
    assert sizes.sum() == n
    assert (np.max(served, axis=0) - np.min(served, axis=0)).max() <= 1


def test_the_processes_read_what_one_reads_in_its_batches() -> None:
    def rows(ranks: Ranks) -> list[list[int]]:
        feed = Feed(make_learner(61).dls.train, seed=5, epoch=2, first=1, ranks=ranks)
        return [feed.rows_of(position) for position, _ in enumerate(feed, start=1)]

    parts = zip(rows(Ranks(0, 2)), rows(Ranks(1, 2)), strict=True)
    assert [[*first, *second] for first, second in parts] == rows(ALONE)


def test_rows_that_are_missing_or_come_twice_are_refused() -> None:
    check_rows([4, 2, 3], [4, 2, 3])
    with pytest.raises(RunError, match="1 of 3 are missing, 1 came twice"):
        check_rows([4, 2, 2], [4, 2, 3])
    with pytest.raises(RunError, match="0 of 3 are missing, 1 came twice"):
        check_rows([4, 2, 3, 3], [4, 2, 3])


def test_batches_that_cannot_be_shared_are_refused() -> None:
    loader = make_learner(64).dls.train
    Ranks(0, 2).check_batches(loader)
    with pytest.raises(UsageError, match=r"batch_size is 16, which 3 processes .* such as 15"):
        Ranks(0, 3).check_batches(loader)
    loader.seq_len = 72
    with pytest.raises(UsageError, match="go on from batch to batch"):
        Ranks(0, 2).check_batches(loader)
    ALONE.check_batches(loader)


# ---- one process --------------------------------------------------------------------------------


def test_one_process_sends_no_message() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    assert float(ALONE.sum_gradients([parameter], torch.tensor(2.0))) == 2.0
    assert parameter.grad is None
    assert ALONE.agree(True, False) == (True, False)
    assert ALONE.share("word") == "word"
    assert ALONE.gather(BATCH) == [BATCH]
    with ALONE.in_turn():
        ALONE.wait()


def test_a_launcher_that_started_one_process_of_two_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("common.paths.processes_asked_for", lambda: 2)
    with pytest.raises(UsageError, match=r"asked for 2 processes and started 1"), joined():
        pass
    monkeypatch.setattr("common.paths.processes_asked_for", lambda: 0)
    with joined() as ranks:
        assert ranks == ALONE
