"""All features of some days: from the calendar, the store, what lies around, what was sold before.

What they need of other days comes as a table of days; `build` joins train and test by store.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from competitions.rossmann_store_sales import history
from competitions.rossmann_store_sales.events import end_of_block, event_features
from competitions.rossmann_store_sales.external import External
from competitions.rossmann_store_sales.panel import Panel
from competitions.rossmann_store_sales.stores import store_features

EVENTS = ("promo", "state_holiday", "school_holiday", "closed")
IN_WEEKS = tuple(f"{name}_{side}_week" for name in EVENTS for side in ("past", "coming"))
# a closed day a week is the rule, and as many days away as the weekday says
DISTANCES = tuple(f"{side}_{name}" for name in EVENTS[:3] for side in ("since", "until"))
CATEGORIES = (
    *("store", "weekday", "year", "month", "day", "week", "state_holiday"),
    *("store_type", "assortment", "promo_interval"),
    *("competition_months", "competition_year", "promo2_weeks", "promo2_months", "promo2_year"),
    *IN_WEEKS,
)
NUMBERS = (
    *("promo", "school_holiday", "distance", "distance_missing"),
    *DISTANCES,
    *history.NAMES,
    "history_missing",
)


def build(days: pd.DataFrame, stores: pd.DataFrame, external: External) -> pd.DataFrame:
    """The features of days, one row each: CATEGORIES and what `external` has as they are (numbers
    and text), NUMBERS as float32, nan where nothing is known.

    Sales and customers of a day come only into the features of days that are at least
    `history.HORIZON` later.

    Args:
        days: every store and day once: the columns of `reading.DAYS`, sales and customers (nan
            where they are not known).
        stores: as `read_stores` gives it.
    """
    panel = Panel.of(days)
    store, date = days["store"].to_numpy(), days["date"].to_numpy()
    table = {
        "store": store,
        **_calendar(date),
        "state_holiday": days["state_holiday"].to_numpy(),
        **{name: days[name].to_numpy().astype(np.float32) for name in NUMBERS[:2]},
    }
    grids = {**_events(days, panel), **_history(days, panel)}
    table.update({name: panel.rows(grid) for name, grid in grids.items()})
    table["history_missing"] = np.isnan(table[history.USUAL]).astype(np.float32)
    for name in DISTANCES:
        table[name] = table[name].astype(np.float32)
    own = store_features(store, date, stores)
    parts = [pd.DataFrame(table), own, external.features(store, date)]
    return pd.concat(parts, axis=1)


def _calendar(date: np.ndarray) -> dict[str, np.ndarray]:
    """weekday (1 is Monday), year, month, day and ISO week of dates, int16."""
    days, places = np.unique(date, return_inverse=True)
    index = pd.DatetimeIndex(days)
    parts = {
        "weekday": index.day_of_week + 1,
        "year": index.year,
        "month": index.month,
        "day": index.day,
        "week": index.isocalendar().week,
    }
    return {name: part.to_numpy().astype(np.int16)[places] for name, part in parts.items()}


def _events(days: pd.DataFrame, panel: Panel) -> dict[str, np.ndarray]:
    """What lies around each day; a day without a row has no event, and was closed."""
    opened = panel.grid(days["open"].to_numpy(), False)
    events = {
        "promo": panel.grid(days["promo"].to_numpy(), False),
        "state_holiday": panel.grid(days["state_holiday"].to_numpy() > 0, False),
        "school_holiday": panel.grid(days["school_holiday"].to_numpy(), False),
        "closed": ~opened,
    }
    known = panel.day[days["sales"].notna().to_numpy()]
    seen_to = end_of_block(panel.n_days, int(known.max()))
    grids = {}
    for name, grid in events.items():
        grids.update(event_features(name, grid, seen_to))
    return {name: grids[name] for name in (*IN_WEEKS, *DISTANCES)}


def _history(days: pd.DataFrame, panel: Panel) -> dict[str, np.ndarray]:
    weekday = pd.DatetimeIndex(panel.dates).day_of_week.to_numpy()
    sales, customers = (
        panel.grid(days[name].to_numpy(np.float64), np.nan) for name in ("sales", "customers")
    )
    promo = panel.grid(days["promo"].to_numpy(), False)
    return history.history_features(sales, customers, promo, weekday)
