"""Kills training at many moments, resumes it, and compares what comes out with a whole run.

    python -m tests.kill_sweep --kills 20

A victim trains in a process group of its own, which gets SIGKILL; then the same command with
--resume runs to its end. Weights and predictions must be the bytes of the run that nobody killed.
The moments are uniform over the wall time of the whole run, and some are looked for: while a
checkpoint is being written, and while a fold is being validated.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# loaded before IPython, which fastai loads: that puts a package `tests` of its own on the path
import tests  # noqa: F401

REPOSITORY = Path(__file__).resolve().parents[1]
LOG = "log.txt"
VALIDATING, VALIDATED = "mark: validating", "mark: validated"
POLL = 0.0005  # seconds; a small checkpoint is on the disk within some milliseconds
MOST_TRIES = 10  # runs in which a moment that is looked for may be missed
LONGEST = 600.0  # seconds of one run


# ---- victims ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Digits:
    """scripts/train.py on the digits' fixture: augmentation, average of the weights, two folds."""

    data: Path
    name = "digits"

    def command(self, folder: Path, *, resume: bool) -> list[str]:
        settings = ["--preset", "smoke", "--set", "ema_decay=0.99", "--checkpoint-seconds", "0.2"]
        where = ["--data", str(self.data), "--run", str(folder / "run")]
        again = ["--resume"] if resume else []
        return ["digits", "digit-recognizer", *settings, *where, *again]

    def checkpoints(self, folder: Path) -> list[Path]:
        return [folder / "run/fold0", folder / "run/fold1"]

    def results(self, folder: Path) -> dict[str, Any]:
        run = folder / "run"
        names = ["oof.parquet", "oof_submission.csv", "oof_solution.csv", "submission.csv"]
        names += ["test.parquet", "scores.json", "decision.json", "folds.parquet"]
        for fold in ("fold0", "fold1"):
            names += [f"{fold}/weights.safetensors", f"{fold}/steps.csv"]
        found: dict[str, Any] = {name: (run / name).read_bytes() for name in names}
        found["left over"] = [path.name for path in run.rglob("*") if is_left_over(path)]
        found["curves"] = [without_seconds(path) for path in sorted(run.glob("fold*/history.csv"))]
        return found


@dataclass(frozen=True)
class Pictures:
    """A fit over picture files: decoded on threads, cached on disk, augmented."""

    files: Path
    name = "pictures"

    def command(self, folder: Path, *, resume: bool) -> list[str]:
        return ["pictures", str(self.files), str(folder)]

    def checkpoints(self, folder: Path) -> list[Path]:
        return [folder / "state"]

    def results(self, folder: Path) -> dict[str, Any]:
        return {"weights": (folder / "weights.safetensors").read_bytes()}


Victim = Digits | Pictures


def is_left_over(path: Path) -> bool:
    return path.suffix == ".part" or path.name in ("resume.pt", "UNFINISHED")


def without_seconds(path: Path) -> list[list[str]]:
    """The rows of a history.csv without their last column, which differs from run to run."""
    return [line.split(",")[:-1] for line in path.read_text().splitlines()]


# ---- moments ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A victim's process and where it writes."""

    process: subprocess.Popen[bytes]
    folder: Path
    checkpoints: list[Path]
    began: float

    def log(self) -> str:
        return (self.folder / LOG).read_text()

    def parts(self) -> list[Path]:
        """Checkpoints that are being written."""
        return [
            Path(entry.path)
            for folder in self.checkpoints
            if folder.is_dir()
            for entry in os.scandir(folder)
            if entry.name.startswith(".resume.pt")
        ]

    def kill(self) -> None:
        """Ends the whole group at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Moment:
    """When to kill.

    Args:
        name: for people.
        come: True once it has come.
        hit: True where it was hit, after the kill.
    """

    name: str
    come: Callable[[Running], bool]
    hit: Callable[[Running], bool] = lambda running: True


def after(seconds: float) -> Moment:
    """Some seconds after the beginning."""
    return Moment(f"{seconds:.2f} s", lambda running: time.monotonic() - running.began >= seconds)


def in_checkpoint(number: int) -> Moment:
    """While the checkpoint after the first `number` is being written."""
    seen: set[float] = set()

    def come(running: Running) -> bool:
        if not running.parts():
            return False
        written = [folder / "resume.pt" for folder in running.checkpoints]
        seen.add(sum(path.stat().st_mtime for path in written if path.is_file()))
        return len(seen) > number

    return Moment(f"in checkpoint {number}", come, lambda running: bool(running.parts()))


def in_validation(number: int) -> Moment:
    """While the epoch with this number, from 0, is being validated."""

    def come(running: Running) -> bool:
        return running.log().count(VALIDATING) > number

    def hit(running: Running) -> bool:
        return running.log().rstrip().endswith(VALIDATING)

    return Moment(f"in validation {number}", come, hit)


def moments(n: int, seconds: float) -> list[Moment]:
    """n moments: three in checkpoints, three in validations where n allows it, the others in the
    middle of equal parts of the time."""
    n_each = min(3, n // 3)
    n_others = n - 2 * n_each
    uniform = [after(seconds * (number + 0.5) / n_others) for number in range(n_others)]
    looked_for = [
        make(number) for number in range(n_each) for make in (in_checkpoint, in_validation)
    ]
    return [*uniform, *looked_for]


# ---- killing ------------------------------------------------------------------------------------


def start(victim: Victim, folder: Path, *, resume: bool) -> Running:
    """A victim in a process group of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-u", __file__, *victim.command(folder, resume=resume)]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(process, folder, victim.checkpoints(folder), time.monotonic())


