"""Lines in a log, bars in a terminal, and durations as people say them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common.train.progress import Progress, duration


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0  # no clock begins at 0

    def __call__(self) -> float:
        return self.now


def walk(progress: Progress, clock: Clock, n: int, seconds: float, **options: Any) -> None:
    """Goes through `n` steps of so many seconds each."""
    given = {"total": n, "name": "epoch 3/12", "epoch": 3, **options}
    for _ in progress.steps(range(n - given.get("first", 0)), **given):
        clock.now += seconds


def in_a_log(clock: Clock, lines: list[str], n_epochs: int = 12, **options: Any) -> Progress:
    return Progress(
        n_epochs, "dice", lines.append, **{"terminal": False, "clock": clock, **options}
    )


# ---- lines of a log -----------------------------------------------------------------------------


def test_a_long_epoch_says_every_three_minutes_how_far_it_is() -> None:
    lines: list[str] = []
    clock = Clock()
    # 1,000 steps of 0.9 s are 15 min: due are 3, 6, 9 and 12 min, and nothing at the very end
    walk(in_a_log(clock, lines), clock, 1000, 0.9, loss=lambda: 0.43125)
    assert lines == [
        # 12 min of this epoch are left, and 9 epochs of 15 min: 147 min
        "epoch 3/12  20%  step 200/1,000  loss 0.4313  epoch ends in 12 min, fit in 2 h 27 min",
        "epoch 3/12  40%  step 400/1,000  loss 0.4313  epoch ends in 9 min, fit in 2 h 24 min",
        "epoch 3/12  60%  step 600/1,000  loss 0.4313  epoch ends in 6 min, fit in 2 h 21 min",
        "epoch 3/12  80%  step 800/1,000  loss 0.4313  epoch ends in 3 min, fit in 2 h 18 min",
    ]


def test_the_loss_is_read_only_for_a_line() -> None:
    readings: list[str] = []
    lines: list[str] = []

    def loss() -> float:
        readings.append("read")
        return 0.5

    clock = Clock()
    walk(in_a_log(clock, lines), clock, 1000, 0.5, loss=loss)  # 500 s: lines at 180 and 360
    assert len(readings) == len(lines) == 2


def test_short_passes_say_nothing_and_their_time_adds_up() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = in_a_log(clock, lines)
    walk(progress, clock, 10, 10, epoch=1)  # 100 s
    assert lines == []
    walk(progress, clock, 10, 10, name="validation", epoch=None)  # 180 s are over in step 8
    assert lines == ["validation  80%  step 8/10  ends in 20 s"]


def test_the_line_of_an_epoch_begins_the_three_minutes_anew() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = in_a_log(clock, lines)
    for epoch in (1, 2, 3):
        walk(progress, clock, 10, 17, epoch=epoch)  # 170 s each
        progress.epoch_line({"epoch": epoch, "train_loss": 1, "lr": 1e-3, "seconds": 170}, False)
    assert lines == []


def test_validation_counts_for_the_ends() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = in_a_log(clock, lines, n_epochs=3)
    walk(progress, clock, 10, 6, epoch=1)  # 1 min of steps, 9 min of validation
    progress.epoch_line({"epoch": 1, "train_loss": 1.0, "lr": 1e-3, "seconds": 600.0}, False)
    walk(progress, clock, 4, 200, epoch=2)
    # after 200 s: 10 min of steps and 9 of validation, then an epoch of 800 s and 9 min
    assert lines[0].endswith("epoch ends in 19 min, fit in 41 min")


def test_the_last_epoch_names_no_other_end() -> None:
    lines: list[str] = []
    clock = Clock()
    walk(in_a_log(clock, lines), clock, 10, 30, epoch=12)
    assert lines == ["epoch 3/12  60%  step 6/10  epoch ends in 2 min"]


def test_steps_of_an_earlier_process_count_as_done_but_not_as_time() -> None:
    lines: list[str] = []
    clock = Clock()
    walk(in_a_log(clock, lines, n_epochs=3), clock, 100, 60, first=90)
    assert lines[0] == "epoch 3/12  93%  step 93/100  epoch ends in 7 min"


def test_a_pass_of_unknown_length_is_walked_all_the_same() -> None:
    lines: list[str] = []
    clock = Clock()
    assert len(list(in_a_log(clock, lines).steps(range(5), 0, "rows"))) == 5
    assert lines == []


def test_batches_are_taken_one_at_a_time() -> None:
    taken: list[int] = []

    def loader() -> Iterator[int]:
        for number in range(5):
            taken.append(number)
            yield number

    for batch in in_a_log(Clock(), []).steps(loader(), 5, "epoch 1/1"):
        assert taken[-1] == batch
        if batch == 2:
            break
    assert taken == [0, 1, 2]


# ---- the line of an epoch -----------------------------------------------------------------------

ROW = {"train_loss": 0.41244, "valid_loss": 0.5, "dice": 0.871, "lr": 3e-4}


@pytest.mark.parametrize(
    ("epoch", "seconds", "star", "expected"),
    [
        (
            3,
            410.0,
            True,  # nine epochs of 410 s are 61.5 min
            "epoch  3/12  train_loss 0.4124  valid_loss 0.5000  dice 0.8710*  lr 3.0e-04  410.0 s"
            "  1 h 2 min left",
        ),
        (
            10,
            41.0,
            False,
            "epoch 10/12  train_loss 0.4124  valid_loss 0.5000  dice 0.8710   lr 3.0e-04  41.0 s"
            "  82 s left",
        ),
        (
            11,  # what is left is as long as what was just seen
            41.0,
            False,
            "epoch 11/12  train_loss 0.4124  valid_loss 0.5000  dice 0.8710   lr 3.0e-04  41.0 s",
        ),
        (
            2,  # short epochs
            4.2,
            False,
            "epoch  2/12  train_loss 0.4124  valid_loss 0.5000  dice 0.8710   lr 3.0e-04  4.2 s",
        ),
    ],
)
def test_an_epoch_is_one_line(epoch: int, seconds: float, star: bool, expected: str) -> None:
    progress = in_a_log(Clock(), [])
    assert progress.epoch_line({"epoch": epoch, **ROW, "seconds": seconds}, star) == expected


def test_an_epoch_without_a_fold_held_out_shows_what_there_is() -> None:
    row = {"epoch": 1, "train_loss": 2.0, "lr": 0.1, "seconds": 1.0}
    line = in_a_log(Clock(), [], n_epochs=1).epoch_line(row, False)
    assert line == "epoch  1/1  train_loss 2.0000  lr 1.0e-01  1.0 s"


# ---- a terminal ---------------------------------------------------------------------------------


def test_a_bar_shows_the_loss_and_erases_itself(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    clock = Clock()
    progress = in_a_log(clock, lines, terminal=True)
    walk(progress, clock, 4, 600, loss=lambda: 0.25)
    written = capfd.readouterr().err
    assert "epoch 3/12" in written
    assert "loss 0.2500, fit in 6 h 20 min" in written  # 2 steps are left and 9 epochs of 40 min
    assert written.rstrip(" ").endswith("\r")  # the line is blank again
    assert "\n" not in written
    assert lines == []


def test_the_bar_is_gone_after_a_fit_that_raises(capfd: pytest.CaptureFixture[str]) -> None:
    progress = in_a_log(Clock(), [], terminal=True)
    walking = progress.steps(range(4), 4, "epoch 1/1")  # a traceback keeps it alive
    assert next(walking) == 0
    capfd.readouterr()
    progress.close()
    assert capfd.readouterr().err.endswith("\r")
    progress.close()  # nothing is left to close
    assert capfd.readouterr().err == ""


def test_no_bar_is_made_where_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.train.progress.tqdm", None)  # making one would raise
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert list(Progress(1, "dice", print).steps(range(7), 7, "epoch 1/1")) == [*range(7)]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with pytest.raises(TypeError, match="not callable"):
        list(Progress(1, "dice", print).steps(range(7), 7, "epoch 1/1"))


# ---- durations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (45, "45 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3569, "59 min"),
        (3571, "1 h"),  # never "60 min"
        (4320, "1 h 12 min"),
        (47.99 * 3600, "47 h 59 min"),
        (48 * 3600, "2 d"),
        (51 * 3600, "2 d 3 h"),
    ],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
