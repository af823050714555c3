"""The charts of a run: relative errors of days, months and the worst stores; one store's course."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from common.figures import Figure

WORST = 20  # stores that are shown
PERCENT = 100


def relative_errors(oof: pd.DataFrame, target: str, factor: float) -> pd.DataFrame:
    """The scored out-of-fold rows: store (text), date, fold, truth, answer, and the error as a
    share of the truth, positive where too much was answered.

    Args:
        oof: the columns sample (store and date), fold, the target, and its prediction.
        factor: times the predictions.
    """
    scored = oof[oof[target] > 0]
    parts = scored["sample"].str.rpartition("_")
    truth, answer = scored[target].to_numpy(), factor * scored[f"p_{target}"].to_numpy()
    return pd.DataFrame(
        {
            "store": parts[0].to_numpy(),
            "date": pd.to_datetime(parts[2]).to_numpy(),
            "fold": scored["fold"].to_numpy(),
            "truth": truth,
            "answer": answer,
            "error": answer / truth - 1,
        }
    )


def figures(errors: pd.DataFrame) -> tuple[Figure, ...]:
    """The charts of `relative_errors`; none where no row is scored."""
    if errors.empty:
        return ()
    latest = errors[errors["fold"] == errors["fold"].min()]
    return by_store(errors), by_day(latest), by_month(errors), over_time(latest)


def rmspe_of(errors: pd.DataFrame, key: str) -> pd.Series:
    """The root of the mean squared error of each group, the worst first."""
    squares = errors["error"] ** 2
    means = squares.groupby(errors[key]).mean() ** 0.5
    return means.sort_values(ascending=False, kind="stable")


def by_store(errors: pd.DataFrame) -> Figure:
    """The stores with the largest errors."""
    worst = rmspe_of(errors, "store").iloc[:WORST]
    bias = errors.groupby("store")["error"].mean()[worst.index]

    def paint(axes: Any) -> None:
        places = range(len(worst))
        axes.bar(places, PERCENT * worst, color="C0", label="RMSPE")
        axes.plot(places, PERCENT * bias, "o", color="C1", label="mean error")
        axes.axhline(0, color="C2", linewidth=0.8)
        axes.set_xticks(places, worst.index)
        axes.set_xlabel("store")
        axes.set_ylabel("% of the truth")
        axes.legend(ncols=2, frameon=False)

    caption = (
        f"The {len(worst)} stores with the largest errors, of {errors['store'].nunique():,}; a "
        "mean error above 0 says that too much is answered."
    )
    return Figure("by-store", "Error of the worst stores", caption, paint)


def by_day(errors: pd.DataFrame) -> Figure:
    """The error of each day, of all stores together."""
    means = np.sqrt((errors["error"] ** 2).groupby(errors["date"]).mean())
    bias = errors.groupby("date")["error"].mean()

    def paint(axes: Any) -> None:
        axes.plot(means.index, PERCENT * means, color="C0", label="RMSPE")
        axes.plot(bias.index, PERCENT * bias, color="C1", label="mean error")
        axes.axhline(0, color="C2", linewidth=0.8)
        axes.set_ylabel("% of the truth")
        axes.tick_params(axis="x", rotation=30)
        axes.legend(ncols=2, frameon=False)

    caption = "The error of each held-out day over all stores: does it grow with the distance?"
    return Figure("by-day", "Error of each day", caption, paint)


def by_month(errors: pd.DataFrame) -> Figure:
    """The error of each month."""
    months = errors.assign(month=errors["date"].dt.strftime("%Y-%m"))
    means = rmspe_of(months, "month").sort_index()

    def paint(axes: Any) -> None:
        axes.bar(range(len(means)), PERCENT * means, color="C0")
        axes.set_xticks(range(len(means)), means.index)
        axes.set_ylabel("RMSPE, % of the truth")

    return Figure("by-month", "Error of each month", "All stores, held-out days.", paint)


def over_time(errors: pd.DataFrame) -> Figure:
    """Answers and truth of one store, whose error is the middle one of all."""
    ranked = rmspe_of(errors, "store")
    store = ranked.index[len(ranked) // 2]
    own = errors[errors["store"] == store].sort_values("date")

    def paint(axes: Any) -> None:
        axes.plot(own["date"], own["truth"], color="C1", label="true")
        axes.plot(own["date"], own["answer"], ".-", color="C0", label="predicted")
        axes.set_ylabel("sales of a day")
        axes.tick_params(axis="x", rotation=30)
        axes.legend(ncols=2, frameon=False)

    caption = (
        f"Store {store}, RMSPE {ranked[store]:.3f}, the middle one of {len(ranked):,}; the days on "
        "which nothing was sold are left out."
    )
    return Figure("over-time", "Predicted and true sales of one store", caption, paint)