def kill_at(moment: Moment, running: Running) -> bool:
    """Waits for a moment and kills; False where the run ended before, or the moment had passed."""
    while running.process.poll() is None:
        if moment.come(running):
            running.kill()
            return moment.hit(running)
        time.sleep(POLL)
        if time.monotonic() - running.began > LONGEST:
            running.kill()
            raise AssertionError(f"{running.folder} did not end in time:\n{running.log()}")
    return False


def finish(running: Running) -> float:
    """Waits for the end of a run; gives its seconds."""
    try:
        code = running.process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        running.kill()
        raise
    assert code == 0, running.log()
    return time.monotonic() - running.began


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The results that are not the same."""
    return [name for name in one if one[name] != other.get(name)]


def sweep(victim: Victim, n: int, folder: Path) -> Iterator[str]:
    """Kills n runs; gives a line for each.

    Raises: AssertionError where a resumed run differs, or a moment was never hit.
    """
    whole = folder / "whole"
    seconds = finish(start(victim, whole, resume=False))
    expected = victim.results(whole)
    yield f"{victim.name}: the whole run took {seconds:.1f} s"
    for number, moment in enumerate(moments(n, seconds)):
        own = folder / f"killed{number}"
        killed_at(moment, victim, own)
        finish(start(victim, own, resume=True))
        assert not differences(expected, victim.results(own)), (moment.name, own)
        yield f"{victim.name}: killed {moment.name}, resumed, the same bytes"


def killed_at(moment: Moment, victim: Victim, folder: Path, *, resume: bool = False) -> None:
    """Starts a run and kills it at a moment. A moment that is only a number of seconds may come
    after the end; one that is looked for is tried again, in the run as it was left."""
    for attempt in range(MOST_TRIES):
        running = start(victim, folder, resume=resume or attempt > 0)
        if kill_at(moment, running) or moment.name.endswith(" s"):
            return
        assert running.process.returncode in (0, -signal.SIGKILL), running.log()
    raise AssertionError(f"{moment.name} was missed {MOST_TRIES} times")


# ---- what the victims run -----------------------------------------------------------------------


def say_when_validating() -> None:
    """The loop says when it begins and ends to validate."""
    from common.train import loop

    validate = loop._Loop._validate

    def told(own: Any, validator: Any) -> tuple[float, float]:
        print(VALIDATING, flush=True)
        result: tuple[float, float] = validate(own, validator)
        print(VALIDATED, flush=True)
        return result

    loop._Loop._validate = told  # type: ignore[method-assign]


def train_digits(argv: list[str]) -> int:
    from scripts.train import main

    return main(argv)


def train_pictures(files: Path, folder: Path) -> int:
    """Trains on picture files, with cache, checkpoints and weights below the folder."""
    import safetensors.torch
    import torch

    from common.metrics import accuracy
    from common.train import Company, TrainSettings, fit
    from tests.train.kinds import SEED, STEPS, Counted, picture_files

    learner = picture_files(files, cache=folder / "cache")
    settings = TrainSettings(epochs=3, batch_size=8, ema_decay=0.99)
    company = Company(folder / "state", checkpoint_every=0.05)
    fit(
        learner,
        settings,
        metric=accuracy,
        steps=STEPS,
        validator=Counted(),
        seed=SEED,
        company=company,
    )
    weights = {name: own.contiguous() for name, own in learner.model.state_dict().items()}
    assert all(torch.isfinite(own).all() for own in weights.values())
    (folder / "weights.safetensors").write_bytes(safetensors.torch.save(weights))
    return 0


def main(argv: list[str]) -> int:
    if argv[:1] == ["digits"]:
        say_when_validating()
        return train_digits(argv[1:])
    if argv[:1] == ["pictures"]:
        say_when_validating()
        return train_pictures(Path(argv[1]), Path(argv[2]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20, help="of the digits' run (default: 20)")
    parser.add_argument("--picture-kills", type=int, default=6, help="(default: 6)")
    args = parser.parse_args(argv)
    from common import registry
    from common.fixtures import write_fixture
    from tests.train.kinds import write_pictures

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write = registry.load_fixture("digit_recognizer").write
        data = write_fixture(folder / "data", write, seed=0)
        for line in sweep(Digits(data), args.kills, folder / "digits"):
            print(line, flush=True)
        write_pictures(folder / "files")
        for line in sweep(Pictures(folder / "files"), args.picture_kills, folder / "pictures"):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
