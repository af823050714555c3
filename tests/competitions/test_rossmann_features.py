"""The features of the stores' days: numbers worked out by hand, and no sales of the future."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import DataError
from competitions.rossmann_store_sales import features, history
from competitions.rossmann_store_sales.encoding import Encoding
from competitions.rossmann_store_sales.events import (
    NEVER,
    days_since,
    days_until,
    end_of_block,
    in_coming_week,
    in_past_week,
)
from competitions.rossmann_store_sales.external import External
from competitions.rossmann_store_sales.panel import Panel
from competitions.rossmann_store_sales.periods import before, period, time_folds
from competitions.rossmann_store_sales.stores import months_of, store_features

ONE_STORE = np.array([[0, 1, 0, 0, 1, 0, 0]], dtype=bool)


def days_of(stores: list[int], first: str, n_days: int) -> pd.DataFrame:
    """Open days of some stores without anything special, each with sales of e^8."""
    dates = np.datetime64(first) + np.arange(n_days)
    n_rows = len(stores) * n_days
    return pd.DataFrame(
        {
            "store": np.repeat(stores, n_days),
            "date": np.tile(dates, len(stores)).astype("datetime64[s]"),
            "open": True,
            "promo": False,
            "state_holiday": np.zeros(n_rows, dtype=np.int8),
            "school_holiday": False,
            "sales": np.exp(8.0),
            "customers": np.exp(6.0),
        }
    )


def stores_table(**columns: list[object]) -> pd.DataFrame:
    n_rows = max(map(len, columns.values()), default=1)
    table = {
        "store_type": ["a"] * n_rows,
        "assortment": ["a"] * n_rows,
        "promo_interval": [""] * n_rows,
        "distance": [np.nan] * n_rows,
        "competition": [np.nan] * n_rows,
        "promo2_from": np.full(n_rows, np.datetime64("NaT"), dtype="datetime64[s]"),
    }
    index = pd.Index(range(1, n_rows + 1), name="store")
    return pd.DataFrame({**table, **columns}, index=index)


def built(days: pd.DataFrame, stores: pd.DataFrame | None = None) -> pd.DataFrame:
    return features.build(days, stores_table() if stores is None else stores, External())


# ---- events -------------------------------------------------------------------------------------


def test_days_before_the_first_event_have_none_and_not_zero() -> None:
    assert days_since(ONE_STORE).tolist() == [[NEVER, 0, 1, 2, 0, 1, 2]]
    seen_to = np.full(7, 6)
    assert days_until(ONE_STORE, seen_to).tolist() == [[1, 0, 2, 1, 0, NEVER, NEVER]]


def test_an_event_long_ago_is_still_nearer_than_none() -> None:
    events = np.zeros((1, 200), dtype=bool)
    events[0, 0] = True
    since = days_since(events)[0]
    assert since[[0, 60, 61, 199]].tolist() == [0, 60, 60, 60]
    assert NEVER > 60


def test_weeks_hold_the_day_itself_and_six_others() -> None:
    events = np.ones((1, 10), dtype=bool)
    assert in_past_week(events).tolist() == [[1, 2, 3, 4, 5, 6, 7, 7, 7, 7]]
    assert in_coming_week(events, np.full(10, 9)).tolist() == [[7, 7, 7, 7, 6, 5, 4, 3, 2, 1]]
    assert in_past_week(ONE_STORE).tolist() == [[0, 1, 1, 1, 2, 2, 2]]


def test_blocks_end_with_the_last_known_day_and_with_the_last_of_the_test_set() -> None:
    ends = end_of_block(150, last_known=101)  # 48 days of a test set: 102 to 149
    assert ends[[101, 102, 149]].tolist() == [101, 149, 149]
    assert ends[[100, 54, 53, 6, 5, 0]].tolist() == [101, 101, 53, 53, 5, 5]
    # a shorter test set is seen to its end
    assert end_of_block(110, last_known=101)[[102, 109]].tolist() == [109, 109]


def test_no_day_sees_beyond_its_block() -> None:
    events = np.ones((1, 10), dtype=bool)
    seen_to = np.array([3, 3, 3, 3, 9, 9, 9, 9, 9, 9])
    assert in_coming_week(events, seen_to)[0, :5].tolist() == [4, 3, 2, 1, 6]
    assert days_until(ONE_STORE, np.array([3, 3, 3, 3, 6, 6, 6]))[0, 2:4].tolist() == [NEVER, NEVER]


def test_train_and_test_are_joined_by_store() -> None:
    # the promotion is on the first day after training, in store 2 alone
    days = days_of([1, 2], "2015-06-01", 62)
    days["promo"] = (days["date"] == "2015-08-01") & (days["store"] == 2)
    days.loc[days["date"] > "2015-07-31", ["sales", "customers"]] = np.nan
    table = built(days, stores_table(distance=[1.0, 2.0]))
    last = table[days["date"] == "2015-07-31"]
    assert last["until_promo"].tolist() == [NEVER, NEVER]  # its block ends with the day itself
    first = table[days["date"] == "2015-08-01"]
    assert first["since_promo"].tolist() == [NEVER, 0]


def test_a_day_without_a_row_was_closed_and_had_no_event() -> None:
    days = days_of([1], "2015-01-01", 10).drop(index=[3, 4]).reset_index(drop=True)
    table = built(days)
    assert table["closed_past_week"].tolist() == [0, 0, 0, 2, 2, 2, 2, 2]
    assert (table["since_promo"] == NEVER).all()


# ---- what was sold before -----------------------------------------------------------------------


def test_means_are_of_the_days_between_and_of_what_was_sold() -> None:
    values = np.array([[1.0, np.nan, 3.0, 8.0, 5.0]])
    found = history.mean_between(values, oldest=3, newest=2)
    # day 3 sees days 0 and 1, day 4 days 1 and 2
    np.testing.assert_array_equal(found, np.float32([[np.nan, np.nan, 1, 1, 3]]))


def test_means_of_a_kind_leave_other_kinds_out() -> None:
    values, kinds = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[0, 1, 0, 1]])
    found = history.mean_of_kind(values, kinds, oldest=3, newest=1)
    np.testing.assert_array_equal(found, np.float32([[np.nan, np.nan, 1, 2]]))


def test_where_little_is_known_the_wider_mean_stands() -> None:
    days = days_of([1], "2015-01-01", 60)
    days["promo"] = days["date"] == "2015-02-28"  # day 58, the only one of its kind
    table = built(days)
    assert table["history_missing"].tolist() == [1.0] * 48 + [0.0] * 12
    assert table["like_year"].iloc[58] == pytest.approx(8.0)
    assert table["sold_season"].iloc[58] == pytest.approx(8.0)
    assert np.isnan(table["like_year"].iloc[47])


@pytest.mark.parametrize("name", ["sales", "customers"])
def test_what_happens_within_the_horizon_changes_no_feature(name: str) -> None:
    days = days_of([1, 2], "2013-06-01", 500)
    stores = stores_table(distance=[1.0, 2.0])
    expected = built(days, stores)
    changed = days.copy()
    cut = days["date"].max() - pd.Timedelta(days=47)  # the last 48 days
    changed.loc[changed["date"] >= cut, name] *= 5
    pd.testing.assert_frame_equal(built(changed, stores), expected)
    # one day before them is seen, by the very last day alone
    changed = days.copy()
    changed.loc[changed["date"] == cut - pd.Timedelta(days=1), name] *= 5
    seen = built(changed, stores)
    rows = (seen != expected) & ~(seen.isna() & expected.isna())
    assert days["date"][rows.any(axis=1)].unique().tolist() == [days["date"].max()]


# ---- stores -------------------------------------------------------------------------------------


def one_day(date: str, **columns: object) -> pd.Series:
    """The features of store 1 on a date."""
    stores = stores_table(**{name: [value] for name, value in columns.items()})
    return store_features(np.array([1]), np.array([date], "datetime64[s]"), stores).iloc[0]


@pytest.mark.parametrize(
    ("year", "month", "months", "told_year"),
    [
        (2015, 7, 0, 2015),  # this month
        (2015, 1, 6, 2015),
        (2013, 7, 24, 2013),
        (2008, 9, 24, 2008),  # no more than 24
        (2015, 12, 0, 2015),  # not yet
        (1900, 1, 24, 1990),
        (1961, 6, 24, 1990),
    ],
)
def test_months_of_competition_are_capped(
    year: int, month: int, months: int, told_year: int
) -> None:
    own = one_day("2015-07-31", competition=12.0 * year + month - 1)
    assert (own["competition_months"], own["competition_year"]) == (months, told_year)


def test_a_store_without_competition_has_none_rather_than_0() -> None:
    own = one_day("2015-07-31")
    assert (own["competition_months"], own["competition_year"]) == (-1, -1)
    assert own["distance_missing"] == 1
    assert one_day("2015-07-31", distance=0.0)["distance"] == 0


@pytest.mark.parametrize(
    ("date", "weeks", "rounds", "year"),
    [
        ("2014-03-30", 0, -1, 2014),  # the day before it began: a Sunday
        ("2014-03-31", 0, 0, 2014),
        ("2014-04-07", 1, 1, 2014),
        ("2014-06-30", 13, 0, 2014),
        ("2014-08-31", 21, 2, 2014),
        ("2014-09-01", 22, 0, 2014),  # Sept
        ("2015-02-28", 25, 2, 2014),  # since December, over the year's end
    ],
)
def test_weeks_and_rounds_of_promo2(date: str, weeks: int, rounds: int, year: int) -> None:
    monday = np.datetime64(datetime.date.fromisocalendar(2014, 14, 1))
    own = one_day(date, promo2_from=monday, promo_interval="Mar,Jun,Sept,Dec")
    found = tuple(own[f"promo2_{name}"] for name in ("weeks", "months", "year"))
    assert found == (weeks, rounds, year)


def test_a_store_outside_of_promo2_has_none_of_it() -> None:
    own = one_day("2015-07-31")
    assert [own[f"promo2_{name}"] for name in ("weeks", "months", "year")] == [-1, -1, -1]


def test_september_has_four_letters_here() -> None:
    assert months_of("Mar,Jun,Sept,Dec") == (3, 6, 9, 12)
    assert months_of("") == ()
    with pytest.raises(ValueError, match="not in tuple"):
        months_of("Mar,Jun,Septem,Dec")


# ---- periods ------------------------------------------------------------------------------------

DATES = np.arange(np.datetime64("2013-01-01"), np.datetime64("2015-08-01"))


def test_folds_are_the_last_48_days_and_the_same_a_year_earlier() -> None:
    folds = time_folds(DATES, 2)
    of = dict(zip(DATES.astype(str).tolist(), folds.tolist(), strict=True))
    assert [of[f"2015-{day}"] for day in ("06-13", "06-14", "07-31")] == [-1, 0, 0]
    assert [of[f"2014-{day}"] for day in ("06-13", "06-14", "07-31", "08-01")] == [-1, 1, 1, -1]
    assert (folds == 0).sum() == (folds == 1).sum() == 48
    assert period(DATES, 0)[0] == np.datetime64("2015-06-14")


def test_no_later_day_trains_an_earlier_fold() -> None:
    assert DATES[before(DATES, 0)].max() == np.datetime64("2015-06-13")
    assert DATES[before(DATES, 1)].max() == np.datetime64("2014-06-13")


def test_too_few_days_for_the_folds_are_told() -> None:
    with pytest.raises(DataError, match=r"fold 2 validates 2013-06-14 .* --set folds=2"):
        time_folds(DATES[151:], 3)  # from June on


# ---- codes --------------------------------------------------------------------------------------


def test_what_training_never_saw_is_unknown(tmp_path: Path) -> None:
    seen = pd.DataFrame({"kind": ["d", "a", "a"], "far": np.float32([1, 3, np.nan])})
    learned = Encoding.learned(seen, ["kind"], ["far"])
    learned.save(tmp_path / "encoding.json")
    encoding = Encoding.load(tmp_path / "encoding.json")
    asked = pd.DataFrame({"kind": ["a", "z", "d"], "far": np.float32([3, 1, np.nan])})
    assert encoding.encoded(asked)["kind"].tolist() == [1, 0, 2]
    # mean 2, spread 1; what is missing is the mean
    assert encoding.scaled(asked)[:, 0].tolist() == [1, -1, 0]
    assert encoding.filled(asked, "far").tolist() == [3, 1, 2]


def test_a_grid_has_a_place_for_every_day_of_every_store() -> None:
    days = days_of([7, 3], "2015-01-01", 2).drop(index=1).reset_index(drop=True)
    panel = Panel.of(days)
    grid = panel.grid(np.array([1.0, 2.0, 3.0]), np.nan)
    np.testing.assert_array_equal(grid, [[2.0, 3.0], [1.0, np.nan]])
    assert panel.rows(grid).tolist() == [1.0, 2.0, 3.0]
    assert panel.dates.astype(str).tolist() == ["2015-01-01", "2015-01-02"]
