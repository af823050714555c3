"""The host's three tables, checked cell by cell before anything is made of them.

A table of days has the columns of `DAYS`; StateHoliday stays text, as `0` is no number there.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from common.csv_table import place
from common.data.tables import read_columns
from common.errors import DataError
from competitions.rossmann_store_sales.spec import SPEC

HOLIDAYS = ("0", "a", "b", "c")  # none, public holiday, Easter, Christmas
MOST_DAYS = 4_000  # between the first and the last: a wrong year would fill the memory
MOST = 2**31 - 1  # of a whole number
DAYS = ("store", "date", "open", "promo", "state_holiday", "school_holiday")


def read_train(root: Path) -> pd.DataFrame:
    """train.csv: DAYS, sales and customers, in the file's order.

    Raises: DataError for a file that is missing or cut, lacks a column, or holds in some cell what
    it cannot hold; for a store that has a day twice.
    """
    path, columns = _columns(root, "train")
    days = _days(path, columns)
    for name, own in (("sales", "Sales"), ("customers", "Customers")):
        days[name] = parsed(path, own, columns[own], whole(0), "a whole number of at least 0")
    return days


def read_test(root: Path) -> pd.DataFrame:
    """test.csv: DAYS and id, in the file's order; an empty `Open` is taken as open.

    Raises: DataError as for `read_train`.
    """
    path, columns = _columns(root, "test")
    days = _days(path, columns)
    days["id"] = np.array(columns["Id"].to_pylist(), dtype=object)
    return days


def _columns(root: Path, role: str) -> tuple[Path, dict[str, pa.ChunkedArray]]:
    file = SPEC.file(role)
    path = root / file.name
    return path, read_columns(path, file.columns)


def _days(path: Path, columns: dict[str, pa.ChunkedArray]) -> pd.DataFrame:
    """What train.csv and test.csv have in common."""

    def of(name: str, parse: Callable[[str], Any], expected: str) -> np.ndarray:
        return parsed(path, name, columns[name], parse, expected)

    of("DayOfWeek", whole(1, 7), "a day of the week, 1 to 7")
    dates = of("Date", day, "a date such as 2015-07-31").astype("datetime64[s]")
    days = pd.DataFrame(
        {
            "store": of("Store", whole(1), "the number of a store"),
            "date": dates,
            "open": of("Open", flag_or_open, "0, 1, or nothing for open") == 1,
            "promo": of("Promo", flag, "0 or 1") == 1,
            "state_holiday": of("StateHoliday", HOLIDAYS.index, "0, a, b or c").astype(np.int8),
            "school_holiday": of("SchoolHoliday", flag, "0 or 1") == 1,
        }
    )
    first, last = dates.min().astype("datetime64[D]"), dates.max().astype("datetime64[D]")
    if (last - first).astype(int) >= MOST_DAYS:
        raise DataError(
            f"{path}: its dates go from {first} to {last}; expected at most {MOST_DAYS:,} days: a "
            "date is wrong, get the file again"
        )
    _check_once(path, days)
    return days


def _check_once(path: Path, days: pd.DataFrame) -> None:
    second = days.duplicated(["store", "date"]).to_numpy()
    if second.any():
        row = int(second.argmax())
        store, date = days["store"].iloc[row], days["date"].iloc[row].date()
        raise DataError(
            f"{path}: {place(row)} is the second one of store {store} on {date} ({second.sum():,} "
            "rows of the file repeat a day of a store); expected each once: get the file again"
        )


def check_later(train: pd.DataFrame, test: pd.DataFrame, root: Path) -> None:
    """Raises DataError where test.csv asks for a store's day whose sales train.csv tells."""
    known = pd.MultiIndex.from_frame(train[["store", "date"]])
    asked = pd.MultiIndex.from_frame(test[["store", "date"]])
    both = asked.isin(known)
    if both.any():
        row = int(both.argmax())
        store, date = test["store"].iloc[row], test["date"].iloc[row]
        raise DataError(
            f"{root / SPEC.file('test').name}: {place(row)} asks for store {store} on "
            f"{date.date()}, which train.csv holds ({both.sum():,} rows do); expected later days: "
            "get both files again"
        )


# ---- cells --------------------------------------------------------------------------------------


def parsed(
    path: Path,
    name: str,
    cells: pa.ChunkedArray,
    parse: Callable[[str], Any],
    expected: str,
) -> np.ndarray:
    """A column of text as values, (n_rows,); each different cell is parsed once.

    Args:
        parse: raises ValueError for what the column cannot hold.

    Raises: DataError that names the first such cell.
    """
    coded = cells.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes, values = coded.indices.to_numpy(), []
    for code, text in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(parse(text))
        except ValueError:
            row = int((codes == code).argmax())
            raise DataError(
                f"{path}: {place(row)}, column {name!r} holds {text[:40]!r}; expected {expected}: "
                "get the file again"
            ) from None
    found: np.ndarray = np.array(values)[codes]
    return found


def whole(low: int, high: int = MOST) -> Callable[[str], int]:
    """Parses whole numbers within limits; `9.0` is 9, as tables with gaps have it."""

    def parse(text: str) -> int:
        digits = text.removesuffix(".0")
        if not (digits.isascii() and digits.isdigit() and low <= int(digits) <= high):
            raise ValueError(text)
        return int(digits)

    return parse


def flag(text: str) -> int:
    return whole(0, 1)(text)


def flag_or_open(text: str) -> int:
    """`Open` of a day; nobody knew it for 11 rows of one store, and a 0 there would cost most."""
    return 1 if text == "" else flag(text)


def day(text: str) -> np.datetime64:
    """A date in the host's form, and in no other."""
    if len(text) != len("2015-07-31"):
        raise ValueError(text)
    return np.datetime64(datetime.date.fromisoformat(text), "D")
