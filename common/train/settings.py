"""Settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import Settings
from common.train.schedule import MOMENTUM_DIP, MOMENTUM_HIGH
from common.tta import views

SCHEDULES = ("one_cycle", "constant")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
MEMORY_FORMATS = ("auto", "channels_last", "contiguous")


@dataclass(frozen=True)
class Phase:
    """Some epochs that one optimizer and one schedule carry.

    Args:
        epochs: passes over the training rows.
        learning_rate: the highest rate of the last parameter group.
        rate_spread: by how much slower the first group learns; those between lie on a geometric
            line.
        trained_groups: parameter groups that learn, counted from the last; 0 for all of them.
            The norms of the others learn too.
    """

    epochs: int
    learning_rate: float
    rate_spread: float = 1.0
    trained_groups: int = 0


@dataclass(frozen=True)
class TrainSettings(Settings):
    """What the loop takes from the experiment.

    Args:
        epochs: passes over the training rows, with every parameter group.
        frozen_epochs: passes before them in which only the last group, the head, learns.
        batch_size: rows that are computed at once.
        accumulate: batches per optimizer step; their gradients are averaged.
        learning_rate: the highest rate; one-cycle begins at a 25th of it.
        head_rate: the highest rate of the frozen epochs; 0 for `learning_rate`.
        rate_spread: by how much slower the first parameter group learns than the last.
        find_rate: look for `learning_rate` before the first fold; see common.train.rate_finder.
        momentum: of AdamW's mean gradient; one-cycle lowers it by 0.1 where the rate is highest.
        weight_decay: decoupled; biases and norms are left out.
        schedule: "one_cycle" or "constant".
        clip_norm: the largest norm of the gradient of a step; 0 for any.
        ema_decay: of the moving average of the weights that validates and predicts; 0 for none.
        label_smoothing: share of the target that goes to all classes, in training.
        precision: "float32", "bfloat16", "float16", or "auto": bfloat16 where the device has it
            in hardware, float16 where it has tensor cores, float32 on a CPU.
        memory_format: "channels_last", "contiguous", or "auto": channels_last on a GPU.
        sizes: sides of the training pictures, such as "128,192", each for an equal share of the
            epochs; "" for the size that the loader gives.
        compile: compile the net with torch.compile.
        skip_nonfinite: steps whose loss is not finite that may be left out before the fit stops.
        views: of common.tta that prediction averages over: "none", "flip", "flips", "d4_5", "d4".
        keep: "last" fixes the reported epoch in advance; "best" takes the epoch with the best
            score on the fold, and the report says so.
    """

    epochs: int = 12
    frozen_epochs: int = 0
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 3e-3
    head_rate: float = 0.0
    rate_spread: float = 1.0
    find_rate: bool = False
    momentum: float = MOMENTUM_HIGH
    weight_decay: float = 0.01
    schedule: str = "one_cycle"
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    label_smoothing: float = 0.0
    precision: str = "auto"
    memory_format: str = "auto"
    sizes: str = ""
    compile: bool = False
    skip_nonfinite: int = 0
    views: str = "none"
    keep: str = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "accumulate"):
            self.require(getattr(self, name) >= 1, name, "at least 1")
        for name in ("frozen_epochs", "head_rate", "weight_decay", "clip_norm", "skip_nonfinite"):
            self.require(getattr(self, name) >= 0, name, "0 or more")
        for name in ("ema_decay", "label_smoothing"):
            self.require(0 <= getattr(self, name) < 1, name, "a share from 0 to below 1")
        self.require(self.learning_rate > 0, "learning_rate", "a number above 0")
        self.require(MOMENTUM_DIP <= self.momentum < 1, "momentum", "0.1 to below 1")
        self.require(self.rate_spread >= 1, "rate_spread", "at least 1")
        self._require_one("schedule", SCHEDULES)
        self._require_one("precision", PRECISIONS)
        self._require_one("memory_format", MEMORY_FORMATS)
        self._require_one("keep", ("last", "best"))
        views(self.views)
        numbers = all(part.strip().isdecimal() and int(part) > 0 for part in self._sizes())
        self.require(numbers, "sizes", "whole numbers with commas between, such as 128,192")

    def _require_one(self, name: str, choices: tuple[str, ...]) -> None:
        self.require(getattr(self, name) in choices, name, " or ".join(choices))

    def _sizes(self) -> list[str]:
        return self.sizes.split(",") if self.sizes else []

    def phases(self) -> tuple[Phase, ...]:
        """The phases of a fit, in their order. A pipeline that thaws its net in more steps
        answers with more of them."""
        head = Phase(self.frozen_epochs, self.head_rate or self.learning_rate, trained_groups=1)
        whole = Phase(self.epochs, self.learning_rate, self.rate_spread)
        return (head, whole) if self.frozen_epochs else (whole,)

    def size_in(self, epoch: int) -> int | None:
        """The side of the training pictures in an epoch of the whole fit; None for the
        loader's."""
        if not self.sizes:
            return None
        sizes, n_epochs = self._sizes(), sum(phase.epochs for phase in self.phases())
        return int(sizes[epoch * len(sizes) // n_epochs])
