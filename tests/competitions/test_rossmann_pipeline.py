"""Rossmann from the host's files to the answers: bad files, folds, both models, the test set."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from common.collect import Dense
from common.errors import DataError, SettingsError
from common.files import read_json
from common.fixtures import write_fixture
from common.neural import NeuralFold
from common.opening import train_items
from common.pipeline import ALL_ROWS, Context, Pipeline
from common.session import Session
from competitions.rossmann_store_sales import charts, fixture
from competitions.rossmann_store_sales.encoding import UNKNOWN
from competitions.rossmann_store_sales.net import RATIO, SoldLoss
from competitions.rossmann_store_sales.pipeline import PIPELINES, NetSettings, TreeSettings
from competitions.rossmann_store_sales.samples import encoding_of

NET, TREES = (PIPELINES[name].configured(PIPELINES[name].presets["smoke"]) for name in PIPELINES)
BOM = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rossmann") / "data"
    return write_fixture(folder, fixture.write, seed=0)


@pytest.fixture(scope="module")
def context(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The fixture, prepared, as training has it."""
    work = tmp_path_factory.mktemp("rossmann-work")
    prepared = Context(root=data, work=work, shared=work / "shared")
    NET.prepare(prepared)
    return prepared


@pytest.fixture(scope="module")
def items(context: Context) -> pd.DataFrame:
    return train_items(NET, context)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def copied(data: Path, tmp_path: Path, lines: list[str]) -> Context:
    """A copy of the fixture that may be changed, not prepared; what is said goes to `lines`."""
    shutil.copytree(data, tmp_path / "data")
    work = tmp_path / "work"
    session = Session(say=lines.append)
    return Context(root=tmp_path / "data", work=work, shared=work / "shared", session=session)


def edit(context: Context, name: str, change: Callable[[bytes], bytes]) -> None:
    path = context.root / name
    path.write_bytes(change(path.read_bytes()))


def tables_of(context: Context) -> dict[str, pd.DataFrame]:
    text = {"StateHoliday": str, "Open": str}
    return {
        path.stem: pd.read_csv(path, dtype=text, keep_default_na=False)
        for path in context.root.glob("*.csv")
    }


# ---- the fixture --------------------------------------------------------------------------------


def test_the_fixture_holds_every_case_that_the_host_has(data: Path, context: Context) -> None:
    tables = tables_of(context)
    train, test, stores = (tables[name] for name in ("train", "test", "store"))
    assert (data / "train.csv").read_bytes().startswith(b'"Store","DayOfWeek","Date"')
    assert (data / "store.csv").read_bytes().count(b"\r\n") == 61
    assert set(train["StateHoliday"]) == {"0", "a", "b", "c"}
    assert ((train["Open"] == "1") & (train["Sales"] == 0)).sum() == 3
    assert (train["Open"] == "0").sum() > 5_000
    assert train.groupby("Store").size().value_counts().to_dict() == {577: 58, 393: 1, 576: 1}
    assert set(range(1, 61)) - set(test["Store"]) == {30}
    empty = test["Open"] == ""
    assert (empty.sum(), set(test["Store"][empty])) == (10, {7})
    assert (stores["CompetitionDistance"] == "").sum() == 2
    assert (stores["CompetitionOpenSinceYear"] == "1900").sum() == 1
    assert (stores["PromoInterval"][stores["Promo2"] == 0] == "").all()
    assert (stores["PromoInterval"] == "Mar,Jun,Sept,Dec").any()
    assert (stores["StoreType"].value_counts() == 1).sum() == 1
    assert "HB,NI" in set(tables["store_states"]["State"])
    assert train["Date"].is_monotonic_decreasing
    assert test["Id"].tolist() == list(range(1, len(test) + 1))


def test_the_fixture_is_as_hard_as_it_was_measured(data: Path) -> None:
    rungs = {rung["name"]: rung["score"] for rung in read_json(data / "FIXTURE.json")["rungs"]}
    assert rungs["noise floor"] == pytest.approx(0.091, abs=0.003)
    table = rungs["median by store, weekday and promotion, last year"]
    assert table == pytest.approx(0.103, abs=0.003)


# ---- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda text: BOM + text,
        lambda text: text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\r\n", b"\n").removesuffix(b"\n"),
    ],
)
def test_every_spelling_of_the_files_gives_the_same_items(
    copied: Context, items: pd.DataFrame, change: Callable[[bytes], bytes]
) -> None:
    for name in ("train.csv", "test.csv", "store.csv", "sample_submission.csv"):
        edit(copied, name, change)
    pd.testing.assert_frame_equal(train_items(NET, copied), items)


def test_state_holidays_are_text_whatever_stands_around_them(
    copied: Context, items: pd.DataFrame
) -> None:
    edit(copied, "train.csv", lambda text: text.replace(b'"0"', b"0"))
    found = train_items(NET, copied)
    assert found["state_holiday"].tolist() == items["state_holiday"].tolist()


