"""Sixty drug stores over 577 days, and 48 days to forecast, in the host's layout and quoting.

Sales are base (of the store) × profile of the week × gain by promotion (of the store) × trend (of
the store) × December × noise, all multiplied; what the spread of the noise is, nothing can be
better than.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.fixtures import rung
from competitions.rossmann_store_sales.spec import SPEC

VERSION = 1
N_STORES, N_TRAIN_DAYS, N_TEST_DAYS = 60, 577, 48
FIRST = datetime.date(2014, 1, 1)
NOISE = 0.09
WEEK = (1.18, 1.03, 0.98, 0.98, 1.05, 0.88, 0.6)  # Monday to Sunday
TREND = 0.075  # spread of the stores' yearly growth, on the log scale
DECEMBER = 1.25
PUBLIC, EASTER, CHRISTMAS = "abc"
HOLIDAYS = {
    (1, 1): PUBLIC, (5, 1): PUBLIC, (10, 3): PUBLIC, (8, 15): PUBLIC,
    (12, 25): CHRISTMAS, (12, 26): CHRISTMAS,
}  # fmt: skip
EASTERS = (datetime.date(2014, 4, 18), datetime.date(2014, 4, 21), datetime.date(2015, 4, 3),
           datetime.date(2015, 4, 6))  # fmt: skip
SCHOOL = ((1, 1, 1, 5), (4, 10, 4, 24), (7, 20, 8, 31), (12, 20, 12, 31))  # from, until
GAP = (datetime.date(2014, 7, 1), datetime.date(2014, 12, 31))  # of one store
NO_SALES = ((3, 40), (17, 200), (41, 500))  # store and day: open, and nobody came
STATES = ("NW", "BY", "SH", "HB,NI", "BE")
REBUILT, NOT_ASKED, OFTEN_EMPTY, EVERY_DAY = 12, 29, 6, 4  # places of stores
MARCH = "Mar,Jun,Sept,Dec"
TRAIN_HEADER = (
    *("Store", "DayOfWeek", "Date", "Sales", "Customers"),
    *("Open", "Promo", "StateHoliday", "SchoolHoliday"),
)
TEST_HEADER = ("Id", *TRAIN_HEADER[:3], *TRAIN_HEADER[5:])


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes the host's four files, store_states.csv and solution.csv."""
    world = _World.drawn(np.random.default_rng(seed))
    _write(folder / "store.csv", _store_header(), _store_rows(world), newline="\r\n")
    train, test = world.rows(range(N_TRAIN_DAYS)), world.rows(range(N_TRAIN_DAYS, world.n_days))
    test = [(store, day) for store, day in test if store != NOT_ASKED]
    _write(folder / "train.csv", TRAIN_HEADER, (_train_row(world, *at) for at in train))
    asked = enumerate(test, 1)
    _write(folder / "test.csv", TEST_HEADER, (_test_row(world, k, *at) for k, at in asked))
    answers = world.sales[tuple(np.array(test).T)]
    header = SPEC.submission.header
    _write(folder / "sample_submission.csv", header, ((str(k + 1), "0") for k in range(len(test))))
    _write(
        folder / "solution.csv",
        header,
        ((str(k), str(sales)) for k, sales in enumerate(answers.tolist(), 1)),
    )
    states = ((str(k + 1), _text(STATES[k % len(STATES)])) for k in range(N_STORES))
    _write(folder / "store_states.csv", ("Store", "State"), states)
    return {
        "version": VERSION,
        "synthetic": True,
        "called": f"synthetic data for {SPEC.title}",
        "rungs": _rungs(world, np.array(train), np.array(test)),
    }


