"""Folds by time: the last 48 days of training, as the test set has 48; and the same days of years
before, to look again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from common import folds as make_folds
from common.errors import DataError
from competitions.rossmann_store_sales.history import HORIZON

DAY = np.timedelta64(1, "D")


def period(dates: np.ndarray, fold: int) -> tuple[np.datetime64, np.datetime64]:
    """The first and the last day that a fold validates, datetime64[D]: fold 0 has the last HORIZON
    days, fold k those that end on the same date k years earlier."""
    last = pd.Timestamp(dates.max()) - pd.DateOffset(years=fold)
    end = np.datetime64(last.to_pydatetime(), "D")
    return end - (HORIZON - 1) * DAY, end


def time_folds(dates: np.ndarray, n_folds: int) -> np.ndarray:
    """A fold per row, int64 (n_rows,); TRAIN_ONLY outside of all periods.

    Args:
        dates: datetime64, (n_rows,).

    Raises: DataError where no day lies before a fold's period.
    """
    days = dates.astype("datetime64[D]")
    bounds = [period(dates, fold) for fold in range(n_folds)]
    for fold, (first, last) in enumerate(bounds):
        if first - days.min() < HORIZON * DAY:
            raise DataError(
                f"the data begin on {days.min()}, and fold {fold} validates {first} to {last}; "
                f"expected at least {HORIZON} days before it: lower folds with "
                f"--set folds={max(1, fold)}, or get train.csv again"
            )
    return make_folds.periods(days, bounds)


def before(dates: np.ndarray, fold: int) -> np.ndarray:
    """The rows that lie before a fold's period, bool (n_rows,): no later day trains its model."""
    earlier: np.ndarray = dates.astype("datetime64[D]") < period(dates, fold)[0]
    return earlier