SECOND = b"\n2,5,2015-07-31"  # the first row of store 2


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("train.csv", lambda text: text.replace(b'"Promo"', b'"Offer"'), "no column 'Promo'"),
        ("test.csv", lambda text: text.replace(b'"Open",', b""), "no column 'Open'"),
        ("train.csv", lambda text: text[:-9], r"row 34435 .* has . of 9 cells; the file was cut"),
        ("train.csv", lambda text: text[:-2], "ends inside a quoted cell; the file was cut"),
        (
            "train.csv",
            lambda text: text.replace(SECOND, b"\n2,5,2015-07-32"),
            r"row 2 \(line 3\), column 'Date' holds '2015-07-32'; expected a date",
        ),
        (
            "train.csv",
            lambda text: text.replace(SECOND, b"\n2,5,31.07.2015"),
            "column 'Date' holds '31.07.2015'",
        ),
        (
            "train.csv",
            lambda text: text.replace(SECOND, b"\n2,5,2051-07-31"),
            "go from 2014-01-01 to 2051-07-31; expected at most 4,000 days",
        ),
        (
            "train.csv",
            lambda text: text.replace(SECOND + b",", SECOND + b",-"),
            r"row 2 \(line 3\), column 'Sales' holds '-\d+'; expected a whole number of at least 0",
        ),
        (
            "train.csv",
            lambda text: text.replace(SECOND, b"\n1,5,2015-07-31"),
            r"row 2 \(line 3\) is the second one of store 1 on 2015-07-31 \(1 rows",
        ),
        (
            "train.csv",
            lambda text: text.replace(SECOND, b"\n777,5,2015-07-31"),
            "store.csv lacks 1 stores of train.csv, the first is 777",
        ),
        ("train.csv", lambda text: text.replace(b'"c"', b'"d"'), "column 'StateHoliday' holds 'd'"),
        (
            "store.csv",
            lambda text: text.replace(b"Sept", b"Herbst"),
            "column 'PromoInterval' holds",
        ),
        (
            "store.csv",
            lambda text: text + text.splitlines(keepends=True)[1],
            r"row 61 \(line 62\) is the second one of store 1",
        ),
        ("store.csv", lambda text: text.replace(b"1,1900", b"13,1900"), "SinceMonth' holds '13'"),
        (
            "test.csv",
            lambda text: text.replace(b"\n1,1,4,2015-09-17", b"\n1,1,5,2015-07-31"),
            r"row 1 \(line 2\) asks for store 1 on 2015-07-31, which train.csv holds \(1 rows",
        ),
        ("test.csv", lambda text: text.splitlines(keepends=True)[0], "a header and no rows"),
    ],
)
def test_a_bad_file_is_told_in_one_line_before_anything_is_trained(
    copied: Context, name: str, change: Callable[[bytes], bytes], words: str
) -> None:
    edit(copied, name, change)
    with pytest.raises(DataError, match=words) as caught:
        NET.prepare(copied)
    assert "\n" not in str(caught.value)
    assert ".csv" in str(caught.value)


def test_a_train_file_without_a_past_is_told(copied: Context) -> None:
    def newest(text: bytes) -> bytes:
        return b"".join(text.splitlines(keepends=True)[: 1 + 48 * 60])

    edit(copied, "train.csv", newest)
    with pytest.raises(DataError, match="has no sales before its last 48 days"):
        NET.prepare(copied)


# ---- items, folds -------------------------------------------------------------------------------


def test_sales_and_customers_are_no_features(context: Context, items: pd.DataFrame) -> None:
    names = encoding_of(context).names
    assert not {"Sales", "Customers", "sales", "customers"} & set(names)
    assert set(names) <= set(NET.items("test", context))


def test_sales_of_a_held_out_period_reach_nothing_that_its_model_sees(
    copied: Context, items: pd.DataFrame, context: Context
) -> None:
    """Sales and customers of the last 48 days become others; every feature stays, and so do the
    codes, the scales and the rows that train."""
    train = pd.read_csv(copied.root / "train.csv", dtype=str)
    late = train["Date"] >= "2015-06-14"
    for name in ("Sales", "Customers"):
        train.loc[late, name] = (3 * train.loc[late, name].astype(int) + 1).astype(str)
    train.to_csv(copied.root / "train.csv", index=False, quoting=csv.QUOTE_ALL)
    found = train_items(NET, copied)
    assert not found["Sales"].equals(items["Sales"])
    pd.testing.assert_frame_equal(found.drop(columns="Sales"), items.drop(columns="Sales"))
    assert encoding_of(copied) == encoding_of(context)
    assert NET.splits(found, 0)[0].tolist() == NET.splits(items, 0)[0].tolist()