def with_test_rows(data: Path, out: Path, n_rows: int) -> None:
    """Writes a test set of `n_rows` rows into `out`: those of `data`, and again seven weeks later
    and later, under the ids 1, 2, 3 …"""
    test, sample = (SPEC.file(role).name for role in ("test", "sample_submission"))
    with (data / test).open(encoding="utf-8", newline="") as stream:
        _, *known = csv.reader(stream)
    rows = []
    for number in range(n_rows):
        row = list(known[number % len(known)])
        later = datetime.timedelta(weeks=7 * (number // len(known)))
        date = datetime.date.fromisoformat(row[3]) + later
        rows.append((str(number + 1), *row[1:3], str(date), *row[4:6], *map(_text, row[6:])))
    _write(out / test, TEST_HEADER, rows)
    _write(out / sample, SPEC.submission.header, ((str(k + 1), "0") for k in range(n_rows)))


@dataclass(frozen=True)
class _World:
    """All days of all stores, as grids (N_STORES, n_days).

    Args:
        sales: whole numbers, 0 on closed days.
        clean: sales without noise.
        there: the days that the tables hold.
    """

    dates: list[datetime.date]
    sales: np.ndarray
    clean: np.ndarray
    customers: np.ndarray
    open: np.ndarray
    promo: np.ndarray
    there: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> _World:
        n_days = N_TRAIN_DAYS + N_TEST_DAYS
        dates = [FIRST + datetime.timedelta(days=k) for k in range(n_days)]
        weekday = np.array([date.weekday() for date in dates])
        week = np.arange(n_days) + FIRST.weekday()
        promo = np.broadcast_to((week // 7 % 2 == 0) & (weekday < 5), (N_STORES, n_days))
        base = rng.lognormal(8.7, 0.35, (N_STORES, 1))
        gain = rng.uniform(1.2, 1.5, (N_STORES, 1))
        trend = rng.normal(0, TREND, (N_STORES, 1)) * (np.arange(n_days) / 365)
        december = np.where([date.month == 12 for date in dates], DECEMBER, 1.0)
        clean = base * np.array(WEEK)[weekday] * np.where(promo, gain, 1.0)
        clean = clean * np.exp(trend) * december
        is_open = np.broadcast_to(weekday < 6, (N_STORES, n_days)).copy()
        is_open[EVERY_DAY] = True
        is_open[:, [_holiday(date) != "0" for date in dates]] = False
        is_open[EVERY_DAY, [_holiday(date) == PUBLIC for date in dates]] = True
        noisy = np.rint(clean * np.exp(rng.normal(0, NOISE, clean.shape))).astype(np.int64)
        sales = np.where(is_open, noisy, 0)
        for store, day in NO_SALES:
            is_open[store, day], sales[store, day] = True, 0
        customers = np.rint(sales / rng.lognormal(2.1, 0.15, (N_STORES, 1))).astype(np.int64)
        there = np.ones((N_STORES, n_days), dtype=bool)
        there[REBUILT, [GAP[0] <= date <= GAP[1] for date in dates]] = False
        there[N_STORES - 1, 0] = False
        return cls(dates, sales, clean, customers, is_open, promo, there)

    @property
    def n_days(self) -> int:
        return len(self.dates)

    def rows(self, days: range) -> list[tuple[int, int]]:
        """Places (store, day), the newest day first, then by store."""
        return [
            (store, day)
            for day in reversed(days)
            for store in range(N_STORES)
            if self.there[store, day]
        ]


def _holiday(date: datetime.date) -> str:
    return EASTER if date in EASTERS else HOLIDAYS.get((date.month, date.day), "0")


def _school(date: datetime.date) -> str:
    at = (date.month, date.day)
    return str(int(any((a, b) <= at <= (c, d) for a, b, c, d in SCHOOL)))


def _day_cells(world: _World, store: int, day: int) -> tuple[str, str, str]:
    date = world.dates[day]
    return str(store + 1), str(date.isoweekday()), str(date)


def _train_row(world: _World, store: int, day: int) -> Sequence[str]:
    date = world.dates[day]
    return (
        *_day_cells(world, store, day),
        str(world.sales[store, day]),
        str(world.customers[store, day]),
        str(int(world.open[store, day])),
        str(int(world.promo[store, day])),
        _text(_holiday(date)),
        _text(_school(date)),
    )


def _test_row(world: _World, number: int, store: int, day: int) -> Sequence[str]:
    is_open, date = world.open[store, day], world.dates[day]
    left_empty = store == OFTEN_EMPTY and is_open and day % 4 == 0
    return (
        str(number),
        *_day_cells(world, store, day),
        "" if left_empty else str(int(is_open)),
        str(int(world.promo[store, day])),
        _text(_holiday(date)),
        _text(_school(date)),
    )


def _store_header() -> tuple[str, ...]:
    file = SPEC.file("stores")
    return file.columns


def _store_rows(world: _World) -> Iterable[Sequence[str]]:
    """What the stores are: cells without any bearing on the sales, with all of the host's gaps."""
    intervals = ("Jan,Apr,Jul,Oct", "Feb,May,Aug,Nov", MARCH)
    for store in range(N_STORES):
        kind = "b" if store == EVERY_DAY else "acd"[store % 3]
        opened = ("", "") if store % 3 == 1 else (str(1 + store % 12), str(2000 + store % 16))
        if store in (20, 21):
            opened = ("1", "1900") if store == 20 else ("6", "1987")
        distance = "" if store in (9, 33) else str(10 * (7 * store % 97 + 1))
        promo2 = ("0", "", "", '""')
        if store % 2:
            interval = _text(intervals[store // 2 % 3])
            promo2 = ("1", str(1 + 3 * store % 52), str(2011 + store % 5), interval)
        assortment = _text("acb"[0 if store % 2 else 1 + (store == 8)])
        yield str(store + 1), _text(kind), assortment, distance, *opened, *promo2


def _text(cell: str) -> str:
    return f'"{cell}"'


def _write(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], newline: str = "\n"
) -> None:
    """Writes a CSV as the host does: names and text in quotes, dates and numbers not."""
    lines = [",".join(map(_text, header)), *(",".join(row) for row in rows)]
    path.write_bytes((newline.join(lines) + newline).encode())


# ---- what simple answers score ------------------------------------------------------------------


def _rungs(world: _World, train: np.ndarray, test: np.ndarray) -> list[dict[str, Any]]:
    """Simple answers, measured on the test days that sold something."""
    truth = world.sales[tuple(test.T)].astype(np.float64)
    test, truth = test[truth > 0], truth[truth > 0]
    known = train[world.sales[tuple(train.T)] > 0]
    year = known[known[:, 1] >= N_TRAIN_DAYS - 365]
    everyone = float(np.median(world.sales[tuple(known.T)]))
    floor = world.clean[tuple(test.T)] * np.exp(-1.5 * NOISE**2)
    answers = {
        "sample submission, all 0": np.zeros(len(truth)),
        "median of all days": np.full(len(truth), everyone),
        "median of the store": _medians(world, known, test, everyone, by_kind=False),
        "the newest like day": _newest(world, test, everyone),
        "median by store, weekday and promotion, last year": _medians(
            world, year, test, everyone, by_kind=True
        ),
        "noise floor": floor,
    }
    source = f"measured on the {len(truth):,} synthetic test days with sales"
    return [
        rung(name, float(np.sqrt(np.mean((1 - answer / truth) ** 2))), source)
        for name, answer in answers.items()
    ]


def _kinds(world: _World, places: np.ndarray) -> np.ndarray:
    """A number for the weekday and the promotion of days."""
    weekday = (places[:, 1] + FIRST.weekday()) % 7
    kinds: np.ndarray = 2 * weekday + world.promo[tuple(places.T)]
    return kinds


def _medians(
    world: _World, known: np.ndarray, asked: np.ndarray, else_: float, *, by_kind: bool
) -> np.ndarray:
    """The medians of the same store's sales, on days of the same kind where asked for."""

    def keys(places: np.ndarray) -> np.ndarray:
        found: np.ndarray = 14 * places[:, 0] + (_kinds(world, places) if by_kind else 0)
        return found

    sales, own = world.sales[tuple(known.T)], keys(known)
    medians = {key: float(np.median(sales[own == key])) for key in np.unique(own).tolist()}
    return np.array([medians.get(key, else_) for key in keys(asked).tolist()])


def _newest(world: _World, asked: np.ndarray, else_: float) -> np.ndarray:
    """The sales of the last known day of the same store, weekday and promotion."""
    days = np.arange(N_TRAIN_DAYS)
    found = []
    for store, day in asked:
        like = (days % 7 == day % 7) & (
            world.promo[store, :N_TRAIN_DAYS] == world.promo[store, day]
        )
        sold = world.sales[store, :N_TRAIN_DAYS][like]
        found.append(sold[sold > 0][-1] if (sold > 0).any() else else_)
    return np.array(found, dtype=np.float64)
