"""What a store is: its kind, its competitor, its part in the lasting promotion (Promo2)."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

import numpy as np
import pandas as pd

from common.csv_table import place
from common.data.tables import read_columns
from common.errors import DataError
from competitions.rossmann_store_sales.reading import flag, parsed, whole
from competitions.rossmann_store_sales.spec import SPEC

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")
NONE = -1  # of what a store does not have, in whole numbers
MOST_MONTHS = 24  # with a competitor; more make no difference
MOST_WEEKS = 25  # of Promo2, likewise
OLDEST = 1990  # year of a competitor: 1900 stands there, too, and means "always"
TEXTS = ("store_type", "assortment", "promo_interval")


def read_stores(root: Path) -> pd.DataFrame:
    """store.csv by store: TEXTS, distance (metres, nan where unknown), competition (months since
    year 0, nan where unknown), promo2_from (a Monday, NaT without Promo2).

    Raises: DataError for a file that is missing or cut, lacks a column, names a store twice, or
    holds in some cell what it cannot hold.
    """
    file = SPEC.file("stores")
    path = root / file.name
    columns = read_columns(path, file.columns)

    def number(name: str, low: int, high: int, expected: str) -> np.ndarray:
        def parse(text: str) -> float:
            return math.nan if text == "" else float(whole(low, high)(text))

        return parsed(path, name, columns[name], parse, f"{expected}, or nothing")

    stores = parsed(path, "Store", columns["Store"], whole(1), "the number of a store")
    again = pd.Series(stores).duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        raise DataError(
            f"{path}: {place(row)} is the second one of store {stores[row]}; get it again"
        )
    month = number("CompetitionOpenSinceMonth", 1, 12, "a month")
    year = number("CompetitionOpenSinceYear", 1800, 2100, "a year")
    taking_part = parsed(path, "Promo2", columns["Promo2"], flag, "0 or 1") == 1
    week = number("Promo2SinceWeek", 1, 53, "a week")
    promo2_year = number("Promo2SinceYear", 1990, 2100, "a year")
    expected = f"months such as {','.join(MONTHS[2::3])}"
    intervals = columns["PromoInterval"]
    parsed(path, "PromoInterval", intervals, lambda text: len(months_of(text)), expected)
    texts = {
        "store_type": columns["StoreType"],
        "assortment": columns["Assortment"],
        "promo_interval": intervals,
    }
    return pd.DataFrame(
        {
            **{name: np.array(cells.to_pylist(), dtype=object) for name, cells in texts.items()},
            "distance": number("CompetitionDistance", 0, 10**7, "metres"),
            "competition": 12 * year + month - 1,
            "promo2_from": _mondays(path, promo2_year, week, taking_part),
        },
        index=pd.Index(stores, name="store"),
    )


def months_of(interval: str) -> tuple[int, ...]:
    """The months, 1 to 12, in which a round of Promo2 begins; September is written `Sept`.

    Raises: ValueError for a month of another name.
    """
    names = [name.strip() for name in interval.split(",")] if interval else []
    return tuple(MONTHS.index("Sept" if name == "Sep" else name) + 1 for name in names)


def _mondays(path: Path, year: np.ndarray, week: np.ndarray, is_part: np.ndarray) -> np.ndarray:
    """The Monday on which each store's Promo2 began; NaT where there is none."""
    found = np.full(len(year), np.datetime64("NaT"), dtype="datetime64[s]")
    for row in np.flatnonzero(is_part & ~np.isnan(year) & ~np.isnan(week)):
        try:
            monday = datetime.date.fromisocalendar(int(year[row]), int(week[row]), 1)
        except ValueError:
            raise DataError(
                f"{path}: {place(int(row))}, Promo2 began in week {week[row]:.0f} of "
                f"{year[row]:.0f}, which has 52; get the file again"
            ) from None
        found[row] = np.datetime64(monday)
    return found


def check_known(days: pd.DataFrame, stores: pd.DataFrame, root: Path) -> None:
    """Raises DataError where train.csv has a store that store.csv lacks."""
    lacking = np.setdiff1d(days["store"].unique(), stores.index)
    if len(lacking):
        train, store = (root / SPEC.file(role).name for role in ("train", "stores"))
        raise DataError(
            f"{store} lacks {len(lacking)} stores of {train.name}, the first is {lacking[0]}; "
            "expected a row for each: get both files again"
        )


def store_features(store: np.ndarray, date: np.ndarray, stores: pd.DataFrame) -> pd.DataFrame:
    """The features of days that follow from the store and the date, one row each.

    Columns: TEXTS; competition_months (0 to 24, since the competitor opened), competition_year
    (1990 for all before), promo2_weeks (0 to 25), promo2_months (since its last round began),
    promo2_year: whole numbers, NONE where there is no such thing; distance (log of metres + 1) and
    distance_missing.

    Args:
        store: numbers, (n_rows,); one that `stores` lacks has none of all that.
        date: datetime64, (n_rows,).
    """
    own = stores.reindex(store).reset_index(drop=True)
    month = date.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    opened = own["competition"].to_numpy()
    since = np.clip(month - opened, 0, MOST_MONTHS)
    table = {name: own[name].fillna("").to_numpy(dtype=object) for name in TEXTS}
    table["competition_months"] = _or_none(since)
    table["competition_year"] = _or_none(np.maximum(OLDEST, opened // 12))
    table.update(_promo2(own, date, month))
    distance = own["distance"].to_numpy()
    table["distance"] = np.log1p(distance).astype(np.float32)
    table["distance_missing"] = np.isnan(distance).astype(np.float32)
    return pd.DataFrame(table)


def _promo2(own: pd.DataFrame, date: np.ndarray, month: np.ndarray) -> dict[str, np.ndarray]:
    began = own["promo2_from"].to_numpy().astype("datetime64[D]")
    days = (date.astype("datetime64[D]") - began).astype("timedelta64[D]")
    lasted = np.where(np.isnat(days), np.nan, days.astype(np.float64))
    year = began.astype("datetime64[Y]").astype(np.float64) + 1970
    rounds = np.full(len(own), NONE, dtype=np.int16)
    for interval in own["promo_interval"].dropna().unique():
        rows = np.flatnonzero((own["promo_interval"] == interval).to_numpy() & (lasted >= 0))
        starts = months_of(interval)
        if starts:
            ago = (month[rows, None] - (np.array(starts) - 1)) % 12
            rounds[rows] = ago.min(axis=1)
    return {
        "promo2_weeks": _or_none(np.clip(lasted // 7, 0, MOST_WEEKS)),
        "promo2_months": rounds,
        "promo2_year": _or_none(np.where(np.isnan(lasted), np.nan, year)),
    }


def _or_none(values: np.ndarray) -> np.ndarray:
    whole_numbers: np.ndarray = np.where(np.isnan(values), NONE, values).astype(np.int16)
    return whole_numbers