def test_days_with_sales_train_and_all_days_of_the_period_are_answered(items: pd.DataFrame) -> None:
    train, valid = NET.splits(items, 0)
    assert (items["Sales"].iloc[train] > 0).all()
    assert items["date"].iloc[train].max() == pd.Timestamp("2015-06-13")
    assert len(valid) == 48 * 60
    assert (items["Sales"].iloc[valid] == 0).any()
    everything, nothing = NET.splits(items, ALL_ROWS)
    assert len(nothing) == 0
    assert len(everything) == (items["Sales"] > 0).sum()


def test_a_second_fold_trains_on_what_was_before_it(context: Context) -> None:
    pipeline = NET.configured(NetSettings(folds=2))
    items = train_items(pipeline, context)
    train, valid = pipeline.splits(items, 1)
    assert items["date"].iloc[train].max() == pd.Timestamp("2014-06-13")
    assert set(items["fold"].iloc[valid]) == {1}
    # it validates, but a model of a year ago does not answer the test set
    parts = [Dense(np.array(["a"]), np.array([[value]]), ("p_Sales",)) for value in (1.0, 9.0)]
    assert pipeline.combine(parts).values.tolist() == [[1.0]]


def test_one_fold_is_enough_here_and_none_is_not() -> None:
    assert NetSettings().folds == TreeSettings().folds == 1
    with pytest.raises(SettingsError, match="folds is 0; expected at least 1"):
        TreeSettings(folds=0)


@pytest.mark.parametrize("layers", [(), (0,)])
def test_layers_that_cannot_be_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="layers"):
        NetSettings(layers=layers)


# ---- the answers --------------------------------------------------------------------------------


def answered(sales: list[float], truth: list[float]) -> dict[str, float]:
    names = [f"{store}_2015-07-31" for store in range(1, 1 + len(truth))]
    oof = Dense(np.array(names), np.array(sales)[:, None], ("p_Sales",))
    return NET.decide(oof, pd.DataFrame({"Id": names, "Sales": truth}))


def test_the_factor_is_the_best_one_for_the_shares() -> None:
    # shares 1.1 and 0.95: (1.1 + 0.95) / (1.21 + 0.9025); a day without sales says nothing
    assert answered([110, 190, 5000], [100, 200, 0]) == {"factor": pytest.approx(0.970414)}
    assert answered([100, 200], [100, 200]) == {"factor": 1.0}
    # one day that sold next to nothing does not decide
    assert answered([100, 200, 9000], [100, 200, 9]) == {"factor": 0.9}
    assert answered([100], [0]) == {}


def test_the_factor_of_a_lognormal_spread_is_the_known_one() -> None:
    truth = 5000 * np.exp(np.random.default_rng(0).normal(0, 0.1, 20_000))
    factor = answered([5000.0] * len(truth), truth.tolist())["factor"]
    assert factor == pytest.approx(0.985, abs=0.002)


def test_closed_days_are_answered_by_0_and_empty_ones_count_as_open(context: Context) -> None:
    items = NET.items("test", context)
    ones = Dense(items["sample"].to_numpy(), np.full((len(items), 1), 100.0), ("p_Sales",))
    rows = dict(NET.submission(items, ones, {"factor": 0.5}))
    assert len(rows) == len(items)
    with (context.root / "test.csv").open(newline="") as stream:
        asked = {row["Id"]: row["Open"] for row in csv.DictReader(stream)}
    for state, answer in (("1", 50.0), ("0", 0.0), ("", 50.0)):
        of_state = {rows[key] for key, open_ in asked.items() if open_ == state}
        assert of_state == {answer}
    without = dict(NET.submission(items, ones, {}))
    assert max(without.values()) == pytest.approx(98.5)


# ---- the test set -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 3, 5000])
def test_a_test_set_of_any_length_is_answered(
    data: Path, context: Context, tmp_path: Path, n_rows: int
) -> None:
    shutil.copytree(data, tmp_path / "data")
    fixture.with_test_rows(data, tmp_path / "data", n_rows)
    other = replace(context, root=tmp_path / "data", shared=context.shared)
    items = NET.items("test", other)
    assert items["id"].tolist() == [str(number) for number in range(1, n_rows + 1)]
    assert items["sample"].is_unique
    answers = untrained(NET, context).predict(items)
    assert np.isfinite(answers.values).all()


def untrained(pipeline: Pipeline, context: Context) -> NeuralFold:
    torch.manual_seed(0)
    return NeuralFold(pipeline, pipeline.model(context).eval(), context)


