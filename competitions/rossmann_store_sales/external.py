"""What people joined from outside Kaggle: states, weather, searches. All of it is optional.

What lies in the folder is joined; what is not there is told in one line. It was public for the test
weeks too, and allowed, but unknown on the day of a forecast.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from common.collect import save_table
from common.collect.base import load_table
from common.data.tables import read_columns
from common.errors import DataError
from competitions.rossmann_store_sales.reading import day, parsed, whole

FILES = ("store_states.csv", "state_names.csv", "googletrend.csv", "weather.csv")
SAME_STATE = {
    "NI": "HB,NI",
    "HB": "HB,NI",
}  # codes of the other files, as store_states.csv has them
COUNTRY = "DE"
SERIES = re.compile(r"Rossmann_DE(?:_(?P<state>.+))?")
WEATHER = {
    "temperature_highest": "Max_TemperatureC",
    "temperature": "Mean_TemperatureC",
    "temperature_lowest": "Min_TemperatureC",
    "humidity": "Mean_Humidity",
    "wind": "Mean_Wind_SpeedKm_h",
    "clouds": "CloudCover",
}
EMPTY = ("", "NA", "NaN", "-")


@dataclass(frozen=True)
class External:
    """The optional tables; None for each that is not there.

    Args:
        states: columns store and state.
        trends: columns state (COUNTRY for all of it), date and trend: the search of each day's
            own week.
        weather: columns state, date, those of WEATHER, and weather_events (text).
    """

    states: pd.DataFrame | None = None
    trends: pd.DataFrame | None = None
    weather: pd.DataFrame | None = None

    @classmethod
    def read(cls, root: Path) -> External:
        """What of FILES lies in a folder and can be joined; without states nothing can.

        Raises: DataError for a file that is cut or holds what it cannot hold.
        """
        there = [name for name in FILES if (root / name).is_file()]
        if FILES[0] not in there:
            return cls()
        return cls(
            _states(root / FILES[0]),
            _trends(root / FILES[2]) if FILES[2] in there else None,
            _weather(root / FILES[3], root / FILES[1]) if {*FILES[1::2]} <= {*there} else None,
        )

    @classmethod
    def load(cls, folder: Path) -> External:
        """The tables that `save` wrote."""
        paths = {name: folder / f"{name}.parquet" for name in ("states", "trends", "weather")}
        return cls(**{name: load_table(path) for name, path in paths.items() if path.is_file()})

    def save(self, folder: Path) -> None:
        """Writes the tables that are there, and removes those of before that are not."""
        for name, table in vars(self).items():
            path = folder / f"{name}.parquet"
            path.unlink(missing_ok=True)
            if table is not None:
                save_table(path, table)

    def told(self) -> str:
        """The line for the log: what the run goes on without; "" where all is there."""
        used = {FILES[0]: self.states, FILES[2]: self.trends, FILES[3]: self.weather}
        lacking = [name for name, table in used.items() if table is None]
        return f"goes on without {', '.join(lacking)}: optional, not from Kaggle" if lacking else ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of `features` that hold text."""
        named = {"state": self.states, "weather_events": self.weather}
        return tuple(name for name, table in named.items() if table is not None)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of `features` that hold numbers."""
        trends = ("trend", "trend_country") if self.trends is not None else ()
        return (*trends, *(WEATHER if self.weather is not None else ()))

    def features(self, store: np.ndarray, date: np.ndarray) -> pd.DataFrame:
        """The columns `texts` ("" where nothing is known) and `numbers` (nan there) of some days.

        Args:
            store: numbers, (n_rows,).
            date: datetime64, (n_rows,).
        """
        table = pd.DataFrame({"date": date.astype("datetime64[s]")})
        if self.states is None:
            return table.drop(columns="date")
        states = self.states.set_index("store")["state"]
        table["state"] = states.reindex(store).fillna("").to_numpy(dtype=object)
        if self.trends is not None:
            named = self.trends.rename(columns={"trend": "trend_country"})
            country = named[named["state"] == COUNTRY].drop(columns="state")
            table = table.merge(country, on="date", how="left")
            table = table.merge(self.trends, on=["state", "date"], how="left")
        if self.weather is not None:
            table = table.merge(self.weather, on=["state", "date"], how="left")
            table["weather_events"] = table["weather_events"].fillna("")
        return table.drop(columns="date").astype(dict.fromkeys(self.numbers, np.float32))


def _states(path: Path) -> pd.DataFrame:
    columns = read_columns(path, ("Store", "State"))
    stores = parsed(path, "Store", columns["Store"], whole(1), "the number of a store")
    states = _codes(columns["State"])
    return _once(path, pd.DataFrame({"store": stores, "state": states}), ["store"])


def _codes(cells: pa.ChunkedArray) -> list[str]:
    return [SAME_STATE.get(code, code) for code in cells.to_pylist()]


def _trends(path: Path) -> pd.DataFrame:
    """The trend of every day: its week, Sunday to Saturday, is the one that holds the day."""
    columns = read_columns(path, ("file", "week", "trend"))
    states = parsed(path, "file", columns["file"], _series, "a series such as Rossmann_DE_BY")
    sundays = parsed(
        path, "week", columns["week"], _sunday, "a week such as 2012-12-02 - 2012-12-08"
    )
    weeks = pd.DataFrame(
        {
            "state": [SAME_STATE.get(code, code) for code in states.tolist()],
            "trend": parsed(path, "trend", columns["trend"], _number, "a number"),
        }
    )
    days = weeks.loc[np.repeat(np.arange(len(weeks)), 7)].reset_index(drop=True)
    dates = sundays[:, None] + np.arange(7) * np.timedelta64(1, "D")
    days.insert(1, "date", dates.reshape(-1).astype("datetime64[s]"))
    return _once(path, days, ["state", "date"])


def _series(text: str) -> str:
    found = SERIES.fullmatch(text)
    if not found:
        raise ValueError(text)
    return found["state"] or COUNTRY


def _sunday(text: str) -> np.datetime64:
    first, _, last = text.partition(" - ")
    sunday, saturday = day(first), day(last)
    if saturday - sunday != np.timedelta64(6, "D"):
        raise ValueError(text)
    return sunday


def _weather(path: Path, names_path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        separator = ";" if ";" in stream.readline() else ","
    columns = read_columns(path, ("file", "Date", *WEATHER.values(), "Events"), separator)
    names = read_columns(names_path, ("StateName", "State"))
    code_of = dict(zip(names["StateName"].to_pylist(), _codes(names["State"]), strict=True))
    known = parsed(path, "file", columns["file"], lambda name: _known(name, code_of), "a state")
    dates = parsed(path, "Date", columns["Date"], day, "a date such as 2015-07-31")
    numbers = {
        own: parsed(path, name, columns[name], _number, "a number or nothing")
        for own, name in WEATHER.items()
    }
    events = np.array(columns["Events"].to_pylist(), dtype=object)
    events[np.isin(events, EMPTY)] = "none"
    table = pd.DataFrame({"state": known, "date": dates.astype("datetime64[s]"), **numbers})
    table["weather_events"] = events
    # two of its states share a code: the means of both
    means = table.groupby(["state", "date"], as_index=False)[[*WEATHER]].mean()
    first = table.drop_duplicates(["state", "date"])[["state", "date", "weather_events"]]
    return means.merge(first, on=["state", "date"])


def _known(name: str, code_of: dict[str, str]) -> str:
    if name not in code_of:
        raise ValueError(name)
    return code_of[name]


def _number(text: str) -> float:
    return math.nan if text in EMPTY else float(text)


def _once(path: Path, table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    again = table.duplicated(list(keys))
    if again.any():
        cells = " and ".join(str(table[key][again].iloc[0]) for key in keys)
        raise DataError(f"{path} names {cells} twice; expected it once: get the file again")
    return table
