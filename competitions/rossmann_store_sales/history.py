"""What a store sold before: means of log sales, of days that lie a whole forecast back.

The test period is HORIZON days long. On its last day, the newest sales that anyone knows are
HORIZON days old; so every day, in training, too, sees only sales and customers that are at least
as old. Nothing of a validation period can come in this way, whichever fold it belongs to.
"""

from __future__ import annotations

import numpy as np

HORIZON = 48  # days
YEAR, QUARTER = 364, 91  # days: whole weeks
FORTNIGHT = 14
NAMES = (
    *("sold_year", "sold_quarter", "sold_season", "customers_year"),
    *("like_year", "like_quarter", "weekday_year", "days_sold"),
)
USUAL = "like_year"  # what a store sells on such a day: models learn the ratio to it
WIDER = {  # where a mean knows nothing, the wider one stands for it, in this order
    "weekday_year": "sold_year",
    "like_year": "weekday_year",
    "like_quarter": "like_year",
    "sold_quarter": "sold_year",
    "sold_season": "sold_year",
}


def mean_between(values: np.ndarray, oldest: int, newest: int) -> np.ndarray:
    """The mean of the days from `oldest` to `newest` days ago, float32 (S, D).

    Args:
        values: float64 (S, D); nan where there is none.

    Edge cases: nan where no day has a value.
    """
    n_days = values.shape[1]
    there = ~np.isnan(values)
    place = np.arange(n_days)
    first, end = (np.clip(place - ago, 0, n_days) for ago in (oldest, newest - 1))
    total = _sums(np.where(there, values, 0.0))
    count = _sums(there)
    n = (count[:, end] - count[:, first]).astype(np.float64)
    found: np.ndarray = np.full(values.shape, np.nan)
    np.divide(total[:, end] - total[:, first], n, out=found, where=n > 0)
    return found.astype(np.float32)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums of the days before each, (S, D + 1)."""
    kind = np.float64 if values.dtype == np.float64 else np.int64
    sums = np.zeros((len(values), values.shape[1] + 1), dtype=kind)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def mean_of_kind(values: np.ndarray, kinds: np.ndarray, oldest: int, newest: int) -> np.ndarray:
    """The mean of those of these days that are of the same kind as today, float32 (S, D).

    Args:
        kinds: whole numbers, (S, D).
    """
    found = np.full(values.shape, np.nan, dtype=np.float32)
    for kind in np.unique(kinds):
        own = kinds == kind
        means = mean_between(np.where(own, values, np.nan), oldest, newest)
        found[own] = means[own]
    return found


def history_features(
    sales: np.ndarray, customers: np.ndarray, promo: np.ndarray, weekday: np.ndarray
) -> dict[str, np.ndarray]:
    """The features by name (NAMES), each a grid (S, D) of float32, nan where nothing is known.

    `like_` is the mean of the days with the same weekday and promotion, `sold_season` that of the
    two weeks around the same day a year ago, days_sold the share of days on which something was.

    Args:
        sales, customers: float64 (S, D), 0 or nan where nothing was sold or nothing is known.
        promo: bool (S, D).
        weekday: 0 to 6, (D,).
    """
    log_sales, log_customers = _logarithm(sales), _logarithm(customers)
    year, quarter = (HORIZON + span - 1 for span in (YEAR, QUARTER))
    like = 2 * weekday + promo
    weekdays = np.broadcast_to(weekday, sales.shape)
    sold = np.isfinite(log_sales).astype(np.float64)
    means = {
        "sold_year": mean_between(log_sales, year, HORIZON),
        "sold_quarter": mean_between(log_sales, quarter, HORIZON),
        "sold_season": mean_between(log_sales, YEAR + FORTNIGHT // 2, YEAR - FORTNIGHT // 2),
        "customers_year": mean_between(log_customers, year, HORIZON),
        "like_year": mean_of_kind(log_sales, like, year, HORIZON),
        "like_quarter": mean_of_kind(log_sales, like, quarter, HORIZON),
        "weekday_year": mean_of_kind(log_sales, weekdays, year, HORIZON),
        "days_sold": mean_between(sold, year, HORIZON),
    }
    for name, wider in WIDER.items():
        means[name] = np.where(np.isnan(means[name]), means[wider], means[name])
    return means


def _logarithm(values: np.ndarray) -> np.ndarray:
    positive = np.where(values > 0, values, np.nan)
    logarithm: np.ndarray = np.log(positive)
    return logarithm
