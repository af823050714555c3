"""The outputs of a batch that several processes predicted together, in the order of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastai.torch_core import to_device

from common.errors import RunError
from common.train.feeding import Feed
from common.train.ranks import Ranks

Outputs = Sequence[tuple[float, Any]]  # for each part of a batch its loss and what the net gave


def gathered(ranks: Ranks, feed: Feed, position: int, own: Outputs) -> Outputs:
    """The outputs of a whole batch, in the first process; nothing in the others.

    Objects travel with the rows they belong to, not tensors of one shape, so nothing is padded
    and what is no tensor (boxes, lists) travels too.

    Raises: RunError where the rows that came are not exactly those of the batch.
    """
    if ranks.world == 1:
        return own
    from_all = ranks.gather((feed.rows_of(position), to_device([*own], "cpu")))
    if not ranks.is_first:
        return []
    check_rows([row for rows, _ in from_all for row in rows], feed.whole_rows_of(position))
    return [output for _, outputs in from_all for output in outputs]


def check_rows(came: Sequence[int], expected: Sequence[int]) -> None:
    """Raises RunError where rows are missing, came twice, or came in another order."""
    if list(came) == list(expected):
        return
    missing, twice = set(expected) - set(came), len(came) - len(set(came))
    raise RunError(
        f"the processes predicted other rows than the batch has: {len(missing)} of "
        f"{len(expected)} are missing, {twice} came twice; expected each row once, in the order of "
        "the valid loader, which must not depend on the process"
    )
