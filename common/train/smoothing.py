"""Label smoothing, as an option of the loop over whatever loss the Learner has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from common.errors import UsageError


@contextmanager
def smoothed(loss: Any, amount: float) -> Iterator[None]:
    """The loss smooths its labels for the length of the block.

    Args:
        amount: share of the target that goes to all classes alike; 0 changes nothing.

    Raises: UsageError for a loss that knows no label smoothing.
    """
    if not amount:
        yield
        return
    # MixUp puts itself in the place of the loss, and fastai wraps torch's
    owner = getattr(loss, "__self__", loss)
    owner = getattr(owner, "old_lf", owner)
    owner = getattr(owner, "func", owner)
    if not hasattr(owner, "label_smoothing"):
        raise UsageError(
            f"{type(owner).__name__} has no label smoothing; expected a cross entropy: set "
            "label_smoothing=0, or smooth in loss()"
        )
    before, owner.label_smoothing = owner.label_smoothing, amount
    try:
        yield
    finally:
        owner.label_smoothing = before
