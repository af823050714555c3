"""Killed with SIGKILL, three times over, training reaches the bytes of the run that was not.

`python -m tests.kill_sweep --kills 20` does the same at many more moments.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from common.data.images.cache import DecodedCache
from scripts import train
from tests import kill_sweep
from tests.kill_sweep import Digits, Moment, Pictures, Running, differences
from tests.train.kinds import N_FILES, write_pictures

pytestmark = pytest.mark.slow


def after_epochs(number: int) -> Moment:
    """As soon as so many epochs of this process have ended."""
    return Moment("after epochs", lambda running: running.log().count("epoch  ") >= number)


def test_a_run_that_is_killed_three_times_writes_the_same_bytes(
    digits: Path, tmp_path: Path
) -> None:
    victim, whole, own = Digits(digits), tmp_path / "whole", tmp_path / "killed"
    assert train.main(victim.command(whole, resume=False)[1:]) == 0
    kill_sweep.killed_at(kill_sweep.in_checkpoint(0), victim, own)
    kill_sweep.killed_at(kill_sweep.in_validation(1), victim, own, resume=True)
    kill_sweep.killed_at(after_epochs(2), victim, own, resume=True)
    kill_sweep.finish(kill_sweep.start(victim, own, resume=True))
    assert differences(victim.results(whole), victim.results(own)) == []


def n_stored(running: Running) -> int:
    """Pictures in the victim's cache."""
    path = next((running.folder / "cache").glob("[!.]*.raw"), None)
    if path is None:
        return 0
    cache = DecodedCache(path)
    try:
        return cache.n_stored
    finally:
        cache.close()


def test_a_fit_that_is_killed_while_its_cache_fills_ends_with_the_same_weights(
    tmp_path: Path,
) -> None:
    write_pictures(tmp_path / "files")
    victim, whole, own = Pictures(tmp_path / "files"), tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    kill_sweep.train_pictures(victim.files, whole)
    filling = Moment(
        "filling the cache",
        lambda running: n_stored(running) > N_FILES // 3,
        lambda running: n_stored(running) < N_FILES,
    )
    kill_sweep.killed_at(filling, victim, own)
    kill_sweep.finish(kill_sweep.start(victim, own, resume=True))
    assert differences(victim.results(whole), victim.results(own)) == []