@pytest.mark.parametrize(
    ("in_stores", "words"),
    [
        (True, "1 stores that train.csv lacks, the first is 999; they are answered by what store"),
        (False, "1 stores that store.csv lacks, the first is 999; they are answered by the cal"),
    ],
)
def test_a_store_that_training_never_saw_is_answered_and_told(
    copied: Context, lines: list[str], in_stores: bool, words: str
) -> None:
    edit(copied, "test.csv", lambda text: text.replace(b"\n1,1,4,", b"\n1,999,4,"))
    if in_stores:
        edit(copied, "store.csv", lambda text: text + b'999,"a","a",10,,,0,,,""\r\n')
    NET.prepare(copied)
    items = NET.items("test", copied)
    first = items.iloc[0]
    assert (first["sample"], first["store"]) == ("999_2015-09-17", UNKNOWN)
    assert first["history_missing"] == 1
    assert (first["store_type"] == UNKNOWN) != in_stores
    (told,) = [line for line in lines if line.startswith("warning: test.csv asks for")]
    assert words in told
    assert np.isfinite(untrained(NET, copied).predict(items.iloc[:1]).values).all()


def test_a_finished_run_keeps_what_it_was_trained_with(context: Context, copied: Context) -> None:
    run = replace(copied, shared=copied.root.parent / "run" / "shared")
    shutil.copytree(context.shared, run.shared)
    (run.root / "train.csv").unlink()  # predicting needs it no more
    (run.root / "store_states.csv").unlink()
    NET.prepare(run)
    pd.testing.assert_frame_equal(NET.items("test", run), NET.items("test", context))


def test_files_from_outside_are_optional(copied: Context, lines: list[str]) -> None:
    (copied.root / "store_states.csv").unlink()
    items = train_items(NET, copied)
    assert "state" not in items
    assert [line for line in lines if "goes on without store_states.csv, googletrend" in line]


# ---- the models ---------------------------------------------------------------------------------


def test_an_answer_begins_at_what_is_usual_for_the_day(
    context: Context, items: pd.DataFrame
) -> None:
    some = items[items["history_missing"] == 0].iloc[:500]
    logs = np.log(untrained(NET, context).predict(some).values[:, 0])
    assert np.abs(logs - some["like_year"]).max() < RATIO
    assert np.corrcoef(logs, some["like_year"])[0, 1] > 0.8


def test_a_hidden_store_is_shown_without_its_history(context: Context, items: pd.DataFrame) -> None:
    all_hidden = NET.configured(replace(NET.settings, hidden_stores=0.999999, dropout=0.0))
    net = all_hidden.model(context)
    seen: list[torch.Tensor] = []
    net.embeds[net.store].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    batch = next(iter(NET.test_loader(items.iloc[:64], context)))
    net.train()
    net(*batch)
    net.eval()
    net(*batch)
    assert seen[0].tolist() == [UNKNOWN] * 64
    assert seen[1].tolist() == items["store"].iloc[:64].tolist()


def test_days_without_sales_have_no_part_in_the_loss() -> None:
    predicted = torch.tensor([[1.0], [5.0], [9.0]])
    target = torch.tensor([[2.0], [float("nan")], [12.0]])
    assert SoldLoss()(predicted, target).item() == 2.0
    assert SoldLoss()(predicted, torch.full((3, 1), float("nan"))).item() == 0.0


def test_trees_beat_the_median_table_and_come_back_from_disk(
    context: Context, items: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    model = TREES.configured(replace(TREES.settings, trees=60)).fit_fold(items, 0, context)
    valid = items.iloc[NET.splits(items, 0)[1]]
    answers = model.predict(valid)
    model.save(tmp_path)
    again = TREES.load_fold(tmp_path, context).predict(valid)
    np.testing.assert_allclose(again.values, answers.values, rtol=1e-12)
    sold = valid["Sales"].to_numpy() > 0
    shares = 0.985 * answers.values[sold, 0] / valid["Sales"].to_numpy()[sold]
    error = float(np.sqrt(np.mean((1 - shares) ** 2)))
    assert 0.088 < error < 0.1


# ---- the charts ---------------------------------------------------------------------------------


def test_charts_are_of_the_scored_rows_with_the_factor() -> None:
    names = ["7_2015-07-30", "7_2015-07-31", "12_2015-07-30", "12_2015-07-31"]
    oof = pd.DataFrame({"sample": names, "fold": 0, "Sales": [100.0, 0, 50, 100]})
    errors = charts.relative_errors(oof.assign(p_Sales=[220.0, 9, 100, 160]), "Sales", 0.5)
    assert errors["error"].tolist() == pytest.approx([0.1, 0, -0.2])
    assert errors["store"].tolist() == ["7", "12", "12"]
    worst = charts.rmspe_of(errors, "store")
    assert worst.index.tolist() == ["12", "7"]
    assert worst.tolist() == pytest.approx([0.02**0.5, 0.1])
    anchors = [figure.anchor for figure in charts.figures(errors)]
    assert anchors == ["by-store", "by-day", "by-month", "over-time"]
    assert charts.figures(errors.iloc[:0]) == ()
