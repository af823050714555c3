"""The optional tables from outside Kaggle, with their traps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from common.errors import DataError
from competitions.rossmann_store_sales.external import External

STATES = 'Store,State\n1,"HB,NI"\n2,BY\n'
NAMES = 'StateName,State\nBayern,BY\nBremen,HB\nNiedersachsen,"HB,NI"\n'
TRENDS = (
    "file,week,trend\n"
    "Rossmann_DE,2015-07-26 - 2015-08-01,80\n"
    "Rossmann_DE_BY,2015-07-26 - 2015-08-01,70\n"
    "Rossmann_DE_NI,2015-07-26 - 2015-08-01,60\n"
    "Rossmann_DE_NI,2015-08-02 - 2015-08-08,61\n"
)
COLUMNS = (
    *("file", "Date", "Max_TemperatureC", "Mean_TemperatureC", "Min_TemperatureC"),
    *("Mean_Humidity", "Mean_Wind_SpeedKm_h", "CloudCover", "Events"),
)
WEATHER = (
    ";".join(COLUMNS)
    + "\nBayern;2015-08-01;30;20;10;50;9;;Rain\nNiedersachsen;2015-08-01;28;18;8;60;12;4;NA\n"
)
DATES = np.array(["2015-08-01", "2015-08-02"], dtype="datetime64[s]")


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., External]:
    """What is read from a folder of these files, written with or without a byte-order mark."""

    def write(encoding: str = "utf-8", newline: str = "\n", **contents: str) -> External:
        for name, content in contents.items():
            text = content.replace("\n", newline)
            (tmp_path / f"{name}.csv").write_text(text, encoding=encoding, newline="")
        return External.read(tmp_path)

    return write


@pytest.mark.parametrize(("encoding", "newline"), [("utf-8", "\n"), ("utf-8-sig", "\r\n")])
def test_everything_is_joined(
    read: Callable[..., External], tmp_path: Path, encoding: str, newline: str
) -> None:
    contents = {"store_states": STATES, "state_names": NAMES, "googletrend": TRENDS}
    found = read(encoding, newline, **contents, weather=WEATHER)
    assert found.told() == ""
    kept = tmp_path / "kept"
    kept.mkdir()
    found.save(kept)
    table = External.load(kept).features(np.array([1, 2, 9]), DATES[[0, 0, 0]])
    assert table["state"].tolist() == ["HB,NI", "BY", ""]
    assert table["trend"].tolist()[:2] == [60, 70]
    assert table["trend_country"].tolist() == [80, 80, 80]
    assert table["temperature"].tolist()[:2] == [18, 20]
    assert np.isnan(table["clouds"].tolist()[1])
    assert table["weather_events"].tolist() == ["none", "Rain", ""]
    assert table.loc[2, list(found.numbers)].isna().tolist() == [True, False, *[True] * 6]


def test_a_day_has_the_trend_of_its_own_week(read: Callable[..., External]) -> None:
    # 2015-08-01 is the Saturday that ends a week, 2015-08-02 the Sunday that begins the next
    found = read(store_states=STATES, googletrend=TRENDS)
    table = found.features(np.array([1, 1]), DATES)
    assert table["trend"].tolist() == [60, 61]
    assert found.told() == "goes on without weather.csv: optional, not from Kaggle"


def test_without_states_nothing_is_joined_and_that_is_told(read: Callable[..., External]) -> None:
    found = read(googletrend=TRENDS)
    assert (found.texts, found.numbers) == ((), ())
    expected = "goes on without store_states.csv, googletrend.csv, weather.csv: optional"
    assert found.told().startswith(expected)
    assert found.features(np.array([1, 1]), DATES).shape == (2, 0)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"store_states": STATES + "2,BE\n"}, "store_states.csv names 2 twice"),
        ({"store_states": "Store,Land\n1,BY\n"}, "has no column 'State'"),
        (
            {"store_states": STATES, "googletrend": TRENDS.replace("08-08", "08-09")},
            "column 'week' holds '2015-08-02 - 2015-08-09'",
        ),
        (
            {
                "store_states": STATES,
                "state_names": NAMES,
                "weather": WEATHER.replace("Bay", "Boy"),
            },
            "column 'file' holds 'Boyern'; expected a state",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    read: Callable[..., External], contents: dict[str, str], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read(**contents)
