"""What lies before and after a day: how far the last and the next event are, how many in a week.

Promotions, holidays and closed days are known in advance, but only as far as the calendar of the
test set goes: on its last day nobody knows the next. So every day, in training, too, sees only to
the end of its own block of HORIZON days, as the days of the test set do. Letters: as in panel.py.
"""

from __future__ import annotations

import numpy as np

from competitions.rossmann_store_sales.history import HORIZON

FARTHEST = 60  # days that are told apart
NEVER = FARTHEST + 1  # where there is no event: farther than any, and not "today"
WEEK = 7  # days


def days_since(events: np.ndarray) -> np.ndarray:
    """Days since a store's last event, int16 (S, D): 0 on its day, at most FARTHEST, NEVER before
    the first.

    Args:
        events: bool (S, D).
    """
    days = np.arange(events.shape[1])
    last = np.maximum.accumulate(np.where(events, days, -1), axis=1)
    since: np.ndarray = np.where(last < 0, NEVER, np.minimum(days - last, FARTHEST))
    return since.astype(np.int16)


def days_until(events: np.ndarray, seen_to: np.ndarray) -> np.ndarray:
    """Days until a store's next event, int16 (S, D): 0 on its day, at most FARTHEST, NEVER where
    none is seen.

    Args:
        seen_to: the last day that each day sees, (D,).
    """
    n_days = events.shape[1]
    days = np.arange(n_days)
    following = np.where(events, days, n_days)[:, ::-1]
    coming = np.minimum.accumulate(following, axis=1)[:, ::-1]
    until: np.ndarray = np.where(coming > seen_to, NEVER, np.minimum(coming - days, FARTHEST))
    return until.astype(np.int16)


def in_past_week(events: np.ndarray) -> np.ndarray:
    """Events on a day and the six before it, int8 (S, D); at the beginning, of the days there
    are."""
    days = np.arange(events.shape[1])
    return _between(events, np.maximum(days - WEEK + 1, 0), days)


def in_coming_week(events: np.ndarray, seen_to: np.ndarray) -> np.ndarray:
    """Events on a day and those of the six after it that it sees, int8 (S, D)."""
    days = np.arange(events.shape[1])
    return _between(events, days, np.minimum(days + WEEK - 1, seen_to))


def _between(events: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(events), events.shape[1] + 1), dtype=np.int32)
    np.cumsum(events, axis=1, out=sums[:, 1:])
    return (sums[:, last + 1] - sums[:, first]).astype(np.int8)


def end_of_block(n_days: int, last_known: int) -> np.ndarray:
    """The last day that each day sees, (D,): that of its block of HORIZON days.

    Args:
        last_known: the place of the last day whose sales are known; with it a block ends.
    """
    days = np.arange(n_days)
    ends: np.ndarray = np.minimum(days + (last_known - days) % HORIZON, n_days - 1)
    return ends


def event_features(name: str, events: np.ndarray, seen_to: np.ndarray) -> dict[str, np.ndarray]:
    """All four as grids, by the event's name."""
    return {
        f"since_{name}": days_since(events),
        f"until_{name}": days_until(events, seen_to),
        f"{name}_past_week": in_past_week(events),
        f"{name}_coming_week": in_coming_week(events, seen_to),
    }
